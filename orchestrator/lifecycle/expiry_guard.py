"""The guard: how much of a scope may expire at once before a person is asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Guard:
    """The largest parts, 0 to 1, of a repository's and of the account's images that one run may expire."""

    repository: Fraction = Fraction(1, 2)
    account: Fraction = Fraction(1, 4)


def exceeds(expiring: int, images: int, limit: Fraction) -> bool:
    """Is `expiring` of `images` more than the limit? Exact: half of 4 is 2, and 2 is not more than half."""
    return expiring > limit * images


def parse_fraction(text: str, what: str) -> Fraction:
    """A fraction such as "0.25" or "1"; raises ValueError naming `what`."""
    try:
        fraction = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f'{what} is "{text}", not a number from 0 to 1') from error
    if not 0 <= fraction <= 1:
        raise ValueError(f'{what} is "{text}", not a number from 0 to 1')
    return fraction
