"""Kustomize is rewritten as a whole: `images: - name:` matches what the bases carry, before and after.

A base that is rewritten alone would make an overlay's tag vanish without an error. So each entry's name follows the name
that its bases get. Its new name says where the table sends the image that came out before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.workloads.edits import Edit, Target, nowhere
from orchestrator.workloads.formats.kustomize import ImageEntry, Kustomization


@dataclass(frozen=True, slots=True)
class CarriedName:
    """A name that a base carries: as it was written, as it will be, and the tag or digest behind it."""

    before: str
    after: str
    suffix: str


@dataclass(frozen=True, slots=True)
class SettledOverlay:
    """A kustomization's edits, what it hands on to those above it, and names that its bases must leave alone.

    `blocked` are names that the bases carry with a digest and without. Only one of these would be
    rewritten. No entry could match both.
    """

    edits: tuple[Edit, ...]
    carried: tuple[CarriedName, ...]
    blocked: frozenset[str]


def split_name(reference: str) -> tuple[str, str]:
    """(name, tag and digest with their separators) of a reference as it is written, as kustomize splits it."""
    name = reference.partition("@")[0]
    end = name.rfind(":")
    if end > name.rfind("/"):
        name = name[:end]
    return name, reference[len(name) :]


def settle(
    kustomization: Kustomization, carried: Sequence[CarriedName], target: Target, pinned: Collection[str] = ()
) -> SettledOverlay:
    """The edits of one kustomization whose bases carry these names; what comes out under a `pinned` name stays so."""
    names = list(carried)
    edits: list[Edit] = []
    blocked: set[str] = set()
    for entry in kustomization.entries:
        matching = [name for name in names if name.before == entry.name.value]
        afters = {name.after for name in matching}
        if len(afters) > 1:
            blocked.add(entry.name.value)
            continue
        out = entry.new_name.value if entry.new_name is not None else entry.name.value
        sent = nowhere if out in pinned else target
        made = _entry(entry, next(iter(afters), entry.name.value), matching, sent)
        edits += made[0]
        names = [made[1] if name.before == entry.name.value else name for name in names]
    return SettledOverlay(tuple(sorted(edits, key=lambda edit: edit.start)), tuple(names), frozenset(blocked))


def _entry(
    entry: ImageEntry, name: str, matching: Sequence[CarriedName], target: Target
) -> tuple[list[Edit], CarriedName]:
    """The edits of one entry whose bases will carry `name`, and what comes out of it."""
    old = entry.new_name.value if entry.new_name is not None else entry.name.value
    suffix = entry.suffix or next((carried.suffix for carried in matching), "")
    sent = target(old + suffix)
    new = split_name(sent)[0] if sent is not None else old
    edits = []
    if name != entry.name.value:
        edits.append(Edit(entry.name.start, entry.name.end, name))
    if entry.new_name is not None:
        if new != old:
            edits.append(Edit(entry.new_name.start, entry.new_name.end, new))
    elif new != name:
        edits.append(Edit(entry.new_after, entry.new_after, f"{entry.before}{new}{entry.after}"))
    return edits, CarriedName(old, new, suffix)
