"""The table of `orchestrator.workloads.custom_resources` as text: a document, then its kinds as `group Kind plural:  path path`.

Each path is explained in `orchestrator.workloads.paths`. Paths are those of the documents' versions of autumn 2026; what an
older or newer version has elsewhere is not found. Pure: data.
"""

TABLE = """
# https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/
postgresql.cnpg.io Cluster clusters:  spec.imageName spec.postgresql.extensions[].image.reference
postgresql.cnpg.io ImageCatalog imagecatalogs:  spec.images[].image
postgresql.cnpg.io ClusterImageCatalog clusterimagecatalogs:  spec.images[].image
postgresql.cnpg.io Pooler poolers:  spec.template@template
# https://postgres-operator.readthedocs.io/en/latest/reference/cluster_manifest/
acid.zalan.do postgresql postgresqls:  spec.dockerImage spec.sidecars[].image spec.initContainers[].image spec.connectionPooler.dockerImage
acid.zalan.do OperatorConfiguration operatorconfigurations:  configuration.docker_image configuration.sidecars[].image configuration.connection_pooler.connection_pooler_image configuration.logical_backup.logical_backup_docker_image
# https://access.crunchydata.com/documentation/postgres-operator/latest/references/crd/
postgres-operator.crunchydata.com PostgresCluster postgresclusters:  spec.image spec.backups.pgbackrest.image spec.proxy.pgBouncer.image spec.monitoring.pgmonitor.exporter.image spec.userInterface.pgAdmin.image
postgres-operator.crunchydata.com PGAdmin pgadmins:  spec.image
postgres-operator.crunchydata.com PGUpgrade pgupgrades:  spec.image
# https://docs.percona.com/percona-operators/
pgv2.percona.com PerconaPGCluster perconapgclusters:  spec.image spec.backups.pgbackrest.image spec.proxy.pgBouncer.image spec.pmm.image
pxc.percona.com PerconaXtraDBCluster perconaxtradbclusters:  spec.pxc.image spec.haproxy.image spec.proxysql.image spec.backup.image spec.logcollector.image spec.pmm.image spec.initContainer.image
psmdb.percona.com PerconaServerMongoDB perconaservermongodbs:  spec.image spec.backup.image spec.pmm.image spec.initImage
ps.percona.com PerconaServerMySQL perconaservermysqls:  spec.mysql.image spec.proxy.haproxy.image spec.proxy.router.image spec.orchestrator.image spec.backup.image spec.toolkit.image spec.pmm.image
# https://github.com/mariadb-operator/mariadb-operator/blob/main/docs/api_reference.md
k8s.mariadb.com MariaDB mariadbs:  spec.image spec.metrics.exporter.image spec.maxScale.image spec.initContainers[].image spec.sidecarContainers[].image
k8s.mariadb.com MaxScale maxscales:  spec.image spec.metrics.exporter.image
# https://cybozu-go.github.io/moco/crd_mysqlcluster_v1beta2.html
moco.cybozu.com MySQLCluster mysqlclusters:  spec.podTemplate@template
# https://github.com/planetscale/vitess-operator/blob/main/docs/api.md
planetscale.com VitessCluster vitessclusters:  spec.images{} spec.images.mysqld{}
# https://docs.pingcap.com/tidb-in-kubernetes/stable/configure-a-tidb-cluster
pingcap.com TidbCluster tidbclusters:  spec.pd(baseImage:version) spec.tikv(baseImage:version) spec.tidb(baseImage:version) spec.tiflash(baseImage:version) spec.ticdc(baseImage:version) spec.pump(baseImage:version) spec.helper.image spec.discovery.image
# https://github.com/cockroachdb/cockroach-operator
crdb.cockroachlabs.com CrdbCluster crdbclusters:  spec.image.name
# https://aerospike.com/docs/kubernetes/reference/config-reference
asdb.aerospike.com AerospikeCluster aerospikeclusters:  spec.image spec.podSpec.sidecars[].image spec.podSpec.initContainers[].image
# https://github.com/mongodb/mongodb-kubernetes
mongodb.com MongoDB mongodb:  spec.podSpec.podTemplate@template
mongodbcommunity.mongodb.com MongoDBCommunity mongodbcommunity:  spec.statefulSet.spec.template@template
# https://github.com/spotahome/redis-operator/blob/master/docs/README.md
databases.spotahome.com RedisFailover redisfailovers:  spec.redis.image spec.redis.exporter.image spec.sentinel.image spec.sentinel.exporter.image
# https://redis-operator.opstree.dev/docs/crd-reference/
redis.redis.opstreelabs.in Redis redis:  spec.kubernetesConfig.image spec.redisExporter.image spec.sidecars[].image spec.initContainer.image
redis.redis.opstreelabs.in RedisCluster redisclusters:  spec.kubernetesConfig.image spec.redisExporter.image spec.initContainer.image
redis.redis.opstreelabs.in RedisReplication redisreplications:  spec.kubernetesConfig.image spec.redisExporter.image spec.sidecars[].image spec.initContainer.image
redis.redis.opstreelabs.in RedisSentinel redissentinels:  spec.kubernetesConfig.image spec.redisExporter.image spec.sidecars[].image spec.initContainer.image
# https://redis.io/docs/latest/operate/kubernetes/reference/api/redis_enterprise_cluster_api/
app.redislabs.com RedisEnterpriseCluster redisenterpriseclusters:  spec.redisEnterpriseImageSpec(repository:versionTag) spec.redisEnterpriseServicesRiggerImageSpec(repository:versionTag) spec.bootstrapperImageSpec(repository:versionTag)
# https://www.dragonflydb.io/docs/managing-dragonfly/operator/dragonfly-configuration
dragonflydb.io Dragonfly dragonflies:  spec.image
# https://github.com/Altinity/clickhouse-operator/blob/master/docs/custom_resource_explained.md
clickhouse.altinity.com ClickHouseInstallation clickhouseinstallations:  spec.templates.podTemplates[].spec@pod
clickhouse.altinity.com ClickHouseInstallationTemplate clickhouseinstallationtemplates:  spec.templates.podTemplates[].spec@pod
clickhouse-keeper.altinity.com ClickHouseKeeperInstallation clickhousekeeperinstallations:  spec.templates.podTemplates[].spec@pod
# https://docs.datastax.com/en/cass-operator/reference/
cassandra.datastax.com CassandraDatacenter cassandradatacenters:  spec.serverImage spec.configBuilderImage spec.systemLoggerImage spec.podTemplateSpec@template
# https://operator.docs.scylladb.com/stable/reference/api/groups/scylla.scylladb.com/
scylla.scylladb.com ScyllaCluster scyllaclusters:  spec(repository:version) spec(agentRepository:agentVersion)
scylla.scylladb.com ScyllaDBDatacenter scylladbdatacenters:  spec.scyllaDB.image spec.scyllaDBManagerAgent.image
# https://www.elastic.co/docs/reference/cloud-on-k8s/
elasticsearch.k8s.elastic.co Elasticsearch elasticsearches:  spec.image spec.nodeSets[].podTemplate@template
kibana.k8s.elastic.co Kibana kibanas:  spec.image spec.podTemplate@template
apm.k8s.elastic.co ApmServer apmservers:  spec.image spec.podTemplate@template
beat.k8s.elastic.co Beat beats:  spec.image spec.daemonSet.podTemplate@template spec.deployment.podTemplate@template
agent.k8s.elastic.co Agent agents:  spec.image spec.daemonSet.podTemplate@template spec.deployment.podTemplate@template spec.statefulSet.podTemplate@template
logstash.k8s.elastic.co Logstash logstashes:  spec.image spec.podTemplate@template
enterprisesearch.k8s.elastic.co EnterpriseSearch enterprisesearches:  spec.image spec.podTemplate@template
maps.k8s.elastic.co ElasticMapsServer elasticmapsservers:  spec.image spec.podTemplate@template
# https://docs.opensearch.org/latest/install-and-configure/install-opensearch/operator/
opensearch.opster.io OpenSearchCluster opensearchclusters:  spec.general.image spec.dashboards.image spec.initHelper.image
# https://solr.apache.org/operator/resources
solr.apache.org SolrCloud solrclouds:  spec.solrImage(repository:tag) spec.busyBoxImage(repository:tag) spec.zookeeperRef.provided.image(repository:tag)
solr.apache.org SolrPrometheusExporter solrprometheusexporters:  spec.image(repository:tag)
# https://github.com/pravega/zookeeper-operator
zookeeper.pravega.io ZookeeperCluster zookeeperclusters:  spec.image(repository:tag)
# https://apple.github.io/foundationdb/kubernetes, https://github.com/FoundationDB/fdb-kubernetes-operator/blob/main/docs/cluster_spec.md
apps.foundationdb.org FoundationDBCluster foundationdbclusters:  spec.mainContainer.imageConfigs[](baseImage:tag) spec.sidecarContainer.imageConfigs[](baseImage:tag) spec.processes{}.podTemplate@template
# https://kubeblocks.io/docs/preview/user_docs/references/api-reference/
apps.kubeblocks.io ComponentVersion componentversions:  spec.releases[].images{}
apps.kubeblocks.io ComponentDefinition componentdefinitions:  spec.runtime@pod
workloads.kubeblocks.io InstanceSet instancesets:  spec.template@template
# https://docs.couchbase.com/operator/current/resource/couchbasecluster.html
couchbase.com CouchbaseCluster couchbaseclusters:  spec.image spec.backup.image spec.monitoring.prometheus.image spec.servers[].image
# https://arangodb.github.io/kube-arangodb/docs/api/ArangoDeployment.V1.html
database.arangodb.com ArangoDeployment arangodeployments:  spec.image
# https://docs.hazelcast.com/operator/latest/api-ref
hazelcast.com Hazelcast hazelcasts:  spec(repository:version) spec.agent(repository:version)
# https://infinispan.org/docs/infinispan-operator/main/operator.html
infinispan.org Infinispan infinispans:  spec.image
# https://druid.apache.org/docs/latest/operations/druid-operator, https://github.com/datainfrahq/druid-operator/blob/master/docs/api_specifications/druid.md
druid.apache.org Druid druids:  spec.image spec.nodes{}.image
# https://docs.starrocks.io/docs/deployment/sr_operator/
starrocks.com StarRocksCluster starrocksclusters:  spec.starRocksFeSpec.image spec.starRocksBeSpec.image spec.starRocksCnSpec.image
# https://doris.apache.org/docs/install/deploy-on-kubernetes/
doris.selectdb.com DorisCluster dorisclusters:  spec.feSpec.image spec.beSpec.image spec.cnSpec.image spec.brokerSpec.image
# https://github.com/vesoft-inc/nebula-operator/blob/master/doc/user/configuration.md
apps.nebula-graph.io NebulaCluster nebulaclusters:  spec.graphd(image:version) spec.metad(image:version) spec.storaged(image:version) spec.exporter(image:version) spec.console(image:version) spec.alpineImage
# https://oceanbase.github.io/ob-operator/docs/manual/
oceanbase.oceanbase.com OBCluster obclusters:  spec.observer.image spec.monitor.image
# https://ydb.tech/docs/en/reference/kubernetes/spec
ydb.tech Storage storages:  spec.image.name
ydb.tech Database databases:  spec.image.name
# https://github.com/hyperspike/valkey-operator
hyperspike.io Valkey valkeys:  spec.image spec.exporterImage
# https://docs.yugabyte.com/preview/deploy/kubernetes/single-zone/oss/yugabyte-operator/
yugabyte.com YBCluster ybclusters:  spec.image(repository:tag)
# https://kubedb.com/docs/latest/guides/
catalog.kubedb.com PostgresVersion postgresversions:  spec.db.image spec.coordinator.image spec.exporter.image spec.initContainer.image
catalog.kubedb.com MySQLVersion mysqlversions:  spec.db.image spec.coordinator.image spec.exporter.image spec.initContainer.image
catalog.kubedb.com MariaDBVersion mariadbversions:  spec.db.image spec.coordinator.image spec.exporter.image spec.initContainer.image
catalog.kubedb.com MongoDBVersion mongodbversions:  spec.db.image spec.exporter.image spec.initContainer.image spec.replicationModeDetector.image
catalog.kubedb.com RedisVersion redisversions:  spec.db.image spec.coordinator.image spec.exporter.image spec.initContainer.image
catalog.kubedb.com ElasticsearchVersion elasticsearchversions:  spec.db.image spec.exporter.image spec.initContainer.image spec.dashboard.image
catalog.kubedb.com KafkaVersion kafkaversions:  spec.db.image spec.cruiseControl.image
catalog.kubedb.com PgBouncerVersion pgbouncerversions:  spec.server.image spec.pgBouncer.image spec.exporter.image
catalog.kubedb.com PgpoolVersion pgpoolversions:  spec.pgpool.image spec.exporter.image
# https://docs.stackable.tech/home/stable/concepts/product-image-selection/
trino.stackable.tech TrinoCluster trinoclusters:  spec.image.custom
superset.stackable.tech SupersetCluster supersetclusters:  spec.image.custom
airflow.stackable.tech AirflowCluster airflowclusters:  spec.image.custom
druid.stackable.tech DruidCluster druidclusters:  spec.image.custom
hive.stackable.tech HiveCluster hiveclusters:  spec.image.custom
hdfs.stackable.tech HdfsCluster hdfsclusters:  spec.image.custom
hbase.stackable.tech HbaseCluster hbaseclusters:  spec.image.custom
kafka.stackable.tech KafkaCluster kafkaclusters:  spec.image.custom
nifi.stackable.tech NifiCluster nificlusters:  spec.image.custom
zookeeper.stackable.tech ZookeeperCluster zookeeperclusters:  spec.image.custom
opa.stackable.tech OpaCluster opaclusters:  spec.image.custom
spark.stackable.tech SparkApplication sparkapplications:  spec.image spec.sparkImage.custom
spark.stackable.tech SparkHistoryServer sparkhistoryservers:  spec.image.custom
# https://milvus.io/docs/install_cluster-milvusoperator.md
milvus.io Milvus milvuses:  spec.components.image spec.components{}.image
# https://min.io/docs/minio/kubernetes/upstream/reference/operator-crd.html
minio.min.io Tenant tenants:  spec.image spec.kes.kesImage
# https://rook.io/docs/rook/latest/CRDs/Cluster/ceph-cluster-crd/
ceph.rook.io CephCluster cephclusters:  spec.cephVersion.image
# https://longhorn.io/docs/
longhorn.io EngineImage engineimages:  spec.image
longhorn.io BackingImageDataSource backingimagedatasources:  spec.image
# https://strimzi.io/docs/operators/latest/configuring.html
kafka.strimzi.io Kafka kafkas:  spec.kafka.image spec.zookeeper.image spec.entityOperator.topicOperator.image spec.entityOperator.userOperator.image spec.cruiseControl.image spec.kafkaExporter.image
kafka.strimzi.io KafkaConnect kafkaconnects:  spec.image spec.build.output.image spec.build.plugins[].artifacts[].image
kafka.strimzi.io KafkaMirrorMaker2 kafkamirrormaker2s:  spec.image
kafka.strimzi.io KafkaBridge kafkabridges:  spec.image
core.strimzi.io StrimziPodSet strimzipodsets:  spec.pods[].spec@pod
# https://github.com/banzaicloud/koperator, api/v1beta1/kafkacluster_types.go
kafka.banzaicloud.io KafkaCluster kafkaclusters:  spec.clusterImage spec.brokers[].brokerConfig.image spec.brokerConfigGroups{}.image spec.cruiseControlConfig.image spec.envoyConfig.image spec.monitoringConfig.jmxImage
# https://konpyutaika.github.io/nifikop/docs/5_references/1_nifi_cluster/1_nifi_cluster
nifi.konpyutaika.com NifiCluster nificlusters:  spec.clusterImage spec.initContainerImage(repository:tag) spec.nodes[].nodeConfig.image spec.nodeConfigGroups{}.image spec.initContainers[].image
# https://www.rabbitmq.com/kubernetes/operator/using-operator
rabbitmq.com RabbitmqCluster rabbitmqclusters:  spec.image spec.override.statefulSet.spec.template@template
# https://docs.emqx.com/en/emqx-operator/latest/reference/v2beta1-reference.html
apps.emqx.io EMQX emqxes:  spec.image
# https://docs.redpanda.com/current/reference/k-crd/
cluster.redpanda.com Redpanda redpandas:  spec.clusterSpec.image(repository:tag)
# https://github.com/alexandrevilain/temporal-operator/blob/main/docs/api/v1beta1.md
temporal.io TemporalCluster temporalclusters:  spec(image:version) spec.ui(image:version) spec.admintools(image:version)
# https://docs.seldon.ai/seldon-core-1/
machinelearning.seldon.io SeldonDeployment seldondeployments:  spec.predictors[].componentSpecs[].spec@pod
# https://numaflow.numaproj.io/APIs/
numaflow.numaproj.io Pipeline pipelines:  spec.vertices[].udf.container.image spec.vertices[].source.udsource.container.image spec.vertices[].source.transformer.container.image spec.vertices[].sink.udsink.container.image
numaflow.numaproj.io MonoVertex monovertices:  spec.source.udsource.container.image spec.source.transformer.container.image spec.sink.udsink.container.image
# https://grafana.com/docs/tempo/latest/setup/operator/
tempo.grafana.com TempoStack tempostacks:  spec.images{}
tempo.grafana.com TempoMonolithic tempomonolithics:  spec.images{}
# https://perses.dev/perses-operator/docs/api/
perses.dev Perses perses:  spec.image
# https://github.com/DataDog/datadog-operator/blob/main/docs/configuration.v2alpha1.md
datadoghq.com DatadogAgent datadogagents:  spec.override{}.image(name:tag)
# https://kiali.io/docs/configuration/kialis.kiali.io/
kiali.io Kiali kialis:  spec.deployment(image_name:image_version)
# https://docs.openshift.com/container-platform/latest/rest_api/workloads_apis/deploymentconfig-apps-openshift-io-v1.html
apps.openshift.io DeploymentConfig deploymentconfigs:  spec.template@template
# https://artemiscloud.io/docs/reference/
broker.amq.io ActiveMQArtemis activemqartemises:  spec.deploymentPlan.image spec.deploymentPlan.initImage
# https://argo-workflows.readthedocs.io/en/latest/fields/
argoproj.io Workflow workflows:  spec.templates[].container.image spec.templates[].script.image spec.templates[].initContainers[].image spec.templates[].sidecars[].image spec.templates[].containerSet.containers[].image spec.templateDefaults.container.image spec.templateDefaults.script.image
argoproj.io WorkflowTemplate workflowtemplates:  spec.templates[].container.image spec.templates[].script.image spec.templates[].initContainers[].image spec.templates[].sidecars[].image spec.templates[].containerSet.containers[].image spec.templateDefaults.container.image spec.templateDefaults.script.image
argoproj.io ClusterWorkflowTemplate clusterworkflowtemplates:  spec.templates[].container.image spec.templates[].script.image spec.templates[].initContainers[].image spec.templates[].sidecars[].image spec.templates[].containerSet.containers[].image spec.templateDefaults.container.image spec.templateDefaults.script.image
argoproj.io CronWorkflow cronworkflows:  spec.workflowSpec.templates[].container.image spec.workflowSpec.templates[].script.image spec.workflowSpec.templates[].initContainers[].image spec.workflowSpec.templates[].sidecars[].image spec.workflowSpec.templates[].containerSet.containers[].image spec.workflowSpec.templateDefaults.container.image spec.workflowSpec.templateDefaults.script.image
# https://argoproj.github.io/argo-events/APIs/
argoproj.io EventSource eventsources:  spec.template.container.image
argoproj.io Sensor sensors:  spec.template.container.image spec.triggers[].template.k8s.source.resource@object spec.triggers[].template.argoWorkflow.source.resource@object
argoproj.io EventBus eventbus:  spec.nats.native.containerTemplate.image spec.jetstream.containerTemplate.image
# https://argo-rollouts.readthedocs.io/en/stable/features/specification/
argoproj.io AnalysisTemplate analysistemplates:  spec.metrics[].provider.job.spec.template@template
argoproj.io ClusterAnalysisTemplate clusteranalysistemplates:  spec.metrics[].provider.job.spec.template@template
argoproj.io Experiment experiments:  spec.templates[].template@template
# https://argocd-operator.readthedocs.io/en/latest/reference/argocd/
argoproj.io ArgoCD argocds:  spec(image:version) spec.repo(image:version) spec.redis(image:version) spec.applicationSet(image:version) spec.notifications(image:version)
# https://tekton.dev/docs/pipelines/pipeline-api/
tekton.dev Task tasks:  spec.steps[].image spec.sidecars[].image spec.stepTemplate.image
tekton.dev ClusterTask clustertasks:  spec.steps[].image spec.sidecars[].image spec.stepTemplate.image
tekton.dev StepAction stepactions:  spec.image
tekton.dev Pipeline pipelines:  spec.tasks[].taskSpec.steps[].image spec.tasks[].taskSpec.sidecars[].image spec.tasks[].taskSpec.stepTemplate.image spec.finally[].taskSpec.steps[].image spec.finally[].taskSpec.sidecars[].image spec.tasks[].taskRef@bundle spec.finally[].taskRef@bundle
tekton.dev TaskRun taskruns:  spec.taskSpec.steps[].image spec.taskSpec.sidecars[].image spec.taskSpec.stepTemplate.image spec.taskRef@bundle
tekton.dev PipelineRun pipelineruns:  spec.pipelineSpec.tasks[].taskSpec.steps[].image spec.pipelineSpec.tasks[].taskSpec.sidecars[].image spec.pipelineSpec.finally[].taskSpec.steps[].image spec.pipelineRef@bundle spec.pipelineSpec.tasks[].taskRef@bundle spec.pipelineSpec.finally[].taskRef@bundle
# https://tekton.dev/docs/triggers/triggertemplates/
triggers.tekton.dev TriggerTemplate triggertemplates:  spec.resourcetemplates[]@object
triggers.tekton.dev EventListener eventlisteners:  spec.resources.kubernetesResource.spec.template@template
# https://buildpacks.io/docs/for-platform-operators/how-to/integrate-ci/kpack/, https://shipwright.io/docs/
kpack.io ClusterStore clusterstores:  spec.sources[].image
kpack.io ClusterStack clusterstacks:  spec.buildImage.image spec.runImage.image
shipwright.io BuildStrategy buildstrategies:  spec.steps[].image
shipwright.io ClusterBuildStrategy clusterbuildstrategies:  spec.steps[].image
# https://docs.streamnative.io/operators/pulsar-operator/
pulsar.streamnative.io PulsarBroker pulsarbrokers:  spec.image
# https://www.kubeflow.org/docs/components/spark-operator/user-guide/writing-sparkapplication/
sparkoperator.k8s.io SparkApplication sparkapplications:  spec.image spec.driver.image spec.executor.image spec.driver.initContainers[].image spec.driver.sidecars[].image spec.executor.initContainers[].image spec.executor.sidecars[].image spec.driver.template@template spec.executor.template@template
sparkoperator.k8s.io ScheduledSparkApplication scheduledsparkapplications:  spec.template.image spec.template.driver.image spec.template.executor.image spec.template.driver.initContainers[].image spec.template.driver.sidecars[].image spec.template.executor.initContainers[].image spec.template.executor.sidecars[].image
# https://apache.github.io/spark-kubernetes-operator/
spark.apache.org SparkApplication sparkapplications:  spec.sparkConf."spark.kubernetes.container.image" spec.sparkConf."spark.kubernetes.driver.container.image" spec.sparkConf."spark.kubernetes.executor.container.image" spec.driverSpec.podTemplateSpec@template spec.executorSpec.podTemplateSpec@template
spark.apache.org SparkCluster sparkclusters:  spec.sparkConf."spark.kubernetes.container.image" spec.masterSpec.statefulSetSpec.template@template spec.workerSpec.statefulSetSpec.template@template
# https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-stable/docs/custom-resource/reference/
flink.apache.org FlinkDeployment flinkdeployments:  spec.image spec.podTemplate@template spec.jobManager.podTemplate@template spec.taskManager.podTemplate@template
flinkoperator.k8s.io FlinkCluster flinkclusters:  spec.image.name
# https://www.kubeflow.org/docs/components/
kubeflow.org Notebook notebooks:  spec.template@template
kubeflow.org TFJob tfjobs:  spec.tfReplicaSpecs{}.template@template
kubeflow.org PyTorchJob pytorchjobs:  spec.pytorchReplicaSpecs{}.template@template
kubeflow.org MPIJob mpijobs:  spec.mpiReplicaSpecs{}.template@template
kubeflow.org XGBoostJob xgboostjobs:  spec.xgbReplicaSpecs{}.template@template
kubeflow.org PaddleJob paddlejobs:  spec.paddleReplicaSpecs{}.template@template
kubeflow.org JAXJob jaxjobs:  spec.jaxReplicaSpecs{}.template@template
kubeflow.org Experiment experiments:  spec.trialTemplate.trialSpec@object
trainer.kubeflow.org TrainJob trainjobs:  spec.trainer.image spec.initializer.dataset.image spec.initializer.model.image
trainer.kubeflow.org TrainingRuntime trainingruntimes:  spec.template.spec.replicatedJobs[].template.spec.template@template
trainer.kubeflow.org ClusterTrainingRuntime clustertrainingruntimes:  spec.template.spec.replicatedJobs[].template.spec.template@template
# https://kserve.github.io/website/docs/reference/crd-api
serving.kserve.io InferenceService inferenceservices:  spec.predictor@pod spec.predictor.model.image spec.transformer@pod spec.explainer@pod spec.predictor{}.storageUri@oci
serving.kserve.io ServingRuntime servingruntimes:  spec@pod
serving.kserve.io ClusterServingRuntime clusterservingruntimes:  spec@pod
# https://knative.dev/docs/serving/reference/serving-api/
serving.knative.dev Service services:  spec.template@template
serving.knative.dev Configuration configurations:  spec.template@template
serving.knative.dev Revision revisions:  spec@pod
# https://knative.dev/docs/eventing/reference/eventing-api/
sources.knative.dev ContainerSource containersources:  spec.template@template
# https://ray-project.github.io/kuberay/reference/api/
ray.io RayCluster rayclusters:  spec.headGroupSpec.template@template spec.workerGroupSpecs[].template@template
ray.io RayJob rayjobs:  spec.rayClusterSpec.headGroupSpec.template@template spec.rayClusterSpec.workerGroupSpecs[].template@template spec.submitterPodTemplate@template
ray.io RayService rayservices:  spec.rayClusterConfig.headGroupSpec.template@template spec.rayClusterConfig.workerGroupSpecs[].template@template
# https://kubernetes.dask.org/en/latest/operator_resources.html
kubernetes.dask.org DaskCluster daskclusters:  spec.scheduler.spec@pod spec.worker.spec@pod
kubernetes.dask.org DaskWorkerGroup daskworkergroups:  spec.worker.spec@pod
kubernetes.dask.org DaskJob daskjobs:  spec.job.spec@pod spec.cluster.spec.scheduler.spec@pod spec.cluster.spec.worker.spec@pod
# https://volcano.sh/en/docs/vcjob/
batch.volcano.sh Job jobs:  spec.tasks[].template@template
# https://jobset.sigs.k8s.io/docs/reference/jobset.v1alpha2/, https://lws.sigs.k8s.io, https://kueue.sigs.k8s.io/docs/reference/
jobset.x-k8s.io JobSet jobsets:  spec.replicatedJobs[].template.spec.template@template
leaderworkerset.x-k8s.io LeaderWorkerSet leaderworkersets:  spec.leaderWorkerTemplate.leaderTemplate@template spec.leaderWorkerTemplate.workerTemplate@template
kueue.x-k8s.io Workload workloads:  spec.podSets[].template@template
# https://keda.sh/docs/latest/reference/scaledjob-spec/
keda.sh ScaledJob scaledjobs:  spec.jobTargetRef.template@template
# https://openkruise.io/docs/
apps.kruise.io CloneSet clonesets:  spec.template@template
apps.kruise.io StatefulSet statefulsets:  spec.template@template
apps.kruise.io DaemonSet daemonsets:  spec.template@template
apps.kruise.io SidecarSet sidecarsets:  spec@pod
apps.kruise.io BroadcastJob broadcastjobs:  spec.template@template
apps.kruise.io AdvancedCronJob advancedcronjobs:  spec.template.jobTemplate.spec.template@template spec.template.broadcastJobTemplate.spec.template@template
apps.kruise.io ImagePullJob imagepulljobs:  spec.image
apps.kruise.io UnitedDeployment uniteddeployments:  spec.template.statefulSetTemplate.spec.template@template spec.template.advancedStatefulSetTemplate.spec.template@template spec.template.cloneSetTemplate.spec.template@template spec.template.deploymentTemplate.spec.template@template
# https://docs.github.com/en/actions/hosting-your-own-runners/managing-self-hosted-runners-with-actions-runner-controller
actions.github.com AutoscalingRunnerSet autoscalingrunnersets:  spec.template@template spec.listenerTemplate@template
actions.github.com EphemeralRunnerSet ephemeralrunnersets:  spec.ephemeralRunnerSpec@template
actions.github.com AutoscalingListener autoscalinglisteners:  spec.image
actions.summerwind.dev RunnerDeployment runnerdeployments:  spec.template.spec.image spec.template.spec.dockerImage spec.template.spec@pod
actions.summerwind.dev RunnerSet runnersets:  spec.image spec.dockerImage spec.template@template
# https://docs.gitlab.com/runner/configuration/configuring_runner_operator/
apps.gitlab.com Runner runners:  spec.runnerImage spec.helperImage spec.buildImage
# https://jenkinsci.github.io/kubernetes-operator/docs/getting-started/latest/schema/
jenkins.io Jenkins jenkins:  spec.master.containers[].image
# https://prometheus-operator.dev/docs/api-reference/api/
monitoring.coreos.com Prometheus prometheuses:  spec.image spec.thanos.image spec@pod
monitoring.coreos.com PrometheusAgent prometheusagents:  spec.image spec@pod
monitoring.coreos.com Alertmanager alertmanagers:  spec.image spec@pod
monitoring.coreos.com ThanosRuler thanosrulers:  spec.image spec@pod
# https://docs.victoriametrics.com/operator/api/
operator.victoriametrics.com VMSingle vmsingles:  spec.image(repository:tag)
operator.victoriametrics.com VMAgent vmagents:  spec.image(repository:tag)
operator.victoriametrics.com VMAlert vmalerts:  spec.image(repository:tag)
operator.victoriametrics.com VMAlertmanager vmalertmanagers:  spec.image(repository:tag)
operator.victoriametrics.com VMAuth vmauths:  spec.image(repository:tag)
operator.victoriametrics.com VMCluster vmclusters:  spec.vmselect.image(repository:tag) spec.vminsert.image(repository:tag) spec.vmstorage.image(repository:tag)
# https://grafana.github.io/grafana-operator/docs/api/
grafana.integreatly.org Grafana grafanas:  spec.deployment.spec.template@template
# https://github.com/open-telemetry/opentelemetry-operator/tree/main/docs/api
opentelemetry.io OpenTelemetryCollector opentelemetrycollectors:  spec.image spec.targetAllocator.image spec.initContainers[].image spec.additionalContainers[].image
opentelemetry.io TargetAllocator targetallocators:  spec.image
opentelemetry.io OpAMPBridge opampbridges:  spec.image
opentelemetry.io Instrumentation instrumentations:  spec.java.image spec.nodejs.image spec.python.image spec.dotnet.image spec.go.image spec.apacheHttpd.image spec.nginx.image
# https://www.jaegertracing.io/docs/1.76/deployment/operator/
jaegertracing.io Jaeger jaegers:  spec.allInOne.image spec.query.image spec.collector.image spec.ingester.image spec.agent.image
# https://kube-logging.dev/docs/configuration/crds/
logging.banzaicloud.io Logging loggings:  spec.fluentd.image(repository:tag) spec.fluentbit.image(repository:tag) spec.fluentd.configReloaderImage(repository:tag)
logging.banzaicloud.io FluentbitAgent fluentbitagents:  spec.image(repository:tag)
# https://github.com/fluent/fluent-operator/tree/master/docs
fluentbit.fluent.io FluentBit fluentbits:  spec.image
fluentd.fluent.io Fluentd fluentds:  spec.image
# https://olm.operatorframework.io/docs/concepts/crds/
operators.coreos.com CatalogSource catalogsources:  spec.image
operators.coreos.com ClusterServiceVersion clusterserviceversions:  spec.install.spec.deployments[].spec.template@template spec.relatedImages[].image
olm.operatorframework.io ClusterCatalog clustercatalogs:  spec.source.image.ref
# https://docs.crossplane.io/latest/packages/
pkg.crossplane.io Provider providers:  spec.package
pkg.crossplane.io Configuration configurations:  spec.package
pkg.crossplane.io Function functions:  spec.package
pkg.crossplane.io DeploymentRuntimeConfig deploymentruntimeconfigs:  spec.deploymentTemplate.spec.template@template
# https://kubevirt.io/api-reference/
kubevirt.io VirtualMachine virtualmachines:  spec.template.spec.volumes[].containerDisk.image spec.dataVolumeTemplates[].spec.source.registry.url@docker
kubevirt.io VirtualMachineInstance virtualmachineinstances:  spec.volumes[].containerDisk.image
# https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/
nvidia.com ClusterPolicy clusterpolicies:  spec.driver(repository/image:version) spec.driver.manager(repository/image:version) spec.operator.initContainer(repository/image:version) spec.toolkit(repository/image:version) spec.devicePlugin(repository/image:version) spec.dcgm(repository/image:version) spec.dcgmExporter(repository/image:version) spec.gfd(repository/image:version) spec.migManager(repository/image:version) spec.nodeStatusExporter(repository/image:version) spec.validator(repository/image:version) spec.gdrcopy(repository/image:version) spec.vfioManager(repository/image:version) spec.sandboxDevicePlugin(repository/image:version) spec.vgpuDeviceManager(repository/image:version)
nvidia.com NVIDIADriver nvidiadrivers:  spec(repository/image:version) spec.manager(repository/image:version)
# https://github.com/Mellanox/network-operator, api/v1alpha1/nicclusterpolicy_types.go
mellanox.com NicClusterPolicy nicclusterpolicies:  spec.ofedDriver(repository/image:version) spec.rdmaSharedDevicePlugin(repository/image:version) spec.sriovDevicePlugin(repository/image:version) spec.secondaryNetwork.multus(repository/image:version) spec.secondaryNetwork.cniPlugins(repository/image:version) spec.secondaryNetwork.ipamPlugin(repository/image:version)
# https://docs.redhat.com/en/documentation/red_hat_openshift_dev_spaces/, https://devfile.io
workspace.devfile.io DevWorkspace devworkspaces:  spec.template.components[].container.image
workspace.devfile.io DevWorkspaceTemplate devworkspacetemplates:  spec.components[].container.image
# https://agones.dev/site/docs/reference/agones_crd_api_reference/
agones.dev Fleet fleets:  spec.template.spec.template@template
agones.dev GameServerSet gameserversets:  spec.template.spec.template@template
agones.dev GameServer gameservers:  spec.template@template
# https://camel.apache.org/camel-k/next/apis/camel-k.html
camel.apache.org Integration integrations:  spec.traits.container.image
camel.apache.org IntegrationKit integrationkits:  spec.image
# https://www.keycloak.org/operator/basic-deployment
k8s.keycloak.org Keycloak keycloaks:  spec.image
# https://github.com/rancher/system-upgrade-controller, https://docs.k3s.io/add-ons/helm
upgrade.cattle.io Plan plans:  spec.upgrade.image spec.prepare.image
helm.cattle.io HelmChart helmcharts:  spec.jobImage
# https://grafana.com/docs/k6/latest/set-up/set-up-distributed-k6/
k6.io TestRun testruns:  spec.runner.image spec.starter.image spec.initializer.image
# https://docs.litmuschaos.io
litmuschaos.io ChaosEngine chaosengines:  spec.components.runner.image
litmuschaos.io ChaosExperiment chaosexperiments:  spec.definition.image
# https://github.com/kubevirt/containerized-data-importer/blob/main/doc/datavolumes.md
cdi.kubevirt.io DataVolume datavolumes:  spec.source.registry.url@docker
cdi.kubevirt.io DataImportCron dataimportcrons:  spec.template.spec.source.registry.url@docker
# https://fluxcd.io/flux/components/source/ocirepositories/
source.toolkit.fluxcd.io OCIRepository ocirepositories:  spec@oci-source
# https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/images/managing-image-streams
image.openshift.io ImageStream imagestreams:  spec.tags[].from@docker-image
# https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/builds_using_buildconfig/
build.openshift.io BuildConfig buildconfigs:  spec.strategy.dockerStrategy.from@docker-image spec.strategy.sourceStrategy.from@docker-image spec.strategy.customStrategy.from@docker-image spec.source.images[].from@docker-image
"""

# Groups that name no image which a node pulls. Kinds that stand neither here nor above are told as not read.
IMAGELESS = """
acme.cert-manager.io cert-manager.io trust.cert-manager.io policy.cert-manager.io
networking.istio.io security.istio.io telemetry.istio.io
external-secrets.io generators.external-secrets.io bitnami.com secrets-store.csi.x-k8s.io
kyverno.io policies.kyverno.io reports.kyverno.io wgpolicyk8s.io openreports.io
templates.gatekeeper.sh constraints.gatekeeper.sh config.gatekeeper.sh status.gatekeeper.sh mutations.gatekeeper.sh
expansion.gatekeeper.sh externaldata.gatekeeper.sh connection.gatekeeper.sh
crd.projectcalico.org projectcalico.org policy.networking.k8s.io cilium.io
karpenter.sh eks.amazonaws.com crd.k8s.amazonaws.com
kustomize.toolkit.fluxcd.io helm.toolkit.fluxcd.io notification.toolkit.fluxcd.io
image.toolkit.fluxcd.io
traefik.io traefik.containo.us hub.traefik.io k8s.nginx.org configuration.konghq.com gateway.envoyproxy.io
metallb.io k8s.cni.cncf.io whereabouts.cni.cncf.io velero.io
linkerd.io policy.linkerd.io multicluster.linkerd.io split.smi-spec.io
eventing.keda.sh http.keda.sh
eventing.knative.dev messaging.knative.dev flows.knative.dev sinks.knative.dev bindings.knative.dev
networking.internal.knative.dev autoscaling.internal.knative.dev caching.internal.knative.dev
resolution.tekton.dev dashboard.tekton.dev
scheduling.volcano.sh bus.volcano.sh flow.volcano.sh nodeinfo.volcano.sh
apiextensions.crossplane.io protection.crossplane.io secrets.crossplane.io
stackconfigpolicy.k8s.elastic.co autoscaling.k8s.elastic.co
instancetype.kubevirt.io pool.kubevirt.io snapshot.kubevirt.io export.kubevirt.io migrations.kubevirt.io clone.kubevirt.io
topolvm.io groupsnapshot.storage.k8s.io autoscaling.agones.dev allocation.agones.dev multicluster.agones.dev
aquasecurity.github.io vpcresources.k8s.aws
"""
