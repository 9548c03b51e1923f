"""Queues by which copies are shared: in the registry's own environment, for mirrors, with one way to the role."""

from __future__ import annotations

import pytest

from orchestrator.checks.check import check_environment
from orchestrator.environment.tfvars import parse_tfvars
from tests.unit.checks.wrong_inputs import GOOD, OIDC

MIRRORS = 'mirrors = { mcr = { source = "mcr.microsoft.com" } }\n'
CENTRAL = 'manage_registry = false\nregistry_account_id = "999988887777"\n'
# {setting: what its role is called in it}
SHARED = {"mirror_queue": "workers", "image_swapper": "pods"}


def found(text: str, **changed: str) -> tuple[list[str], list[str]]:
    """(errors, warnings) of an environment, each with its line."""
    values = {**GOOD, **changed}
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    checked = check_environment("dev", [parse_tfvars(text + lines, "dev.tfvars")])
    said = [f"{one.where.line if one.where else ''}: {one}" for one in checked.problems]
    return said, [f"{one.where.line if one.where else ''}: {one}" for one in checked.warnings]


@pytest.mark.parametrize("setting", SHARED)
def test_it_is_the_registrys_own_environment_that_has_it(setting: str) -> None:
    assert found(f"{setting} = {{ enabled = true }}\n{MIRRORS}")[0] == []
    ((said,), _) = found(f"{setting} = {{ enabled = true }}\n{MIRRORS}{CENTRAL}")
    assert said.startswith("1: ")
    assert f"{setting} is enabled, but this environment pulls from the registry of another account" in said
    assert found(f"{setting} = {{ enabled = false }}\n{MIRRORS}{CENTRAL}")[0] == []


@pytest.mark.parametrize("setting", SHARED)
def test_without_mirrors_nothing_would_be_copied(setting: str) -> None:
    problems, warnings = found(f"{setting} = {{ enabled = true }}\n")
    assert problems == []
    assert any(f"{setting} is enabled, but there are no mirrors" in one for one in warnings)


@pytest.mark.parametrize(("setting", "role"), SHARED.items())
@pytest.mark.parametrize(
    ("ways", "platform", "says"),
    [
        ("", '"eks"', "neither oidc_provider_arn nor pod_identity"),
        (f"{OIDC}, pod_identity = true", '"eks"', "both oidc_provider_arn and pod_identity"),
        ("pod_identity = true", '"rosa-classic"', "pod_identity is true, but platform is rosa-classic"),
        ("pod_identity = true", '"eks"', ""),
        (OIDC, '"eks"', ""),
    ],
)
def test_the_role_is_taken_in_one_way(setting: str, role: str, ways: str, platform: str, says: str) -> None:
    problems, _ = found(f"{setting} = {{ enabled = true, {role} = {{ {ways} }} }}\n{MIRRORS}", platform=platform)
    assert [f"{setting}.{role}" in one and says in one for one in problems] == ([True] if says else [])
