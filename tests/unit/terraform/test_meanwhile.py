"""What others wrote between a plan and its apply would be lost, and is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.terraform.beside import Others, Scanning
from orchestrator.terraform.departures import Restore
from orchestrator.terraform.meanwhile import lost_since
from orchestrator.terraform.surroundings import Surroundings
from tests.unit.terraform.test_beside import A, B
from tests.unit.terraform.test_departures import ONE, OWN, POLICY, SCANNING
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
