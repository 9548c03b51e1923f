"""Where custom resources name images: one table, asked for files and for what a cluster's API serves.

A kind that runs Pods of the usual shape (`containers`) needs no line here: it is found by its shape, wherever it
stands. A line is needed where an image has a field of its own, and where something else than the kubelet pulls it.
Sources are the projects' CRDs (API reference pages) at the versions that are in use in 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

KUBELET = "kubelet"


@dataclass(frozen=True, slots=True)
class Field:
    """The image at `path` of the objects of a kind: `spec.kafka.image`, `spec.tags[].from.name`; `*` is any key.

    `group` is the API group or the end of it; `scheme` is what stands before the image in the value (`oci://`);
    `pulled_by` is who pulls it.
    """

    group: str
    kind: str
    path: str
    pulled_by: str = KUBELET
    scheme: str = ""


# What no admission policy on Pods reaches: who pulls it, and the setting that sends it elsewhere.
REDIRECTED_BY = {
    "Crossplane": "an ImageConfig of pkg.crossplane.io with a rewriteImage prefix, or the package's own spec.package",
    "Flux": "spec.url of the OCIRepository or HelmRepository",
    "Argo CD": "repoURL of the Application's source",
    "OLM": "spec.image of the CatalogSource, and mirror sets for what its bundles name",
    "OpenShift": "the ImageStream's tag, or a mirror set for builds",
    "Knative": "registries-skipping-tag-resolving of the ConfigMap config-deployment",
    "Argo Workflows": "the template's image, or its command, which makes the lookup needless",
    "Tekton": "the step's image, or its command; bundles by the resolver's bundle parameter",
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
}

_TABLE = (
    # OpenShift and OLM
    Field("image.openshift.io", "ImageStream", "spec.tags[].from.name", "OpenShift"),
    Field("image.openshift.io", "ImageStreamTag", "tag.from.name", "OpenShift"),
    Field("image.openshift.io", "ImageStreamImport", "spec.images[].from.name", "OpenShift"),
    Field("build.openshift.io", "BuildConfig", "spec.strategy.dockerStrategy.from.name", "OpenShift"),
    Field("build.openshift.io", "BuildConfig", "spec.strategy.sourceStrategy.from.name", "OpenShift"),
    Field("build.openshift.io", "BuildConfig", "spec.strategy.customStrategy.from.name", "OpenShift"),
    Field("build.openshift.io", "BuildConfig", "spec.source.images[].from.name", "OpenShift"),
    Field("operators.coreos.com", "CatalogSource", "spec.image", "OLM"),
    Field("olm.operatorframework.io", "ClusterCatalog", "spec.source.image.ref", "OLM"),
    Field("operators.coreos.com", "ClusterServiceVersion", "spec.relatedImages[].image"),
    Field("operators.coreos.com", "ClusterServiceVersion", "metadata.annotations.containerImage"),
    # Workflows and builds
    Field("argoproj.io", "Workflow", "spec.templates[].container.image", "Argo Workflows"),
    Field("argoproj.io", "Workflow", "spec.templates[].script.image", "Argo Workflows"),
    Field("tekton.dev", "Task", "spec.steps[].image", "Tekton"),
    Field("tekton.dev", "Task", "spec.stepTemplate.image", "Tekton"),
    Field("tekton.dev", "TaskRun", "spec.taskRef.bundle", "Tekton"),
    Field("tekton.dev", "PipelineRun", "spec.pipelineRef.bundle", "Tekton"),
    Field("tekton.dev", "Pipeline", "spec.tasks[].taskRef.bundle", "Tekton"),
    Field("kpack.io", "ClusterStore", "spec.sources[].image"),
    Field("kpack.io", "ClusterStack", "spec.buildImage.image"),
    Field("kpack.io", "ClusterStack", "spec.runImage.image"),
    Field("shipwright.io", "BuildStrategy", "spec.steps[].image"),
    # Packages and charts
    Field("pkg.crossplane.io", "Provider", "spec.package", "Crossplane"),
    Field("pkg.crossplane.io", "Configuration", "spec.package", "Crossplane"),
    Field("pkg.crossplane.io", "Function", "spec.package", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Provider", "spec.controller.image"),
    Field("meta.pkg.crossplane.io", "Provider", "spec.dependsOn[].provider", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Configuration", "spec.dependsOn[].provider", "Crossplane"),
    Field("meta.pkg.crossplane.io", "Configuration", "spec.dependsOn[].function", "Crossplane"),
    Field("source.toolkit.fluxcd.io", "HelmRepository", "spec.url", "Flux", "oci://"),
    # Virtual machines
    Field("kubevirt.io", "VirtualMachine", "spec.template.spec.volumes[].containerDisk.image"),
    Field("kubevirt.io", "VirtualMachineInstance", "spec.volumes[].containerDisk.image"),
    Field("cdi.kubevirt.io", "DataVolume", "spec.source.registry.url", "CDI", "docker://"),
    # Databases and brokers
    Field("postgresql.cnpg.io", "Cluster", "spec.imageName"),
    Field("postgresql.cnpg.io", "ImageCatalog", "spec.images[].image"),
    Field("postgresql.cnpg.io", "ClusterImageCatalog", "spec.images[].image"),
    Field("postgresql.cnpg.io", "Pooler", "spec.template.spec.containers[].image"),
    Field("acid.zalan.do", "postgresql", "spec.dockerImage"),
    Field("acid.zalan.do", "OperatorConfiguration", "configuration.docker_image"),
    Field("postgres-operator.crunchydata.com", "PostgresCluster", "spec.image"),
    Field("postgres-operator.crunchydata.com", "PostgresCluster", "spec.backups.pgbackrest.image"),
    Field("postgres-operator.crunchydata.com", "PostgresCluster", "spec.proxy.pgBouncer.image"),
    Field("pxc.percona.com", "PerconaXtraDBCluster", "spec.*.image"),
    Field("psmdb.percona.com", "PerconaServerMongoDB", "spec.image"),
    Field("psmdb.percona.com", "PerconaServerMongoDB", "spec.*.image"),
    Field("pgv2.percona.com", "PerconaPGCluster", "spec.image"),
    Field("k8s.mariadb.com", "MariaDB", "spec.image"),
    Field("mongodbcommunity.mongodb.com", "MongoDBCommunity", "spec.image"),
    Field("redis.redis.opstreelabs.in", "Redis", "spec.kubernetesConfig.image"),
    Field("redis.redis.opstreelabs.in", "RedisCluster", "spec.kubernetesConfig.image"),
    Field("asdb.aerospike.com", "AerospikeCluster", "spec.image"),
    Field("cassandra.datastax.com", "CassandraDatacenter", "spec.serverImage"),
    Field("clickhouse.altinity.com", "ClickHouseInstallation", "spec.templates.podTemplates[].spec.containers[].image"),
    Field("elasticsearch.k8s.elastic.co", "Elasticsearch", "spec.image"),
    Field("kibana.k8s.elastic.co", "Kibana", "spec.image"),
    Field("agent.k8s.elastic.co", "Agent", "spec.image"),
    Field("beat.k8s.elastic.co", "Beat", "spec.image"),
    Field("logstash.k8s.elastic.co", "Logstash", "spec.image"),
    Field("apm.k8s.elastic.co", "ApmServer", "spec.image"),
    Field("opensearch.opster.io", "OpenSearchCluster", "spec.general.image"),
    Field("opensearch.opster.io", "OpenSearchCluster", "spec.dashboards.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.kafka.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.zookeeper.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.entityOperator.topicOperator.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.entityOperator.userOperator.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.cruiseControl.image"),
    Field("kafka.strimzi.io", "Kafka", "spec.kafkaExporter.image"),
    Field("kafka.strimzi.io", "KafkaConnect", "spec.image"),
    Field("kafka.strimzi.io", "KafkaConnect", "spec.build.output.image"),
    Field("kafka.strimzi.io", "KafkaConnect", "spec.build.plugins[].artifacts[].image"),
    Field("kafka.strimzi.io", "KafkaMirrorMaker2", "spec.image"),
    Field("kafka.strimzi.io", "KafkaBridge", "spec.image"),
    Field("rabbitmq.com", "RabbitmqCluster", "spec.image"),
    Field("pulsar.streamnative.io", "PulsarBroker", "spec.image"),
    Field("zookeeper.pravega.io", "ZookeeperCluster", "spec.image"),
    # Observability
    Field("monitoring.coreos.com", "Prometheus", "spec.image"),
    Field("monitoring.coreos.com", "PrometheusAgent", "spec.image"),
    Field("monitoring.coreos.com", "Prometheus", "spec.thanos.image"),
    Field("monitoring.coreos.com", "Alertmanager", "spec.image"),
    Field("monitoring.coreos.com", "ThanosRuler", "spec.image"),
    Field("opentelemetry.io", "OpenTelemetryCollector", "spec.image"),
    Field("opentelemetry.io", "Instrumentation", "spec.*.image"),
    Field("jaegertracing.io", "Jaeger", "spec.*.image"),
    Field("operator.victoriametrics.com", "VMAgent", "spec.image"),
    Field("operator.victoriametrics.com", "VMSingle", "spec.image"),
    Field("operator.victoriametrics.com", "VMCluster", "spec.*.image"),
    Field("logging.banzaicloud.io", "Logging", "spec.fluentd.image"),
    Field("logging.banzaicloud.io", "Logging", "spec.fluentbit.image"),
    Field("logging.banzaicloud.io", "FluentbitAgent", "spec.image"),
    Field("fluentbit.fluent.io", "FluentBit", "spec.image"),
    Field("fluentd.fluent.io", "Fluentd", "spec.image"),
    Field("loki.grafana.com", "LokiStack", "spec.image"),
    # Data and machine learning
    Field("sparkoperator.k8s.io", "SparkApplication", "spec.image"),
    Field("sparkoperator.k8s.io", "SparkApplication", "spec.driver.image"),
    Field("sparkoperator.k8s.io", "SparkApplication", "spec.executor.image"),
    Field("sparkoperator.k8s.io", "ScheduledSparkApplication", "spec.template.image"),
    Field("flink.apache.org", "FlinkDeployment", "spec.image"),
    Field("serving.kserve.io", "InferenceService", "spec.predictor.model.image"),
    Field("serving.kserve.io", "InferenceService", "spec.predictor.model.storageUri", KUBELET, "oci://"),
    # Storage, devices, identity
    Field("ceph.rook.io", "CephCluster", "spec.cephVersion.image"),
    Field("nvidia.com", "ClusterPolicy", "spec.*"),
    Field("k8s.keycloak.org", "Keycloak", "spec.image"),
    Field("camel.apache.org", "IntegrationKit", "spec.image"),
    Field("longhorn.io", "EngineImage", "spec.image"),
)


def _by_kind() -> dict[str, tuple[Field, ...]]:
    found: dict[str, list[Field]] = {}
    for field in _TABLE:
        found.setdefault(field.kind, []).append(field)
    return {kind: tuple(fields) for kind, fields in found.items()}


FIELDS = _by_kind()
