"""Apps of CDK Terrain whose images an Aspect redirects: two environments in one, and what comes too late."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform.conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

APP = """
import json
import sys
from pathlib import Path

import jsii
from cdktn import App, Aspects, Fn, IAspect, TerraformResource, TerraformStack, TerraformVariable
from constructs import Construct

from orchestrator.constructs.terrain import ClusterImages
from orchestrator.project import Project

project = Project(Path("."))
app = App(outdir="cdktf.out")
web, gov = TerraformStack(app, "web"), TerraformStack(app, "gov")
team = Construct(web, "team")


def made(scope, name, kind, **values):
    resource = TerraformResource(scope, name, terraform_resource_type=kind)
    for key, value in values.items():
        resource.add_override(key, value)
    return resource


def pod(scope, name, *images):
    return made(scope, name, "kubernetes_pod", spec=[{"container": [{"image": image} for image in images]}])


tag = TerraformVariable(web, "tag", type="string")
topic = made(web, "topic", "aws_sns_topic")
first = pod(team, "pod", "nginx:1", "quay.io/a/b:" + tag.string_value)
definitions = [{"image": "quay.io/a/b:1", "topic": topic.get_string_attribute("arn")}]
made(web, "written", "aws_ecs_task_definition", container_definitions=json.dumps(definitions))
made(web, "encoded", "aws_ecs_task_definition", container_definitions=Fn.jsonencode(definitions))
made(web, "chart", "helm_release", values=[Fn.yamlencode({"image": "quay.io/a/b:1"})], set=[{"name": "image", "value": "nginx:1"}])
pod(gov, "pod", "nginx:1")


@jsii.implements(IAspect)
class Sidecars:
    def visit(self, node):
        if node.node.path == "web/written" and web.node.try_find_child("sidecar") is None:
            pod(node.node.scope, "sidecar", "quay.io/a/sidecar:1")


prod = ClusterImages(web, "images", environment=project.load("prod"))
if "between" in sys.argv:
    web.add_override(f"resource.kubernetes_pod.{first.friendly_unique_id}.spec", [{"container": [{"image": "nginx:2"}]}])
prod.redirect_everything(app)
prod.redirect_everything(app)
ClusterImages(gov, "images", environment=project.load("govcloud")).redirect_everything(gov)
Aspects.of(web).add(Sidecars())
if "late" in sys.argv:
    TerraformStack(app, "late")
app.synth()
# Again, as a watching command does.
app.synth()
"""


def synthesise(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    if not (folder / "environments").exists():
        ignored = shutil.ignore_patterns(".terraform*")
        shutil.copytree(REPOSITORY / "environments", folder / "environments", ignore=ignored)
        (folder / "app.py").write_text(APP, "utf-8")
    command = [sys.executable, "app.py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def resources(folder: Path, stack: str) -> dict[str, Any]:
    """{construct's path: its values}."""
    document = json.loads((folder / "cdktf.out/stacks" / stack / "cdk.tf.json").read_text("utf-8"))
    named = (values for kind in document["resource"].values() for values in kind.values())
    return {values["//"]["metadata"]["path"]: values for values in named}


def test_each_stack_has_the_images_of_its_environment(tmp_path: Path) -> None:
    done = synthesise(tmp_path)
    assert done.returncode == 0, done.stderr
    prod = "222233334444.dkr.ecr.us-east-1.amazonaws.com"
    web = resources(tmp_path, "web")
    assert web["web/team/pod"]["spec"] == [
        {"container": [{"image": f"{prod}/docker-hub/library/nginx:1"}, {"image": "quay.io/a/b:${var.tag}"}]}
    ]
    arn = "aws_sns_topic.topic.arn"
    assert web["web/written"]["container_definitions"] == (f'[{{"image": "{prod}/quay/a/b:1", "topic": "${{{arn}}}"}}]')
    assert web["web/encoded"]["container_definitions"] == (
        f'${{jsonencode([{{"image" = "{prod}/quay/a/b:1", "topic" = {arn}}}])}}'
    )
    assert web["web/chart"]["values"] == [f'${{yamlencode({{"image" = "{prod}/quay/a/b:1"}})}}']
    assert web["web/chart"]["set"] == [{"name": "image", "value": f"{prod}/docker-hub/library/nginx:1"}]
    # An Aspect that comes later made it.
    assert web["web/sidecar"]["spec"] == [{"container": [{"image": f"{prod}/quay/a/sidecar:1"}]}]
    gov = "555566667777.dkr.ecr.us-gov-west-1.amazonaws.com"
    assert resources(tmp_path, "gov")["gov/pod"]["spec"] == [
        {"container": [{"image": f"{gov}/docker-hub/library/nginx:1"}]}
    ]
    manifest = json.loads((tmp_path / "cdktf.out/manifest.json").read_text("utf-8"))
    said = {note["message"] for stack in manifest["stacks"].values() for note in stack["annotations"]}
    assert said == {
        'web/team/pod: spec[0].container[1].image has "quay.io/a/b:${var.tag}", which is known at deployment only. '
        "It stays as it is."
    }


def test_a_stack_that_comes_too_late_and_overrides_in_the_way_are_refused(tmp_path: Path) -> None:
    late = synthesise(tmp_path, "late")
    assert late.returncode != 0
    assert "The images of late are not redirected" in late.stderr
    assert "Call redirect_everything after the last stack is made." in late.stderr
    between = synthesise(tmp_path, "between")
    assert between.returncode != 0
    assert "The images of web cannot be redirected beside what its add_override says." in between.stderr
    assert "Give the override to the resource itself." in between.stderr
