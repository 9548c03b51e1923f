"""The upgrades of one channel: its head, and the part of it that a range of versions needs.

Source: the filter of catalogs that oc-mirror v2 uses (`mirror-config/v1alpha1`), and operator-registry's rules of a valid
channel: one head, no circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.operator_catalog import Channel, ChannelEntry
from orchestrator.mirroring.versions import Version


def channel_head(channel: Channel) -> str:
    """The bundle that nothing replaces or skips. Raises RefusedInput where there is none or more than one."""
    followed = {name for entry in channel.entries for name in (entry.replaces, *entry.skips)}
    heads = [entry.name for entry in channel.entries if entry.name not in followed]
    if len(heads) != 1:
        found = ", ".join(sorted(heads)[:5]) or "none"
        raise RefusedInput(
            f"The channel {channel.name!a} of the package {channel.package!a} has no single head: {found}.",
            why="A valid channel has one bundle that no other replaces or skips.",
            remedy="Take a valid catalog: opm validate names what is wrong.",
        )
    return heads[0]


def replaces_chain(channel: Channel) -> list[ChannelEntry]:
    """The entries from the head down by `replaces`; one that the channel does not hold ends it. Raises RefusedInput."""
    entries = {entry.name: entry for entry in channel.entries}
    chain: list[ChannelEntry] = []
    seen: set[str] = set()
    name = channel_head(channel)
    while name:
        if name in seen:
            raise RefusedInput(
                f"The channel {channel.name!a} of the package {channel.package!a} goes round in a circle at {name!a}.",
                why="Upgrades would never end.",
                remedy="Take a valid catalog: opm validate names what is wrong.",
            )
        seen.add(name)
        # A bundle that was taken out of the catalog may still be replaced.
        entry = entries.get(name, ChannelEntry(name))
        chain.append(entry)
        name = entry.replaces
    return chain


def entries_in_range(
    channel: Channel, versions: Mapping[str, Version | None], holds: Callable[[Version], bool]
) -> tuple[set[str], list[str]]:
    """(bundles to keep, those of them outside the range that the upgrades between need). Versions are by bundle.

    The new head is the lowest bundle that has every bundle of the range at or below it. The chain is kept down to the
    last one that has any. Skipped bundles are kept where they are in the range.
    """
    chain = replaces_chain(channel)

    def in_range(name: str) -> bool:
        version = versions.get(name)
        return version is not None and holds(version)

    seen: set[str] = set()
    counts: dict[str, int] = {}
    for entry in reversed(chain):
        seen.update(name for name in (entry.name, *entry.skips) if in_range(name))
        counts[entry.name] = len(seen)
    if not seen:
        return set(), []
    head = max(index for index, entry in enumerate(chain) if counts[entry.name] == len(seen))
    kept: set[str] = set()
    outside: list[str] = []
    for entry in chain[head:]:
        if not counts[entry.name]:
            break
        kept.add(entry.name)
        kept.update(name for name in entry.skips if in_range(name))
        if not in_range(entry.name):
            outside.append(entry.name)
    return kept, outside
