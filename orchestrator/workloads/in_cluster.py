"""Kubernetes objects, as the API serves them -> the images that a cluster uses, each with the workloads that name it.

What runs (Pods, with the digests that nodes report) and what may run again. These are templates of controllers that are scaled
down, of old ReplicaSets and ControllerRevisions (a rollback), of Jobs and CronJobs. Further there is what custom resources name
(`orchestrator.workloads.custom_resources`). Objects are read one by one, and only names of them are kept. A cluster of any size can be
streamed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.environment.pods import MIRROR_POD
from orchestrator.lifecycle.in_use import UsedImage
from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import Answer, Redirected, RouteTable, Unchanged
from orchestrator.workloads.custom_resources import ImageFields, fields_of
from orchestrator.workloads.paths import elements, images_at, mapping, pod_images, text_of, values_at
from orchestrator.workloads.stays import LeftAlone, Stay

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
# Controllers that another controller makes: people know the upper one.
MADE_BY_OTHERS = frozenset({"ReplicaSet", "Job", "ReplicationController", "ControllerRevision"})
# A sensor holds a workflow, and nothing that anybody writes holds more.
MAX_DEPTH = 4
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
    """A workload names `reference`; `digest` is what a node reports to have pulled for it, "" when nobody says.

    `labels` are the Pod's or the template's. None where a custom resource names the image outside of one.
    """

    reference: str
    workload: Workload
    digest: str = ""
    labels: Mapping[str, str] | None = None


def uses_of(item: Mapping[str, Any], depth: int = 0) -> Iterator[ImageUse]:
    """The images that one object names: a Pod's, its template's, or those of a custom resource's fields.

    Objects that hold none of these name none. An object that is not as the API serves it is left out, never guessed.
    `depth` counts
    the objects around this one.
    """
    workload = _workload(item)
    fields = fields_of(_group(item), text_of(item.get("kind")))
    if fields is not None:
        yield from _custom_uses(item, fields, workload, depth)
    elif workload.kind == "Pod":
        yield from _pod_uses(item, workload)
    else:
        for template in _templates(item):
            labels = mapping(mapping(template.get("metadata")).get("labels"))
            for found in pod_images(template.get("spec"), "", labels):
                yield ImageUse(found.reference, workload, "", labels)


def _group(item: Mapping[str, Any]) -> str:
    group, slash, _ = text_of(item.get("apiVersion")).rpartition("/")
    return group if slash else ""


def _workload(item: Mapping[str, Any]) -> Workload:
    metadata = mapping(item.get("metadata"))
    kind = _kind(_group(item), text_of(item.get("kind")))
    return Workload(kind, text_of(metadata.get("namespace")), text_of(metadata.get("name")))


def _kind(group: str, kind: str) -> str:
    """The kind as people know it; that of a custom resource with its group: `Cluster.postgresql.cnpg.io`."""
    return f"{kind}.{group}" if fields_of(group, kind) else kind


def _templates(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The Pod templates of an object."""
    # A ControllerRevision holds a patch with the template of its time, a PodTemplate the template itself.
    for holder in (item, mapping(item.get("data"))):
        spec = mapping(holder.get("spec"))
        templates = (spec.get("template"), mapping(mapping(spec.get("jobTemplate")).get("spec")).get("template"))
        yield from (mapping(template) for template in (*templates, holder.get("template")))


def _pod_uses(item: Mapping[str, Any], workload: Workload) -> Iterator[ImageUse]:
    digests = _digests(mapping(item.get("status")))
    labels = mapping(mapping(item.get("metadata")).get("labels"))
    spec = mapping(item.get("spec"))
    names = [
        text_of(container.get("name"))
        for kind in CONTAINERS
        for container in elements(spec.get(kind))
        if text_of(container.get("image"))
    ]
    for index, found in enumerate(pod_images(spec, "", labels)):
        digest = digests.get(names[index], "") if index < len(names) else ""
        yield ImageUse(found.reference, workload, digest, labels)


def _custom_uses(item: Mapping[str, Any], fields: ImageFields, workload: Workload, depth: int) -> Iterator[ImageUse]:
    for path in fields.paths:
        for found in images_at(item, path):
            yield ImageUse(found.reference, workload, "", found.labels if path.end in ("pod", "template") else None)
        if path.end == "object" and depth < MAX_DEPTH:
            for held, _ in values_at(item, path.steps):
                yield from (replace(use, workload=workload) for use in uses_of(mapping(held), depth + 1))


def _digests(status: Mapping[str, Any]) -> dict[str, str]:
    """{container: digest} of a Pod's status.

    containerd and CRI-O report `<repository>@sha256:...`, Docker with a scheme before it. An ID without a repository is
    that of the image's configuration, which no registry knows as a digest. It does no harm among them.
    """
    found = {}
    for field_name in STATUSES:
        for container in elements(status.get(field_name)):
            digest = _DIGEST.search(text_of(container.get("imageID")))
            if digest:
                found[text_of(container.get("name"))] = digest[0]
    return found


@dataclass(frozen=True, slots=True)
class ClusterImage:
    """One reference of a cluster, with the table's answer.

    `cached_as` is what ECR's cache calls it: where the table redirects it to. A node's mirror configuration would ask for it too,
    where the table leaves it alone (an exclude, a digest). None when no route holds it. `source` is the registry that
    it is written with; `stays` says why some workloads still pull it there although the table redirects it.
    """

    reference: str
    answer: Answer
    digests: tuple[str, ...]
    workloads: tuple[str, ...]
    cached_as: str | None = None
    source: str = ""
    stays: tuple[tuple[Stay, tuple[str, ...]], ...] = ()

    @property
    def pulled_from(self) -> tuple[str, ...]:
        """The registries that nodes ask for it, as far as a policy decides: ECR, its source, or both."""
        match self.answer:
            case Redirected(target):
                return (target.partition("/")[0], *([self.source] if self.stays else []))
            case Unchanged():
                return (self.source,)
        return ()

    def as_used(self) -> UsedImage:
        """The image as a snapshot holds it."""
        return UsedImage(self.reference, self.cached_as, self.digests, self.workloads)


@dataclass(slots=True)
class ClusterImages:
    """Collects the images of a cluster, object by object."""

    left_alone: LeftAlone = field(default_factory=LeftAlone)
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
            named = owner if owner is not None and workload.kind == "Pod" else use.workload
            collected.workloads.add(named)
            if use.digest:
                collected.digests.add(use.digest)
            stay = self._stay(item, use)
            if stay is not None:
                collected.stays.setdefault(stay, set()).add(named)

    def _stay(self, item: Mapping[str, Any], use: ImageUse) -> Stay | None:
        metadata = mapping(item.get("metadata"))
        namespace = text_of(metadata.get("namespace"))
        if use.labels is None:
            return self.left_alone.of_resource(_group(item), text_of(item.get("kind")), namespace)
        if item.get("kind") != "Pod":
            return self.left_alone.of_template(namespace, use.labels)
        mirror = MIRROR_POD in mapping(metadata.get("annotations"))
        return self.left_alone.of_pod(
            namespace, use.labels, mirror=mirror, created=_time(metadata.get("creationTimestamp"))
        )

    def answered(self, table: RouteTable) -> tuple[ClusterImage, ...]:
        """Every image by its reference, with the table's answer and its workloads by the names that people gave."""
        everything = replace(table, excludes=(), includes=(), digest_references="redirect")
        return tuple(
            ClusterImage(
                reference,
                table.redirect(reference),
                tuple(sorted(collected.digests)),
                self._names(collected.workloads),
                _target(everything.redirect(reference)),
                _source(table, reference),
                tuple((stay, self._names(found)) for stay, found in sorted(collected.stays.items()))
                if isinstance(table.redirect(reference), Redirected)
                else (),
            )
            for reference, collected in sorted(self._images.items())
        )

    def _names(self, workloads: Iterable[Workload]) -> tuple[str, ...]:
        return tuple(sorted({str(self._top(workload)) for workload in workloads}))

    def _top(self, workload: Workload) -> Workload:
        seen = set()
        while workload in self._owners and workload not in seen:
            seen.add(workload)
            workload = self._owners[workload]
        return workload


def _source(table: RouteTable, reference: str) -> str:
    """The registry that a reference names, by its canonical name; "" where it is none."""
    try:
        return table.canonical(parse_reference(reference))[0]
    except InvalidReference:
        return ""


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text_of(value))
    except ValueError:
        return None


def _target(answer: Answer) -> str | None:
    return answer.target if isinstance(answer, Redirected) else None


@dataclass(slots=True)
class _Collected:
    workloads: set[Workload] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    stays: dict[Stay, set[Workload]] = field(default_factory=dict)


def _owner(item: Mapping[str, Any], namespace: str) -> Workload | None:
    """The controller that made the object."""
    for reference in elements(mapping(item.get("metadata")).get("ownerReferences")):
        # A node owns its static Pods.
        if reference.get("controller") is True and reference.get("kind") != "Node":
            kind = _kind(_group(reference), text_of(reference.get("kind")))
            return Workload(kind, namespace, text_of(reference.get("name")))
    return None


def images_of(
    items: Iterable[Mapping[str, Any]], table: RouteTable, left_alone: LeftAlone | None = None
) -> tuple[ClusterImage, ...]:
    """The images of a whole cluster."""
    images = ClusterImages(left_alone or LeftAlone())
    for item in items:
        images.add(item)
    return images.answered(table)
