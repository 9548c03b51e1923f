"""What other accounts may pull of a registry: said where it is more than the caches and the mirrors."""

from __future__ import annotations

import pytest

from orchestrator.checks.check import check_environment
from orchestrator.environment.tfvars import parse_tfvars
from tests.unit.checks.several_environments import QUAY, USES, rules
from tests.unit.checks.wrong_inputs import file_of

CONSUMERS = 'registry_consumer_account_ids = ["999988887777"]\n'
OWN = 'repositories = { "quay/own" = {}, "team/app" = {} }\n'
WHOLE = 'ROOT = { upstream_registry_url = "quay.io" }'
MIRROR = 'mirrors = { team = { source = "registry.access.redhat.com" } }\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONSUMERS + OWN + rules(WHOLE), ["may pull every repository of the registry"]),
        (CONSUMERS + OWN + rules(QUAY), ['may pull the repository "quay/own"']),
        (
            CONSUMERS + OWN + rules(QUAY) + MIRROR,
            ['may pull the repository "quay/own"', 'may pull the repository "team/app"'],
        ),
        (OWN + rules(WHOLE), []),
        (USES + CONSUMERS + OWN + rules(QUAY), []),
        (CONSUMERS + 'repositories = { "own/app" = {} }\n' + rules(QUAY) + MIRROR, []),
    ],
    ids=["all", "below a rule", "below a mirror", "no consumers", "not the owner", "outside"],
)
def test_consumers_that_may_pull_own_repositories_are_said(text: str, said: list[str]) -> None:
    named = 'cluster_name = "a"\n' + text
    checked = check_environment("a", [parse_tfvars(file_of(named), "environments/a.tfvars")])
    assert checked.problems == ()
    warnings = [str(each) for each in checked.warnings]
    found = [each for each in warnings if "registry_consumer_account_ids may pull" in each]
    assert len(found) == len(said)
    assert all(any(part in each for each in found) for part in said)
