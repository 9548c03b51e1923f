"""Rules of single values, written beside the fields that they bind: `Annotated[int, Between(1, 7, why=…)]`.

The keys of a map have theirs too: `dict[Annotated[str, Form(…)], Template]`.

The model says them, `orchestrator.checks.walker` reads them; rules across fields are functions of `orchestrator.checks`.
A marker is a value. It knows what is allowed and why, and neither where a value was written nor how to report it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

# What is said of a text that breaks its rule. `path` is the value's place, `map` that of the map whose key it is.
# `key` names the object that the value is an attribute of.
SAID = "{path} is {value}."


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
    remedy: str = field(default="", kw_only=True)

    def holds(self, value: float) -> bool:
        """Is the number one of them?"""
        return self.least <= value and (self.most is None or value <= self.most)

    @property
    def advice(self) -> str:
        """What to write instead."""
        return self.remedy or f"Write {self.least}{' or more' if self.most is None else f' to {self.most}'}."


@dataclass(frozen=True, slots=True)
class Fraction:
    """A part of a whole: above 0, and 1 at most."""

    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)

    def holds(self, value: float) -> bool:
        """Is the number such a part?"""
        return 0 < value <= 1

    def advice(self, value: float) -> str:
        """What to write instead: who writes 25 means 0.25."""
        return f"Write {value / 100:g}." if 1 < value <= 100 else self.remedy


@dataclass(frozen=True, slots=True)
class Form:
    """A text of one form: `fits` is a regular expression for the whole of it, or a function that answers.

    `meant` gives what a text that does not fit was most likely meant to be; `said` is the sentence about such a text.
    """

    fits: re.Pattern[str] | Callable[[str], bool]
    why: str | Callable[[str], str] = field(kw_only=True)
    remedy: str = field(kw_only=True)
    meant: Callable[[str], str] | None = field(default=None, kw_only=True)
    said: str = field(default=SAID, kw_only=True)

    def holds(self, value: str) -> bool:
        """Has the text that form?"""
        return self.fits.fullmatch(value) is not None if isinstance(self.fits, re.Pattern) else self.fits(value)

    def judge(self, value: str) -> tuple[str, str] | None:
        """(why the text has not that form, what to do about it); None when it has."""
        if self.holds(value):
            return None
        why = self.why if isinstance(self.why, str) else self.why(value)
        meant = self.meant(value) if self.meant else value
        return why, f'Write "{meant}".' if meant != value and self.holds(meant) else self.remedy


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that a function judges: (why it cannot be used, what to do), or None when it can."""

    judge: Callable[[str], tuple[str, str] | None]
    said: str = SAID


@dataclass(frozen=True, slots=True)
class Doubted:
    """A text that is allowed but hardly meant, where a function says so: (why, what to do about it), or None."""

    judge: Callable[[str], tuple[str, str] | None]
    said: str = SAID


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a known partition; one that is not known by name is only warned about."""


@dataclass(frozen=True, slots=True)
class Length:
    """A text of at most so many characters."""

    most: int
    why: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Entries:
    """A list of `least` to `most` entries; without `most` from `least` on. `said` is the sentence about another one."""

    least: int
    most: int | None = None
    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)
    said: str = field(default="{path} has {count} entries.", kw_only=True)

    def holds(self, count: int) -> bool:
        """May a list have so many?"""
        return self.least <= count and (self.most is None or count <= self.most)


@dataclass(frozen=True, slots=True)
class InAccount:
    """In whose account a thing lies: the environment's or, `of_registry`, its registry's.

    `said` and `why` are the sentences about another `{account}`; `{own}` is the one that is wanted.
    """

    said: str
    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)
    of_registry: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ArnOf:
    """An ARN of `service` in the environment's partition, whose resource begins with `resource`.

    `example` is what people call such a thing. With `regional` it is in the region of the environment, with `owner` in
    that one's account.
    """

    service: str
    resource: str
    example: str
    regional: bool = False
    owner: InAccount | None = None


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A KMS key by its own ARN, in the region of the environment or, `of_registry`, of its registry."""

    of_registry: bool = False


@dataclass(frozen=True, slots=True)
class AccountId:
    """The twelve digits of an AWS account."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """A list of AWS accounts, each once, without the environment's own: it has that right anyway.

    Its own is only warned about, unless it `cannot_be_own`.
    """

    cannot_be_own: bool = False


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """The text of a lifecycle policy that ECR takes."""


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


Marker = (
    OneOf
    | Between
    | Fraction
    | Form
    | Judged
    | Doubted
    | Region
    | Length
    | Entries
    | ArnOf
    | KmsKey
    | AccountId
    | Accounts
    | LifecyclePolicy
    | Tags
    | Among
    | Unique
)
