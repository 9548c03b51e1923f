"""Which bundles of a catalog an ImageSetConfiguration asks for: the set that `oc mirror` (v2) would take.

Source: https://github.com/openshift/oc-mirror, features/filtering in its docs, and the filter that it uses. Without packages the head of every channel.
Of a named package the heads of its channels, or of the named ones. With versions what the upgrades between them need;
`full` everything. Dependencies between operators are not followed, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.chart_wishes import ChartWish
from orchestrator.mirroring.expressions import Expression
from orchestrator.mirroring.operator_catalog import Bundle, Channel, OperatorCatalog
from orchestrator.mirroring.upgrade_graph import channel_head, entries_in_range
from orchestrator.mirroring.versions import Version
from orchestrator.mirroring.wishes import Wish
from orchestrator.spelling import nearest


@dataclass(frozen=True, slots=True)
class VersionSpan:
    """Versions from `low` to `high`, both included; None is open."""

    low: Version | None = None
    high: Version | None = None

    def __bool__(self) -> bool:
        return self.low is not None or self.high is not None

    def holds(self, version: Version) -> bool:
        """As Masterminds/semver 3.4 has it: pre-releases are in where a bound names one."""
        if version.pre and not any(bound is not None and bound.pre for bound in (self.low, self.high)):
            return False
        return (self.low is None or version >= self.low) and (self.high is None or version <= self.high)


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """A package by name; `channels` (name, versions) chooses among its channels, `default` names another default one."""

    name: str
    channels: tuple[tuple[str, VersionSpan], ...] = ()
    versions: VersionSpan = VersionSpan()
    default: str = ""


@dataclass(frozen=True, slots=True)
class CatalogWish:
    """Operators of a catalog's image that somebody wants; without `packages` of all of them.

    `blocked` are expressions: an image in which one is found is left behind.
    """

    catalog: str
    packages: tuple[PackageChoice, ...] = ()
    full: bool = False
    platforms: tuple[str, ...] = ()
    where: Location | None = None
    blocked: tuple[Expression, ...] = ()

    def images(self, bundles: Iterable[Bundle]) -> tuple[str, ...]:
        """The images to copy: of the bundles, each once, and the catalog's own."""
        found = dict.fromkeys([self.catalog, *(image for bundle in bundles for image in bundle.images)])
        return tuple(image for image in found if not any(pattern.is_in(image) for pattern in self.blocked))


# What a document or a command line asks for.
Wanted = Wish | CatalogWish | ChartWish


@dataclass(frozen=True, slots=True)
class ChosenBundles:
    """`channels`: (package, channel) -> its entries that are kept; `outside`: bundles kept for upgrades though out of range.

    `bundles` are those, and skipped ones that are entries of another channel alone.
    """

    bundles: tuple[Bundle, ...]
    channels: Mapping[tuple[str, str], tuple[str, ...]]
    outside: tuple[str, ...]


def choose_bundles(catalog: OperatorCatalog, wished: CatalogWish) -> ChosenBundles:
    """The bundles, by package and name. Raises RefusedInput for what the catalog does not have."""
    choices = wished.packages or tuple(PackageChoice(name) for name in sorted(catalog.defaults))
    kept: dict[tuple[str, str], tuple[str, ...]] = {}
    outside: list[str] = []
    wanted: dict[tuple[str, str], None] = {}
    for choice in choices:
        channels = _channels(catalog, choice, wished)
        versions = {name: bundle.version for name, bundle in catalog.bundles.get(choice.name, {}).items()}
        spans = dict(choice.channels)
        _check_single(choice, spans, versions, wished)
        for channel in channels:
            between = spans.get(channel.name) or choice.versions
            names, forced = _kept(channel, between, wished, versions)
            outside += forced
            if not names and spans.get(channel.name):
                raise _empty(channel, wished)
            wanted |= dict.fromkeys((choice.name, name) for name in names)
            if names:
                kept[choice.name, channel.name] = tuple(entry.name for entry in channel.entries if entry.name in names)
        if wished.packages:
            _check_default(catalog, choice, kept, wished)
    bundles = [catalog.bundles.get(package, {}).get(name) for package, name in sorted(wanted)]
    # An entry whose bundle was taken out of the catalog is no error for OLM either.
    return ChosenBundles(tuple(bundle for bundle in bundles if bundle), kept, tuple(dict.fromkeys(outside)))


def _channels(catalog: OperatorCatalog, choice: PackageChoice, wished: CatalogWish) -> list[Channel]:
    known = catalog.channels.get(choice.name, {})
    if choice.name not in catalog.defaults:
        raise _missing("package", choice.name, wished.catalog, catalog.defaults, wished)
    chosen = {name for name, _ in choice.channels}
    for name in sorted(chosen):
        if name not in known:
            raise _missing("channel", name, f"the package {choice.name}", known, wished)
    return [channel for name, channel in known.items() if not chosen or name in chosen]


def _kept(
    channel: Channel, between: VersionSpan, wished: CatalogWish, versions: Mapping[str, Version | None]
) -> tuple[set[str], list[str]]:
    if wished.full:
        return {entry.name for entry in channel.entries}, []
    if not between:
        return {channel_head(channel)}, []
    if between.low is not None and between.low == between.high:
        # One version is that version alone, whatever upgrades to it.
        return {entry.name for entry in channel.entries if versions.get(entry.name) == between.low}, []
    holds: Callable[[Version], bool] = between.holds
    return entries_in_range(channel, versions, holds)


def _check_single(
    choice: PackageChoice,
    spans: Mapping[str, VersionSpan],
    versions: Mapping[str, Version | None],
    wished: CatalogWish,
) -> None:
    """One version alone that no bundle of the package has: oc-mirror stops there, too."""
    for span in (choice.versions, *spans.values()):
        if span.low is not None and span.low == span.high and span.low not in versions.values():
            newest = max((version for version in versions.values() if version), default=None)
            raise RefusedInput(
                f"The package {choice.name!a} has no bundle of the version {span.low}.",
                remedy=f"Write a version that it has, such as {newest}." if newest else "Leave the versions out.",
                where=wished.where,
            )


def _empty(channel: Channel, wished: CatalogWish) -> RefusedInput:
    return RefusedInput(
        f"The channel {channel.name!a} of the package {channel.package!a} has no bundle in the range of its versions.",
        why="Nothing of it would be copied.",
        remedy="Widen its versions, or leave the channel out.",
        where=wished.where,
    )


def _check_default(
    catalog: OperatorCatalog,
    choice: PackageChoice,
    kept: Mapping[tuple[str, str], tuple[str, ...]],
    wished: CatalogWish,
) -> None:
    default = choice.default or catalog.defaults[choice.name]
    if default and (choice.name, default) not in kept:
        names = sorted(channel for package, channel in kept if package == choice.name)
        raise RefusedInput(
            f"The package {choice.name!a} loses its default channel {default!a}: nothing of it is chosen.",
            why="OLM refuses a package whose default channel is not in the catalog.",
            remedy=f"Set defaultChannel of the package to one of: {', '.join(names)}."
            if names
            else "Widen its versions: no bundle is in the range.",
            where=wished.where,
        )


def _missing(kind: str, name: str, of: str, known: Mapping[str, object], wished: CatalogWish) -> RefusedInput:
    near = nearest(name, known) or min(known, default=None)
    return RefusedInput(
        f"{of} has no {kind} {name[:100]!a}.",
        remedy=f"Correct the name, for instance to {near}." if near else "Take another catalog.",
        where=wished.where,
    )
