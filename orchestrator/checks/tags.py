"""Checks of the tags of AWS resources."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import TAG_TEXT
from orchestrator.environment.tfvars import Path, dotted

MAX_TAGS = 50


def check_tags(context: Context, path: Path, tags: Mapping[str, str], limit: int = MAX_TAGS) -> None:
    """AWS's rules for tags: number, lengths, characters, the reserved prefix, keys that IAM takes for the same."""
    name = dotted(path)
    if len(tags) > limit:
        context.error(
            path,
            f"{name} has {len(tags)} entries.",
            why=f"AWS takes at most {limit} tags on a resource.",
            remedy=f"Remove {len(tags) - limit}.",
            value=len(tags),
        )
    lowered: dict[str, str] = {}
    for key, value in tags.items():
        here = (*path, key)
        if not 1 <= len(key) <= 128:
            _tag(context, here, f"The tag key {shown(key)} has {len(key)} characters.", "AWS takes 1 to 128.", "key")
        elif key.lower().startswith("aws:"):
            _tag(context, here, f'The tag key "{key}" begins with aws:.', "AWS keeps that prefix for itself.", "key")
        elif not TAG_TEXT.fullmatch(key):
            _tag(context, here, f"The tag key {shown(key)} holds a character that AWS refuses.", _TAG_CHARACTERS, "key")
        elif key.lower() in lowered:
            _tag(
                context,
                here,
                f'The tag keys "{lowered[key.lower()]}" and "{key}" differ only in case.',
                "IAM takes them for the same key.",
                "key",
            )
        if len(value) > 256:
            _tag(context, here, f'The tag "{key}" has {len(value)} characters.', "AWS takes at most 256.", "value")
        elif not TAG_TEXT.fullmatch(value):
            _tag(context, here, f'The tag "{key}" is {shown(value)}.', _TAG_CHARACTERS, "value")
        lowered.setdefault(key.lower(), key)


_TAG_CHARACTERS = "Tags hold letters, digits, spaces and _ . : / = + - @."


def _tag(context: Context, path: Path, what: str, why: str, part: str) -> None:
    context.error(path, what, why=why, remedy=f"Write another {part}.", value=str(path[-1]))
