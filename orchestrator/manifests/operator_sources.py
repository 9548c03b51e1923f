"""How a cluster finds a mirrored catalog of operators: CatalogSource (OLM v0) and ClusterCatalog (OLM v1).

Source: openshift/api and operator-framework/api `operators.coreos.com/v1alpha1`, operator-controller
`olm.operatorframework.io/v1`. OLM pulls the catalog's image with the node's credentials as a Pod, so that its reference is
written out. Bundles and related images are pulled by their own names, which mirror sets and policies redirect.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.manifests.metadata import metadata
from orchestrator.routes.reference import ImageReference

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

CatalogDocument = Literal["catalog-source", "cluster-catalog"]


def operator_source(
    environment: Environment, catalog: ImageReference, target: str, form: CatalogDocument
) -> dict[str, Any]:
    """The object that has the cluster read `target`, the image of `catalog` in the environment's registry."""
    name = _name(catalog)
    described = metadata(environment, name)
    if form == "cluster-catalog":
        return {
            "apiVersion": "olm.operatorframework.io/v1",
            "kind": "ClusterCatalog",
            "metadata": described,
            "spec": {"source": {"type": "Image", "image": {"ref": target}}},
        }
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "CatalogSource",
        "metadata": {**described, "namespace": "openshift-marketplace"},
        "spec": {"sourceType": "grpc", "image": target, "displayName": str(catalog), "publisher": "mirror"},
    }


def _name(catalog: ImageReference) -> str:
    """A name of Kubernetes' for a catalog and its tag: `redhat-operator-index-v4-18`."""
    tag = catalog.tag or (catalog.digest or "latest").rpartition(":")[2][:12]
    text = f"{catalog.repository.rpartition('/')[2]}-{tag}".lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:63].rstrip("-")
