"""Snapshots of several environments that share one lifecycle manager: refused, or warned about, with both lines."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.checks.across import check_across, warn_across
from orchestrator.environment.tfvars import Path
from orchestrator.errors import Location
from tests.unit.checks.several_environments import (
    CENTRAL,
    ELSEWHERE,
    QUAY,
    USES,
    environments,
    lifecycle,
    owner,
    rules,
    usage,
)

# {name: (environments, what is asked for, what is said)}; these name a line in both files.
SNAPSHOTS: dict[str, tuple[dict[str, str], list[Path], list[str]]] = {
    "two clusters of one name that write one snapshot": (
        {
            "a": 'cluster_name = "prod"\nregistry_consumer_account_ids = ["999988887777"]\n' + lifecycle(usage()),
            "b": 'cluster_name = "prod"\naccount_id = "999988887777"\nregistry_account_id = "111122223333"\n'
            + USES
            + lifecycle(usage()),
        },
        [("cluster_name",), ("cluster_name",)],
        ['"b" is called "prod"', '"a" (environments/a.tfvars:7)', "/snapshots/prod.json", 'snapshot_name = "b"'],
    ),
    "one snapshot name for two clusters": (
        {"a": lifecycle(usage()), "b": USES + lifecycle(usage('snapshot_name = "a"'))},
        [("cluster_name",), ("lifecycle_manager", "usage", "snapshot_name")],
        ['"b" is called "a"', "what only the first cluster runs may be deleted"],
    ),
    "a cluster whose namesake writes for it": (
        {
            "a": 'cluster_name = "prod"\n' + owner("prod", more=usage()),
            "b": 'cluster_name = "prod"\n'
            + 'manage_registry = false\nregistry_region = "eu-west-1"\n'
            + ELSEWHERE
            + rules(QUAY),
        },
        [("cluster_name",), ("cluster_name",)],
        ['"b" is called "prod"'],
    ),
    "a cluster that the owner does not wait for": (
        {"a": owner("a", more=usage()), "b": USES + rules(QUAY) + lifecycle(usage())},
        [("lifecycle_manager", "clusters"), ("cluster_name",)],
        ['"b", the cluster of "b", is not among', '"a" (environments/a.tfvars:7), which names a', 'Add "b" to'],
    ),
    "a cluster that writes nothing": (
        {"a": owner("a", more=usage()), "b": USES + rules(QUAY)},
        [("lifecycle_manager", "clusters"), ("cluster_name",)],
        ['give "b" lifecycle_manager.usage'],
    ),
    "a snapshot name that the owner does not know": (
        {"a": owner("a", "b"), "b": USES + rules(QUAY) + lifecycle(usage('snapshot_name = "c"'))},
        [("lifecycle_manager", "clusters"), ("lifecycle_manager", "usage", "snapshot_name")],
        ['"c", the cluster of "b"'],
    ),
    "a snapshot in a bucket that nobody reads": (
        {
            "a": owner("a", "b", more='bucket_name = "records"'),
            "b": USES + rules(QUAY) + lifecycle(usage()),
        },
        [("lifecycle_manager", "bucket_name"), ("lifecycle_manager", "bucket_name")],
        ["to ecr-lifecycle-111122223333-eu-west-1", 'bucket_name = "records"'],
    ),
    "a schedule rarer than the owner's limit": (
        {
            "a": owner("a", "b", more="snapshot_max_age_hours = 12"),
            "b": USES + rules(QUAY) + lifecycle(usage('schedule = "17 2 * * *"')),
        },
        [("lifecycle_manager", "snapshot_max_age_hours"), ("lifecycle_manager", "usage", "schedule")],
        ["up to 24 hours between two snapshots", "for 12 hours (environments/a.tfvars:7)"],
    ),
}


@pytest.mark.parametrize(("texts", "paths", "parts"), SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_a_snapshot_that_would_not_keep_what_runs_is_one_problem_with_both_lines(
    texts: Mapping[str, str], paths: list[Path], parts: list[str]
) -> None:
    asked: set[tuple[str, Path]] = set()

    def where(environment: str, variable: Path) -> Location:
        asked.add((environment, variable))
        return Location(f"environments/{environment}.tfvars", 7)

    found = environments(texts)
    (problem,) = check_across(found, where)
    assert problem.where == Location("environments/b.tfvars", 7)
    assert asked == set(zip("ab", paths, strict=True))
    for part in parts:
        assert part in str(problem)
    assert problem.why
    assert problem.remedy
    assert warn_across(found) == []


def test_a_cluster_of_an_owner_that_declares_none_is_warned_about() -> None:
    found = environments({"a": owner(), "b": USES + rules(QUAY) + lifecycle(usage())})
    (warning,) = warn_across(found)
    assert check_across(found) == []
    assert 'of "a" (environments/a.tfvars), which names none' in str(warning)
    assert "Pull times alone decide" in str(warning)


FAR_ROLE = "arn:aws:iam::999988887777:role/b-ecr-usage-eu-west-1"


@pytest.mark.parametrize(
    ("writers", "said"),
    [("", "does not name it"), (FAR_ROLE.replace("-eu-west-1", ""), "role/b-ecr-usage for it"), (FAR_ROLE, "")],
)
def test_a_writer_of_another_account_that_the_owner_does_not_admit_is_warned_about(writers: str, said: str) -> None:
    admits = 'registry_consumer_account_ids = ["999988887777"]\n'
    more = f'snapshot_writers = {{ b = "{writers}" }}' if writers else ""
    found = environments(
        {"a": admits + owner("a", "b", more=more), "b": CENTRAL + rules(QUAY) + lifecycle(usage())},
    )
    assert check_across(found) == []
    warnings = [str(warning) for warning in warn_across(found)]
    assert len(warnings) == (1 if said else 0)
    assert all(said in warning and f'"b" = "{FAR_ROLE}"' in warning for warning in warnings)


def test_a_schedule_of_which_no_run_may_fail_is_warned_of() -> None:
    found = environments(
        {
            "a": owner("a", "b", more="snapshot_max_age_hours = 24"),
            "b": USES + rules(QUAY) + lifecycle(usage('schedule = "17 2 * * *"')),
        }
    )
    assert check_across(found) == []
    (warning,) = warn_across(found)
    assert "up to 24 hours between two snapshots" in str(warning)
    assert "raise snapshot_max_age_hours there to 48" in str(warning)
