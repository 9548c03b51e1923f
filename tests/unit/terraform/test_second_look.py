"""What others wrote between a plan and its apply would be lost, and is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.terraform.departures import Restore
from orchestrator.terraform.foreign_settings import Others, Scanning
from orchestrator.terraform.planner_result import LostImages, Planned
from orchestrator.terraform.second_look import changed_since, filled_since, lost_since
from orchestrator.terraform.surroundings import Surroundings
from tests.unit.terraform.test_departures import ONE, OWN, POLICY, SCANNING
from tests.unit.terraform.test_foreign_settings import A, B
from tests.unit.terraform.test_plan import change, plan_of, resource

STATEMENTS, RULES = "statements of the registry policy", "scanning rules"
TYPES = {POLICY: "aws_ecr_registry_policy", SCANNING: "aws_ecr_registry_scanning_configuration"}


def planned(address: str, action: str, *, others: Others) -> Any:
    variables = {"others": {"value": others.variable()}}
    one = resource(address, change([action], {"a": 1}, {"a": 2}), type=TYPES[address])
    return plan_of(one, variables=variables)


# {name: (plan, what is put back, what others have now, what would be lost)}
CASES: dict[str, tuple[Any, list[Restore], Others, tuple[str, ...]]] = {
    "a put that keeps all": (planned(POLICY, "update", others=Others((A,))), [], Others((A,)), ()),
    "a put, and one more": (planned(POLICY, "update", others=Others((A,))), [], Others((A, B)), (STATEMENTS,)),
    "a first put": (planned(POLICY, "create", others=Others()), [], Others((B,)), (STATEMENTS,)),
    "a put, and one less": (planned(POLICY, "update", others=Others((A, B))), [], Others((A,)), ()),
    "no put": (planned(POLICY, "no-op", others=Others()), [], Others((A,)), ()),
    "a delete": (planned(POLICY, "delete", others=Others()), [], Others((A,)), (STATEMENTS,)),
    "a delete with nobody beside": (planned(POLICY, "delete", others=Others()), [], Others(), ()),
    "put back": (plan_of(), [Restore(POLICY, (A,))], Others((A,)), ()),
    "put back, and one more": (plan_of(), [Restore(POLICY, (A,))], Others((A, B)), (STATEMENTS,)),
    "rules kept": (planned(SCANNING, "update", others=Others(pairs=ONE)), [], Others(pairs=ONE), ()),
    "rules, and more": (planned(SCANNING, "update", others=Others()), [], Others(pairs=ONE), (RULES,)),
    "rules deleted": (planned(SCANNING, "delete", others=Others(pairs=ONE)), [], Others(pairs=ONE), (RULES,)),
    "rules put back": (plan_of(), [Restore(SCANNING, scanning=Scanning("BASIC", ONE))], Others(pairs=ONE), ()),
    "rules put back, and more": (
        plan_of(),
        [Restore(SCANNING, scanning=Scanning("BASIC", ONE))],
        Others(pairs=ONE | OWN),
        (RULES,),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_would_be_lost_is_named(name: str) -> None:
    plan, restores, now, lost = CASES[name]
    assert lost_since(plan, Surroundings(others=now), restores) == lost


def test_a_plan_of_another_root_module_has_no_others() -> None:
    assert json.dumps(dict(plan_of().others)) == "{}"


A_ROLE, SPARE = "aws_iam_role.a", "aws_sqs_queue.b"


def plan_with(before: dict[str, Any], after: dict[str, Any] | None, action: str = "update", at: str = A_ROLE) -> Any:
    return plan_of(resource(at, change([action], before, after)))


WAS, WANTED = (
    {"tags": {"team": "a"}, "path": "/", "arns": ["x", "y"]},
    {"tags": {"team": "b"}, "path": "/", "arns": ["x", "y"]},
)
# {name: (the plan that was shown, the same plan made again, what others changed)}
SINCE: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "nothing": (plan_with(WAS, WANTED), plan_with(WAS, WANTED), ()),
    "the value that the plan changes": (
        plan_with(WAS, WANTED),
        plan_with({**WAS, "tags": {"team": "c"}}, WANTED),
        (f"{A_ROLE} (tags.team)",),
    ),
    "a value beside it": (plan_with(WAS, WANTED), plan_with({**WAS, "path": "/x/"}, WANTED), (f"{A_ROLE} (path)",)),
    "to what the plan wants": (plan_with(WAS, WANTED), plan_of(), ()),
    "another thing": (plan_with(WAS, WANTED), plan_with({"a": 1}, {"a": 2}, at=SPARE), ()),
    "what is destroyed": (
        plan_with(WAS, None, "delete"),
        plan_with({**WAS, "path": "/x/"}, None, "delete"),
        (f"{A_ROLE} (path)",),
    ),
    "a list in another order": (
        plan_with(WAS, None, "delete"),
        plan_with({**WAS, "arns": ["y", "x"]}, None, "delete"),
        (),
    ),
    "taken away": (plan_with(WAS, WANTED), plan_with({}, WANTED, "create"), (f"{A_ROLE} (taken away)",)),
    "many values": (
        plan_with(WAS, None, "delete"),
        plan_with({**WAS, **{f"n{i}": i for i in range(6)}}, None, "delete"),
        (f"{A_ROLE} (n0, n1, n2, n3, 2 more)",),
    ),
}


@pytest.mark.parametrize("name", SINCE)
def test_what_others_changed_in_what_the_plan_changes_is_named(name: str) -> None:
    then, now, found = SINCE[name]
    assert changed_since(then, now) == found


def test_images_that_came_into_a_repository_that_goes_are_counted() -> None:
    told = Planned("dev", plan_of(), True, losses=(LostImages("a", 2, False, True),))
    now = (LostImages("a", 5, False, True), LostImages("b", 1, False, True))
    assert filled_since(told, now) == ('3 more images in the repository "a"', '1 more image in the repository "b"')
    assert filled_since(told, told.losses) == ()
