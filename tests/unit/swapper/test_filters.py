"""Filters answer as go-jmespath does, and never break a review."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest

from orchestrator.errors import Location
from orchestrator.swapper.filters import _INTERPRETER, InvalidFilter, compile_filter

POD: dict[str, Any] = {
    "metadata": {
        "namespace": "kube-system",
        "name": "web-1",
        "labels": {"app.kubernetes.io/name": "web", "tier": "db"},
        "ownerReferences": [{"kind": "DaemonSet", "name": "web"}],
        "generation": 1,
    },
    "spec": {"hostNetwork": True, "priority": 10, "containers": [{"name": "web"}, {"name": "side"}]},
}
CONTAINER: dict[str, Any] = {
    "name": "web",
    "image": "1.dkr.ecr.eu-west-1.amazonaws.com/a<b",
    "ports": [{"containerPort": 80}],
}


@pytest.mark.parametrize(
    "expression",
    [
        "obj.metadata.namespace == 'kube-system'",
        "obj.metadata.namespace != 'playground'",
        "ends_with(obj.metadata.namespace,'-system')",
        "contains(container.image, '.dkr.ecr.') && contains(container.image, '.amazonaws.com')",
        'obj.metadata.labels."app.kubernetes.io/name" == `"web"`',
        "obj.metadata.labels.missing == null",
        "obj.metadata.ownerReferences[0].kind == 'DaemonSet'",
        "contains(obj.metadata.ownerReferences[].kind, 'DaemonSet')",
        "length(obj.spec.containers[?name=='web']) > `0`",
        "!(obj.metadata.labels.missing)",
        "!contains(['default', 'prod'], obj.metadata.namespace)",
        "container.ports[0].containerPort >= `80`",
        "obj.spec.hostNetwork",
        "obj.spec.priority == `10.0`",
        "to_string(container.ports) == '[{\"containerPort\":80}]'",
        # What follows is so in Go, and would not be in Python.
        "obj.metadata.generation != `true`",
        "!contains(`[true]`, obj.metadata.generation)",
        "('a' < 'b') == null",
        "to_number('1_0') == null",
        "to_number(' 1') == null",
        "to_string(`2.0`) == '2'",
        "contains(to_string([container.image]), 'a\\u003cb')",
        "contains('abc', `1`) == `false`",
    ],
)
def test_a_true_filter_skips(expression: str) -> None:
    one = compile_filter(expression)

    assert one.skips(POD, CONTAINER)
    assert not one.missed
    assert _INTERPRETER.visit(one.tree, {"obj": POD, "container": CONTAINER}) is True


@pytest.mark.parametrize(
    ("expression", "missed"),
    [
        ("obj.metadata.namespace == 'default'", {}),
        ("obj", {"no boolean": 1}),
        ("obj.metadata.labels.tier", {"no boolean": 1}),
        ("'true'", {"no boolean": 1}),
        ("`1`", {"no boolean": 1}),
        ("starts_with(obj.metadata.labels.missing, 'a')", {"error": 1}),
        ("starts_with(obj, 'a') || `true`", {"error": 1}),
        ("sort(obj.spec.containers) == null", {"error": 1}),
        ("sum(obj.metadata.labels) == `1`", {"error": 1}),
    ],
)
def test_what_is_not_true_does_not_skip_and_is_counted(expression: str, missed: dict[str, int]) -> None:
    one = compile_filter(expression)

    assert not one.skips(POD, CONTAINER)
    assert dict(one.missed) == missed


_PARTS = (
    "obj.metadata.namespace",
    "obj.metadata.labels.missing",
    "obj.spec",
    "obj.spec.hostNetwork",
    "container.ports",
    "'kube'",
    "`[]`",
    "`0`",
    "null",
)


@pytest.mark.parametrize(
    "form", ["({} && {})", "({} || {})", "!({}) && {}", "({} == {})", "({} != {})", "contains({}, {})", "starts_with({}, {})"]
)  # fmt: skip
def test_functions_answer_as_the_walk_does(form: str) -> None:
    document = {"obj": POD, "container": CONTAINER}
    for left, right in product(_PARTS, _PARTS):
        one = compile_filter(form.format(left, right))
        assert _tried(one.run, document) == _tried(partial(_INTERPRETER.visit, one.tree), document)


def _tried(run: Callable[[Any], Any], document: object) -> object:
    try:
        return run(document)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("pod", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {"namespace": 5}}])
def test_an_odd_pod_breaks_no_filter(pod: dict[str, Any]) -> None:
    assert not compile_filter("obj.metadata.namespace == 'kube-system'").skips(pod, {})
    assert not compile_filter("starts_with(obj.metadata.namespace, 'kube')").skips(pod, {})


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        (".", "character 1"),
        ("obj.metadata.namespace = 'x'", "character 24"),
        ("obj.metadata.namespace == 'x", "namespace"),
        ("a == `kube-system`", "backticks"),
        ("regex_match('a', obj)", "regex_match"),
        ("starts_with(obj)", "takes 2 arguments, not 1"),
        ("length(obj, obj)", "takes 1 argument, not 2"),
        ("[*].[lower(a)]", "lower()"),
        ("", "empty"),
        ("  ", ""),
        ("!" * 4000 + "a", "deep"),
        ("a" * 5000, "5000"),
    ],
)
def test_what_does_not_compile_is_refused_with_its_place(expression: str, word: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        compile_filter(expression, Location("swapper.yaml", 7))

    assert str(caught.value).startswith("swapper.yaml:7: ")
    assert word in str(caught.value)
    assert caught.value.exit_code == 2
