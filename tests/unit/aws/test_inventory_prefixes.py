"""Which prefix a repository of the registry lies below: asked of the same search as everywhere."""

from __future__ import annotations

import pytest

from orchestrator.aws.inventory import prefix_of


@pytest.mark.parametrize(
    ("name", "prefixes", "prefix"),
    [
        ("hub/library/nginx", ("hub",), "hub"),
        ("hub/library/nginx", ("hub", "hub/library"), "hub/library"),
        ("hub/library/nginx", ("hub/",), "hub/"),
        ("hubs/nginx", ("hub",), None),
        ("hub", ("hub",), None),
        ("own/app", ("hub", "ROOT"), "ROOT"),
        ("own", ("hub", "ROOT"), "ROOT"),
    ],
)
def test_the_longest_prefix_at_a_components_boundary_wins(
    name: str, prefixes: tuple[str, ...], prefix: str | None
) -> None:
    assert prefix_of(name, prefixes) == prefix
