"""The picture of the layers is drawn from `.importlinter` and from imports."""

from __future__ import annotations

from scripts.draw_layers import draw, read_floors, shortened

CONTRACTS = """
[importlinter:contract:layers]
layers =
    cli
    aws | local
    errors
"""


def test_floors_are_read_from_the_contract() -> None:
    assert read_floors(CONTRACTS) == [["cli"], ["aws", "local"], ["errors"]]


def test_an_arrow_that_a_longer_way_explains_is_left_out() -> None:
    arrows = {"cli": {"aws", "errors"}, "aws": {"errors"}, "errors": set[str]()}
    assert shortened(arrows) == {"cli": {"aws"}, "aws": {"errors"}, "errors": set()}


def test_every_part_is_a_node() -> None:
    block = draw([["cli"], ["errors"]], {"cli": {"errors"}, "errors": set()})
    assert block == '```mermaid\nflowchart TD\n    cli["cli"]\n    errors["errors"]\n    cli --> errors\n```\n'
