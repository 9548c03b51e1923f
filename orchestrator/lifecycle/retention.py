"""Retention: how long cached images stay, as an environment says it -> the settings that hold for one repository.

    {"default": {"expire_unpulled_days": 30, "keep_at_least": 1},
     "overrides": [{"pattern": "docker-hub/library/*", "keep_at_most": 3}]}

Of the overrides whose pattern holds a repository the most specific one applies, on top of the default. The names of
`protect` add up over the two. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from orchestrator.lifecycle.patterns import holds, specificity

ExpireAction = Literal["delete", "archive"]
EXPIRE_ACTIONS: tuple[ExpireAction, ...] = ("delete", "archive")
MAX_DAYS = 36_500
MAX_COUNT = 100_000

_PATTERN = re.compile(r"[a-z0-9._/*-]+", re.ASCII)
_TAG_PATTERN = re.compile(r"[A-Za-z0-9._*-]+", re.ASCII)
# Smallest and largest value by name.
LIMITS = {
    "expire_unpulled_days": (1, MAX_DAYS),
    "keep_at_least": (0, MAX_COUNT),
    "keep_at_most": (1, MAX_COUNT),
    "untagged_days": (1, MAX_DAYS),
    "minimum_age_days": (0, MAX_DAYS),
}


def is_repository_pattern(text: str) -> bool:
    """Can `text` be a prefix or pattern of repositories?"""
    return _PATTERN.fullmatch(text) is not None


def is_tag_pattern(text: str) -> bool:
    """Can `text` be a pattern of tags?"""
    return _TAG_PATTERN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RetentionFault:
    """One thing wrong: at `place`, such as `overrides[0].keep_at_most`, `value` is `judged`; `kind` says what helps.

    `value` is JSON, "" where the judgement says all: `0` is `not a whole number from 1 to 36500`.
    """

    place: str
    kind: Literal["form", "number", "choice", "order", "pattern", "tag", "twice"]
    judged: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason

    @property
    def reason(self) -> str:
        """The value with its judgement, for a sentence that named the place."""
        if not self.value:
            return self.judged
        if self.kind in ("pattern", "tag", "twice"):
            return f"{self.value} is {self.judged}"
        return f"is {self.value}, {self.judged}"


class InvalidRetentionError(ValueError):
    """The retention cannot be used, for each of `faults`."""

    def __init__(self, faults: Sequence[RetentionFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, faults)))


@dataclass(frozen=True, slots=True)
class Retention:
    """What holds for one repository.

    `expire_unpulled_days`: an image not pulled for longer expires (never pulled counts from its push); None: no limit.
    `keep_at_least`, `keep_at_most`: so many of the newest tagged images stay whatever their age, and no more whatever
    their pulls. `untagged_days`: the limit of untagged images, in the first one's place.
    `minimum_age_days`: younger images stay. `never`: nothing expires.
    """

    expire_unpulled_days: int | None = 30
    keep_at_least: int = 1
    keep_at_most: int | None = None
    untagged_days: int | None = None
    minimum_age_days: int = 1
    protect_tags: tuple[str, ...] = ()
    protect_repositories: tuple[str, ...] = ()
    never: bool = False
    expire_action: ExpireAction = "delete"


@dataclass(frozen=True, slots=True)
class Retentions:
    """The retention of an environment: a default and, by pattern, what stands in its place."""

    default: Retention = Retention()
    overrides: tuple[tuple[str, Retention], ...] = ()

    def named_by(self, repository: str) -> str | None:
        """The pattern of the override that holds for `repository`; None when the default alone does."""
        found = [pattern for pattern, _ in self.overrides if holds(pattern, repository)]
        return max(found, key=specificity, default=None)

    def of(self, repository: str) -> Retention:
        """What holds for `repository`."""
        pattern = self.named_by(repository)
        return self.default if pattern is None else dict(self.overrides)[pattern]


def parse_retention(text: str) -> Retentions:
    """The retention of a JSON text; "" is the default. Raises InvalidRetentionError with every problem."""
    if not text.strip():
        return Retentions()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRetentionError([RetentionFault("", "form", f"the retention is not JSON: {error}")]) from error
    return read_retention(document)


def read_retention(document: object) -> Retentions:
    """As parse_retention, for a decoded document."""
    faults: list[RetentionFault] = []
    if not isinstance(document, Mapping):
        raise InvalidRetentionError(
            [RetentionFault("", "form", "the retention is no object with `default` and `overrides`")]
        )
    faults += [
        RetentionFault(str(key), "form", "is not known; known are default, overrides") for key in _extra(document, _TOP)
    ]
    default = _settings(document.get("default"), "default", Retention(), faults)
    overrides: dict[str, Retention] = {}
    given = document.get("overrides")
    if given is not None and not isinstance(given, (list, tuple)):
        faults.append(RetentionFault("overrides", "form", "is no list"))
        given = None
    for index, entry in enumerate(given or ()):
        path = f"overrides[{index}]"
        pattern = entry.get("pattern") if isinstance(entry, Mapping) else None
        if not isinstance(pattern, str) or not is_repository_pattern(pattern):
            judged, text = "no prefix or pattern of repositories", json.dumps(pattern, default=str)
            faults.append(RetentionFault(f"{path}.pattern", "pattern", judged, text))
            continue
        if pattern in overrides:
            faults.append(RetentionFault(f"{path}.pattern", "twice", "given twice", f'"{pattern}"'))
        rest = {key: value for key, value in entry.items() if key != "pattern"}
        overrides[pattern] = _settings(rest, path, default, faults)
    if faults:
        raise InvalidRetentionError(faults)
    return Retentions(default, tuple(overrides.items()))


_TOP = frozenset({"default", "overrides"})
_PROTECT = frozenset({"tags", "repositories"})
_SETTINGS = frozenset(
    {field.name for field in fields(Retention)} - {"protect_tags", "protect_repositories"} | {"protect"}
)


def _extra(document: Mapping[object, object], known: frozenset[str]) -> list[str]:
    return sorted(str(key) for key in document if key not in known)


def _settings(value: object, path: str, base: Retention, faults: list[RetentionFault]) -> Retention:
    """`base` with what `value` sets. A setting that is null is as if it were absent, as Terraform writes it."""
    if value is None:
        return base
    if not isinstance(value, Mapping):
        faults.append(RetentionFault(path, "form", "is no object"))
        return base
    known = f"is not known; known are {', '.join(sorted(_SETTINGS))}"
    faults += [RetentionFault(f"{path}.{key}", "form", known) for key in _extra(value, _SETTINGS)]
    before = len(faults)
    changes: dict[str, object] = {}
    for name, setting in value.items():
        if setting is None or name not in _SETTINGS:
            continue
        if name == "protect":
            tags, repositories = _protect(setting, f"{path}.protect", faults)
            changes["protect_tags"] = tuple(dict.fromkeys((*base.protect_tags, *tags)))
            changes["protect_repositories"] = tuple(dict.fromkeys((*base.protect_repositories, *repositories)))
            continue
        changes[name] = setting
        fault = _fault(name, setting, f"{path}.{name}")
        if fault is not None:
            faults.append(fault)
    if len(faults) > before:
        return base
    settings = replace(base, **changes)  # type: ignore[arg-type]
    if settings.keep_at_most is not None and settings.keep_at_most < settings.keep_at_least:
        judged = f"less than keep_at_least ({settings.keep_at_least})"
        faults.append(RetentionFault(f"{path}.keep_at_most", "order", judged, str(settings.keep_at_most)))
    return settings


def _fault(name: str, value: object, place: str) -> RetentionFault | None:
    """Why `value` cannot be the setting `name`; None when it can."""
    text = json.dumps(value, default=str)
    if name in LIMITS:
        least, most = LIMITS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            return RetentionFault(place, "number", f"not a whole number from {least} to {most}", text)
    elif name == "never" and not isinstance(value, bool):
        return RetentionFault(place, "choice", "neither true nor false", text)
    elif name == "expire_action" and value not in EXPIRE_ACTIONS:
        return RetentionFault(place, "choice", 'neither "delete" nor "archive"', text)
    return None


def _protect(value: object, path: str, faults: list[RetentionFault]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not isinstance(value, Mapping):
        faults.append(RetentionFault(path, "form", "is no object with `tags` and `repositories`"))
        return (), ()
    known = "is not known; known are repositories, tags"
    faults += [RetentionFault(f"{path}.{key}", "form", known) for key in _extra(value, _PROTECT)]
    return (
        tuple(_patterns(value.get("tags"), f"{path}.tags", "tag", faults)),
        tuple(_patterns(value.get("repositories"), f"{path}.repositories", "pattern", faults)),
    )


def _patterns(value: object, path: str, kind: Literal["pattern", "tag"], faults: list[RetentionFault]) -> Iterator[str]:
    fits = is_tag_pattern if kind == "tag" else is_repository_pattern
    if value is None:
        return
    if not isinstance(value, (list, tuple)):
        faults.append(RetentionFault(path, "form", "is no list"))
        return
    for index, entry in enumerate(value):
        if isinstance(entry, str) and fits(entry):
            yield entry
        else:
            faults.append(RetentionFault(f"{path}[{index}]", kind, "no pattern", json.dumps(entry, default=str)))
