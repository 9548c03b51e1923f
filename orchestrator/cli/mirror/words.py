"""Sizes, counts and the like as people read them."""

from __future__ import annotations

import re

import click

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """`1234567` -> `1.2 MB`, in powers of ten as registries show them."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


_LEAST_PART = 10**6
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kMGT]?i?)B?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def read_size(text: str) -> int | None:
    """`4GB` -> 4000000000, `700MiB` -> 734003200; None for what is no size."""
    match = _SIZE.fullmatch(text.strip())
    factor = _FACTORS.get(match[2].lower()) if match else None
    return int(float(match[1]) * factor) if match and factor else None


def part_size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    """The bytes of an option like `--part-size 4GB`; 0 where it was not given."""
    if value is None:
        return 0
    found = read_size(value)
    if found is None or found < _LEAST_PART:
        raise click.BadParameter(f"{value} is no size of 1 MB or more, such as 700MB, 4GB or 4GiB.")
    return found
