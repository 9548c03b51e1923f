"""What is ours and what is others' in the settings that a registry has once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.terraform.foreign_settings import Made, foreign_statements, lost_principals
from orchestrator.terraform.state import State, StateResource
from orchestrator.terraform.surroundings import made_before


def statement(sid: str = "", account: str = "444455556666", **more: Any) -> dict[str, Any]:
    named = {"Sid": sid} if sid else {}
    return {**named, "Effect": "Allow", "Principal": {"AWS": account}, "Action": ["ecr:ReplicateImage"], **more}


A, B = statement("A"), statement("B", "777788889999")
OURS = statement("ConsumersPull")
LIVE: dict[str, tuple[list[Any], list[Any], list[Any], list[Any]]] = {
    # what AWS has, what we made, what the file says, what is others'
    "nothing": ([], [], [A], []),
    "only others'": ([A, B], [], [], [A, B]),
    "ours by its Sid, changed by hand": ([OURS, A], [], [], [A]),
    "what we made, written by AWS in its own way": (
        [statement("A", "arn:aws:iam::444455556666:root", Action="ecr:ReplicateImage"), B],
        [A],
        [A],
        [B],
    ),
    "without a Sid, ours word for word": ([statement(), B], [statement()], [], [B]),
    "without a Sid, another's": (
        [statement(), statement("", "123412341234")],
        [statement()],
        [],
        [statement("", "123412341234")],
    ),
    "declared and there before: theirs": ([A], [], [A], [A]),
    "declared with the Sid of another: replaced": ([A], [], [statement("A", "111122223333")], []),
    "ours no longer declared": ([A, B], [A], [], [B]),
}


@pytest.mark.parametrize("name", LIVE)
def test_the_statements_of_others_are_those_that_we_did_not_make(name: str) -> None:
    live, made, declared, others = LIVE[name]
    assert list(foreign_statements(live, made, declared)) == others


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


LOST = {
    "one goes": (policy(A, B), policy(A), ["777788889999"]),
    "an account is its root": (policy(statement("A", "arn:aws:iam::444455556666:root")), policy(A), []),
    "all go": (policy(A, B), None, ["444455556666", "777788889999"]),
    "for everybody": (policy(A), policy(statement("A", "*")), []),
    "a role among several": (
        policy(statement("A", ["arn:aws:iam::1:role/x", "arn:aws:iam::1:role/y"])),  # type: ignore[arg-type]
        policy(statement("A", "arn:aws:iam::1:role/y")),
        ["arn:aws:iam::1:role/x"],
    ),
    "a service": (policy({**A, "Principal": {"Service": "lambda.amazonaws.com"}}), policy(A), ["lambda.amazonaws.com"]),
    "a denial names nobody who may": (policy({**A, "Effect": "Deny"}), policy(), []),
    "one statement without a list": (json.dumps({"Statement": A}), policy(), ["444455556666"]),
    "no policy, and one that is none": (None, "{", []),
}


@pytest.mark.parametrize("name", LOST)
def test_who_loses_access_is_named(name: str) -> None:
    before, after, lost = LOST[name]
    assert list(lost_principals(before, after)) == lost


def test_what_was_made_before_stands_in_the_output_or_is_all_that_the_state_holds() -> None:
    rule = {"scan_frequency": "SCAN_ON_PUSH", "repository_filter": [{"filter": "a/*", "filter_type": "WILDCARD"}]}
    resources = (
        StateResource("p", "", "aws_ecr_registry_policy", "this", 0, {"policy": policy(A, B)}),
        StateResource("s", "", "aws_ecr_registry_scanning_configuration", "this", 0, {"rule": [rule]}),
    )
    assert made_before(State(resources)) == Made((A, B), frozenset({("SCAN_ON_PUSH", "a/*")}))

    value = {
        "statements": json.dumps([A]),
        "scanning_rules": [{"scan_frequency": "SCAN_ON_PUSH", "repository_patterns": ["b/*"]}],
        "scan_type_before": "ENHANCED",
    }
    told = State(resources, {"registry_made": {"value": value}})
    assert made_before(told) == Made((A,), frozenset({("SCAN_ON_PUSH", "b/*")}), "ENHANCED")
    assert made_before(State()) == Made()
