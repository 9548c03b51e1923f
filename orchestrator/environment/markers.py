"""Rules of single values, written beside the fields that they bind: `Annotated[int, Between(1, 7, why=…)]`.

The model says them, `orchestrator.checks.walker` reads them; rules across fields are functions of `orchestrator.checks`.
A marker is a value: it knows what is allowed and why, and neither where a value was written nor how to report it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of `words`. `meant` is {what people write: the word}, `why_not` says of them what is wrong."""

    words: tuple[str, ...]
    meant: tuple[tuple[str, str], ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `least` to `most`; without `most` from `least` on."""

    least: int
    most: int | None = None
    why: str = field(default="", kw_only=True)

    def holds(self, value: float) -> bool:
        """Is the number one of them?"""
        return self.least <= value and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True)
class Form:
    """A text of one form: `fits` is a regular expression for the whole of it, or a function that answers."""

    fits: re.Pattern[str] | Callable[[str], bool]
    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)

    def holds(self, value: str) -> bool:
        """Has the text that form?"""
        return self.fits.fullmatch(value) is not None if isinstance(self.fits, re.Pattern) else self.fits(value)


@dataclass(frozen=True, slots=True)
class ArnOf:
    """An ARN of `service` in the environment's partition, whose resource begins with `resource`.

    `example` is what people call such a thing. With `regional` it is in the region of the environment.
    """

    service: str
    resource: str
    example: str
    regional: bool = False


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A KMS key by its own ARN, in the region of the environment or, `of_registry`, of its registry."""

    of_registry: bool = False


@dataclass(frozen=True, slots=True)
class AccountId:
    """The twelve digits of an AWS account."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags of AWS resources, at most `limit`: AWS takes 50, and some resources get one of their own."""

    limit: int = 50


@dataclass(frozen=True, slots=True)
class Among:
    """One of the numbers that AWS takes."""

    numbers: tuple[int, ...]
    why: str = field(kw_only=True)

    def nearest(self, value: int) -> int:
        """The allowed number that is nearest to `value`."""
        return min(self.numbers, key=lambda number: abs(number - value))


@dataclass(frozen=True, slots=True)
class Unique:
    """A list in which an entry twice is a slip."""


Marker = OneOf | Between | Form | ArnOf | KmsKey | AccountId | Tags | Among | Unique
