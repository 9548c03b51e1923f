"""Label selectors of Pods that are left alone: Kubernetes' own syntax, and the list that is shipped."""

from __future__ import annotations

import time

import pytest

from orchestrator.environment.pods import COMPARING_OPERATORS, SHIPPED_SELECTORS, parse_pod_selector

# (selector, labels that it selects, labels that it does not)
SELECTED = [
    ("cnpg.io/cluster", {"cnpg.io/cluster": "db"}, {"cnpg.io/poolerName": "db"}),
    ("olm.catalogSource", {"olm.catalogSource": ""}, {}),
    ("application=spilo", {"application": "spilo", "team": "a"}, {"application": "spilo2"}),
    ("application==spilo", {"application": "spilo"}, {"Application": "spilo"}),
    ("app=", {"app": ""}, {}),
    ("tier!=db", {"tier": "web"}, {"tier": "db"}),
    ("tier!=db", {}, {"tier": "db"}),
    ("!debug", {"app": "web"}, {"debug": ""}),
    ("tier in (db, cache)", {"tier": "cache"}, {"tier": "web"}),
    ("tier in (db,)", {"tier": ""}, {}),
    ("tier notin (db,cache)", {"tier": "web"}, {"tier": "db"}),
    ("app=web,tier in (a,b),!debug", {"app": "web", "tier": "b"}, {"app": "web", "tier": "b", "debug": "1"}),
    ("  app = web , tier notin ( a )  ", {"app": "web"}, {"app": "web", "tier": "a"}),
    ("login in (a)", {"login": "a"}, {"log": "a"}),
    ("in in (in)", {"in": "in"}, {}),
    ("notin", {"notin": "1"}, {}),
    ("A.b-c_D=E.f-g_H", {"A.b-c_D": "E.f-g_H"}, {}),
    (f"{'a' * 63}={'b' * 63}", {"a" * 63: "b" * 63}, {}),
]


@pytest.mark.parametrize(("text", "selected", "left"), SELECTED)
def test_a_selector_selects_what_kubernetes_selects(text: str, selected: dict[str, str], left: dict[str, str]) -> None:
    selector = parse_pod_selector(text)

    assert selector is not None
    assert selector.matches(selected)
    assert not selector.matches(left)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "app=web,", ",app=web", "app=web tier=db", "app=web;tier=db", "app web"),
        *(
            "!app=web",
            "!app in (a)",
            "app in a",
            "app in (a",
            "app in a)",
            "app in ((a))",
            "app in(",
            "=web",
            "!",
            "!!a",
        ),
        *("app=a b", "app=a/b", "app='web'", 'app="web"', "app=wéb", "ap p=web", "app~web", "app===web"),
        *("/app", "a//b", "A.io/app", "a_b.io/app", "a.io/", "a.io/b/c", "-app", "app-", "app=-web", "app=web-"),
        *("a" * 64, f"app={'a' * 64}", f"{'a' * 254}/app", "${var.x}=a", "*", "app=*", "app>1"),
    ],
)
def test_what_is_no_selector_is_none(text: str) -> None:
    assert parse_pod_selector(text) is None


@pytest.mark.speed
@pytest.mark.parametrize(
    "text", ["a" * 60_000, " " * 60_000, "(" * 60_000, "a," * 30_000, "a in (" + "b," * 30_000, "!" * 60_000]
)
def test_time_grows_with_the_text(text: str) -> None:
    begun = time.process_time()
    parse_pod_selector(text)
    assert time.process_time() - begun < 1


def test_every_shipped_selector_selects_and_says_where_it_comes_from() -> None:
    assert len(set(SHIPPED_SELECTORS)) == len(COMPARING_OPERATORS)
    for operator in COMPARING_OPERATORS:
        selector = parse_pod_selector(operator.selector)
        assert selector is not None
        assert not selector.matches({})
        assert not selector.matches({"app": "web", "app.kubernetes.io/managed-by": "Helm"})
        assert operator.source.startswith("https://github.com/")
        group, _, kind = operator.resource.partition("/")
        assert "." in group
        assert kind
        assert operator.field.startswith("spec.")
