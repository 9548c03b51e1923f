"""The example in each module's README is valid and can be planned, as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.terraform.conftest import MODULE_NAMES, MODULES, RunTerraform
from tests.terraform.module_sources import examples

# A mock stands in only for a provider that the root module names.
VERSIONS = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"""

# What a plan reads from AWS. Everything else stays unknown.
PLAN = """\
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com", reverse_dns_prefix = "com.amazonaws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf" }
  }
}

run "the_examples_can_be_planned" {
  command = plan
}
"""


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_every_readme_has_an_example_of_its_module(name: str) -> None:
    assert own_examples(name), f'modules/{name}/README.md has no ```hcl example with source = "./modules/{name}"'


@pytest.mark.terraform
def test_the_readme_examples_can_be_planned(modules_copy: Path, tmp_path: Path, run_terraform: RunTerraform) -> None:
    """Each is a module of one configuration: Terraform and the provider are started once for all of them."""
    shutil.copytree(modules_copy, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))
    calls = []
    for name in MODULE_NAMES:
        for number, text in enumerate(own_examples(name)):
            folder = tmp_path / f"{name}-{number}"
            folder.mkdir()
            (folder / "modules").symlink_to(tmp_path / "modules")
            # A source is written as seen from the root of the repository, from wherever the reader is.
            (folder / "main.tf").write_text(re.sub(r'"[./]*modules/', '"./modules/', text), "utf-8")
            for package in re.findall(r'"(\./build/[^"]+\.zip)"', text):
                (tmp_path / package).parent.mkdir(exist_ok=True)
                (tmp_path / package).write_bytes(b"any package")
            calls.append(f'module "{folder.name}" {{\n  source = "./{folder.name}"\n}}\n')
    (tmp_path / "main.tf").write_text(VERSIONS + "".join(calls), "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "plan.tftest.hcl").write_text(PLAN, "utf-8")
    run_terraform(tmp_path, "init", "-backend=false")
    done = run_terraform(tmp_path, "test")
    assert "1 passed, 0 failed" in done.stdout


def own_examples(name: str) -> list[str]:
    """The examples in the module's README that call the module itself."""
    return [text for text in examples(MODULES / name) if re.search(rf'source\s*=\s*"[./]*modules/{name}"', text)]
