"""A host that stands before the registry of each image of a chart."""

from __future__ import annotations

import pytest

from orchestrator.workloads.edits import Rewritten, rewrite
from orchestrator.workloads.find import find_images

OPERATOR = "operator:\n  registry: voyagermesh\n  repository: voyager\n  tag: v1\n"
HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"


def moved(text: str, prefix: str = "ghcr.io", to: str = f"{HOST}/ghcr") -> Rewritten:
    """The rewrite that puts `to` where `prefix` stands, and leaves what begins otherwise."""
    places = find_images("values.yaml", text).places
    return rewrite(places, lambda one: to + one.removeprefix(prefix) if one.startswith(f"{prefix}/") else None)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("registryFQDN: ghcr.io\n" + OPERATOR, "ghcr.io/voyagermesh/voyager:v1"),
        ("global:\n  registryFQDN: r.example.com\n" + OPERATOR, "r.example.com/voyagermesh/voyager:v1"),
        ("global:\n  registryFQDN: ghcr.io\n  registry: acme\n" + OPERATOR, "ghcr.io/acme/voyager:v1"),
        ("registryFQDN: ghcr.io\n" + OPERATOR.replace("voyagermesh", '""'), "ghcr.io/voyager:v1"),
        ('registryFQDN: ""\n' + OPERATOR, "voyagermesh/voyager:v1"),
        ("registryFQDN: ghcr.io\n" + OPERATOR.replace("voyagermesh", "quay.io/x"), "quay.io/x/voyager:v1"),
        ("fqdn: ghcr.io\n" + OPERATOR, "voyagermesh/voyager:v1"),
    ],
)
def test_an_image_is_what_its_host_and_its_parts_say(text: str, reference: str) -> None:
    found = find_images("values.yaml", text)
    assert [place.reference for place in found.places] == [reference]
    assert found.places[0].anchor.value == "voyager"


@pytest.mark.parametrize("registry", ["voyagermesh", '""'])
def test_a_rewrite_moves_the_host_and_the_organisation(registry: str) -> None:
    text = "registryFQDN: ghcr.io # why\n" + OPERATOR.replace("voyagermesh", registry)
    image = find_images("values.yaml", text).places[0].reference
    after = moved(text).apply(text)
    assert [one.reference for one in find_images("values.yaml", after).places] == [
        f"{HOST}/ghcr{image[len('ghcr.io') :]}"
    ]
    assert after.startswith(f"registryFQDN: {HOST} # why\n")
    assert moved(after).edits == ()
    back = moved(after, f"{HOST}/ghcr", "ghcr.io").apply(after)
    assert back == text


def test_images_move_with_their_host_or_all_stay() -> None:
    other = OPERATOR.replace("operator", "server").replace("voyager\n", "server\n")
    text = "registryFQDN: ghcr.io\n" + OPERATOR + other
    assert len(moved(text).edits) == 3
    one_stays = rewrite(
        find_images("values.yaml", text).places, lambda one: None if "server" in one else f"{HOST}/x/{one}"
    )
    assert one_stays.edits == ()
    assert len(one_stays.left) == 1


@pytest.mark.parametrize(
    ("more", "image"),
    [
        ("", "calico/node"),
        ("  imagePath: mine/\n  imagePrefix: a-\n", "mine/a-node"),
        ("  imagePath: x/y\n", "x/y/node"),
    ],
)
def test_a_registry_before_names_of_an_operator_moves_without_them(more: str, image: str) -> None:
    text = f"apiVersion: operator.tigera.io/v1\nkind: Installation\nspec:\n  registry: quay.io/ # why\n{more}"
    places = find_images("calico.yaml", text).places
    assert [place.reference for place in places] == [f"quay.io/{image}"]
    after = rewrite(places, lambda one: one.replace("quay.io", f"{HOST}/quay")).apply(text)
    assert after == text.replace("quay.io/", f"{HOST}/quay/")
    assert not rewrite(places, lambda _: f"{HOST}/quay/other/name").edits


def test_an_agent_without_a_registry_is_told() -> None:
    text = "apiVersion: datadoghq.com/v2alpha1\nkind: DatadogAgent\nspec:\n  override: {a: {image: {name: agent, tag: 7}}}\n"
    found = find_images("dd.yaml", text)
    assert [one.reason for one in found.unreadable] == ["the operator's own registry stands before it"]
    assert not found.places


@pytest.mark.parametrize("suffix", [":1.25", f"@sha256:{'a' * 64}", f":1.25@sha256:{'a' * 64}"])
@pytest.mark.parametrize(
    "text",
    [
        "image: {registry: ghcr.io, repository: 'org/app'}\n",
        "image: {registry: ghcr.io/org, repository: 'app'}\n",
        "image: {repository: 'ghcr.io/org/app', pullPolicy: Always}\n",
        "registryFQDN: ghcr.io\nop: {registry: org, repository: 'app', pullPolicy: Always}\n",
        "registryFQDN: ghcr.io\nop: {registry: '', repository: 'org/app', pullPolicy: Always}\n",
        "global: {imageRegistry: ghcr.io}\nop: {repository: 'org/app', pullPolicy: Always}\n",
    ],
)
def test_a_tag_within_a_repository_stays(text: str, suffix: str) -> None:
    text = text.replace("app'", f"app{suffix}'")
    assert [place.reference for place in find_images("values.yaml", text).places] == [f"ghcr.io/org/app{suffix}"]
    after = moved(text).apply(text)
    assert [place.reference for place in find_images("values.yaml", after).places] == [f"{HOST}/ghcr/org/app{suffix}"]
