"""The end of a run: lists of referrers where a target keeps none, and a last comparison with the source.

What a target answered to a push with its digest is confirmed. A digest that it did not confirm is asked again, in a
batch where it can be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.errors import OrchestratorError
from orchestrator.oci.copies import CopyState, Loss
from orchestrator.oci.copy_tree import CopyTree
from orchestrator.oci.crew import for_each
from orchestrator.oci.errors import Absent, NotUsable, OciError
from orchestrator.oci.manifest import OCI_INDEX, Manifest, as_referrer, fallback_tag, parse_manifest, referrers_index
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries

Key = tuple[Place, str]


def put_fallback_tags(
    unlisted: Mapping[Key, Sequence[Manifest]], registries: Registries, threads: int
) -> dict[Key, OrchestratorError]:
    """Put the index that stands for the list of referrers of each subject; {(repository, referrer): why it could not}.

    Entries that others have put into it stay. Two who do this at once can lose one of their entries: the specification has no lock.
    """

    def put_index(item: tuple[Key, Sequence[Manifest]]) -> OrchestratorError | None:
        (place, subject), manifests = item
        registry = registries.of(place.registry)
        tag = fallback_tag(subject)
        listed = {manifest.digest: as_referrer(manifest) for manifest in manifests}
        try:
            try:
                before = registry.manifest(place.repository, tag)
                known = before.digest
                # GitLab takes the tag for the digest and gives the subject itself.
                if before.is_index and known != subject:
                    listed = {str(entry["digest"]): entry for entry in json.loads(before.content)["manifests"]} | listed
            except (Absent, NotUsable):
                known = ""
            index = parse_manifest(referrers_index(list(listed.values())), OCI_INDEX)
            if index.digest != known:
                registry.put_manifest(place.repository, tag, index)
        except OrchestratorError as error:
            return error
        return None

    errors: dict[Key, OrchestratorError] = {}
    for ((place, _), manifests), error in zip(
        unlisted.items(), for_each(threads, put_index, list(unlisted.items())), strict=True
    ):
        if error is not None:
            errors.update({(place, manifest.digest): error for manifest in manifests})
    return errors


def check_sources(trees: Iterable[CopyTree], registries: Registries, threads: int) -> None:
    """Did a source's tag move while its image was copied? The result says where to; what was copied is whole."""

    def check(tree: CopyTree) -> None:
        place = tree.copy.source_place
        try:
            now = registries.source(place.registry).manifest_digest(place.repository, tree.copy.source_reference)
        except OciError:
            # The copy is done; that its source cannot be asked again does not undo it.
            return
        if now != tree.source_digest:
            tree.result.moved = now or "nothing"

    for_each(threads, check, [tree for tree in trees if tree.copy.source.digest is None and _copied(tree)])


def check_targets(
    trees: Iterable[CopyTree], confirmed: Callable[[Key], bool], registries: Registries, threads: int
) -> None:
    """Does each target name what it shall? A copy whose tag is another one's by now has failed."""
    batches: dict[Place, list[CopyTree]] = {}
    single: list[CopyTree] = []
    for tree in trees:
        if not _copied(tree):
            continue
        place = tree.copy.target_place
        if registries.of(place.registry).endpoint.inventory is not None and tree.copy.target_tag:
            batches.setdefault(place, []).append(tree)
        elif not confirmed((place, tree.copy.target_tag or tree.result.digest)):
            single.append(tree)

    for registry in {place.registry for place in batches}:
        before = registries.of(registry).endpoint.inventory
        assert before is not None
        before.forget()

    def check_batch(place: Place) -> None:
        inventory = registries.of(place.registry).endpoint.inventory
        assert inventory is not None
        tags = sorted({tree.copy.target_tag for tree in batches[place]})
        try:
            found = inventory.tags(place.repository, tags) or {}
        except OrchestratorError as error:
            for tree in batches[place]:
                tree.fail(error)
            return
        for tree in batches[place]:
            _compare(tree, found.get(tree.copy.target_tag, ""))

    def check(tree: CopyTree) -> None:
        place = tree.copy.target_place
        reference = tree.copy.target_tag or tree.result.digest
        try:
            _compare(tree, registries.of(place.registry).manifest_digest(place.repository, reference) or "")
        except OciError as error:
            tree.fail(error)

    for_each(threads, check_batch, list(batches))
    for_each(threads, check, single)


def check_referrers(
    trees: Sequence[CopyTree], put: Mapping[Key, set[str]], registries: Registries, threads: int
) -> None:
    """Does each target list the referrers that it took? `put` are those, {(repository, subject): digests}."""

    def missing(key: Key) -> set[str]:
        place, subject = key
        registry = registries.of(place.registry)
        try:
            listed = registry.referrers(place.repository, subject)
            if listed is None:
                index = registry.manifest(place.repository, fallback_tag(subject))
                return put[key] - {child.digest for child in index.children}
            return put[key] - {str(descriptor["digest"]) for descriptor in listed}
        except Absent:
            return put[key]
        except OciError:
            # Not every registry lets everybody list; what was put was answered with success.
            return set()

    for (place, subject), digests in zip(put, for_each(threads, missing, list(put)), strict=True):
        for tree in trees if digests else ():
            if place != tree.copy.target_place:
                continue
            for digest in digests & tree.signatures.keys():
                tree.result.signatures -= 1
                tree.result.lost.append(
                    Loss(place, digest, subject, "referrer", "The target took it and does not list it.")
                )


def _copied(tree: CopyTree) -> bool:
    return tree.result.state is CopyState.COPIED


def _compare(tree: CopyTree, there: str) -> None:
    if there != tree.result.digest:
        named = f"{tree.copy.target_place}:{tree.copy.target_tag or tree.result.digest}"
        tree.fail(
            NotUsable(
                f"{named} names {there or 'nothing'} after {tree.result.digest} was put.",
                why="Somebody else has put or deleted this tag at the same time.",
                remedy="Run the command again.",
            )
        )
