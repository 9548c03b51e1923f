"""Terraform on a copy of `modules/`, so that nothing is written into the tree, with this machine's providers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.providers import find_provider_source
from orchestrator.terraform.shared_provider import ProviderPool

REPOSITORY = Path(__file__).parents[2]
MODULES = REPOSITORY / "modules"
MODULE_NAMES = sorted(path.parent.name for path in MODULES.glob("*/main.tf"))

RunTerraform = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def modules_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<folder>/modules`, a copy without what a developer's own `terraform init` left there."""
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(MODULES, folder / "modules", ignore=shutil.ignore_patterns(".terraform", ".terraform.lock.hcl"))
    return folder / "modules"


@pytest.fixture(scope="session")
def run_terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunTerraform]:
    """Run `terraform ARGUMENTS` in a folder: run_terraform(folder, "validate"). Fails the test with Terraform's output.

    `code` is the exit code to expect. `terraform test` starts the provider for every single run; here one process serves
    them all. Resources are mocked there, so that it never asks AWS.
    """
    terraform = find_terraform()
    settings = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    settings |= {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    settings |= find_provider_source().variables(tmp_path_factory.mktemp("terraform-settings"))

    providers = ProviderPool()

    def run(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        # A module without resources has no provider, and so no lock file.
        mocked = arguments[0] == "test" and (folder / ".terraform.lock.hcl").exists()
        with providers.lend(folder, settings, explicit=False) if mocked else nullcontext() as shared:
            assert shared or not mocked, f"the provider of {folder} does not start"
            return run_with(folder, settings | dict(shared.variables if shared else {}), *arguments, code=code)

    def run_with(
        folder: Path, variables: dict[str, str], *arguments: str, code: int
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*terraform.command, *arguments, "-no-color"],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
            check=False,
        )
        if done.returncode != code:
            pytest.fail(
                f"terraform {' '.join(arguments)} in {folder} ended with {done.returncode}, not {code}:\n{done.stdout}",
                pytrace=False,
            )
        return done

    with providers:
        yield run
