"""Sources as checks across fields take them: parsed, where the form of each was judged already."""

from __future__ import annotations

from orchestrator.environment.source_form import judge_source
from orchestrator.routes.source import Source, covers, parse_source


def known_source(text: str) -> Source | None:
    """The canonical source that `text` names; None where it names none, which its marker reports."""
    return parse_source(text) if judge_source(text) is None else None


def overlaps(one: Source, other: Source) -> bool:
    """Is there a repository that both name?"""
    return covers(one, other) or covers(other, one)
