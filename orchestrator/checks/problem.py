"""A problem: one thing that is wrong with (or odd about) one variable of one environment."""

from __future__ import annotations

import json

from orchestrator.errors import Location, RefusedInput


class Problem(RefusedInput):
    """`variable` is its path as Terraform writes it (`repositories["team/app"].tags`), `value` what was written."""

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        remedy: str = "",
        where: Location | None = None,
        variable: str = "",
        value: object = None,
    ) -> None:
        super().__init__(what, why=why, remedy=remedy, where=where)
        self.variable = variable
        self.value = value

    @property
    def sort_key(self) -> tuple[str, int, str, str]:
        """By file, then line, so that a list of problems reads as the files do."""
        where = self.where or Location("")
        return (where.file, where.line, self.variable, self.what)

    def as_dict(self) -> dict[str, object]:
        """{file, line, variable, value, what, why, remedy}."""
        return {**super().as_dict(), "variable": self.variable or None, "value": self.value}


def shown(value: object, limit: int = 80) -> str:
    """A value as it would stand in a tfvars file, cut to `limit` characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 1] + "…"
