"""Policies that are narrowed to stages: real engines redirect exactly the Pods that the stages select."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.environment.pods import PodSelector, parse_pod_selector
from orchestrator.manifests import Options, generate
from orchestrator.workloads.stages import Stage
from tests.cluster.api_server import ApiServer
from tests.cluster.kyverno import kyverno_apply
from tests.cluster.pods import Document, pod_of
from tests.references_table import OWN, environment

pytestmark = pytest.mark.cluster

NGINX = f"{OWN}/docker-hub/library/nginx"


def labels(*texts: str) -> tuple[PodSelector, ...]:
    return tuple(selector for text in texts if (selector := parse_pod_selector(text)) is not None)


def policy(target: str, stages: Sequence[Stage]) -> str:
    return generate(environment("standard"), [target], Options(stages=stages))[0].files["policy.yaml"]


def pods_in(*namespaces: str) -> list[Document]:
    """In each namespace a Pod of the tier `test` and one of `prod`: `<namespace>-<tier>`."""
    made = []
    for namespace in namespaces:
        for tier in ("test", "prod"):
            pod = pod_of(f"{namespace}-{tier}", ["nginx"], namespace=namespace)
            pod["metadata"]["labels"] = {"tier": tier}
            made.append(pod)
    return made


def redirected(pods: Sequence[Document]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["image"] == NGINX}


def cases(first: str, second: str) -> list[tuple[tuple[Stage, ...], set[str]]]:
    """(stages, the Pods that they select) of two namespaces."""
    own, other = {f"{first}-test", f"{first}-prod"}, {f"{second}-test", f"{second}-prod"}
    tested = labels("tier=test")
    return [
        ((Stage("1", namespaces=(first,)),), own),
        ((Stage("1", namespaces=(f"{first[:-1]}*", second)),), own | other),
        ((Stage("1", labels=tested),), {f"{first}-test", f"{second}-test"}),
        ((Stage("1", namespaces=(first,), labels=tested),), {f"{first}-test"}),
        ((Stage("1", namespaces=(first,)), Stage("2", labels=tested)), own | {f"{second}-test"}),
        ((Stage("1", labels=labels("tier=x", "tier notin (test)")),), {f"{first}-prod", f"{second}-prod"}),
        ((Stage("1", namespaces=(first,)), Stage("all")), own | other),
    ]


def test_the_api_server_redirects_what_the_stages_select(api_server: ApiServer) -> None:
    first, second = api_server.create_namespace("stage-one"), api_server.create_namespace("stage-two")
    probes = api_server.create_namespace("stage-probes")
    for number, (stages, expected) in enumerate(cases(first, second)):
        # What is asked until the policy works is in a stage, too.
        probed = (*stages, Stage("probes", namespaces=(probes,)))
        with api_server.policy(policy("native", probed), probe="nginx", becomes=NGINX, namespace=probes):
            assert redirected(api_server.admit(pods_in(first, second))) == expected, number


@pytest.mark.parametrize("number", range(7))
def test_kyverno_redirects_what_the_stages_select(number: int, tmp_path: Path) -> None:
    stages, expected = cases("default", "other")[number]
    for target in ("kyverno", "kyverno-cel"):
        run = kyverno_apply(policy(target, stages), pods_in("default", "other"), tmp_path / target)
        assert redirected(list(run.pods.values())) == expected, target
