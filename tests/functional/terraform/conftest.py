"""A small environment on the shared embedded AWS, driven through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.project import Project
from tests.functional.running import Ran, run
from tests.pushed_layers import push_layers

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

SMALL = """
cluster_name          = "small"
account_id            = "{account}"
aws_region            = "us-east-1"
create_ecr            = true
create_vpc_endpoints  = false
attach_ecr_policy     = false
pull_through_cache_rules = {{
  quay = {{ upstream_registry_url = "quay.io" }}
}}
"""


def image_manifest(config: str, size: int) -> str:
    """The smallest image that is one: a configuration and no layers."""
    media_type = "application/vnd.docker.container.image.v1+json"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": media_type, "size": size, "digest": config},
            "layers": [],
        }
    )


@dataclass(frozen=True)
class World:
    """A project with the environment `dev` in an account of its own."""

    project: Project
    account: str
    aws: LocalAws

    def write(self, *lines: str, name: str = "dev") -> None:
        """The environment's file: the small one and further lines."""
        text = SMALL.format(account=self.account) + "\n".join(lines) + "\n"
        self.project.tfvars_path(name).write_text(text, "utf-8")

    def run(self, *arguments: str, local: bool = True) -> Ran:
        """`orchestrator ARGUMENTS --local` in the project."""
        return run("-C", str(self.project.root), *arguments, *(("--local",) if local else ()))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same in a process of its own, for signals."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "-C", str(self.project.root), *arguments, "--local"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ),
        )

    def client(self, service: str) -> Any:
        """A client of the environment's account."""
        values = self.aws.variables(self.account, "us-east-1")
        return boto3.client(  # type: ignore[call-overload]  # a service of any name
            service,
            endpoint_url=values["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )

    def push(self, repository: str, tag: str = "v1") -> None:
        """Put an image there, another one for each tag."""
        ecr, content = self.client("ecr"), json.dumps({"tag": tag}).encode()
        (config,) = push_layers(ecr, repository, content)
        ecr.put_image(repositoryName=repository, imageManifest=image_manifest(config, len(content)), imageTag=tag)

    def images(self, repository: str) -> int:
        """How many images the repository holds."""
        return len(self.client("ecr").describe_images(repositoryName=repository)["imageDetails"])

    @property
    def folder(self) -> Path:
        """The working directory of `dev`."""
        return self.project.state_dir / "local" / "dev"


@pytest.fixture
def world(
    project: Callable[..., Project],
    local_aws: LocalAws,
    with_local_aws: Callable[[Project], Project],
    account_id: str,
) -> World:
    """The environment `dev`, not applied yet."""
    made = project(dev=SMALL.format(account=account_id))
    # One server for all tests, each with an account of its own.
    return World(with_local_aws(made), account_id, local_aws)


@pytest.fixture
def applied(world: World) -> World:
    """The environment `dev`, applied."""
    done = world.run("apply", "dev", "--yes")
    assert done.code == 0, done.out + done.err
    return world
