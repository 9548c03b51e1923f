"""The shared provider process: private, replaced when it dies, never left running."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.opening import open_stack
from orchestrator.terraform.operations import plan
from orchestrator.terraform.packages import locked_providers, verified_package
from orchestrator.terraform.providers import find_provider_source
from orchestrator.terraform.shared_provider import ProviderPool, SharedProvider
from orchestrator.terraform.stack import Toolset
from orchestrator.terraform.workdir import LOCK
from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]


@dataclass(slots=True)
class Deadly(ProviderPool):
    """Lends a provider that is killed at once."""

    lent: int = 0

    @contextlib.contextmanager
    def lend(self, root: Path, variables: Mapping[str, str], *, explicit: bool) -> Iterator[SharedProvider | None]:
        with ProviderPool.lend(self, root, variables, explicit=explicit) as provider:
            assert provider is not None
            provider.process.kill()
            os.killpg(provider.process.pid, 9)
            provider.process.wait()
            self.lent += 1
            yield provider


def context_of(world: World, pool: ProviderPool, interrupts: Interrupts) -> Toolset:
    return Toolset(world.project, find_terraform(), find_provider_source(), interrupts, pool, world.aws)


def test_a_provider_that_dies_is_noticed_and_its_environment_planned_without_it(applied: World) -> None:
    applied.write('image_tag_mutability = "IMMUTABLE"')
    said: list[str] = []
    pool = Deadly()
    with pool, Interrupts() as interrupts:
        context = context_of(applied, pool, interrupts)
        with open_stack(context, applied.project.load("dev"), say=said.append) as stack:
            found = plan(stack)

    assert pool.lent == 1
    assert "The shared provider process died; planning again without it." in said
    assert found.counts()["update"] == 1


def test_its_socket_is_for_this_user_only_and_nothing_is_left_of_it(applied: World) -> None:
    root = applied.folder / "root"
    variables = {**os.environ, **applied.aws.variables(applied.account, "us-east-1")}
    with ProviderPool() as pool:
        with pool.lend(root, variables, explicit=True) as provider:
            assert provider is not None
            assert stat.S_IMODE(provider.folder.stat().st_mode) == 0o700
            assert any(stat.S_ISSOCK(path.stat().st_mode) for path in provider.folder.iterdir())
            family = [psutil.Process(provider.process.pid)]
            family += family[0].children(recursive=True)
            assert any("terraform-provider-aws" in one.name() or "-debug" in one.cmdline() for one in family)
        with pool.lend(root, variables, explicit=True) as again:
            assert again is provider
        with pool.lend(root, {**variables, "AWS_PROFILE": "other"}, explicit=True) as other:
            assert other is not provider

    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert not provider.folder.exists()


def test_a_provider_that_is_not_the_locked_one_is_refused(applied: World) -> None:
    root = applied.folder / "root"
    [locked] = locked_providers(root)
    assert verified_package(root, locked).program.name.startswith("terraform-provider-aws")
    lock = root / LOCK
    lock.write_text(lock.read_text().replace('"h1:', '"h1:AAAA'))

    with pytest.raises(OrchestratorError, match="is not what"):
        verified_package(root, locked_providers(root)[0])
