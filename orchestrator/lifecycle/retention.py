"""Retention: how long cached images stay, as an environment says it -> the settings that hold for one repository.

    {"default": {"expire_unpulled_days": 30, "keep_at_least": 1},
     "overrides": [{"pattern": "docker-hub/library/*", "keep_at_most": 3}]}

Of the overrides whose pattern holds a repository the most specific one applies, on top of the default; what `protect`
names adds up over the two. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from orchestrator.lifecycle.patterns import holds, specificity

ExpireAction = Literal["delete", "archive"]
MAX_DAYS = 36_500
MAX_COUNT = 100_000

_PATTERN = re.compile(r"[a-z0-9._/*-]+", re.ASCII)
_TAG_PATTERN = re.compile(r"[A-Za-z0-9._*-]+", re.ASCII)


class InvalidRetentionError(ValueError):
    """The retention cannot be used, for each of `problems`: (path such as `overrides[0].keep_at_most`, reason)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {reason}" if path else reason for path, reason in problems))


@dataclass(frozen=True, slots=True)
class Retention:
    """What holds for one repository.

    `expire_unpulled_days`: an image not pulled for longer expires (never pulled counts from its push); None: no limit.
    `keep_at_least`, `keep_at_most`: of the newest tagged images so many stay whatever their age, and no more than so
    many stay however often they are pulled. `untagged_days`: the limit of untagged images, in the first one's place.
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
        raise InvalidRetentionError([("", f"the retention is not JSON: {error}")]) from error
    return read_retention(document)


def read_retention(document: object) -> Retentions:
    """As parse_retention, for a decoded document."""
    problems: list[tuple[str, str]] = []
    if not isinstance(document, Mapping):
        raise InvalidRetentionError([("", "the retention is no object with `default` and `overrides`")])
    problems += [(str(key), "is not known; known are default, overrides") for key in _extra(document, _TOP)]
    default = _settings(document.get("default"), "default", Retention(), problems)
    overrides: dict[str, Retention] = {}
    given = document.get("overrides")
    if given is not None and not isinstance(given, (list, tuple)):
        problems.append(("overrides", "is no list"))
        given = None
    for index, entry in enumerate(given or ()):
        path = f"overrides[{index}]"
        pattern = entry.get("pattern") if isinstance(entry, Mapping) else None
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            problems.append(
                (f"{path}.pattern", f"{json.dumps(pattern, default=str)} is no prefix or pattern of repositories")
            )
            continue
        if pattern in overrides:
            problems.append((f"{path}.pattern", f'"{pattern}" is given twice'))
        rest = {key: value for key, value in entry.items() if key != "pattern"}
        overrides[pattern] = _settings(rest, path, default, problems)
    if problems:
        raise InvalidRetentionError(problems)
    return Retentions(default, tuple(overrides.items()))


_TOP = frozenset({"default", "overrides"})
_PROTECT = frozenset({"tags", "repositories"})
_SETTINGS = frozenset(
    {field.name for field in fields(Retention)} - {"protect_tags", "protect_repositories"} | {"protect"}
)
# Smallest and largest value by name.
_NUMBERS = {
    "expire_unpulled_days": (1, MAX_DAYS),
    "keep_at_least": (0, MAX_COUNT),
    "keep_at_most": (1, MAX_COUNT),
    "untagged_days": (1, MAX_DAYS),
    "minimum_age_days": (0, MAX_DAYS),
}


def _extra(document: Mapping[object, object], known: frozenset[str]) -> list[str]:
    return sorted(str(key) for key in document if key not in known)


def _settings(value: object, path: str, base: Retention, problems: list[tuple[str, str]]) -> Retention:
    """`base` with what `value` sets. A setting that is null is as if it were absent, as Terraform writes it."""
    if value is None:
        return base
    if not isinstance(value, Mapping):
        problems.append((path, "is no object"))
        return base
    problems += [
        (f"{path}.{key}", f"is not known; known are {', '.join(sorted(_SETTINGS))}") for key in _extra(value, _SETTINGS)
    ]
    before = len(problems)
    changes: dict[str, object] = {}
    for name, setting in value.items():
        if setting is None or name not in _SETTINGS:
            continue
        if name == "protect":
            tags, repositories = _protect(setting, f"{path}.protect", problems)
            changes["protect_tags"] = tuple(dict.fromkeys((*base.protect_tags, *tags)))
            changes["protect_repositories"] = tuple(dict.fromkeys((*base.protect_repositories, *repositories)))
            continue
        changes[name] = setting
        reason = _wrong(name, setting)
        if reason:
            problems.append((f"{path}.{name}", reason))
    if len(problems) > before:
        return base
    settings = replace(base, **changes)  # type: ignore[arg-type]
    if settings.keep_at_most is not None and settings.keep_at_most < settings.keep_at_least:
        reason = f"is {settings.keep_at_most}, less than keep_at_least ({settings.keep_at_least})"
        problems.append((f"{path}.keep_at_most", reason))
    return settings


def _wrong(name: str, value: object) -> str:
    """Why `value` cannot be the setting `name`; empty when it can."""
    text = json.dumps(value, default=str)
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            return f"is {text}, not a whole number from {least} to {most}"
    elif name == "never" and not isinstance(value, bool):
        return f"is {text}, neither true nor false"
    elif name == "expire_action" and value not in ("delete", "archive"):
        return f'is {text}, neither "delete" nor "archive"'
    return ""


def _protect(value: object, path: str, problems: list[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not isinstance(value, Mapping):
        problems.append((path, "is no object with `tags` and `repositories`"))
        return (), ()
    problems += [(f"{path}.{key}", "is not known; known are repositories, tags") for key in _extra(value, _PROTECT)]
    return (
        tuple(_patterns(value.get("tags"), f"{path}.tags", _TAG_PATTERN, problems)),
        tuple(_patterns(value.get("repositories"), f"{path}.repositories", _PATTERN, problems)),
    )


def _patterns(value: object, path: str, form: re.Pattern[str], problems: list[tuple[str, str]]) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, (list, tuple)):
        problems.append((path, "is no list"))
        return
    for index, entry in enumerate(value):
        if isinstance(entry, str) and form.fullmatch(entry):
            yield entry
        else:
            problems.append((f"{path}[{index}]", f"{json.dumps(entry, default=str)} is no pattern"))
