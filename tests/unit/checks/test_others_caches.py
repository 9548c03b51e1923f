"""A repository below the cache of another environment, whose lifecycle manager does not know it."""

from __future__ import annotations

import pytest

from orchestrator.checks.across import check_across, warn_across
from tests.unit.checks.several_environments import CENTRAL, ELSEWHERE, QUAY, USES, environments, lifecycle, owner, rules

OWN = 'ecr_prevent_destroy = true\nrepositories = { "quay/own" = {} }\n'
RULES = USES + rules(QUAY)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (owner("a", "b"), RULES + OWN),
        (owner("a", "b"), USES + OWN),
        (owner("a", "b"), RULES + 'create_ecr = true\necr_repository_name = "quay/own"\n'),
        (owner("a", "b", more='retention = { protect = { repositories = ["quay/other"] } }'), RULES + OWN),
    ],
)
def test_a_repository_that_the_manager_of_another_takes_for_a_cache_is_warned_about(first: str, second: str) -> None:
    found = environments({"a": first, "b": second})
    assert check_across(found) == []
    (warning,) = [each for each in warn_across(found) if "takes it for a cache" in str(each)]
    assert 'The repository "quay/own" of "b" lies below the rule "quay" of "a"' in str(warning)
    assert 'add "quay/own" to lifecycle_manager.retention.protect.repositories of "a"' in str(warning)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (owner("a", "b", more='retention = { protect = { repositories = ["quay/own"] } }'), RULES + OWN),
        (
            owner("a", more='retention = { overrides = [{ pattern = "quay/*", protect = { repositories = ["*"] } }] }'),
            RULES + OWN,
        ),
        (rules(QUAY) + lifecycle(enabled=False), RULES + OWN),
        (owner("a", "b"), RULES + OWN.replace("quay/own", "own/app")),
        (owner("a", "b"), ELSEWHERE + rules(QUAY) + OWN),
        # Its repositories are in its own account, whatever registry it pulls from.
        ('registry_consumer_account_ids = ["999988887777"]\n' + owner("a", "b"), CENTRAL + rules(QUAY) + OWN),
    ],
    ids=["protected", "by an override", "no manager", "beside the cache", "another region", "another account"],
)
def test_what_the_manager_leaves_alone_is_not_warned_about(first: str, second: str) -> None:
    warnings = [str(each) for each in warn_across(environments({"a": first, "b": second}))]
    assert not [each for each in warnings if "takes it for a cache" in each]
