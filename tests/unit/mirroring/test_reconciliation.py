"""How a repository that exists differs from its template, setting by setting."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.mirroring.reconciliation import Reconciliation, StandingRepository, reconcile
from orchestrator.mirroring.repository import PULL_ACTIONS, RepositorySettings, cached_settings

KEY = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def pulls(*accounts: str, **more: Any) -> dict[str, Any]:
    principal = {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]}
    return {"Sid": "CrossAccountPull", "Effect": "Allow", "Principal": principal, "Action": list(PULL_ACTIONS), **more}


THEIRS = {**pulls("999988887777"), "Sid": "Partner"}
WANTED = RepositorySettings(policy=policy(pulls("222233334444")), tags={"team": "a"}, kms_key_arn=KEY)
STANDING = {"policy": WANTED.policy, "tags": {"team": "a", "other": "kept"}, "kms_key_arn": KEY}


def difference(
    wanted: RepositorySettings = WANTED, *, scanned_here: bool = False, **found: Any
) -> Reconciliation | None:
    standing = StandingRepository("quay/a", "quay", **{**STANDING, **found})
    return reconcile(standing, wanted, scanned_here=scanned_here)


SAME: dict[str, dict[str, Any]] = {
    "as it is": {},
    "AWS writes an account its own way": {"policy": policy(pulls("222233334444", Principal={"AWS": "222233334444"}))},
    "AWS sorts actions its own way": {
        "policy": policy(pulls("222233334444", Action=sorted(PULL_ACTIONS, reverse=True)))
    },
    "others have a statement": {"policy": policy(THEIRS, pulls("222233334444"))},
    "not read": {"policy": None, "tags": None},
    "scanning is the registry's": {"scan_on_push": False},
}


@pytest.mark.parametrize("name", SAME)
def test_what_says_the_same_is_no_difference(name: str) -> None:
    assert difference(**SAME[name]) is None


def test_an_alias_is_not_compared_with_the_key_that_it_names() -> None:
    alias = RepositorySettings(kms_key_arn="arn:aws:kms:eu-west-1:111122223333:alias/ecr")
    assert difference(alias, policy="", tags={}) is None
    assert difference(alias, policy="", tags={}, kms_key_arn=None) is not None


# {name: (what was found, setting, before, after)}
OTHER: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "mutability": ({"mutability": "IMMUTABLE"}, "mutability", "IMMUTABLE", "MUTABLE"),
    "mutability with exclusions": (
        {"mutability": "IMMUTABLE_WITH_EXCLUSION"},
        "mutability",
        "IMMUTABLE_WITH_EXCLUSION",
        "MUTABLE",
    ),
    "no policy": ({"policy": ""}, "policy", "nobody else pulls", "222233334444"),
    "an account too many": (
        {"policy": policy(pulls("222233334444", "555566667777"))},
        "policy",
        "222233334444, 555566667777",
        "222233334444",
    ),
    "only another's statement": ({"policy": policy(THEIRS)}, "policy", "nobody else pulls", "222233334444"),
    "fewer actions": (
        {"policy": policy(pulls("222233334444", Action="ecr:BatchGetImage"))},
        "policy",
        "222233334444",
        "222233334444",
    ),
    "a condition": (
        {"policy": policy(pulls("222233334444", Condition={"Bool": {"aws:SecureTransport": "true"}}))},
        "policy",
        "222233334444",
        "222233334444",
    ),
    "a policy that is none": ({"policy": "{"}, "policy", "nobody else pulls", "222233334444"),
    "no tag": ({"tags": {}}, "tags", "none", "team=a"),
    "another value of a tag": ({"tags": {"team": "b", "x": "y"}}, "tags", "team=b", "team=a"),
}


@pytest.mark.parametrize("name", OTHER)
def test_one_setting_differs_and_is_shown_as_it_is_and_as_it_would_be(name: str) -> None:
    found, setting, before, after = OTHER[name]
    change = difference(**found)
    assert change is not None
    assert [(each.setting, each.before, each.after) for each in change.differences] == [(setting, before, after)]
    assert change.settable == (setting,)


def test_statements_and_tags_of_others_stay() -> None:
    change = difference(policy=policy(THEIRS, pulls("555566667777")), tags={"other": "kept"})
    assert change is not None
    assert change.policy == {"Version": "2012-10-17", "Statement": [THEIRS, pulls("222233334444")]}
    assert change.tags == {"team": "a"}


def test_who_may_no_longer_pull_is_taken_out_and_an_empty_policy_deleted() -> None:
    nobody = RepositorySettings()
    plain: dict[str, Any] = {"tags": {}, "kms_key_arn": None}
    alone = difference(nobody, policy=policy(pulls("555566667777")), **plain)
    beside = difference(nobody, policy=policy(pulls("555566667777"), THEIRS), **plain)
    assert alone is not None
    assert beside is not None
    assert alone.policy is None
    assert beside.policy == {"Version": "2012-10-17", "Statement": [THEIRS]}
    assert [each.after for each in alone.differences] == ["nobody else pulls"]


@pytest.mark.parametrize(("found", "wanted"), [(None, KEY), (KEY, None), (KEY, f"{KEY[:-1]}6")])
def test_the_encryption_is_named_and_not_set(found: str | None, wanted: str | None) -> None:
    change = difference(RepositorySettings(kms_key_arn=wanted), policy="", tags={}, kms_key_arn=found)
    assert change is not None
    assert [each.setting for each in change.differences] == ["encryption"]
    assert change.settable == ()


def test_scanning_is_compared_where_the_repository_has_a_say() -> None:
    change = difference(scanned_here=True, scan_on_push=False)
    assert change is not None
    assert [(each.before, each.after) for each in change.differences] == [("not on push", "on push")]
    assert difference(scanned_here=True, scan_on_push=True) is None


def environment(text: str) -> Environment:
    base = 'cluster_name = "c"\naccount_id = "111122223333"\naws_region = "eu-west-1"\ncreate_vpc_endpoints = false\n'
    return build_environment("dev", [parse_tfvars(base + text, "environments/dev.tfvars")])


RULE = 'pull_through_cache_rules = {{ {prefix} = {{ upstream_registry_url = "{upstream}"{more} }} }}\n'
QUAY = RULE.format(prefix="quay", upstream="quay.io", more="")
CONSUMERS = 'registry_consumer_account_ids = ["222233334444"]\n'
OWN = RULE.format(
    prefix="quay",
    upstream="quay.io",
    more=', template = { pull_account_ids = ["555566667777"], image_tag_mutability = "MUTABLE" }',
)
ROOT_TEMPLATE = (
    'root_template = { resource_tags = { team = "a" }, custom_role_arn = "arn:aws:iam::111122223333:role/r" }\n'
)
# {name: (file, accounts that may pull and tags; None where no template says anything)}. As environments/main.tf has it.
TEMPLATES: dict[str, tuple[str, tuple[list[str], dict[str, str]] | None]] = {
    "no template": (QUAY, None),
    "the template of ROOT": (QUAY + ROOT_TEMPLATE, ([], {"team": "a"})),
    "its own one": (OWN, (["555566667777"], {})),
    "its own one, and consumers": (OWN + CONSUMERS, (["222233334444", "555566667777"], {})),
    "consumers alone give each rule one of its own": (QUAY + CONSUMERS + ROOT_TEMPLATE, (["222233334444"], {})),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_a_rule_gives_to_its_repositories_is_what_terraform_writes_into_its_template(name: str) -> None:
    text, expected = TEMPLATES[name]
    found = cached_settings(environment(text), "quay")
    if expected is None:
        assert found is None
        return
    accounts, tags = expected
    statement = pulls(*accounts)
    assert found == RepositorySettings(tags=tags, policy=policy(statement) if accounts else "")
