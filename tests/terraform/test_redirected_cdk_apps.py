"""An app of AWS CDK whose images an Aspect redirects: other stacks' values, overrides, conditions, two environments."""

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
from pathlib import Path

import aws_cdk
import jsii
from aws_cdk import App, CfnCondition, CfnParameter, CfnResource, Fn, NestedStack, Stack, aws_batch, aws_ecr, aws_ecs, aws_iam

from orchestrator.constructs.aws_cdk import ClusterImages
from orchestrator.project import Project

project = Project(Path("."))
prod, gov = project.load("prod"), project.load("govcloud")
app = App(outdir="cdk.out")


def stack(name, environment):
    return Stack(app, name, env=aws_cdk.Environment(account=environment.account_id, region=environment.aws_region))


def task(scope, name, *containers):
    return aws_ecs.CfnTaskDefinition(scope, name, container_definitions=list(containers))


def of(kind, scope, name, **properties):
    return CfnResource(scope, name, type=f"Custom::AWSCDK-EKS-{kind}", properties=properties)


other, web, far = stack("other", prod), stack("web", prod), stack("far", gov)
role = aws_iam.Role(other, "Role", assumed_by=aws_iam.ServicePrincipal("ecs.amazonaws.com"))
tag = CfnParameter(web, "Tag", default="1")
CfnCondition(web, "Large", expression=Fn.condition_equals(tag.value_as_string, "1"))
repository = aws_ecr.Repository(web, "Own")
written = aws_ecs.Ec2TaskDefinition(web, "Written")
for name, image in {
    "plain": "nginx:1",
    "tag": "quay.io/a/b:" + tag.value_as_string,
    "digest": "quay.io/a/b@sha256:" + 64 * "a",
    "own": repository.repository_uri + ":1",
}.items():
    written.add_container(name, image=aws_ecs.ContainerImage.from_registry(image), memory_limit_mib=64)
task(web, "Branches", Fn.condition_if("Large", {"Image": "nginx:1"}, {"Image": "nginx:2"}))
task(web, "Overridden", {"name": "a", "image": "nginx:1"}).add_property_override("ContainerDefinitions.0.Image", "example.com/a:1")
task(NestedStack(web, "Nested"), "Inner", {"name": "a", "image": "nginx:1"})
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"role": role.role_arn}}, "spec": {"containers": [{"image": "nginx:1"}]}}
of("KubernetesResource", web, "Pod", Manifest=web.to_json_string([pod]))
of("HelmChart", web, "Chart", Values=web.to_json_string({"image": {"repository": "bitnami/redis"}, "role": role.role_arn}))
of("HelmChart", web, "Bare")
of("KubernetesPatch", web, "Patch", ApplyPatchJson=web.to_json_string({"spec": {"containers": [{"image": "nginx:1"}]}}))
aws_batch.CfnJobDefinition(web, "Job", type="container", container_properties={"image": "nginx:1", "jobRoleArn": role.role_arn})
aws_batch.CfnJobDefinition(web, "Nodes", type="multinode", node_properties={"mainNode": 0, "numNodes": 1, "nodeRangeProperties": [{"targetNodes": "0:", "container": {"image": "nginx:1"}}]})
task(far, "Far", {"name": "a", "image": "nginx:1"})


@jsii.implements(aws_cdk.IAspect)
class Sidecars:
    def visit(self, node):
        if node.node.path == "web/Written":
            node.add_container("sidecar", image=aws_ecs.ContainerImage.from_registry("nginx:3"), memory_limit_mib=64)


ClusterImages(web, "Images", environment=prod).redirect_everything(app)
ClusterImages(far, "Images", environment=gov).redirect_everything(far)
aws_cdk.Aspects.of(web).add(Sidecars())
for made in app.synth().stacks:
    for message in made.messages:
        if "orchestrator:images" in str(message.entry.data):
            print(message.id, message.entry.data)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(REPOSITORY / "environments", folder / "environments", ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "app.py").write_text(APP, "utf-8")
    done = subprocess.run([sys.executable, "app.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout, "utf-8")
    return folder


def properties(folder: Path, pattern: str) -> dict[str, Any]:
    """{a resource's id without its digest: its properties}."""
    (path,) = (folder / "cdk.out").glob(pattern)
    resources = json.loads(path.read_text("utf-8"))["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in resources.items()}


PROD = "222233334444.dkr.ecr.us-east-1.amazonaws.com/docker-hub"
NGINX = f"{PROD}/library/nginx"


def test_tasks_have_the_images_of_their_environment(folder: Path) -> None:
    web = properties(folder, "web.template.json")
    (written,) = (values for name, values in web.items() if name.startswith("Written") and "Role" not in name)
    images = [container["Image"] for container in written["ContainerDefinitions"]]
    digest = "quay.io/a/b@sha256:" + 64 * "a"
    assert [images[0], images[1], images[2], images[4]] == [
        f"{NGINX}:1",
        {"Fn::Join": ["", ["quay.io/a/b:", {"Ref": "Tag"}]]},
        digest,
        # Another Aspect added it, after this one had seen the task.
        f"{NGINX}:3",
    ]
    assert ".dkr.ecr." in images[3]["Fn::Join"][1]
    assert web["Branches"]["ContainerDefinitions"] == [
        {"Fn::If": ["Large", {"Image": f"{NGINX}:1"}, {"Image": f"{NGINX}:2"}]}
    ]
    assert web["Overridden"]["ContainerDefinitions"][0]["Image"] == "example.com/a:1"
    inner = properties(folder, "*Nested*.nested.template.json")["Inner"]
    assert inner["ContainerDefinitions"][0]["Image"] == f"{NGINX}:1"
    job = web["Job"]["ContainerProperties"]
    assert (job["Image"], set(job["JobRoleArn"])) == (f"{NGINX}:1", {"Fn::ImportValue"})
    (nodes,) = web["Nodes"]["NodeProperties"]["NodeRangeProperties"]
    assert nodes["Container"]["Image"] == f"{NGINX}:1"
    assert "EksProperties" not in web["Job"]
    far = properties(folder, "far.template.json")["Far"]
    gov = "555566667777.dkr.ecr.us-gov-west-1.amazonaws.com"
    assert far["ContainerDefinitions"][0]["Image"] == f"{gov}/docker-hub/library/nginx:1"


def test_texts_keep_what_another_stack_exports(folder: Path) -> None:
    web = properties(folder, "web.template.json")
    start, export, end = web["Pod"]["Manifest"]["Fn::Join"][1]
    assert set(export) == {"Fn::ImportValue"}
    (pod,) = json.loads(start + "arn" + end)
    assert (pod["metadata"]["annotations"], pod["spec"]) == ({"role": "arn"}, {"containers": [{"image": f"{NGINX}:1"}]})
    start, export, end = web["Chart"]["Values"]["Fn::Join"][1]
    assert set(export) == {"Fn::ImportValue"}
    assert json.loads(start + "arn" + end) == {"image": {"repository": f"{PROD}/bitnami/redis"}, "role": "arn"}
    assert json.loads(web["Patch"]["ApplyPatchJson"])["spec"]["containers"] == [{"image": f"{NGINX}:1"}]
    assert "Values" not in web["Bare"]


def test_what_stays_is_said_with_its_construct(folder: Path) -> None:
    said = (folder / "said").read_text("utf-8").splitlines()
    chart = "Images are redirected that its values give. Those that the chart names by itself stay."
    assert sorted(line.removesuffix(" [ack: orchestrator:images]") for line in said) == [
        f"/web/Bare {chart}",
        f"/web/Chart {chart}",
        "/web/Written/Resource The image of container 2 is known at deployment only, and stays as it is.",
    ]
