"""Checks of include and exclude against the routes."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.checks.claims import Claim, is_own_registry
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.sources import known_source, overlaps
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.routes.source import Source, covers


def check_lists(context: Context, claims: Sequence[Claim]) -> None:
    """Forms, repetitions, contradictions, and entries or routes that have no effect."""
    environment = context.environment
    included = _check_list(context, "include", environment.include)
    excluded = _check_list(context, "exclude", environment.exclude)
    routes_known = context.usable("pull_through_cache_rules", "mirrors") and len(claims) == len(
        environment.pull_through_cache_rules
    ) + len(environment.mirrors)
    for path, source in included:
        if any(source == other for _, other in excluded):
            context.error(
                path,
                f"{dotted(path)} is {shown(_text(context, path))}, which exclude names, too.",
                why="A source cannot be redirected and left alone.",
                remedy="Remove it from one of the two.",
                value=_text(context, path),
            )
    if not routes_known:
        return
    for path, source in (*included, *excluded):
        if is_own_registry(context, source):
            reason = "Images of the environment's own registry are never redirected."
        elif not any(overlaps(claim.source, source) for claim in claims):
            reason = "No rule and no mirror redirects anything from there."
        else:
            continue
        context.warn(
            path,
            f"{dotted(path)} is {shown(_text(context, path))}.",
            why=reason,
            remedy="Remove it, or add a route." if path[0] == "include" else "Remove it, or correct its name.",
            value=_text(context, path),
        )
    for path, source in included:
        # A more specific route below the exclude would still be used.
        outer = next(
            (other for other, excluding in excluded if covers(excluding, source) and excluding != source), None
        )
        if outer is None:
            continue
        excluding = next(entry for other, entry in excluded if other == outer)
        if not any(covers(excluding, claim.source) and claim.source != excluding for claim in claims):
            context.warn(
                path,
                f"{dotted(path)} is {shown(_text(context, path))}, but {dotted(outer)} leaves all of it alone.",
                why="An exclude wins over an include.",
                remedy="Remove one of the two.",
                value=_text(context, path),
            )
    for claim in claims:
        # A wider exclude loses against the route, which is the longer match.
        whole = next((path for path, source in excluded if source == claim.source), None)
        if whole is not None:
            context.warn(
                claim.path,
                f'{claim.word} "{claim.prefix}" is never used: {dotted(whole)} excludes all of its source.',
                why="Excluded images are left alone.",
                remedy="Remove one of the two.",
                value=claim.prefix,
            )
        elif included and not any(overlaps(source, claim.source) for _, source in included):
            context.warn(
                claim.path,
                f'{claim.word} "{claim.prefix}" is never used: include names nothing of its source.',
                why="With an include list, only what it names is redirected.",
                remedy="Add its source to include, or remove it.",
                value=claim.prefix,
            )


def _check_list(context: Context, variable: str, values: tuple[str, ...]) -> list[tuple[Path, Source]]:
    found: dict[Source, Path] = {}
    for index, value in enumerate(values):
        path: Path = (variable, index)
        source = known_source(value)
        if source is None:
            continue
        if source in found:
            context.error(
                path,
                f"{variable} names {shown(value)} twice.",
                why="Each source stands there once.",
                remedy="Remove one.",
                value=value,
            )
            continue
        found[source] = path
    return [(path, source) for source, path in found.items()]


def _text(context: Context, path: Path) -> str:
    variable, index = path
    assert isinstance(index, int)
    return str(getattr(context.environment, str(variable))[index])
