"""Terraform on a copy of `modules/`, so that nothing is written into the tree, with this machine's providers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.functions.package import build_package, write_package
from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.providers import find_provider_source
from orchestrator.terraform.shared_provider import ProviderPool

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

REPOSITORY = Path(__file__).parents[2]
MODULES = REPOSITORY / "modules"
ENVIRONMENTS = REPOSITORY / "environments"
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


class Root:
    """A copy of the repository's Terraform, initialised once, that runs in a workspace against the embedded AWS."""

    def __init__(self, folder: Path, local: LocalAws, providers: ProviderPool) -> None:
        self.folder = folder / "environments"
        self._local = local
        self._providers = providers
        shutil.copytree(MODULES, folder / "modules", ignore=shutil.ignore_patterns(".terraform*"))
        shutil.copytree(ENVIRONMENTS, self.folder, ignore=shutil.ignore_patterns(".terraform*", "terraform.tfstate*"))
        for function in ("lifecycle_manager", "scan_findings"):
            write_package(build_package(function), folder / "build")
        self._settings = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        self._settings |= find_provider_source().variables(folder)
        self._command = find_terraform().command
        done = self.run("init", "-backend=false")
        assert done.returncode == 0, done.stdout

    def run(
        self,
        *arguments: str,
        workspace: str = "",
        account: str = "111122223333",
        region: str = "us-east-1",
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        settings = self._local.process_environment(account, region, kept) | self._settings
        if arguments[0] == "test":
            # It starts the provider for every single run; here one process serves them all, with mocked resources.
            with self._providers.lend(self.folder, settings, explicit=False) as shared:
                assert shared, "the provider does not start"
                return self._run_with(settings | dict(shared.variables), *arguments, workspace=workspace)
        return self._run_with(settings, *arguments, workspace=workspace, folder=folder)

    def _run_with(
        self, settings: Mapping[str, str], *arguments: str, workspace: str, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments, "-no-color"],
            cwd=folder or self.folder,
            env={**settings, **({"TF_WORKSPACE": workspace} if workspace else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Far above what it takes: on a busy machine it takes many times as long.
            timeout=1200,
            check=False,
        )

    def plan(self, environment: Environment, *arguments: str, folder: Path | None = None) -> dict[str, Any]:
        """The plan as `terraform show -json` tells it; `folder` holds another configuration than the root module."""
        run = partial(
            self.run,
            workspace="" if folder else environment.name,
            account=environment.account_id,
            region=environment.aws_region,
            folder=folder,
        )
        if folder is not None:
            done = run("init")
            assert done.returncode == 0, done.stdout
        done = run("plan", *arguments, f"-out={environment.name}.plan")
        assert done.returncode == 0, done.stdout
        shown = run("show", "-json", f"{environment.name}.plan")
        answer: dict[str, Any] = json.loads(shown.stdout)
        return answer


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAws) -> Iterator[Root]:
    with ProviderPool() as providers:
        yield Root(tmp_path_factory.mktemp("root"), local_aws, providers)


def var_files(name: str) -> tuple[str, str]:
    return "-var-file=common.tfvars", f"-var-file={name}.tfvars"
