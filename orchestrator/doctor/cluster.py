"""What the doctor says about an environment's cluster: its version, the policy that redirects, and the Kyverno that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.doctor.diagnosis import Diagnosis
from orchestrator.kubectl import NoAnswer
from orchestrator.manifests.admission import policy_names

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.kubectl import Kubectl

# {target: where its policy for Pods stands}
POLICIES = {
    "native": "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
    "kyverno-cel": "/apis/policies.kyverno.io/v1/mutatingpolicies",
    "kyverno": "/apis/kyverno.io/v1/clusterpolicies",
}
KYVERNO = "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fcomponent%3Dadmission-controller"
# Kyverno 1.20 refuses to write a ClusterPolicy, and its Helm upgrade stops while one exists: one version before is late enough.
# https://github.com/kyverno/kyverno/pull/17535, https://github.com/kyverno/kyverno/pull/17534
WARNED_SINCE, ENDS = (1, 19), (1, 20)
_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)")


def cluster(environment: Environment, kubectl: Kubectl) -> Iterator[Diagnosis]:
    """Version, policies and Kyverno of the cluster that kubectl reaches."""
    name = environment.name
    version = kubectl.read("/version")
    if version is None or isinstance(version, NoAnswer):
        why = version.why if version else "it serves no version"
        remedy = "Look whether kubectl reaches it: `kubectl version`; --context names another one."
        yield Diagnosis("unknown", "cluster", f"{kubectl.place()}: {why}", remedy, name)
        return
    yield _version(environment, kubectl.place(), version)
    found = {target: kubectl.read(f"{path}/{policy_names(environment)[0]}") for target, path in POLICIES.items()}
    yield _policies(environment, found)
    yield _kyverno(environment, kubectl.read(KYVERNO), legacy=isinstance(found["kyverno"], Mapping))


def _version(environment: Environment, place: str, version: Mapping[str, Any]) -> Diagnosis:
    served = str(version.get("gitVersion", ""))
    matched = _VERSION.match(served)
    minor = f"{matched[1]}.{matched[2]}" if matched else ""
    what = f"{place}: Kubernetes {served}"
    if environment.kubernetes_version == minor:
        return Diagnosis("ok", "cluster", what, environment=environment.name)
    said = environment.kubernetes_version
    what += f", and kubernetes_version is {said}" if said else ", and the environment has no kubernetes_version"
    return Diagnosis("note", "cluster", what, f'Write kubernetes_version = "{minor}".', environment.name)


def _policies(environment: Environment, found: Mapping[str, Mapping[str, Any] | NoAnswer | None]) -> Diagnosis:
    there = [target for target, answer in found.items() if isinstance(answer, Mapping)]
    unknown = [answer.why for answer in found.values() if isinstance(answer, NoAnswer)]
    make = f"Apply `orchestrator manifests {environment.name}`."
    if len(there) > 1:
        what = f"policies of several targets are there: {', '.join(there)}"
        return Diagnosis("note", "policy", what, "Delete all but one: they do the same twice.", environment.name)
    if there:
        return Diagnosis("ok", "policy", f"{there[0]} redirects Pods", environment=environment.name)
    if unknown:
        return Diagnosis(
            "unknown", "policy", f"could not tell: {unknown[0]}", "Use rights to read policies.", environment.name
        )
    return Diagnosis("note", "policy", "no admission policy of this environment is there", make, environment.name)


def _kyverno(environment: Environment, listed: Mapping[str, Any] | NoAnswer | None, *, legacy: bool) -> Diagnosis:
    name = environment.name
    if listed is None or isinstance(listed, NoAnswer):
        why = listed.why if listed else "no Deployments are served"
        return Diagnosis("unknown", "kyverno", f"could not tell: {why}", "Use rights to list Deployments.", name)
    versions = [version for item in listed.get("items") or [] if (version := _kyverno_version(item))]
    if not versions:
        return Diagnosis("ok", "kyverno", "is not installed", environment=name)
    version = max(versions)
    what = f"Kyverno {version[0]}.{version[1]}"
    if not legacy:
        return Diagnosis("ok", "kyverno", what, environment=name)
    remedy = f"Apply `orchestrator manifests {name} --for kyverno-cel`, then delete the ClusterPolicy {policy_names(environment)[0]}."
    if version >= ENDS:
        what += " may run no ClusterPolicy, and this environment's policy is one"
        return Diagnosis("failed", "kyverno", what, remedy, name)
    if version >= WARNED_SINCE:
        what += ", whose next version takes no ClusterPolicy and does not upgrade while one exists; this environment's policy is one"
        return Diagnosis("note", "kyverno", what, remedy, name)
    return Diagnosis("ok", "kyverno", f"{what} runs the ClusterPolicy", environment=name)


def _kyverno_version(deployment: Mapping[str, Any]) -> tuple[int, int] | None:
    """Of Kyverno's admission controller, which others have, too: by its chart's label, else by the tag of its image."""
    labels = (deployment.get("metadata") or {}).get("labels") or {}
    pod = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    images = [str(container.get("image", "")) for container in pod.get("containers") or []]
    mine = [image for image in images if "kyverno" in image]
    for text in (str(labels.get("app.kubernetes.io/version", "")), *(image.rpartition(":")[2] for image in mine)):
        matched = _VERSION.match(text) if mine else None
        if matched:
            return int(matched[1]), int(matched[2])
    return None
