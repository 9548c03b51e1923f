"""The one walker over the model's markers: each value of an environment against the rules that stand beside its field."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from orchestrator.checks.accounts import check_account, check_accounts
from orchestrator.checks.arns import check_arn, check_kms_key, check_owner
from orchestrator.checks.context import Context
from orchestrator.checks.policies import check_lifecycle_policy
from orchestrator.checks.problem import shown
from orchestrator.checks.tags import check_tags
from orchestrator.environment.identifiers import REGIONS, is_region
from orchestrator.environment.markers import (
    AccountId,
    Accounts,
    Among,
    ArnOf,
    Between,
    Doubted,
    Entries,
    Form,
    Fraction,
    Judged,
    KmsKey,
    Length,
    LifecyclePolicy,
    Marker,
    OneOf,
    Region,
    Tags,
    Unique,
)
from orchestrator.environment.parts import Value
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.spelling import nearest


def check_markers(context: Context) -> None:
    """Report each value that breaks a rule of its own; what a marker says once is looked for nowhere else."""
    for path, value, marker in _marked(context.environment, ()):
        _check(context, path, value, marker)


@dataclass(frozen=True, slots=True)
class _Shape:
    """An annotation, taken apart once: thousands of values share it."""

    markers: tuple[Marker, ...] = ()
    kind: Literal["list", "map", "one of", "single"] = "single"
    inner: tuple[_Shape, ...] = ()
    is_part: bool = False

    @property
    def holds_something(self) -> bool:
        """Is there a marker at it or below it?"""
        return self.is_part or bool(self.markers) or bool(self.inner)


@cache
def _shape(hint: Any) -> _Shape:
    markers: tuple[Marker, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        markers = tuple(marker for marker in found if isinstance(marker, Marker))
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _Shape(markers, "one of", tuple(_shape(part) for part in inner if part is not type(None)))
    if origin is tuple:
        return _Shape(markers, "list", (_shape(inner[0]),))
    if origin is dict:
        return _Shape(markers, "map", (_shape(inner[0]), _shape(inner[1])))
    return _Shape(markers, is_part=hint not in (str, int, float, bool))


@cache
def _fields(model: type[Value]) -> tuple[tuple[str, _Shape], ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple((name, _shape(hint)) for name, hint in hints.items() if name in model.model_fields)


def _marked(part: Value, path: Path) -> Iterator[tuple[Path, Any, Marker]]:
    for name, shape in _fields(type(part)):
        value = getattr(part, name)
        if value is not None:
            yield from _within(value, shape, (*path, name))


def _within(value: Any, shape: _Shape, path: Path) -> Iterator[tuple[Path, Any, Marker]]:
    """Every (path, value, marker) at or below a value, by its annotation; nothing is below None."""
    if value is None:
        return
    for marker in shape.markers:
        yield path, value, marker
    if shape.kind == "one of":
        given = next(
            (part for part in shape.inner if (part.kind == "list") == isinstance(value, tuple)), shape.inner[0]
        )
        yield from _within(value, given, path)
    elif shape.kind == "list":
        if shape.inner[0].holds_something:
            for index, item in enumerate(value):
                yield from _within(item, shape.inner[0], (*path, index))
    elif shape.kind == "map":
        keys, items = shape.inner
        for key, item in value.items():
            here = (*path, key)
            if keys.holds_something:
                yield from _within(key, keys, here)
            yield from _within(item, items, here)
    elif isinstance(value, Value):
        yield from _marked(value, path)


def _check(context: Context, path: Path, value: Any, marker: Marker) -> None:
    match marker:
        case Form() | Judged() | Doubted():
            check_text(context, path, value, marker)
        case OneOf():
            _check_word(context, path, value, marker)
        case Between():
            if not marker.holds(value):
                what = f"{dotted(path)} is {value}."
                context.error(path, what, why=marker.why, remedy=marker.advice, value=value)
        case Fraction():
            if not marker.holds(value):
                what = f"{dotted(path)} is {value:g}."
                context.error(path, what, why=marker.why, remedy=marker.advice(value), value=value)
        case Region():
            check_region(context, path, value)
        case Length():
            if len(value) > marker.most:
                what = f"{dotted(path)} has {len(value)} characters."
                context.error(path, what, why=marker.why, remedy="Shorten it.", value=value)
        case Entries():
            if not marker.holds(len(value)):
                what = marker.said.format(path=dotted(path), count=len(value))
                context.error(path, what, why=marker.why, remedy=marker.remedy, value=len(value))
        case ArnOf():
            arn = check_arn(
                context,
                path,
                value,
                service=marker.service,
                resource=marker.resource,
                example=marker.example,
                region=context.environment.aws_region if marker.regional else None,
            )
            if arn and marker.owner:
                check_owner(context, path, value, arn, marker.owner)
        case KmsKey():
            region = context.environment.registry.region if marker.of_registry else None
            check_kms_key(context, path, value, region)
        case AccountId():
            check_account(context, path, value)
        case Accounts():
            check_accounts(context, path, value, cannot_be_own=marker.cannot_be_own)
        case LifecyclePolicy():
            check_lifecycle_policy(context, path, value)
        case Tags():
            check_tags(context, path, value, marker.limit)
        case Among():
            if value not in marker.numbers:
                what, remedy = f"{dotted(path)} is {value}.", f"Write {marker.nearest(value)}."
                context.error(path, what, why=marker.why, remedy=remedy, value=value)
        case Unique():
            entries: Sequence[str] = value
            check_unique(context, path, entries)


def check_text(context: Context, path: Path, value: str, marker: Form | Judged | Doubted) -> None:
    """Report a text that breaks its rule; also for texts that only become ones of that kind by other settings."""
    judged = marker.judge(value)
    if judged is not None:
        why, remedy = judged
        key = shown(path[-2]) if len(path) > 1 else ""
        what = marker.said.format(path=dotted(path), map=dotted(path[:-1]), key=key, value=shown(value))
        report = context.warn if isinstance(marker, Doubted) else context.error
        report(path, what, why=why, remedy=remedy, value=value)


def check_region(context: Context, path: Path, value: str) -> None:
    """A region of a known partition; one that is not in our list is only warned about."""
    guess = nearest(value, REGIONS)
    if not is_region(value):
        zone = value[:-1] if is_region(value[:-1]) and value[-1:].isalpha() else None
        context.error(
            path,
            f"{dotted(path)} is {shown(value)}.",
            why="That is an availability zone, no region." if zone else "No AWS partition has a region of that form.",
            remedy=f'Write "{zone or guess or "us-east-1"}".' if zone or guess else 'Write it like "us-east-1".',
            value=value,
        )
    elif value not in REGIONS:
        context.warn(
            path,
            f"{dotted(path)} is {shown(value)}, a region that is not known here.",
            why="It may be new, or misspelt.",
            remedy=f'Did you mean "{guess}"?' if guess else "Check it.",
            value=value,
        )


def _check_word(context: Context, path: Path, value: str, marker: OneOf) -> None:
    meant = dict(marker.meant)
    if value not in meant:
        check_one_of(context, path, value, marker.words)
        return
    word = meant[value]
    context.error(
        path,
        f"{dotted(path)} is {shown(value)}.",
        why=marker.why_not,
        remedy=f'Write "{word}".' if word else "Remove it.",
        value=value,
    )


def check_one_of(context: Context, path: Path, value: str, allowed: Sequence[str], why: str = "") -> bool:
    """Is `value` one of `allowed`? Reports it when not, with the one it was most likely meant to be."""
    if value in allowed:
        return True
    guess = nearest(value, allowed)
    context.error(
        path,
        f"{dotted(path)} is {shown(value)}.",
        why=why or "It is one of " + ", ".join(word or '"" (none)' for word in allowed) + ".",
        remedy=f'Write "{guess}".' if guess else f"Write {' or '.join(shown(word) for word in allowed)}.",
        value=value,
    )
    return False


def check_unique(context: Context, path: Path, values: Sequence[str]) -> None:
    """Lists in which an entry twice is a slip."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            context.error(
                (*path, index),
                f"{dotted(path)} names {shown(value)} twice.",
                why="Each entry stands there once.",
                remedy="Remove one.",
                value=value,
            )
        seen.add(value)
