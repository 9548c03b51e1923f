"""Retention: which settings hold for a repository, and what is refused."""

from __future__ import annotations

import json

import pytest

from orchestrator.lifecycle.ecr_policy import check_policy
from orchestrator.lifecycle.native_policy import is_ours, native_policy
from orchestrator.lifecycle.retention import InvalidRetentionError, Retention, parse_retention
from orchestrator.lifecycle.settings import InvalidSettingsError, read_settings


def retention(*overrides: dict[str, object], **default: object) -> str:
    return json.dumps({"default": default, "overrides": list(overrides)})


def test_nothing_said_is_the_default() -> None:
    assert parse_retention("").of("quay/app") == parse_retention("{}").of("quay/app") == Retention()


def test_the_most_specific_override_holds_on_top_of_the_default() -> None:
    found = parse_retention(
        retention(
            {"pattern": "docker-hub", "keep_at_most": 5},
            {"pattern": "docker-hub/library/*", "keep_at_most": 3},
            {"pattern": "docker-hub/library/nginx", "never": True},
            {"pattern": "*/redis", "untagged_days": 2},
            expire_unpulled_days=10,
        )
    )
    assert found.of("quay/app") == Retention(expire_unpulled_days=10)
    assert found.of("docker-hub/app").keep_at_most == 5
    assert found.of("docker-hub/library/alpine") == Retention(expire_unpulled_days=10, keep_at_most=3)
    assert found.of("docker-hub/library/nginx") == Retention(expire_unpulled_days=10, never=True)
    assert found.of("docker-hubble/app").keep_at_most is None
    assert found.of("quay/redis").untagged_days == 2


def test_what_is_protected_adds_up() -> None:
    found = parse_retention(retention({"pattern": "quay", "protect": {"tags": ["v*"]}}, protect={"tags": ["stable"]}))
    assert found.of("quay/app").protect_tags == ("stable", "v*")
    assert found.of("k8s/app").protect_tags == ("stable",)


def test_a_null_is_as_if_it_were_not_written() -> None:
    assert parse_retention(retention(keep_at_most=None, protect=None)).default == Retention()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"defaults": {}}', "defaults: is not known"),
        (retention(keep_at_lest=1), "default.keep_at_lest"),
        (retention(expire_unpulled_days=0), "whole number from 1"),
        (retention(expire_unpulled_days=True), "whole number"),
        (retention(expire_unpulled_days=1.5), "whole number"),
        (retention(expire_unpulled_days="30"), "whole number"),
        (retention(keep_at_least=-1), "from 0"),
        (retention(keep_at_least=3, keep_at_most=2), "less than keep_at_least"),
        (retention({"pattern": "a", "keep_at_most": 2}, keep_at_least=3), r"overrides\[0\].keep_at_most"),
        (retention(never="yes"), "neither true nor false"),
        (retention(expire_action="burn"), '"archive"'),
        (retention(protect=["a"]), "no object"),
        (retention(protect={"tags": "v*"}), "no list"),
        (retention(protect={"tags": ["v 1"]}), "no pattern"),
        (retention({"keep_at_most": 2}), "no prefix or pattern"),
        (retention({"pattern": "Quay"}), "no prefix or pattern"),
        (retention({"pattern": "a"}, {"pattern": "a"}), "given twice"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRetentionError, match=said):
        parse_retention(text)


def test_all_wrong_variables_are_named_at_once() -> None:
    with pytest.raises(InvalidSettingsError) as raised:
        read_settings(
            {
                "DRY_RUN": "maybe",
                "CLUSTERS": "prod",
                "MAX_EXPIRE_FRACTION_ACCOUNT": "25",
                "SNAPSHOT_MAX_AGE_HOURS": "soon",
                "NATIVE_POLICY": "all",
                "ROUTES": '[{"prefix": "a"}]',
            }
        )
    assert len(raised.value.problems) == 6


@pytest.mark.parametrize("kind", ["untagged", "count"])
@pytest.mark.parametrize(
    "settings",
    [
        Retention(),
        Retention(keep_at_most=1, untagged_days=3),
        Retention(expire_unpulled_days=None),
        Retention(keep_at_most=1, expire_action="archive"),
    ],
)
def test_the_native_policy_is_one_that_ecr_accepts_and_is_known_as_ours(kind: str, settings: Retention) -> None:
    text = native_policy(kind, settings)  # type: ignore[arg-type]
    assert check_policy(text) == ()
    assert is_ours(text)


def test_a_policy_of_which_one_rule_is_not_ours_is_somebody_elses() -> None:
    policy = json.loads(native_policy("count", Retention(keep_at_most=3)))
    policy["rules"][1]["description"] = "keep three"
    assert not is_ours(json.dumps(policy))
    assert not is_ours("{}")
