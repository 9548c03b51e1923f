"""Which workload belongs to which stage: by namespace, label, path, and a percentage that is stable by name."""

from __future__ import annotations

import pytest

from orchestrator.environment.pods import PodSelector, parse_pod_selector
from orchestrator.workloads.owners import Owner, read_owners
from orchestrator.workloads.stages import Stage, selected

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {tier: controller}}
spec:
  template:
    metadata: {labels: {tier: test}}
    spec: {containers: [{name: a, image: nginx}]}
"""
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux}\nspec: {targetNamespace: shop, values: {image: 'a/b:1'}}\n"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec: {destination: {namespace: shop}}\n"
CRON_JOB = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec: {jobTemplate: {spec: {template: {metadata: {labels: {tier: test}}}}}}\n"


def labels(text: str) -> tuple[PodSelector, ...]:
    selector = parse_pod_selector(text)
    assert selector is not None
    return (selector,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEPLOYMENT, Owner("Deployment", "web", "shop", {"tier": "test"})),
        (RELEASE, Owner("HelmRelease", "web", "shop")),
        (APPLICATION, Owner("Application", "web", "shop")),
        (CRON_JOB, Owner("CronJob", "web", "", {"tier": "test"})),
        ("namespace: shop\nimages: []\n", Owner("Kustomization", "", "shop")),
    ],
)
def test_an_object_says_its_namespace_and_the_labels_of_its_pods(text: str, expected: Owner) -> None:
    assert read_owners(text).at(len(text) - 2) == expected


def test_every_item_of_a_list_and_every_document_is_an_object_of_its_own() -> None:
    items = "".join(
        f"- apiVersion: v1\n  kind: Pod\n  metadata: {{name: {name}}}\n  spec: {{}} # {name}\n" for name in "ab"
    )
    text = f"a: 1\n---\napiVersion: v1\nkind: List\nitems:\n{items}---\nb: 2 # end\n--- {{]\n"
    owners = read_owners(text)
    named = [owners.at(text.index(f"# {name}")) for name in "ab"]
    assert [owner and owner.name for owner in named] == ["a", "b"]
    assert owners.at(0) is owners.at(text.index("# end")) is owners.at(len(text) - 1) is None


@pytest.mark.parametrize(
    ("stage", "belongs"),
    [
        (Stage("all"), True),
        (Stage("s", namespaces=("shop",)), True),
        (Stage("s", namespaces=("dev", "sh*")), True),
        (Stage("s", namespaces=("sho",)), False),
        (Stage("s", labels=labels("tier=test")), True),
        (Stage("s", labels=labels("tier!=test")), False),
        (Stage("s", paths=("apps",)), True),
        (Stage("s", paths=("apps/*/web.yaml",)), True),
        (Stage("s", paths=("**/web.yaml",)), True),
        (Stage("s", paths=("*/web.yaml",)), False),
        (Stage("s", paths=("app",)), False),
        (Stage("s", percent=0), False),
        (Stage("s", percent=100), True),
        (Stage("s", namespaces=("shop",), labels=labels("tier=prod")), False),
    ],
)
def test_all_conditions_of_a_stage_must_hold(stage: Stage, belongs: bool) -> None:
    owner = Owner("Deployment", "web", "shop", {"tier": "test"})
    assert selected([stage], owner, None, "apps/shop/web.yaml") is belongs
    assert selected([Stage("none", percent=0), stage], owner, None, "apps/shop/web.yaml") is belongs


def test_what_stands_in_several_namespaces_waits_for_the_last_of_them() -> None:
    owner = Owner("Deployment", "web", "own")
    assert not selected([Stage("s", namespaces=("a",))], owner, {"a", "b"}, "x")
    assert selected([Stage("s", namespaces=("a",)), Stage("t", namespaces=("b",))], owner, {"a", "b"}, "x")
    assert not selected([Stage("s", namespaces=("a",))], owner, {"a", ""}, "x")


def test_a_percentage_is_even_and_only_grows_and_does_not_depend_on_the_file() -> None:
    owners = [Owner("Deployment", f"web-{index}") for index in range(2000)]

    def share(percent: int, path: str) -> set[str]:
        return {owner.name for owner in owners if selected([Stage("s", percent=percent)], owner, None, path)}

    assert 150 < len(share(10, "a.yaml")) < 250
    assert share(10, "a.yaml") == share(10, "b.yaml") < share(50, "a.yaml") < share(100, "a.yaml")
