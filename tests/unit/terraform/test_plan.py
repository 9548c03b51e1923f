"""The plan model, from documents as `terraform show -json` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from orchestrator.errors import OrchestratorError
from orchestrator.terraform.plan import DYNAMIC_BLOCKS, Plan, parse_plan
from orchestrator.terraform.summary import plan_text


def change(actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    return {"actions": actions, "before": before, "after": after, "after_unknown": {}, **more}


def resource(address: str, change_: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind, name = address.split("[")[0].split(".")[-2:]
    return {"address": address, "mode": "managed", "type": kind, "name": name, "change": change_, **more}


def plan_of(*resources: dict[str, Any], **more: Any) -> Plan:
    return parse_plan(json.dumps({"format_version": "1.2", "resource_changes": list(resources), **more}))


def paths(plan: Plan) -> dict[str, tuple[Any, Any]]:
    return {a.path: (a.before, a.after) for c in plan.changes for a in c.attributes}


def test_an_attribute_that_changes_is_named_with_both_values() -> None:
    plan = plan_of(resource("aws_x.a", change(["update"], {"a": 1, "b": 2}, {"a": 1, "b": 3})))

    assert paths(plan) == {"b": (2, 3)}
    assert plan.counts()["update"] == 1


def test_a_policy_is_compared_inside_its_json() -> None:
    before = {"policy": json.dumps({"Statement": [{"Action": "a", "Effect": "Allow"}]})}
    after = {"policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "b"}]}, indent=2)}

    assert paths(plan_of(resource("aws_x.a", change(["update"], before, after)))) == {
        "policy.Statement[0].Action": ("a", "b")
    }


@pytest.mark.parametrize(("before", "after"), [(None, ""), ([], None), ({}, None), (None, []), ("", None)])
def test_nothing_is_nothing_however_it_is_written(before: Any, after: Any) -> None:
    assert paths(plan_of(resource("aws_x.a", change(["update"], {"x": before}, {"x": after})))) == {}


@pytest.mark.parametrize(
    "masks",
    [
        {"after_sensitive": {"s": True}},
        {"before_sensitive": {"s": True}},
        {"after_sensitive": True},
        {"before_sensitive": True, "after_sensitive": True},
    ],
)
def test_a_sensitive_value_is_in_no_part_of_what_is_shown(masks: dict[str, Any]) -> None:
    plan = plan_of(resource("aws_x.a", change(["update"], {"s": "old-secret"}, {"s": "new-secret"}, **masks)))

    assert plan.changes[0].attributes[0].sensitive
    for text in (plan_text(plan), json.dumps(plan.as_dict()), repr(plan.changes)):
        assert "old-secret" not in text
        assert "new-secret" not in text
    assert plan.secrets == {"old-secret", "new-secret"}


def test_a_sensitive_value_deep_in_a_list_is_hidden() -> None:
    values = [{"list": [{"name": "n", "value": text}]} for text in ("first-secret", "other-secret")]
    mask = {"list": [{"value": True}]}

    plan = plan_of(
        resource("aws_x.a", change(["update"], *values, before_sensitive=mask, after_sensitive=mask)),
    )

    assert [(a.path, a.sensitive) for a in plan.changes[0].attributes] == [("list[0].value", True)]
    assert "secret" not in plan_text(plan)


def test_what_is_known_after_the_apply_says_so() -> None:
    entry = change(["update"], {"arn": "x", "tags": {"a": "1"}}, {"tags": {"a": "1"}}, after_unknown={"arn": True})

    plan = plan_of(resource("aws_x.a", entry))

    assert plan.changes[0].attributes[0].unknown
    assert 'arn: "x" -> (known after apply)' in plan_text(plan)


def test_a_replacement_says_which_attribute_forces_it() -> None:
    entry = change(["delete", "create"], {"name": "a", "size": 1}, {"name": "b", "size": 2}, replace_paths=[["name"]])

    plan = plan_of(resource("aws_ecr_repository.this", entry))

    assert plan.changes[0].action == "replace"
    assert [(a.path, a.forces_replacement) for a in plan.changes[0].attributes] == [("name", True), ("size", False)]
    assert [change.repository for change in plan.lost_repositories] == ["a"]


def test_an_attribute_whose_name_begins_the_same_does_not_force() -> None:
    entry = change(["delete", "create"], {"name": "a", "name_prefix": 1}, {"name": "b", "name_prefix": 2})
    entry["replace_paths"] = [["name"]]

    plan = plan_of(resource("aws_x.a", entry))

    assert [a.path for a in plan.changes[0].attributes if a.forces_replacement] == ["name"]


def test_a_move_without_a_change_is_shown_and_a_no_op_is_not() -> None:
    same = change(["no-op"], {"name": "r"}, {"name": "r"})
    moved = resource('aws_ecr_repository.protected["r"]', same, previous_address='aws_ecr_repository.this["r"]')

    plan = plan_of(moved, resource("aws_x.same", same))

    assert [c.address for c in plan.changes] == ['aws_ecr_repository.protected["r"]']
    assert plan.changes[0].protected
    assert plan.counts() == {
        "create": 0, "update": 0, "replace": 0, "destroy": 0, "move": 1, "import": 0, "forget": 0,
    }  # fmt: skip
    assert 'moved from aws_ecr_repository.this["r"]' in plan_text(plan)
    assert "protected" in plan_text(plan)


def test_an_import_names_its_id() -> None:
    entry = change(["no-op"], {"name": "r"}, {"name": "r"}, importing={"id": "r"})

    assert plan_of(resource("aws_x.a", entry)).counts()["import"] == 1


CONFIGURATION = {
    "root_module": {
        "module_calls": {
            "m": {
                "module": {
                    "resources": [{"address": "aws_x.a", "expressions": {"mode": {}, "tags": {}, "block": [{}]}}],
                }
            }
        }
    }
}


def drift_of(before: Any, after: Any, actions: list[str] | None = None) -> Plan:
    address = 'module.m["k"].aws_x.a["has ] and \\" inside"]'
    entry = {
        "address": address,
        "mode": "managed",
        "type": "aws_x",
        "name": "a",
        "change": change(actions or ["update"], before, after),
    }
    return plan_of(resource_drift=[entry], configuration=CONFIGURATION)


def test_drift_of_what_the_configuration_sets_is_reported() -> None:
    plan = drift_of({"mode": "A", "block": [{"x": 1}]}, {"mode": "B", "block": [{"x": 2}]})

    assert [(a.path, a.before, a.after) for a in plan.drift[0].attributes] == [("block[0].x", 1, 2), ("mode", "A", "B")]


def test_what_aws_computes_by_itself_is_no_drift() -> None:
    assert drift_of({"revision": 1}, {"revision": 2}).drift == ()


def test_what_was_deleted_outside_is_drift_whatever_it_was() -> None:
    plan = drift_of({"revision": 1}, None, ["delete"])

    assert [change.action for change in plan.drift] == ["delete"]


def test_outputs_that_stay_are_left_out_and_sensitive_ones_hidden() -> None:
    plan = plan_of(
        output_changes={
            "same": change(["no-op"], 1, 1),
            "token": change(["update"], "secret-a", "secret-b", after_sensitive=True, before_sensitive=True),
            "url": change(["create"], None, None, after_unknown=True),
        }
    )

    assert [(o.name, o.sensitive, o.unknown) for o in plan.outputs] == [("token", True, False), ("url", False, True)]
    assert "secret" not in plan_text(plan)
    assert not plan.is_empty


def test_colours_come_only_when_asked_for() -> None:
    plan = plan_of(resource("aws_x.a", change(["create"], None, {"a": 1})))

    assert "\x1b" not in plan_text(plan)
    assert "\x1b[32m" in plan_text(plan, colour=True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format_version":"2.0"}', '{"format_version":"1.0","resource_changes":[{}]}']
)
def test_what_is_no_plan_is_an_error(text: str) -> None:
    with pytest.raises(OrchestratorError):
        parse_plan(text)


def test_every_dynamic_block_of_the_modules_is_known_as_set() -> None:
    found: dict[str, set[str]] = {}
    for path in Path(orchestrator.__file__).parents[1].glob("modules/*/*.tf"):
        kind = ""
        for line in path.read_text("utf-8").splitlines():
            if header := re.match(r'resource "(\w+)"', line):
                kind = header[1]
            if block := re.match(r'  dynamic "(\w+)"', line):
                found.setdefault(kind, set()).add(block[1])
    assert found == DYNAMIC_BLOCKS


def test_no_output_and_no_local_value_of_a_module_indexes_a_resource() -> None:
    """Terraform evaluates both when something was deleted outside: an index would fail where drift should be named."""
    found = []
    for path in Path(orchestrator.__file__).parents[1].glob("modules/*/*.tf"):
        kind = ""
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if header := re.match(r"(\w+)", line):
                kind = header[1]
            # What loops over the keys of a resource finds each of them.
            indexed = re.search(r"(?<!data\.)\baws_\w+\.\w+\[(?!\*|prefix\])", line)
            if kind in {"locals", "output", "module"} and indexed:
                found.append(f"{path.parent.name}/{path.name}:{number}")
    assert found == []
