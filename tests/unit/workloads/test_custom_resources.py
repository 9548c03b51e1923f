"""The table of fields: every path reads, every group has a source, and objects as people write them give their images."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.environment.pods import COMPARING_OPERATORS
from orchestrator.workloads.custom_resource_table import IMAGELESS, TABLE
from orchestrator.workloads.custom_resources import fields_of, image_fields, imageless_groups, names_no_image
from orchestrator.workloads.fields import FIELDS
from orchestrator.workloads.in_cluster import uses_of
from orchestrator.workloads.paths import FieldImage, images_at, parse_path
from scripts.list_image_fields import COMMAND, PAGE, page


def test_the_page_that_documents_them_is_what_the_code_has() -> None:
    assert PAGE.read_text("utf-8") == page(), f"To write it anew: {COMMAND}"


def test_files_are_read_with_the_same_fields() -> None:
    paths = {(field.group, field.path) for field in FIELDS["Cluster"]}
    assert ("postgresql.cnpg.io", "spec.imageName") in paths
    assert ("apps.kubeblocks.io", "spec.releases[].images.*") in {
        (field.group, field.path) for field in FIELDS["ComponentVersion"]
    }


POD = {"containers": [{"name": "a", "image": "pod:1"}], "initContainers": [{"name": "b", "image": "init:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}


def test_every_line_of_the_table_is_one_kind_with_a_source() -> None:
    lines = [line for line in TABLE.splitlines() if line and not line.startswith("# ")]
    kinds = [(one.group, one.kind) for found in image_fields().values() for one in found]
    assert len(kinds) == len(lines) == len(set(kinds))
    for found in image_fields().values():
        for one in found:
            assert one.source.startswith("https://")
            assert one.paths
            assert one.resource == one.resource.lower()


def test_no_group_is_both_read_and_imageless() -> None:
    assert not imageless_groups() & set(image_fields())
    assert len(IMAGELESS.split()) == len(imageless_groups())


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("apps", True),
        ("autoscaling", True),
        ("metrics.k8s.io", True),
        ("services.k8s.aws", True),
        ("config.openshift.io", True),
        ("cert-manager.io", True),
        ("image.openshift.io", False),
        ("build.openshift.io", False),
        ("widgets.example.com", False),
        ("cluster.x-k8s.io", False),
    ],
)
def test_groups_of_which_nothing_is_known_are_told(group: str, expected: bool) -> None:
    assert names_no_image(group) == expected


def test_operators_that_compare_images_have_their_field_in_the_table() -> None:
    for operator in COMPARING_OPERATORS:
        group, _, kind = operator.resource.partition("/")
        if group == "kubevirt.io":
            continue  # a prefix for all images of the operator, not one image
        fields = fields_of(group, kind)
        assert fields is not None, operator.resource
        texts = {path.text for path in fields.paths}
        for field in operator.field.split(", "):
            assert any(text.startswith(field) for text in texts), operator.field


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("spec.image", {"spec": {"image": "a:1"}}, [("a:1", "spec.image")]),
        ("spec.a[].image", {"spec": {"a": [{"image": "a"}, {}, {"image": "b"}]}}, [("a", "spec.a[0].image"), ("b", "spec.a[2].image")]),
        ("spec.images{}", {"spec": {"images": {"x": "a", "y": {"no": 1}}}}, [("a", "spec.images.x")]),
        ('spec."a.b".c', {"spec": {"a.b": {"c": "d"}}}, [("d", "spec.a.b.c")]),
        ("spec(repository:tag)", {"spec": {"repository": "a/b", "tag": "1"}}, [("a/b:1", "spec")]),
        ("spec(repository:tag)", {"spec": {"repository": "a/b", "tag": f"sha256:{'a' * 64}"}}, [(f"a/b@sha256:{'a' * 64}", "spec")]),
        ("spec(repository:tag)", {"spec": {"repository": "a/b"}}, []),
        ("spec(registry/image:tag)", {"spec": {"registry": "r.io/x", "image": "i", "tag": "1"}}, [("r.io/x/i:1", "spec")]),
        ("spec(registry/image:tag)", {"spec": {"image": "i", "tag": "1"}}, []),
        ("spec@pod", {"spec": POD}, [("pod:1", "spec.containers[0].image"), ("init:1", "spec.initContainers[0].image")]),
        ("spec.t@template", {"spec": {"t": TEMPLATE}}, [("pod:1", "spec.t.spec.containers[0].image"), ("init:1", "spec.t.spec.initContainers[0].image")]),
        ("spec.image", {"spec": None}, []),
        ("spec.image", {"spec": {"image": ["a"]}}, []),
        ("spec.a[].image", {"spec": {"a": {"image": "a"}}}, []),
        ("spec@pod", {"spec": {"containers": "x", "volumes": [None]}}, []),
        ("spec.image", "text", []),
        ("spec.from@docker-image", {"spec": {"from": {"kind": "DockerImage", "name": "a:1"}}}, [("a:1", "spec.from")]),
        ("spec.from@docker-image", {"spec": {"from": {"kind": "ImageStreamTag", "name": "a:1"}}}, []),
        ("spec.from@docker-image", {"spec": {"from": {"name": "a:1"}}}, []),
        ("spec.url@docker", {"spec": {"url": "docker://a/b:1"}}, [("a/b:1", "spec.url")]),
        ("spec.url@docker", {"spec": {"url": "https://a/b"}}, []),
        ("spec.uri@oci", {"spec": {"uri": "oci://a/b:1"}}, [("a/b:1", "spec.uri")]),
        ("spec.ref@bundle", {"spec": {"ref": {"bundle": "a/b:1"}}}, [("a/b:1", "spec.ref")]),
        ("spec.ref@bundle", {"spec": {"ref": {"resolver": "bundles", "params": [{"name": "name", "value": "x"}, {"name": "bundle", "value": "a/b:1"}]}}}, [("a/b:1", "spec.ref")]),
        ("spec.ref@bundle", {"spec": {"ref": {"resolver": "git", "params": [{"name": "bundle", "value": "a/b:1"}]}}}, []),
        ("spec.ref@bundle", {"spec": {"ref": {"resolver": "bundles", "params": [None, {"name": "bundle", "value": ["a"]}]}}}, []),
        ("spec@oci-source", {"spec": {"url": "oci://a/b", "ref": {"tag": "1"}}}, [("a/b:1", "spec")]),
        ("spec@oci-source", {"spec": {"url": "oci://a/b", "ref": {"tag": "1", "digest": "sha256:0"}}}, [("a/b@sha256:0", "spec")]),
        ("spec@oci-source", {"spec": {"url": "oci://a/b", "ref": {"tag": "1", "semver": ">=1"}}}, [("a/b", "spec")]),
        ("spec@oci-source", {"spec": {"url": "https://a/b"}}, []),
        ("spec@oci-source", {"spec": {"url": "oci://a/b", "ref": ["tag"]}}, [("a/b", "spec")]),
    ],
)  # fmt: skip
def test_a_path_finds_images_and_their_places(path: str, value: Any, found: list[tuple[str, str]]) -> None:
    images = list(images_at(value, parse_path(path)))
    assert [(one.reference, one.place) for one in images] == found
    assert all(isinstance(one, FieldImage) for one in images)


@pytest.mark.parametrize(
    "text",
    [
        "spec.",
        ".spec",
        "spec..image",
        "spec.image@file",
        "spec@image",
        "spec@parts",
        "spec(a)",
        "spec(a:b:c)",
        "a b",
        "spec[",
        "a[]]",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no key|no end|parts are"):
        parse_path(text)


def custom(api: str, kind: str, spec: Any, **members: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "shop"}, "spec": spec, **members}


WORKFLOW = {"templates": [{"container": {"image": "step:1"}}, {"script": {"image": "script:1"}}]}


@pytest.mark.parametrize(
    ("item", "images"),
    [
        (custom("image.openshift.io/v1", "ImageStream", {"tags": [{"from": {"kind": "DockerImage", "name": "quay.io/a/b:1"}}, {"from": {"kind": "ImageStreamTag", "name": "b:1"}}]}), {"quay.io/a/b:1"}),
        (custom("build.openshift.io/v1", "BuildConfig", {"strategy": {"sourceStrategy": {"from": {"kind": "DockerImage", "name": "s2i:1"}}}, "source": {"images": [{"from": {"kind": "ImageStreamTag", "name": "b:1"}}]}}), {"s2i:1"}),
        (custom("tekton.dev/v1", "PipelineRun", {"pipelineRef": {"resolver": "bundles", "params": [{"name": "bundle", "value": "p:1"}]}}), {"p:1"}),
        (custom("cdi.kubevirt.io/v1beta1", "DataVolume", {"source": {"registry": {"url": "docker://disk:1"}}}), {"disk:1"}),
        (custom("kubevirt.io/v1", "VirtualMachine", {"dataVolumeTemplates": [{"spec": {"source": {"registry": {"url": "docker://disk:1"}}}}]}), {"disk:1"}),
        (custom("source.toolkit.fluxcd.io/v1", "OCIRepository", {"url": "oci://ghcr.io/a/b", "ref": {"tag": "1"}}), {"ghcr.io/a/b:1"}),
        (custom("serving.kserve.io/v1beta1", "InferenceService", {"predictor": {"model": {"storageUri": "oci://m:1"}}}), {"m:1"}),
        (custom("serving.kserve.io/v1beta1", "InferenceService", {"predictor": {"sklearn": {"storageUri": "s3://m"}}}), set()),
        (custom("postgresql.cnpg.io/v1", "Cluster", {"imageName": "ghcr.io/cloudnative-pg/postgresql:17"}), {"ghcr.io/cloudnative-pg/postgresql:17"}),
        (custom("argoproj.io/v1alpha1", "CronWorkflow", {"workflowSpec": WORKFLOW}), {"step:1", "script:1"}),
        (custom("argoproj.io/v1alpha1", "Sensor", {"triggers": [{"template": {"k8s": {"source": {"resource": custom("argoproj.io/v1alpha1", "Workflow", WORKFLOW)}}}}]}), {"step:1", "script:1"}),
        (custom("argoproj.io/v1alpha1", "Sensor", {"triggers": [{"template": {"k8s": {"source": {"resource": custom("batch/v1", "Job", {"template": TEMPLATE})}}}}]}), {"pod:1", "init:1"}),
        (custom("argoproj.io/v1alpha1", "Rollout", {"template": TEMPLATE}), {"pod:1", "init:1"}),
        (custom("sparkoperator.k8s.io/v1beta2", "SparkApplication", {"image": "spark:4", "driver": {"sidecars": [{"image": "s:1"}]}}), {"spark:4", "s:1"}),
        (custom("spark.apache.org/v1", "SparkApplication", {"sparkConf": {"spark.kubernetes.container.image": "spark:4"}}), {"spark:4"}),
        (custom("flink.apache.org/v1beta1", "FlinkDeployment", {"image": "flink:2", "podTemplate": TEMPLATE}), {"flink:2", "pod:1", "init:1"}),
        (custom("kubeflow.org/v1", "Notebook", {"template": TEMPLATE}), {"pod:1", "init:1"}),
        (custom("kubeflow.org/v1", "PyTorchJob", {"pytorchReplicaSpecs": {"Worker": {"template": TEMPLATE}}}), {"pod:1", "init:1"}),
        (custom("core.strimzi.io/v1beta2", "StrimziPodSet", {"pods": [{"kind": "Pod", "spec": POD}]}), {"pod:1", "init:1"}),
        (custom("nvidia.com/v1", "ClusterPolicy", {"driver": {"repository": "nvcr.io/nvidia", "image": "driver", "version": "580"}}), {"nvcr.io/nvidia/driver:580"}),
        (custom("acid.zalan.do/v1", "OperatorConfiguration", None, configuration={"docker_image": "spilo:17"}), {"spilo:17"}),
        (custom("apps.kruise.io/v1alpha1", "AdvancedCronJob", {"template": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}), {"pod:1", "init:1"}),
        (custom("druid.apache.org/v1alpha1", "Druid", {"image": "druid:33", "nodes": {"brokers": {"image": "druid:34"}}}), {"druid:33", "druid:34"}),
        (custom("catalog.kubedb.com/v1alpha1", "PostgresVersion", {"db": {"image": "pg:17"}, "exporter": {"image": "e:1"}}), {"pg:17", "e:1"}),
        (custom("temporal.io/v1beta1", "TemporalCluster", {"version": "1.24", "image": "temporalio/server", "ui": {"image": "temporalio/ui", "version": "2.1"}}), {"temporalio/server:1.24", "temporalio/ui:2.1"}),
        (custom("machinelearning.seldon.io/v1", "SeldonDeployment", {"predictors": [{"componentSpecs": [{"spec": POD}]}]}), {"pod:1", "init:1"}),
        (custom("tempo.grafana.com/v1alpha1", "TempoStack", {"images": {"tempo": "t:1", "tempoQuery": "q:1"}}), {"t:1", "q:1"}),
        (custom("datadoghq.com/v2alpha1", "DatadogAgent", {"override": {"nodeAgent": {"image": {"name": "gcr.io/datadoghq/agent", "tag": "7"}}}}), {"gcr.io/datadoghq/agent:7"}),
        (custom("datadoghq.com/v2alpha1", "DatadogAgent", {"override": {"nodeAgent": {"image": {"name": "agent", "tag": "7"}}}}), set()),
        (custom("kiali.io/v1alpha1", "Kiali", {"deployment": {"image_name": "quay.io/kiali/kiali", "image_version": "v2"}}), {"quay.io/kiali/kiali:v2"}),
        (custom("trino.stackable.tech/v1alpha1", "TrinoCluster", {"image": {"custom": "trino:477"}}), {"trino:477"}),
        (custom("widgets.example.com/v1", "Widget", {"image": "unknown:1"}), set()),
        (custom("postgresql.cnpg.io/v1", "Backup", {"image": "unknown:1"}), set()),
    ],
)  # fmt: skip
def test_objects_as_people_write_them_give_their_images(item: dict[str, Any], images: set[str]) -> None:
    assert {use.reference for use in uses_of(item)} == images


def test_objects_inside_each_other_end_somewhere() -> None:
    inner: dict[str, Any] = custom("argoproj.io/v1alpha1", "Workflow", WORKFLOW)
    for _ in range(100):
        inner = custom(
            "argoproj.io/v1alpha1", "Sensor", {"triggers": [{"template": {"k8s": {"source": {"resource": inner}}}}]}
        )
    assert list(uses_of(inner)) == []
