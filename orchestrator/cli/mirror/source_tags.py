"""The references of placed wishes. A source's tags are listed where the wanted ones are chosen from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from orchestrator.cli import messages
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.placing import Placed
from orchestrator.oci.crew import for_each
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import ImageReference

LISTING_THREADS = 16


def source_tags(registries: Registries, item: Placed) -> tuple[str, ...]:
    """The tags of a source. Raises RefusedInput where a choice among them cannot be made."""
    source = item.source
    found = registries.of(source.registry).tags(source.repository)
    if found is None:
        raise RefusedInput(
            f"{source.registry}/{source.repository} does not exist, or its tags may not be listed.",
            why="The wanted tags are chosen from the list.",
            remedy=f"Correct the name, log in (docker login {source.registry}), or name the tags.",
            where=item.wish.where,
        )
    return found.names


def references_of(
    registries: Registries, placed: Sequence[Placed], *, tell: bool = True
) -> list[tuple[Placed, ImageReference, ImageReference]]:
    """(wish, source, target) of every image that is wanted. Raises RefusedInput. Who chooses no tag at all is told."""
    listed = [item for item in placed if item.wish.tags is not None and item.wish.tags.needs_list]
    found = for_each(LISTING_THREADS, partial(source_tags, registries), listed)
    tags = dict(zip(map(id, listed), found, strict=True))
    pairs = {id(item): list(item.pairs(tags.get(id(item), ()))) for item in placed}
    for item in listed if tell else ():
        place = f"{item.wish.where}: " if item.wish.where else ""
        if not pairs[id(item)]:
            messages.note(f"{place}none of the {len(tags[id(item)])} tags of {item.source} is wanted")
        hashes = item.wish.tags.unranked(tags[id(item)]) if item.wish.tags else ()
        if hashes:
            messages.note(
                f"{place}newest cannot order {counted(len(hashes), 'tag')} of {item.source} such as {hashes[0]}:"
                " a commit's hash says nothing of its age. Choose by tag_patterns, or tag images with a version or date"
            )
    return [(item, source, target) for item in placed for source, target in pairs[id(item)]]
