"""The targets' tags before a copy: asked in one batch where that can be, else listed, else one by one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from orchestrator.errors import OrchestratorError
from orchestrator.oci.copies import Copy
from orchestrator.oci.errors import NotUsable, RegistryRefused
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries

# Of a repository with more tags than these pages hold, tags are asked for one by one.
TAG_PAGES = 10


class TargetTags:
    """The tags of all targets of a run. Safe to use from many threads, each place asked by one of them."""

    def __init__(self, copies: Iterable[Copy], registries: Registries, journal: Journal) -> None:
        self._registries = registries
        self._journal = journal
        self._wanted: dict[Place, set[str]] = {}
        self._named: dict[Place, dict[str, str] | None] = {}
        self._listed: dict[Place, frozenset[str] | None] = {}
        self._errors: dict[Place, OrchestratorError] = {}
        for copy in copies:
            tags = self._wanted.setdefault(copy.target_place, set())
            if copy.target_tag:
                tags.add(copy.target_tag)

    @property
    def places(self) -> list[Place]:
        """The repositories that `ask` is to be called with."""
        return list(self._wanted)

    def ask(self, place: Place) -> None:
        """Ask for what a repository's tags name. `error` knows what went wrong."""
        registry = self._registries.of(place.registry)
        try:
            if registry.endpoint.inventory is not None:
                found = registry.endpoint.inventory.tags(place.repository, sorted(self._wanted[place]))
                self._named[place] = None if found is None else dict(found)
            elif not self._journal.knows(place):
                with suppress(RegistryRefused, NotUsable):
                    # A caller without the right to list is told each tag that it names.
                    listed = registry.tags(place.repository, pages=TAG_PAGES)
                    if listed is None or listed.complete:
                        self._listed[place] = frozenset(listed.names) if listed else None
        except OrchestratorError as error:
            self._errors[place] = error

    def error(self, place: Place) -> OrchestratorError | None:
        """Why a repository could not be asked."""
        return self._errors.get(place)

    def digest(self, copy: Copy, expected: str) -> str:
        """What the target names now by the copy's tag (by `expected` itself, where there is none); "" for nothing."""
        place, tag = copy.target_place, copy.target_tag
        if place in self._named:
            found = self._named[place]
            if tag or found is None:
                return (found or {}).get(tag, "")
        if place in self._listed:
            names = self._listed[place]
            if not names or (tag and tag not in names):
                return ""
        return self._registries.of(place.registry).manifest_digest(place.repository, tag or expected) or ""

    def is_empty(self, place: Place) -> bool:
        """Whether a repository is known to hold nothing."""
        if place in self._named:
            return self._named[place] is None
        return place in self._listed and not self._listed[place]
