"""Stages in policies: what selectors can say they say, what they cannot is a condition, and what no cluster can tell is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from orchestrator.environment.pods import PodSelector, parse_pod_selector
from orchestrator.errors import RefusedInput
from orchestrator.manifests import Options, generate
from orchestrator.workloads.stages import Stage
from tests.conftest import ProjectFactory
from tests.functional.running import run
from tests.references_table import environment, tfvars


def labels(*texts: str) -> tuple[PodSelector, ...]:
    return tuple(selector for text in texts if (selector := parse_pod_selector(text)) is not None)


def narrowed(*stages: Stage) -> tuple[dict[str, Any], str]:
    """(the selectors, the condition) of both native policies, which are the same."""
    text = generate(environment("standard"), ["native"], Options(stages=stages))[0].files["policy.yaml"]
    specs = [one["spec"] for one in yaml.safe_load_all(text) if one["kind"] == "MutatingAdmissionPolicy"]
    found = []
    for spec in specs:
        selectors = {key: value for key, value in spec["matchConstraints"].items() if key != "resourceRules"}
        conditions = [one["expression"] for one in spec["matchConditions"] if one["name"] == "pod-is-in-stage"]
        found.append((selectors, "".join(conditions)))
    assert found[0] == found[1]
    return found[0]


NAMES = "kubernetes.io/metadata.name"


def test_exact_namespaces_are_a_selector_of_namespaces() -> None:
    selector = {"matchExpressions": [{"key": NAMES, "operator": "In", "values": ["a", "b"]}]}
    assert narrowed(Stage("1", namespaces=("b",)), Stage("2", namespaces=("a",))) == (
        {"namespaceSelector": selector},
        "",
    )


def test_one_selector_of_labels_is_a_selector_of_objects() -> None:
    selectors, condition = narrowed(Stage("1", namespaces=("a",), labels=labels("tier in (x,y)")))
    assert selectors["objectSelector"] == {
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["x", "y"]}]
    }
    assert (set(selectors), condition) == ({"objectSelector", "namespaceSelector"}, "")


@pytest.mark.parametrize(
    "stages",
    [
        (Stage("1", namespaces=("a*",)),),
        (Stage("1", namespaces=("a",)), Stage("2", labels=labels("tier=x"))),
        (Stage("1", labels=labels("tier=x", "tier=y")),),
    ],
)
def test_what_selectors_cannot_say_is_a_condition(stages: tuple[Stage, ...]) -> None:
    selectors, condition = narrowed(*stages)
    assert selectors == {}
    assert condition


def test_a_stage_without_conditions_narrows_nothing() -> None:
    assert narrowed(Stage("1", namespaces=("a",)), Stage("all")) == ({}, "")


def test_a_cluster_policy_has_a_filter_for_each_way() -> None:
    stages = (Stage("1", namespaces=("a*",), labels=labels("x", "y")), Stage("2", namespaces=("b",)))
    text = generate(environment("standard"), ["kyverno"], Options(stages=stages))[0].files["policy.yaml"]
    for rule in yaml.safe_load(text)["spec"]["rules"]:
        filters = [one["resources"] for one in rule["match"]["any"]]
        assert [one["namespaces"] for one in filters] == [["a*"], ["a*"], ["b"]]
        assert ["selector" in one for one in filters] == [True, True, False]
        assert all(one["kinds"] and one["operations"] for one in filters)


def test_stages_that_no_cluster_can_tell_are_left_out_and_said_or_refused() -> None:
    stages = (Stage("1", namespaces=("a",)), Stage("half", percent=50), Stage("apps", paths=("apps",)))
    bundle = generate(environment("standard"), ["native"], Options(stages=stages))[0]
    assert narrowed(*stages) == narrowed(stages[0])
    assert any("half, apps" in note for note in bundle.notes)
    assert "--stage FILE --through apps" in bundle.files["README.md"]
    with pytest.raises(RefusedInput, match='stage "apps"'):
        generate(environment("standard"), ["kyverno"], Options(stages=stages[1:]))


def test_targets_of_nodes_have_no_stages(project: ProjectFactory) -> None:
    root = project({"standard": tfvars("standard")}).root
    (root / "stages.yaml").write_text("- {name: first, namespaces: [a]}\n- {name: all}\n")
    arguments = ("-C", str(root), "manifests", "standard", "--stage", str(root / "stages.yaml"))
    assert run(*arguments, "--for", "containerd").code == 2
    ran = run(*arguments, "--all-targets", "--json")
    assert (ran.code, "containerd: left out" in ran.err) == (0, True)
    assert "containerd" not in json.loads(ran.out)
    assert "namespaceSelector" in run(*arguments, "--for", "native", "--api-version", "v1").out
    through = ("--through", "all", "--api-version", "v1")
    assert "namespaceSelector" not in run(*arguments, "--for", "native", *through).out
