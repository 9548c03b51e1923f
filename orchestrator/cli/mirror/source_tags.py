"""The tags of a source, where the wanted ones are chosen from a list."""

from __future__ import annotations

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.placing import Placed
from orchestrator.oci.registries import Registries


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
