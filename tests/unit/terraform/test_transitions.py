"""moved and import blocks, from states and plans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.plan import parse_plan
from orchestrator.terraform.state import State, parse_state
from orchestrator.terraform.transitions import (
    Adoption,
    Created,
    Move,
    blocks,
    created_ids,
    creations,
    moves,
    started_creations,
)


def state(*entries: tuple[str, str]) -> State:
    """A state of repositories: (resource name, key)."""
    resources: list[dict[str, Any]] = [
        {
            "module": "module.ecr",
            "mode": "managed",
            "type": "aws_ecr_repository",
            "name": name,
            "instances": [{"index_key": key, "attributes": {"name": key}}],
        }
        for name, key in entries
    ]
    resources.append({"mode": "data", "type": "aws_partition", "name": "current", "instances": [{"attributes": {}}]})
    return parse_state(json.dumps({"version": 4, "serial": 3, "lineage": "l", "resources": resources}))


def test_protection_moves_what_is_declared() -> None:
    found = moves(state(("this", "a/b"), ("this", "gone"), ("protected", "c")), protect=True, declared=["a/b", "c"])

    assert found == (
        Move('module.ecr.aws_ecr_repository.this["a/b"]', 'module.ecr.aws_ecr_repository.protected["a/b"]'),
    )


def test_without_protection_everything_moves_so_that_it_can_be_destroyed() -> None:
    found = moves(state(("protected", "a"), ("protected", "gone"), ("this", "c")), protect=False, declared=["a", "c"])

    assert [move.target for move in found] == [
        'module.ecr.aws_ecr_repository.this["a"]',
        'module.ecr.aws_ecr_repository.this["gone"]',
    ]


def test_nothing_moves_onto_what_is_there() -> None:
    assert moves(state(("protected", "a"), ("this", "a")), protect=False, declared=["a"]) == ()


def test_blocks_are_json_that_terraform_reads() -> None:
    assert blocks([Move("a.b", "a.c")], [Adoption("a.d", "t", "id")]) == {
        "moved": [{"from": "a.b", "to": "a.c"}],
        "import": [{"to": "a.d", "id": "id"}],
    }
    assert blocks([], []) == {}


def test_what_is_created_could_be_taken_over_by_what_the_plan_knows_of_it() -> None:
    def created(kind: str, values: dict[str, Any]) -> dict[str, Any]:
        change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {"arn": True}}
        return {"address": f"{kind}.x", "mode": "managed", "type": kind, "name": "x", "change": change}

    document = {
        "format_version": "1.2",
        "resource_changes": [
            created("aws_ecr_repository", {"name": "r"}),
            created("aws_iam_role", {"name": "role"}),
            created("aws_vpc_endpoint", {"vpc_id": "vpc-1"}),
        ],
    }

    plan = parse_plan(json.dumps(document))
    named = (
        Created("aws_ecr_repository.x", "aws_ecr_repository", {"name": "r"}),
        Created("aws_iam_role.x", "aws_iam_role", {"name": "role"}),
    )
    endpoint = {"vpc_id": "vpc-1"}
    assert creations(plan) == (*named, Created("aws_vpc_endpoint.x", "aws_vpc_endpoint", endpoint))
    made = {"aws_vpc_endpoint.x": "vpce-1", "aws_vpc_endpoint.gone": "vpce-2"}
    assert creations(plan, made) == (*named, Created("aws_vpc_endpoint.x", "aws_vpc_endpoint", endpoint, "vpce-1"))


def test_a_journal_names_what_was_begun_and_not_refused() -> None:
    def event(kind: str, address: str, action: str = "create") -> str:
        return json.dumps({"type": kind, "hook": {"resource": {"addr": address}, "action": action}})

    def diagnostic(address: str, summary: str) -> str:
        return json.dumps({"type": "diagnostic", "diagnostic": {"address": address, "summary": summary}})

    journal = "\n".join(
        [
            event("apply_start", "done"),
            event("apply_complete", "done"),
            event("apply_start", "in_flight"),
            event("apply_start", "updated", "update"),
            event("apply_start", "failed"),
            event("apply_errored", "failed"),
            event("apply_start", "cancelled"),
            event("apply_errored", "cancelled"),
            diagnostic("failed", "StatusCode: 400, RepositoryAlreadyExistsException"),
            diagnostic("cancelled", "https response error StatusCode: 0, RequestID: , canceled, context canceled"),
            "[1]",
            '{"type": "apply_st',
        ]
    )

    assert started_creations(journal) == {"done", "in_flight", "cancelled"}


def test_a_journal_names_the_ids_of_what_was_finished() -> None:
    def complete(address: str, action: str = "create", key: str = "id") -> str:
        hook = {"resource": {"addr": address}, "action": action, "id_key": key, "id_value": f"id-{address}"}
        return json.dumps({"type": "apply_complete", "hook": hook})

    journal = "\n".join([complete("a"), complete("b", "update"), complete("c", key="name"), '{"type": "apply_com'])

    assert created_ids(journal) == {"a": "id-a"}


def test_no_state_is_an_empty_one_and_a_broken_one_an_error() -> None:
    assert parse_state("") == State()
    for text in ("{", "[]", '{"version": 3}', '{"version": 4, "resources": [{"mode": "managed"}]}'):
        with pytest.raises(OrchestratorError, match="state"):
            parse_state(text)
