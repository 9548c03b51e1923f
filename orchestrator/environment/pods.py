"""Which Pods are left alone: label selectors as `kubectl get pods -l` takes them, and the ones that are shipped.

Some operators compare the image of a Pod that they made with the one that they would make now. A Pod whose image an
admission policy redirected is another one to them, and they delete and remake it for ever. Their images are written in
their custom resource instead. Pure; standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Comparison = Literal["Exists", "DoesNotExist", "In", "NotIn"]

# Static Pods are run by a node from its own files; the API's mirror Pod only tells what runs there.
# https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
MIRROR_POD = "kubernetes.io/config.mirror"

# A label's key and value, https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(
    rf"(?:(?=[^/]{{1,253}}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?{_NAME}"
)
_VALUE = re.compile(rf"(?:{_NAME})?")
# One requirement and the comma after it. No two parts can match the same text, so that time grows with its length.
_REQUIREMENT = re.compile(
    r"\s*(?:(?P<absent>!)\s*)?(?P<key>[^\s!=,()]+)"
    r"(?:\s*(?P<equality>==|=|!=)\s*(?P<value>[^\s!=,()]*)|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?"
    r"\s*(?P<comma>,|\Z)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a label must be: `cnpg.io/cluster` Exists, `tier` In (`db`, `cache`)."""

    key: str
    comparison: Comparison
    values: tuple[str, ...] = ()

    def holds(self, labels: dict[str, str]) -> bool:
        """Do these labels meet it? A label that is not there is NotIn everything, as Kubernetes has it."""
        if self.comparison in ("In", "NotIn"):
            return (labels.get(self.key) in self.values) == (self.comparison == "In")
        return (self.key in labels) == (self.comparison == "Exists")


@dataclass(frozen=True, slots=True)
class PodSelector:
    """Requirements that must all hold."""

    requirements: tuple[Requirement, ...]

    @property
    def label(self) -> str | None:
        """A label that every Pod has which is selected; None where one without labels may be."""
        return next((one.key for one in self.requirements if one.comparison in ("Exists", "In")), None)

    def matches(self, labels: dict[str, str]) -> bool:
        """Is a Pod with these labels selected?"""
        return all(one.holds(labels) for one in self.requirements)


def parse_pod_selector(text: str) -> PodSelector | None:
    """The selector, or None when `text` is none: `app=web`, `cnpg.io/cluster`, `!debug,tier in (db, cache)`."""
    found = []
    position = 0
    while True:
        matched = _REQUIREMENT.match(text, position)
        requirement = _requirement(matched) if matched else None
        if matched is None or requirement is None:
            return None
        found.append(requirement)
        if not matched["comma"]:
            return PodSelector(tuple(found))
        position = matched.end()


def _requirement(matched: re.Match[str]) -> Requirement | None:
    key, absent = matched["key"], matched["absent"]
    if not _KEY.fullmatch(key):
        return None
    if matched["equality"]:
        comparison: Comparison = "NotIn" if matched["equality"] == "!=" else "In"
        values: tuple[str, ...] = (matched["value"],)
    elif matched["set"]:
        comparison = "NotIn" if matched["set"] == "notin" else "In"
        values = tuple(value.strip() for value in matched["values"].split(","))
    else:
        return Requirement(key, "DoesNotExist" if absent else "Exists")
    if absent or not all(_VALUE.fullmatch(value) for value in values):
        return None
    return Requirement(key, comparison, values)


def is_pod_selector(text: str) -> bool:
    """Is `text` a label selector that selects by something?"""
    return parse_pod_selector(text) is not None


@dataclass(frozen=True, slots=True)
class ComparingOperator:
    """An operator that compares images, how its Pods are known, and where their image is written instead.

    `resource` is `<group>/<kind>` of the custom resource and `field` the place in it; `source` says where its comparison
    is reported or stands.
    """

    name: str
    selector: str
    resource: str
    field: str
    source: str


COMPARING_OPERATORS = (
    ComparingOperator(
        "CloudNativePG",
        "cnpg.io/cluster",
        "postgresql.cnpg.io/Cluster",
        "spec.imageName",
        "https://github.com/cloudnative-pg/cloudnative-pg/issues/6344",
    ),
    ComparingOperator(
        "Operator Lifecycle Manager (catalogs)",
        "olm.catalogSource",
        "operators.coreos.com/CatalogSource",
        "spec.image",
        "https://github.com/operator-framework/operator-lifecycle-manager/issues/2986",
    ),
    ComparingOperator(
        "Aerospike",
        "aerospike.com/cr",
        "asdb.aerospike.com/AerospikeCluster",
        "spec.image",
        "https://github.com/aerospike/aerospike-kubernetes-operator/issues/402",
    ),
    ComparingOperator(
        "Zalando's Postgres operator",
        "application=spilo",
        "acid.zalan.do/postgresql",
        "spec.dockerImage",
        "https://github.com/zalando/postgres-operator/issues/2622",
    ),
    ComparingOperator(
        "NiFiKop",
        "nifi_cr",
        "nifi.konpyutaika.com/NifiCluster",
        "spec.clusterImage",
        "https://github.com/konpyutaika/nifikop/issues/541",
    ),
    ComparingOperator(
        "Koperator",
        "kafka_cr",
        "kafka.banzaicloud.io/KafkaCluster",
        "spec.clusterImage",
        "https://github.com/banzaicloud/koperator/blob/master/pkg/k8sutil/resource.go",
    ),
    ComparingOperator(
        "KubeBlocks",
        "app.kubernetes.io/managed-by=kubeblocks",
        "apps.kubeblocks.io/ComponentVersion",
        "spec.releases[].images",
        "https://github.com/apecloud/kubeblocks/issues/7723",
    ),
    ComparingOperator(
        "KubeVirt",
        "kubevirt.io=virt-launcher",
        "kubevirt.io/KubeVirt",
        "spec.imageRegistry",
        "https://github.com/kubevirt/kubevirt/pull/4686",
    ),
    ComparingOperator(
        "FoundationDB",
        "foundationdb.org/fdb-cluster-name",
        "apps.foundationdb.org/FoundationDBCluster",
        "spec.mainContainer.imageConfigs, spec.sidecarContainer.imageConfigs",
        "https://github.com/FoundationDB/fdb-kubernetes-operator/blob/main/controllers/update_sidecar_versions.go",
    ),
)
SHIPPED_SELECTORS = tuple(operator.selector for operator in COMPARING_OPERATORS)
