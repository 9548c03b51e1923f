"""Kubernetes objects, as the API serves them -> the images that a cluster uses, each with the workloads that name it.

What runs (Pods, with the digests that nodes report) and what may run again: templates of controllers that are scaled
down, of old ReplicaSets and ControllerRevisions (a rollback), of Jobs and CronJobs. Objects are read one by one and
nothing of them is kept but names, so that a cluster of any size can be streamed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.lifecycle.in_use import UsedImage
from orchestrator.routes.table import Answer, Redirected, RouteTable

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
# Controllers that another controller makes: people know the upper one.
MADE_BY_OTHERS = frozenset({"ReplicaSet", "Job", "ReplicationController", "ControllerRevision"})
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that names images: `Deployment/shop/web`."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A workload names `reference`; `digest` is what a node reports to have pulled for it, "" when nobody says."""

    reference: str
    workload: Workload
    digest: str = ""


def uses_of(item: Mapping[str, Any]) -> Iterator[ImageUse]:
    """The images that one object names: a Pod's, or those of the template that it holds.

    Objects that hold no Pod template name none. What is not as the API serves it is left out, never guessed.
    """
    workload = _workload(item)
    if workload.kind == "Pod":
        digests = _digests(_mapping(item.get("status")))
        yield from _uses(_mapping(item.get("spec")), workload, digests)
        return
    for spec in _pod_specs(item):
        yield from _uses(spec, workload, {})


def _workload(item: Mapping[str, Any]) -> Workload:
    metadata = _mapping(item.get("metadata"))
    return Workload(_text(item.get("kind")), _text(metadata.get("namespace")), _text(metadata.get("name")))


def _pod_specs(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The Pod specs of an object's templates."""
    # A ControllerRevision holds a patch with the template of its time, a PodTemplate the template itself.
    for holder in (item, _mapping(item.get("data"))):
        spec = _mapping(holder.get("spec"))
        templates = (spec.get("template"), _mapping(_mapping(spec.get("jobTemplate")).get("spec")).get("template"))
        for template in (*templates, holder.get("template")):
            found = _mapping(_mapping(template).get("spec"))
            if found:
                yield found


def _uses(spec: Mapping[str, Any], workload: Workload, digests: Mapping[str, str]) -> Iterator[ImageUse]:
    for field_name in CONTAINERS:
        for container in _list(spec.get(field_name)):
            reference = _text(container.get("image"))
            if reference:
                yield ImageUse(reference, workload, digests.get(_text(container.get("name")), ""))
    for volume in _list(spec.get("volumes")):
        reference = _text(_mapping(volume.get("image")).get("reference"))
        if reference:
            yield ImageUse(reference, workload)


def _digests(status: Mapping[str, Any]) -> dict[str, str]:
    """{container: digest} of a Pod's status.

    containerd and CRI-O report `<repository>@sha256:...`, Docker with a scheme before it. An ID without a repository is
    that of the image's configuration, which no registry knows as a digest; it does no harm among them.
    """
    found = {}
    for field_name in STATUSES:
        for container in _list(status.get(field_name)):
            digest = _DIGEST.search(_text(container.get("imageID")))
            if digest:
                found[_text(container.get("name"))] = digest[0]
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class ClusterImage:
    """One reference of a cluster, with the table's answer.

    `cached_as` is what ECR's cache calls it: where the table redirects it to, and what a node's mirror configuration would
    ask for where the table leaves it alone (an exclude, a digest). None when no route holds it.
    """

    reference: str
    answer: Answer
    digests: tuple[str, ...]
    workloads: tuple[str, ...]
    cached_as: str | None = None

    def as_used(self) -> UsedImage:
        """The image as a snapshot holds it."""
        return UsedImage(self.reference, self.cached_as, self.digests, self.workloads)


@dataclass(slots=True)
class ClusterImages:
    """Collects the images of a cluster, object by object."""

    objects: int = 0
    _images: dict[str, _Collected] = field(default_factory=dict)
    _owners: dict[Workload, Workload] = field(default_factory=dict)

    def add(self, item: Mapping[str, Any]) -> None:
        """Take note of one object."""
        self.objects += 1
        workload = _workload(item)
        owner = _owner(item, workload.namespace)
        if owner is not None and workload.kind in MADE_BY_OTHERS:
            self._owners[workload] = owner
        for use in uses_of(item):
            collected = self._images.setdefault(use.reference, _Collected())
            collected.workloads.add(owner if owner is not None and workload.kind == "Pod" else use.workload)
            if use.digest:
                collected.digests.add(use.digest)

    def answered(self, table: RouteTable) -> tuple[ClusterImage, ...]:
        """Every image by its reference, with the table's answer and its workloads by the names that people gave."""
        everything = replace(table, excludes=(), includes=(), digest_references="redirect")
        return tuple(
            ClusterImage(
                reference,
                table.redirect(reference),
                tuple(sorted(collected.digests)),
                tuple(sorted({str(self._top(workload)) for workload in collected.workloads})),
                _target(everything.redirect(reference)),
            )
            for reference, collected in sorted(self._images.items())
        )

    def _top(self, workload: Workload) -> Workload:
        seen = set()
        while workload in self._owners and workload not in seen:
            seen.add(workload)
            workload = self._owners[workload]
        return workload


def _target(answer: Answer) -> str | None:
    return answer.target if isinstance(answer, Redirected) else None


@dataclass(slots=True)
class _Collected:
    workloads: set[Workload] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)


def _owner(item: Mapping[str, Any], namespace: str) -> Workload | None:
    """The controller that made the object."""
    for reference in _list(_mapping(item.get("metadata")).get("ownerReferences")):
        # A node owns its static Pods.
        if reference.get("controller") is True and reference.get("kind") != "Node":
            return Workload(_text(reference.get("kind")), namespace, _text(reference.get("name")))
    return None


def images_of(items: Iterable[Mapping[str, Any]], table: RouteTable) -> tuple[ClusterImage, ...]:
    """The images of a whole cluster."""
    images = ClusterImages()
    for item in items:
        images.add(item)
    return images.answered(table)
