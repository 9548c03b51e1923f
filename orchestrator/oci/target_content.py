"""Content that the targets hold already: asked in batches where that can be, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from orchestrator.errors import OrchestratorError
from orchestrator.oci.copy_plan import Held, Wanted
from orchestrator.oci.crew import for_each
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class TargetContent:
    """Questions to the targets of a run. `errors` are of the repositories that would not answer, {place: why}."""

    def __init__(self, registries: Registries, threads: int, journal: Journal) -> None:
        self._registries = registries
        self._threads = threads
        self._journal = journal
        self.errors: dict[Place, OrchestratorError] = {}

    def of(self, wanted: list[Wanted], empty: set[Place]) -> tuple[Held, dict[tuple[str, str], list[Place]]]:
        """What the targets hold of all that is wanted, and {(registry, blob): repositories that have it committed}.

        `empty` are repositories that are known to hold nothing; of them only what the journal has sent is asked.
        """
        held = Held()
        by_place: dict[Place, list[Wanted]] = {}
        for item in wanted:
            by_place.setdefault(item.target, []).append(item)
        asked = [place for place in by_place if place not in empty]
        self._held_manifests(asked, by_place, held)
        self._held_tags(asked, by_place, held)
        self._held_blobs(list(by_place), asked, by_place, held)
        committed: dict[tuple[str, str], list[Place]] = {}
        for item in wanted:
            if held.has_manifest(item.target, item.manifest.digest):
                for blob in item.manifest.blobs:
                    committed.setdefault((item.target.registry, blob.digest), []).append(item.target)
            for origin in item.origins:
                # Within one registry the source itself is where blobs are mounted from.
                if origin.registry == item.target.registry:
                    for blob in item.manifest.blobs:
                        places = committed.setdefault((origin.registry, blob.digest), [])
                        if origin not in places:
                            places.append(origin)
        return held, committed

    def _ask(
        self, question: Callable[[Item], Answer], items: Sequence[Item], place_of: Callable[[Item], Place]
    ) -> list[tuple[Item, Answer]]:
        """What each item is answered, without those of repositories that refuse: that is no other one's failure."""

        def ask(item: Item) -> Answer | None:
            place = place_of(item)
            if place in self.errors:
                return None
            try:
                return question(item)
            except OrchestratorError as error:
                self.errors.setdefault(place, error)
                return None

        answers = zip(items, for_each(self._threads, ask, items), strict=True)
        return [(item, answer) for item, answer in answers if answer is not None]

    def _held_manifests(self, asked: list[Place], by_place: dict[Place, list[Wanted]], held: Held) -> None:
        single: list[tuple[Place, str]] = []
        batches: list[tuple[Place, list[str]]] = []
        for place in asked:
            digests = [item.manifest.digest for item in by_place[place]]
            if self._registries.of(place.registry).endpoint.inventory is not None:
                batches.append((place, digests))
            else:
                single += [(place, digest) for digest in digests]

        def ask_batch(batch: tuple[Place, list[str]]) -> set[str]:
            inventory = self._registries.of(batch[0].registry).endpoint.inventory
            assert inventory is not None
            return inventory.manifests(batch[0].repository, batch[1])

        def ask_one(item: tuple[Place, str]) -> bool:
            return self._registries.of(item[0].registry).manifest_digest(item[0].repository, item[1]) is not None

        for (place, _), found in self._ask(ask_batch, batches, lambda batch: batch[0]):
            held.manifests[place] = set(found)
        for (place, digest), there in self._ask(ask_one, single, lambda item: item[0]):
            if there:
                held.manifests.setdefault(place, set()).add(digest)

    def _held_tags(self, asked: list[Place], by_place: dict[Place, list[Wanted]], held: Held) -> None:
        """Signature tags that name what they shall already are not put again."""
        items = [
            (item, tag)
            for place in asked
            for item in by_place[place]
            if item.is_signature and held.has_manifest(place, item.manifest.digest)
            for tag in sorted(item.tags)
        ]

        def same(pair: tuple[Wanted, str]) -> bool:
            item, tag = pair
            registry = self._registries.of(item.target.registry)
            return registry.manifest_digest(item.target.repository, tag) == item.manifest.digest

        for (item, tag), is_same in self._ask(same, items, lambda pair: pair[0].target):
            if is_same:
                item.tags.discard(tag)

    def _held_blobs(
        self, places: list[Place], asked: list[Place], by_place: dict[Place, list[Wanted]], held: Held
    ) -> None:
        single: list[tuple[Place, str]] = []
        batches: list[tuple[Place, list[str]]] = []
        for place in places:
            needed: dict[str, None] = {}
            for item in by_place[place]:
                if held.has_manifest(place, item.manifest.digest):
                    held.blobs.setdefault(place, set()).update(blob.digest for blob in item.manifest.blobs)
                else:
                    needed.update((blob.digest, None) for blob in item.manifest.blobs)
            unsure = [digest for digest in needed if not held.has_blob(place, digest)]
            if place not in asked:
                # A killed run leaves blobs in a repository that looks empty.
                sent = self._journal.blobs_sent(place)
                unsure = [digest for digest in unsure if digest in sent]
            if unsure and self._registries.of(place.registry).endpoint.inventory is not None and place in asked:
                batches.append((place, unsure))
            else:
                single += [(place, digest) for digest in unsure]

        def ask_batch(batch: tuple[Place, list[str]]) -> set[str]:
            inventory = self._registries.of(batch[0].registry).endpoint.inventory
            assert inventory is not None
            return inventory.blobs(batch[0].repository, batch[1])

        def ask_one(item: tuple[Place, str]) -> bool:
            return self._registries.of(item[0].registry).has_blob(item[0].repository, item[1])

        for (place, _), found in self._ask(ask_batch, batches, lambda batch: batch[0]):
            held.blobs.setdefault(place, set()).update(found)
        for (place, digest), there in self._ask(ask_one, single, lambda item: item[0]):
            if there:
                held.blobs.setdefault(place, set()).add(digest)
