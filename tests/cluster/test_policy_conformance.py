"""Every reference of the conformance table through every engine that admits Pods: the image is the one that the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.environment.model import Environment
from orchestrator.manifests import Options, generate
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import Redirected
from tests import random_tables
from tests.cluster.api_server import ApiServer
from tests.cluster.kyverno import kyverno_apply, kyverno_mutate
from tests.cluster.pods import KINDS, Kind, pod_of
from tests.cluster.processes import EngineRunError
from tests.references_table import CASES, ENVIRONMENTS, Case, environment

pytestmark = pytest.mark.cluster

# The API server has its own rule for images, before any policy's result is looked at: none is empty or begins or ends with
# white space. (Unicode's white space: a no-break space too.)
REFUSED_BY_THE_API_SERVER = {
    "nothing",
    "blank",
    "blank before",
    "blank after",
    "tabulator",
    "line end after the name",
    "line end after the tag",
    "line end after the digest",
    "carriage return",
    "no-break space",
    "line end",
}
# Among them tables that redirect nothing.
RANDOM = (0, 1, 2, 3, 4, 7, 9)


def cases(name: str) -> list[Case]:
    return [case for case in CASES if case.environment == name]


def policy(of: Environment, target: str, *, annotate: bool = False) -> str:
    return generate(of, [target], Options(annotate=annotate))[0].files["policy.yaml"]


def differences(expected: dict[str, str], found: dict[str, str]) -> list[tuple[str, str, str]]:
    """(reference, expected, found) where they differ."""
    return [(one, image, found[one]) for one, image in expected.items() if found[one] != image]


def random_expectations(seed: int) -> dict[str, str]:
    table = build_route_table(random_tables.environment(seed))
    answers = {one: table.redirect(one) for one in random_tables.references(seed, 150)}
    return {one: answer.target if isinstance(answer, Redirected) else one for one, answer in answers.items()}


@pytest.mark.parametrize("target", ["kyverno", "kyverno-cel"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_kyverno_agrees_with_the_table(name: str, target: str, tmp_path: Path) -> None:
    expected = {case.reference: case.image for case in cases(name)}

    found = kyverno_mutate(policy(environment(name), target), expected, folder=tmp_path)

    assert differences(expected, found) == []


@pytest.mark.parametrize("target", ["kyverno", "kyverno-cel"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "containers"])
def test_kyverno_agrees_with_the_table_wherever_a_pod_has_images(kind: Kind, target: str, tmp_path: Path) -> None:
    expected = {case.reference: case.image for case in cases("standard")[::4]}

    found = kyverno_mutate(policy(environment("standard"), target), expected, folder=tmp_path, kind=kind)

    assert differences(expected, found) == []


# The CLI counts a ClusterPolicy for each Pod that it changes, and a MutatingPolicy twice for each Pod that it had.
@pytest.mark.parametrize(("target", "passed"), [("kyverno", 2), ("kyverno-cel", 6)])
def test_kyverno_leaves_no_pod_out(target: str, passed: int, tmp_path: Path) -> None:
    images = {"one": ["nginx", "quay.io/a/b:1"], "two": ["redis:7"], "left": ["registry.example.org/a:1"]}
    pods = [pod_of(name, references, namespace="default") for name, references in images.items()]

    run = kyverno_apply(policy(environment("standard"), target), pods, tmp_path)

    assert (run.resources, run.failed, run.errors) == (3, 0, 0), run.output
    assert run.passed == passed, run.output


@pytest.mark.parametrize("target", ["kyverno", "kyverno-cel"])
def test_kyverno_agrees_with_tables_that_nobody_thought_of(target: str, tmp_path: Path) -> None:
    for seed in RANDOM:
        expected = random_expectations(seed)
        document = policy(random_tables.environment(seed), target)
        assert differences(expected, kyverno_mutate(document, expected, folder=tmp_path)) == [], f"seed {seed}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_native_policy_agrees_with_the_table(name: str, api_server: ApiServer) -> None:
    namespace = api_server.create_namespace()
    expected = {case.reference: case.image for case in cases(name) if case.name not in REFUSED_BY_THE_API_SERVER}
    probe, becomes = next((one, image) for one, image in expected.items() if image != one)

    with api_server.policy(policy(environment(name), "native"), probe=probe, becomes=becomes, namespace=namespace):
        for kind in KINDS:
            found = api_server.admit_images(expected, namespace=namespace, kind=kind, per_pod=40)
            assert differences(expected, found) == [], kind


def test_the_native_policy_agrees_with_tables_that_nobody_thought_of(api_server: ApiServer) -> None:
    namespace = api_server.create_namespace()
    for seed in RANDOM:
        expected = random_expectations(seed)
        redirected = [(one, image) for one, image in expected.items() if image != one]
        if not redirected:
            continue
        probe, becomes = redirected[0]
        document = policy(random_tables.environment(seed), "native")
        with api_server.policy(document, probe=probe, becomes=becomes, namespace=namespace):
            found = api_server.admit_images(expected, namespace=namespace, per_pod=50)
        assert differences(expected, found) == [], f"seed {seed}"


@pytest.mark.parametrize("case", [case for case in CASES if case.name in REFUSED_BY_THE_API_SERVER], ids=str)
def test_the_api_server_itself_refuses_white_space_around_an_image(case: Case, api_server: ApiServer) -> None:
    with pytest.raises(EngineRunError, match=r"must not have leading or trailing whitespace|Required value"):
        api_server.admit_images([case.reference], namespace="default")
