"""Whether an image runs: by the clusters' snapshots, under its own names or those of an index that holds it."""

from __future__ import annotations

from orchestrator.findings.event import Finding, Scanned
from orchestrator.findings.message import ImageUser
from orchestrator.findings.parents import LIMIT, Parent
from orchestrator.findings.ports import Ports
from orchestrator.findings.settings import FindingsSettings
from orchestrator.lifecycle.cluster_use import load_cluster_use
from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.ports import GoneError, PortError


def usage_of(image: Scanned, parents: frozenset[Parent], settings: FindingsSettings, ports: Ports) -> ImageUser:
    """Who runs the image, by its own names or those of the indexes that hold it (`parents`). Raises PortError."""
    used = load_cluster_use(ports.storage, settings.shared, ports.runtime.now())
    user = used.in_use.user_of(image.repository, image.digest, image.tags)
    indexes, user_of_index, unknown = _indexes(image, parents, used.in_use, ports)
    if user or user_of_index:
        return ImageUser(user or user_of_index, indexes)
    # Without a usable snapshot of every cluster, "nobody" would be a guess.
    if used.problems:
        return ImageUser(None, indexes, "no usable snapshot of every cluster")
    if not settings.shared.clusters:
        return ImageUser(None, indexes, "no cluster is declared")
    return ImageUser(None if unknown else "", indexes, unknown)


def _indexes(
    image: Scanned, parents: frozenset[Parent], in_use: InUse, ports: Ports
) -> tuple[tuple[str, ...], str, str]:
    """(names of the indexes that hold the image, who runs one of them, why that is not known)."""
    names: list[str] = []
    unknown = ""
    # By digest also what cannot be read, or is gone from the registry and runs still.
    user = next(filter(None, (in_use.user_of(each.repository, each.digest, ()) for each in sorted(parents))), "")
    for repository in sorted({parent.repository for parent in parents}):
        try:
            found = ports.images.describe(
                repository, [each.digest for each in sorted(parents) if each.repository == repository]
            )
        except GoneError:
            continue
        except PortError as error:
            unknown = "the indexes that hold it cannot be read"
            ports.runtime.log(
                "WARNING", f"Its indexes do not tell whether the image is in use: {error}", digest=image.digest
            )
            continue
        for index in found:
            user = user or in_use.user_of(repository, index.digest, index.tags)
            names += [f"{repository}:{tag}" for tag in index.tags] or [f"{repository}@{index.digest}"]
    if len(parents) >= LIMIT:
        unknown = "it is part of more indexes than are noted"
    if not names and not image.tags:
        # ECR scans the images of an index, which have no tags of their own.
        unknown = unknown or "it has no tag, and no index is known that holds it"
    return tuple(names), user, unknown


def with_inspector(usage: ImageUser, findings: tuple[Finding, ...]) -> ImageUser:
    """Who runs the image, by Inspector's count where the snapshots name nobody. Its count of none proves nothing."""
    running = max((finding.running for finding in findings), default=0)
    if usage.user or not running:
        return usage
    return ImageUser(f"Amazon Inspector: {running} tasks or pods", usage.indexes)
