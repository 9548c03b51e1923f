"""The word that was most likely meant: for every `Did you mean`. Pure, standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# Longer words are no slips of the fingers, and comparing them takes the square of their length.
LONGEST = 100
# Of difflib: what shares this much with the word may be meant, too (`rosa` is near `rosa-hcp`).
_ALIKE = 0.6


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None: `us-esat-1` -> `us-east-1`.

    Slips are counted: a letter too many, too few, wrong, or two that changed places. One in three letters may be one.
    Of equals the one with the same letters is taken, then the one that begins longest like `word`. Case does not count.
    """
    lowered: dict[str, str] = {}
    for name in known:
        lowered.setdefault(name.lower(), name)
    typed = word.lower()
    if len(typed) > LONGEST:
        return None
    most = len(typed) // 3
    best: tuple[int, bool, int] | None = None
    found = None
    for name in lowered:
        if abs(len(name) - len(typed)) <= most and (count := _slips(typed, name)) <= most:
            rank = (count, sorted(typed) != sorted(name), -_shared_beginning(typed, name))
            if best is None or rank < best:
                best, found = rank, name
    if found is None:
        found = next(iter(get_close_matches(typed, lowered, n=1, cutoff=_ALIKE)), None)
    return None if found is None else lowered[found]


def _slips(one: str, other: str) -> int:
    """Letters added, left out, replaced or swapped with their neighbour (optimal string alignment distance)."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for column, wanted in enumerate(other, 1):
            count = min(last[column] + 1, here[column - 1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                count = min(count, before_last[column - 2] + 1)
            here.append(count)
        before_last, last = last, here
    return last[-1]


def _shared_beginning(one: str, other: str) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
