"""A host that stands before the registry of each image of a chart."""

from __future__ import annotations

import pytest

from orchestrator.workloads.find import find_images

OPERATOR = "operator:\n  registry: voyagermesh\n  repository: voyager\n  tag: v1\n"


@pytest.mark.parametrize("before", ["registryFQDN: ghcr.io\n", "global:\n  registryFQDN: r.example.com\n"])
def test_an_image_behind_a_host_of_the_chart_is_reported_and_left(before: str) -> None:
    found = find_images("values.yaml", before + OPERATOR)
    assert found.places == []
    assert [one.reason for one in found.unreadable] == ["`registryFQDN` stands before its registry"]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ('registryFQDN: ""\n' + OPERATOR, "voyagermesh/voyager:v1"),
        (
            "registryFQDN: ghcr.io\n" + OPERATOR.replace("registry: voyagermesh", "registry: quay.io/x"),
            "quay.io/x/voyager:v1",
        ),
        ("fqdn: ghcr.io\n" + OPERATOR, "voyagermesh/voyager:v1"),
    ],
)
def test_without_it_the_image_is_what_its_parts_say(text: str, reference: str) -> None:
    assert [place.reference for place in find_images("values.yaml", text).places] == [reference]
