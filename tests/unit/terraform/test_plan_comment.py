"""A plan as a comment: what fits, what is folded, what is never shown."""

from __future__ import annotations

import pytest

from orchestrator.terraform.differences import AttributeChange
from orchestrator.terraform.masking import Masker
from orchestrator.terraform.plan import Plan, ResourceChange
from orchestrator.terraform.plan_comment import LARGEST, PlanComment, plan_comment


def creations(count: int, attributes: int = 3, action: str = "create") -> Plan:
    values = tuple(AttributeChange(f"a{n}", None, "v" * 60) for n in range(attributes))
    return Plan(tuple(ResourceChange(f'module.ecr.aws_x.a["{n}"]', "aws_x", action, values) for n in range(count)))


def test_a_plan_that_fits_stands_folded_in_a_block_that_colours_its_signs() -> None:
    changes = (
        ResourceChange("aws_x.new", "aws_x", "create", (AttributeChange("name", None, "n"),)),
        ResourceChange("aws_x.old", "aws_x", "update", (AttributeChange("size", 1, 2),)),
        ResourceChange("aws_x.gone", "aws_x", "delete"),
    )
    text = plan_comment([PlanComment("dev", Plan(changes))])
    head, _, folded = text.partition("<details>")
    assert text.startswith("<!-- orchestrator plan: dev -->\n")
    assert "### dev: Plan: 1 to create, 1 to change, 1 to destroy." in head
    assert "**1 would be destroyed or made anew:**\n\n- `aws_x.gone`" in head
    assert "\n+ aws_x.new\n" in folded
    assert "\n! aws_x.old\n         size: 1 -> 2\n" in folded
    assert "\n- aws_x.gone\n" in folded


def test_nothing_to_do_is_one_line_and_an_error_stands_in_the_place_of_its_plan() -> None:
    text = plan_comment([PlanComment("dev", Plan()), PlanComment("prod", error="prod: no access.\nFix it.")])
    assert (
        text
        == "<!-- orchestrator plan -->\n### dev: No changes.\n\n### prod: the plan failed\n\n```\nprod: no access.\nFix it.\n```\n"
    )


@pytest.mark.parametrize(("count", "attributes"), [(200, 12), (900, 1), (6_000, 1)])
def test_however_long_the_plan_the_comment_fits_and_says_what_is_missing(count: int, attributes: int) -> None:
    text = plan_comment([PlanComment("dev", creations(count, attributes))])
    assert LARGEST // 3 < len(text) <= LARGEST
    assert f"{count} to create" in text
    shown = text.count("\n+ module.ecr")
    whole = text.count("\n         a0 = ")
    assert f"Attributes of {count - whole} resources are not shown" in text or f"{count - shown + 1} lines are" in text
    assert text.count("```") % 2 == 0
    assert text.rstrip().endswith("</details>")


def test_a_short_plan_beside_many_long_ones_is_whole() -> None:
    parts = [PlanComment(f"long-{n}", creations(300)) for n in range(20)]
    text = plan_comment([*parts, PlanComment("short", creations(2))])
    assert len(text) <= LARGEST
    assert all(f"### {part.name}: Plan: 300 to create" in text for part in parts)
    assert text.count("v" * 60) == 6


@pytest.mark.parametrize("error", ["x" * 90_000, "line\n" * 20_000])
def test_a_long_error_and_long_warnings_fit_too(error: str) -> None:
    parts = [PlanComment("a", error=error), PlanComment("b", creations(9), warnings=("w" * 90_000,))]
    assert len(plan_comment(parts)) <= LARGEST


def test_a_value_ends_no_block_and_a_warning_calls_nobody() -> None:
    values = (AttributeChange("text", "a", "```\n</details>@everyone"),)
    changes = (ResourceChange("aws_x.a", "aws_x", "update", values),)
    text = plan_comment([PlanComment("dev", Plan(changes), ("<b>@team</b>\nlook",))])
    assert "````diff" in text
    assert "> &lt;b>@\u200bteam&lt;/b> look\n" in text


def test_what_the_process_knows_as_secret_is_in_no_comment() -> None:
    mask = Masker().with_secrets(["hunter2-hunter2"])
    changes = (ResourceChange("aws_x.a", "aws_x", "update", (AttributeChange("t", "x", "hunter2-hunter2"),)),)
    parts = [
        PlanComment("dev", Plan(changes), ("hunter2-hunter2 leaked",), mask=mask),
        PlanComment("prod", error="hunter2-hunter2", mask=mask),
    ]
    assert "hunter2" not in plan_comment(parts)
