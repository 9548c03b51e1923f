"""The module mirror-set writes the documents that `orchestrator manifests --for idms` does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.manifests.mirror_sets import mirror_entries, mirror_set
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from tests import random_tables
from tests.terraform.conftest import REPOSITORY, RunTerraform

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAMES = sorted(path.stem for path in (REPOSITORY / "environments").glob("*.tfvars") if path.stem != "common")

# {why it is here: variables of an environment}
TRICKY: dict[str, str] = {
    "docker hub and kubernetes go by several names": """
        pull_through_cache_rules = {
          docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/d" }
          k8s        = { upstream_registry_url = "registry.k8s.io" }
        }""",
    "a narrow source and a root rule": """
        pull_through_cache_rules = {
          official = { upstream_registry_url = "registry-1.docker.io", source = "docker.io/library", secret_name = "ecr-pullthroughcache/d" }
          ROOT     = { upstream_registry_url = "public.ecr.aws" }
        }
        allow_upstream = false""",
    "an upstream ecr with a prefix, whole and narrowed": """
        pull_through_cache_rules = {
          base  = { upstream_registry_url = "111122223333.dkr.ecr.us-west-2.amazonaws.com", upstream_repository_prefix = "team" }
          apps  = { upstream_registry_url = "111122223333.dkr.ecr.us-east-2.amazonaws.com", upstream_repository_prefix = "team", source = "111122223333.dkr.ecr.us-east-2.amazonaws.com/team/apps" }
          whole = { upstream_registry_url = "111122223333.dkr.ecr.eu-west-1.amazonaws.com" }
        }""",
    "routes within routes, includes and excludes": """
        mirrors = {
          mcr        = { source = "mcr.microsoft.com" }
          dotnet     = { source = "mcr.microsoft.com/dotnet" }
          quay-team  = { source = "quay.io/team" }
          quay-other = { source = "quay.io/other" }
        }
        include = ["mcr.microsoft.com/dotnet", "mcr.microsoft.com/azure-cli", "quay.io"]
        exclude = ["quay.io/team", "mcr.microsoft.com/dotnet/sdk", "example.com"]""",
    "rosa classic refuses red hat's registries": """
        platform = "rosa-classic"
        mirrors = {
          redhat = { source = "registry.redhat.io/ubi9" }
          access = { source = "registry.access.redhat.com" }
          team   = { source = "quay.io/team" }
          port   = { source = "registry.example.com:5000/a" }
          six    = { source = "[2001:db8::1]:5000/a" }
          dash   = { source = "registry.example.com-b.net/a" }
          plain  = { source = "registry.example.com/a" }
        }""",
}
COMMON = """
cluster_name         = "test"
account_id           = "111122223333"
aws_region           = "us-east-1"
create_vpc_endpoints = false
manage_registry      = false
"""
# The module's variables that an environment has under the same name.
SAME_NAMES = (
    "cluster_name",
    "platform",
    "pull_through_cache_rules",
    "mirrors",
    "include",
    "exclude",
    "allow_upstream",
    "digest_references",
)
RUN = """
run "case_%(number)s" {
  command = plan

  variables {
    %(variables)s
  }

  assert {
    condition     = output.digest_mirror_set == jsondecode(file("case-%(number)s.json")) && yamldecode(output.digest_mirror_set_yaml) == output.digest_mirror_set
    error_message = output.digest_mirror_set_yaml
  }
}
"""


def digest_mirror_set(environment: Environment) -> dict[str, Any]:
    entries, _ = mirror_entries(build_route_table(environment), environment.platform)
    return mirror_set(environment, entries, kind="ImageDigestMirrorSet")


def module_variables(environment: Environment) -> dict[str, Any]:
    """What the root module hands to mirror-set. Rules without the attributes that the module does not declare."""
    values = environment.variables()
    given = {name: values[name] for name in SAME_NAMES}
    return given | {"environment": environment.name, "registry_host": environment.registry_host}


@pytest.mark.terraform
def test_the_mirror_set_is_the_one_that_python_generates(
    modules_copy: Path, tmp_path: Path, run_terraform: RunTerraform, project: Any
) -> None:
    environments = [project(test=COMMON + text).load("test") for text in TRICKY.values()]
    environments += [project(test=random_tables.tfvars(seed)).load("test") for seed in range(40)]
    environments += [Project(REPOSITORY).load(name) for name in NAMES]
    folder = tmp_path / "mirror-set"
    shutil.copytree(modules_copy / "mirror-set", folder, ignore=shutil.ignore_patterns(".terraform*", "tests"))
    (folder / "tests").mkdir()
    runs = ""
    for number, environment in enumerate(environments):
        (folder / f"case-{number}.json").write_text(json.dumps(digest_mirror_set(environment)), "utf-8")
        variables = (f"{name} = {json.dumps(value)}" for name, value in module_variables(environment).items())
        runs += RUN % {"number": number, "variables": "\n    ".join(variables)}
    (folder / "tests" / "cases.tftest.hcl").write_text(runs, "utf-8")
    run_terraform(folder, "init", "-backend=false")

    done = run_terraform(folder, "test")

    assert f"{len(environments)} passed, 0 failed" in done.stdout
