"""Where custom resources name images: {group/kind: paths}, each group with the document that says so.

A Pod that runs is always seen. An image that only a custom resource names is not. The operator makes the Pod tomorrow, in a
job, or after somebody scales up. The readers of clusters and the rewriters of files read this table;
`orchestrator.workloads.paths`
explains how a path is written. Pure: data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from orchestrator.workloads.custom_resource_table import IMAGELESS, TABLE
from orchestrator.workloads.paths import FieldPath, parse_path


@dataclass(frozen=True, slots=True)
class ImageFields:
    """The fields of one kind: `resource` is its plural in the API, `source` the document that describes them."""

    group: str
    kind: str
    resource: str
    paths: tuple[FieldPath, ...]
    source: str


@cache
def image_fields() -> dict[str, tuple[ImageFields, ...]]:
    """{API group: the kinds of it that name images}."""
    found: dict[str, list[ImageFields]] = {}
    source = ""
    for line in TABLE.splitlines():
        if line.startswith("# "):
            source = line.removeprefix("# ")
        elif line:
            head, _, paths = line.partition(":  ")
            group, kind, resource = head.split()
            fields = ImageFields(group, kind, resource, tuple(map(parse_path, paths.split())), source)
            found.setdefault(group, []).append(fields)
    return {group: tuple(kinds) for group, kinds in found.items()}


def fields_of(group: str, kind: str) -> ImageFields | None:
    """The fields of a kind, None where the table has none."""
    return next((one for one in image_fields().get(group, ()) if one.kind == kind), None)


def names_no_image(group: str) -> bool:
    """Is this a group of Kubernetes itself, or one that is known to name no image?

    The table is asked first: two groups of OpenShift are in it.
    """
    if group in image_fields():
        return False
    return "." not in group or group.endswith(IMAGELESS_SUFFIXES) or group in imageless_groups()


# Kubernetes' own, AWS's controllers, and the platform of OpenShift, whose images come with its releases.
IMAGELESS_SUFFIXES = (".k8s.io", ".k8s.aws", ".openshift.io", ".amazonaws.com")


@cache
def imageless_groups() -> frozenset[str]:
    """Groups whose kinds name no image that a node pulls."""
    return frozenset(IMAGELESS.split())
