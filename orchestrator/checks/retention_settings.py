"""Checks of how long cached images stay: the lifecycle manager's own reading, with a place for each problem."""

from __future__ import annotations

import json

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.function_parts import RetentionSettings
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.retention import InvalidRetentionError, RetentionFault, read_retention

# modules/lifecycle-manager has the same limit: Lambda takes 4 KB of variables in all.
MAX_CHARACTERS = 2500
# What lies between settings; what one says by itself is a marker beside its field (environment.retention_types).
_REMEDIES = {
    "order": "Raise it, or lower keep_at_least.",
    "twice": "Put both into one override.",
}


def retention_document(retention: RetentionSettings | None) -> dict[str, object]:
    """The retention as the function reads it: `{"default": {...}, "overrides": [...]}`, without what is not set."""
    settings = (retention or RetentionSettings()).model_dump(mode="json", exclude_none=True)
    overrides = settings.pop("overrides")
    return {"default": settings, "overrides": overrides}


def check_retention(context: Context, path: Path, retention: RetentionSettings) -> None:
    """What settings say together and the function would refuse, at the line that says it."""
    document = retention_document(retention)
    try:
        read_retention(document)
    except InvalidRetentionError as error:
        for fault in error.faults:
            if fault.kind in _REMEDIES:
                _report(context, path, document, fault)
    _warn_of_strangers(context, path, retention)
    length = len(json.dumps(document, separators=(",", ":")))
    if length > MAX_CHARACTERS:
        context.error(
            path,
            f"{dotted(path)} has {length} characters as JSON.",
            why=f"Lambda takes 4 KB of environment variables in all, {MAX_CHARACTERS} of them for the retention.",
            remedy="Use fewer overrides, with wider patterns.",
            value=length,
        )


def warn_of_native_policy(context: Context, path: Path, kind: str, retention: RetentionSettings | None) -> None:
    """With "count" ECR itself counts tagged images, without a look at snapshots; or a policy is never given."""
    try:
        read = read_retention(retention_document(retention))
    except InvalidRetentionError:
        return
    settings = [read.default, *(override for _, override in read.overrides)]
    if all(one.expire_action == "archive" or one.never for one in settings):
        context.warn(
            path,
            f"{dotted(path)} is {shown(kind)}, but no repository gets such a policy.",
            why="The retention archives everywhere, and ECR's own rules would delete for good.",
            remedy="Leave native_policy out.",
            value=kind,
        )
        return
    if kind != "count":
        return
    if any(
        one.keep_at_most is not None and not one.protect_tags and not one.never and one.expire_action == "delete"
        for one in settings
    ):
        what, why = (
            "",
            "ECR does not know what runs: of the tagged images over keep_at_most the oldest go, in use or not.",
        )
        remedy = 'Write "untagged": the function keeps to keep_at_most itself and spares what runs.'
    else:
        what = ", but there is nothing to count"
        why = "No retention has keep_at_most (without protected tags, which ECR's count would not spare)."
        remedy = 'Write "untagged", which does the same here.'
    context.warn(path, f'{dotted(path)} is "count"{what}.', why=why, remedy=remedy, value="count")


def _warn_of_strangers(context: Context, path: Path, retention: RetentionSettings) -> None:
    """Overrides that can hold no cached repository: they lie below no rule's prefix."""
    prefixes = [prefix.rstrip("/") for prefix in context.environment.pull_through_cache_rules]
    if not prefixes or ROOT in prefixes or not context.usable("pull_through_cache_rules"):
        return
    for index, override in enumerate(retention.overrides):
        literal = override.pattern.partition("*")[0]
        if any(f"{prefix}/".startswith(literal) or literal.startswith(f"{prefix}/") for prefix in prefixes):
            continue
        # A prefix without a slash at its end means itself and what lies below.
        if override.pattern.rstrip("/") in prefixes:
            continue
        here = (*path, "overrides", index, "pattern")
        context.warn(
            here,
            f"{dotted(here)} is {shown(override.pattern)}, which holds no cached repository.",
            why=f"They lie below the prefixes of the rules: {', '.join(sorted(prefixes))}.",
            remedy=f'Begin it with one of them, such as "{sorted(prefixes)[0]}/*".',
            value=override.pattern,
        )


def _report(context: Context, path: Path, document: dict[str, object], fault: RetentionFault) -> None:
    """`overrides[0].keep_at_most` in the function's words is a path below the variable; `default` is no part of it."""
    steps: list[str | int] = []
    value: object = document
    for part in fault.place.replace("[", ".[").split("."):
        step: str | int = int(part[1:-1]) if part.startswith("[") else part
        value = _step(value, step)
        if step != "default" or steps:
            steps.append(step)
    here = (*path, *steps)
    context.error(
        here,
        f"{dotted(here)} is {shown(value)}.",
        why="Another override has the same pattern." if fault.kind == "twice" else f"That is {fault.judged}.",
        remedy=_REMEDIES[fault.kind],
        value=value,
    )


def _step(value: object, step: str | int) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
