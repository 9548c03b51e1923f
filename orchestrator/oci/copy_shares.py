"""A plan cut into jobs for several workers, so that each blob still goes once. Pure: what was found and planned -> jobs.

Images go in the order of what they need, the smallest first. The first that needs a blob brings it. Others that need it
come after that one, and mount it where the registry mounts. A share that waits, waits for an earlier one: there is no
circle.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from orchestrator.mirroring.copy_jobs import CopyJob
from orchestrator.oci.copies import Copy
from orchestrator.oci.copy_plan import BlobStep, CopyPlan
from orchestrator.oci.copy_tree import CopyTree, Discovered
from orchestrator.oci.ports import Place


def job_name(copy: Copy, digest: str) -> str:
    """`host/repository:tag`, or `host/repository@digest` of what is put without a tag."""
    return f"{copy.target_place}:{copy.target_tag}" if copy.target_tag else f"{copy.target_place}@{digest}"


def cut_into_jobs(found: Discovered, plan: CopyPlan, *, referrers: bool) -> list[CopyJob]:
    """The jobs of the whole plan, each after those that it waits for."""
    steps = {(step.target, step.blob.digest): step for step in plan.blobs}
    puts = {put.key: put for put in plan.puts}
    work: list[tuple[int, str, CopyTree, list[tuple[Place, str]], dict[str, BlobStep]]] = []
    for tree in found.trees:
        place = tree.copy.target_place
        keys = [(place, digest) for digest in sorted(tree.manifests) if (place, digest) in puts]
        if tree.result.error is not None or not keys:
            continue
        needed = {digest: steps[place, digest] for key in keys for digest in puts[key].blobs}
        size = sum(step.blob.size for step in needed.values())
        work.append((size, job_name(tree.copy, tree.result.digest), tree, keys, needed))
    places = {name: tree.copy.target_place for _, name, tree, *_ in work}
    firsts: dict[Hashable, str] = {}
    jobs = []
    for _, name, tree, keys, needed in sorted(work, key=lambda item: item[:2]):
        after = {firsts.setdefault(key, name) for key in keys}
        mounts: dict[str, tuple[str, ...]] = {}
        for digest, step in needed.items():
            here = firsts.setdefault((step.target, "blob", digest), name)
            if here != name or step.group is None:
                after.add(here)
            elif step.mountable:
                mounts[digest] = tuple(place.repository for place in step.mountable)
            else:
                first = firsts.setdefault((step.group, "first", digest), name)
                if first != name:
                    after.add(first)
                    mounts[digest] = (places[first].repository,)
        jobs.append(_job(tree, mounts, frozenset(after - {name}), referrers=referrers))
    return jobs


def _job(tree: CopyTree, mounts: dict[str, tuple[str, ...]], after: frozenset[str], *, referrers: bool) -> CopyJob:
    copy = tree.copy
    return CopyJob(
        str(replace(copy.source, tag=None, digest=tree.source_digest)),
        job_name(copy, tree.result.digest),
        copy.platforms,
        mounts,
        after,
        referrers,
    )
