"""Where custom resources name images: one table, asked for files and for what a cluster's API serves.

A kind that runs Pods of the usual shape (`containers`) needs no line here. It is found by its shape, wherever it
stands. An image with a field of its own needs a line, and one that the kubelet does not pull. Fields of
custom resources whose Pods the kubelet pulls stand in `orchestrator.workloads.custom_resources`, which a cluster's API is asked with.
Sources are the projects' CRDs (API reference pages) at the versions that are in use in 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.workloads.custom_resources import image_fields
from orchestrator.workloads.paths import DOCKER_IMAGE, FieldPath

KUBELET = "kubelet"


@dataclass(frozen=True, slots=True)
class Field:
    """The image at `path` of the objects of a kind: `spec.kafka.image`, `spec.tags[].from.name`; `*` is any key.

    `group` is the API group or the end of it; `scheme` is what stands before the image in the value (`oci://`);
    `pulled_by` is who pulls it; `parts` are the fields `(registry, repository, tag)` of the object there that make one.
    `sure` is False where only what cannot be anything else is an image. `beside` is what `kind` next to the last key must say, where anything else names no image.
    """

    group: str
    kind: str
    path: str
    pulled_by: str = KUBELET
    scheme: str = ""
    beside: str = ""
    parts: tuple[str, ...] = ()
    sure: bool = True


Fields = Mapping[str, Sequence[Field]]
"""{kind: its fields}"""

# What no admission policy on Pods reaches: who pulls it, and the setting that sends it elsewhere.
REDIRECTED_BY = {
    "Crossplane": "an ImageConfig of pkg.crossplane.io with a rewriteImage prefix, or the package's own spec.package",
    "Flux": "spec.url of the OCIRepository or HelmRepository",
    "Argo CD": "repoURL of the Application's source",
    "OLM": "spec.image of the CatalogSource, and mirror sets for what its bundles name",
    "CDI": "the url itself: its importer is a Pod that no file names",
    "OpenShift": "the ImageStream's tag, or a mirror set for builds",
    "Knative": "registries-skipping-tag-resolving of the ConfigMap config-deployment",
    "Argo Workflows": "the template's image, or its command, which makes the lookup needless",
    "Tekton": "the step's image, or its command; bundles by the resolver's bundle parameter",
    "Istio": "spec.url of the WasmPlugin: the proxy's agent pulls it",
    "Envoy Gateway": "the image's url: the gateway's controller pulls it",
    "Fleet": "helm.chart of the fleet.yaml",
    "helm-controller": "spec.chart of the HelmChart",
    "kustomize": "repo of the helmCharts, where a controller or a pipeline builds it",
    "Kyverno": "imageRegistry settings of Kyverno itself",
}

# Kinds whose images something pulls beside the kubelet, before any Pod is there.
PULLED_BY = {
    "Workflow": "Argo Workflows",
    "WorkflowTemplate": "Argo Workflows",
    "ClusterWorkflowTemplate": "Argo Workflows",
    "CronWorkflow": "Argo Workflows",
    "ImageStream": "OpenShift",
    "BuildConfig": "OpenShift",
    "Build": "OpenShift",
    "CatalogSource": "OLM",
    "ClusterCatalog": "OLM",
    "DataVolume": "CDI",
    "DataImportCron": "CDI",
}

_TABLE = (
    # OpenShift and OLM
    Field("image.openshift.io", "ImageStreamTag", "tag.from.name", "OpenShift", beside=DOCKER_IMAGE),
    Field("image.openshift.io", "ImageStreamImport", "spec.images[].from.name", "OpenShift", beside=DOCKER_IMAGE),
    Field("operators.coreos.com", "ClusterServiceVersion", "metadata.annotations.containerImage"),
    # Workflows and builds
    Field("tekton.dev", "Task", "spec.steps[].image", "Tekton"),
    Field("tekton.dev", "Task", "spec.stepTemplate.image", "Tekton"),
    Field("tekton.dev", "TaskRun", "spec.taskRef.bundle", "Tekton"),
    Field("tekton.dev", "PipelineRun", "spec.pipelineRef.bundle", "Tekton"),
    Field("tekton.dev", "Pipeline", "spec.tasks[].taskRef.bundle", "Tekton"),
    # Packages and charts
    Field("pkg.crossplane.io", "Provider", "spec.package", "Crossplane"),
    Field("pkg.crossplane.io", "Configuration", "spec.package", "Crossplane"),
    Field("pkg.crossplane.io", "Function", "spec.package", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Provider", "spec.controller.image"),
    Field("meta.pkg.crossplane.io", "Provider", "spec.dependsOn[].provider", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Configuration", "spec.dependsOn[].provider", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Configuration", "spec.dependsOn[].function", "Crossplane"),
    Field("source.toolkit.fluxcd.io", "HelmRepository", "spec.url", "Flux", "oci://"),
    # Plugins of proxies
    Field("extensions.istio.io", "WasmPlugin", "spec.url", "Istio", "oci://"),
    Field("gateway.envoyproxy.io", "EnvoyExtensionPolicy", "spec.wasm[].code.image.url", "Envoy Gateway"),
    # Databases and brokers
    Field("postgresql.cnpg.io", "Pooler", "spec.template.spec.containers[].image"),
    Field("pxc.percona.com", "PerconaXtraDBCluster", "spec.*.image"),
    Field("psmdb.percona.com", "PerconaServerMongoDB", "spec.*.image"),
    Field("mongodbcommunity.mongodb.com", "MongoDBCommunity", "spec.image"),
    Field("clickhouse.altinity.com", "ClickHouseInstallation", "spec.templates.podTemplates[].spec.containers[].image"),
    Field("zookeeper.pravega.io", "ZookeeperCluster", "spec.image"),
    # Observability
    Field("opentelemetry.io", "Instrumentation", "spec.*.image"),
    Field("jaegertracing.io", "Jaeger", "spec.*.image"),
    Field("operator.victoriametrics.com", "VMAgent", "spec.image"),
    Field("operator.victoriametrics.com", "VMSingle", "spec.image"),
    Field("operator.victoriametrics.com", "VMCluster", "spec.*.image"),
    Field("logging.banzaicloud.io", "Logging", "spec.fluentd.image"),
    Field("logging.banzaicloud.io", "Logging", "spec.fluentbit.image"),
    Field("logging.banzaicloud.io", "FluentbitAgent", "spec.image"),
    Field("loki.grafana.com", "LokiStack", "spec.image"),
    # A version, or a whole image
    Field("grafana.integreatly.org", "Grafana", "spec.version", sure=False),
    # Images by their names, in place of those of the operator
    Field("operator.knative.dev", "KnativeServing", "spec.registry.override.*"),
    Field("operator.knative.dev", "KnativeEventing", "spec.registry.override.*"),
)


def _of_custom_resources() -> Iterator[Field]:
    for kinds in image_fields().values():
        for kind in kinds:
            for path in kind.paths:
                # A key with dots in it has no form here; whole Pods and bundles are found by their shape.
                if '"' not in path.text:
                    yield from _of_path(kind.group, kind.kind, path)


def _of_path(group: str, kind: str, path: FieldPath) -> Iterator[Field]:
    text = path.text.partition("@")[0].partition("(")[0].replace("{}", ".*")
    pulled_by = PULLED_BY.get(kind, KUBELET)
    match path.end:
        case "image":
            yield Field(group, kind, text, pulled_by)
        case "docker" | "oci":
            yield Field(group, kind, text, pulled_by, f"{path.end}://")
        case "parts":
            yield Field(group, kind, text, pulled_by, parts=path.parts)
        case "docker-image":
            yield Field(group, kind, f"{text}.name", pulled_by, beside=DOCKER_IMAGE)


def _by_kind() -> dict[str, tuple[Field, ...]]:
    found: dict[str, list[Field]] = {}
    written = {(field.group, field.kind, field.path) for field in _TABLE}
    for field in (*_TABLE, *(one for one in _of_custom_resources() if (one.group, one.kind, one.path) not in written)):
        found.setdefault(field.kind, []).append(field)
    return {kind: tuple(fields) for kind, fields in found.items()}


FIELDS: Fields = _by_kind()
