"""What `images --cluster` reads: the kinds that name images in this cluster, and the policy that redirects them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.kubectl import Kubectl, Listed, NoAnswer

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.workloads.in_cluster import ClusterImage
    from orchestrator.workloads.stays import PolicyFound

# Where the environment's policy for Pods may stand, by the targets native, kyverno-cel and kyverno.
POLICIES = (
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies/",
    "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies/",
    "/apis/policies.kyverno.io/v1/mutatingpolicies/",
    "/apis/kyverno.io/v1/clusterpolicies/",
)


@dataclass(frozen=True, slots=True)
class CustomKinds:
    """Custom resources of a cluster: the kinds that are read, and the API groups whose images nobody knows."""

    read: tuple[Listed, ...]
    unread: tuple[str, ...]


def custom_kinds(kubectl: Kubectl) -> CustomKinds:
    """The kinds of the table of fields that this cluster has, each in the version that has it. Raises OrchestratorError."""
    from orchestrator.workloads.custom_resources import image_fields, names_no_image

    table = image_fields()
    read, unread = [], []
    for group, versions in kubectl.api_groups().items():
        if group in table:
            read += _listed(kubectl, group, versions, {one.kind for one in table[group]})
        elif not names_no_image(group):
            unread.append(group)
    return CustomKinds(tuple(read), tuple(sorted(unread)))


def _listed(kubectl: Kubectl, group: str, versions: Sequence[str], wanted: set[str]) -> list[Listed]:
    found: dict[str, Listed] = {}
    for version in versions:
        if set(found) == wanted:
            break
        for kind, plural in kubectl.api_kinds(group, version).items():
            if kind in wanted and kind not in found:
                found[kind] = Listed(kind, f"/apis/{group}/{version}/{plural}", everywhere=False)
    return list(found.values())


def policy_found(kubectl: Kubectl, environment: Environment) -> PolicyFound:
    """The environment's admission policy in the cluster, of whichever engine; the oldest where there are several."""
    from orchestrator.manifests.admission import policy_names
    from orchestrator.workloads.stays import PolicyFound

    name, _ = policy_names(environment)
    answers = [kubectl.created(f"{path}{name}") for path in POLICIES]
    times = [answer for answer in answers if answer is not None and not isinstance(answer, NoAnswer)]
    if times:
        return PolicyFound(min(times))
    return PolicyFound(known=not any(isinstance(answer, NoAnswer) for answer in answers))


def cluster_images_of(kubectl: Kubectl, environment: Environment) -> tuple[ClusterImage, ...]:
    """The images that a cluster uses, with the table's answers and why some are still pulled from their sources."""
    from orchestrator.routes.build import build_route_table
    from orchestrator.workloads.in_cluster import ClusterImages
    from orchestrator.workloads.stays import left_alone

    custom = custom_kinds(kubectl)
    policy = policy_found(kubectl, environment)
    collected = ClusterImages(left_alone(environment.exclude_namespaces, environment.exclude_pods, policy))
    for item in kubectl.objects(custom.read):
        collected.add(item)
    return collected.answered(build_route_table(environment))
