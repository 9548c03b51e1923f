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

run "the_example_can_be_planned" {
  command = plan
}
"""


@pytest.mark.terraform
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_the_readme_example_can_be_planned(
    name: str, modules_copy: Path, tmp_path: Path, run_terraform: RunTerraform
) -> None:
    found = [text for text in examples(MODULES / name) if re.search(rf'source\s*=\s*"[./]*modules/{name}"', text)]
    assert found, f'modules/{name}/README.md has no ```hcl example with source = "./modules/{name}"'
    shutil.copytree(modules_copy, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))
    for number, text in enumerate(found):
        folder = tmp_path / f"example-{number}"
        (folder / "tests").mkdir(parents=True)
        (folder / "modules").symlink_to(tmp_path / "modules")
        # A source is written as seen from the root of the repository, from wherever the reader is.
        (folder / "main.tf").write_text(re.sub(r'"[./]*modules/', '"./modules/', text), "utf-8")
        for package in re.findall(r'"(\./build/[^"]+\.zip)"', text):
            (folder / package).parent.mkdir(exist_ok=True)
            (folder / package).write_bytes(b"any package")
        if not re.search(r"^terraform \{", text, re.MULTILINE):
            (folder / "versions.tf").write_text(VERSIONS, "utf-8")
        (folder / "tests" / "plan.tftest.hcl").write_text(PLAN, "utf-8")
        run_terraform(folder, "init", "-backend=false")
        run_terraform(folder, "validate")
        done = run_terraform(folder, "test")
        assert "1 passed, 0 failed" in done.stdout
