"""The documents with which a cluster writes down what it uses: rights, routes, place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestrator import __version__
from orchestrator.checks.check import check_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.kubectl import IDENTIFIES, KINDS
from orchestrator.manifests import TargetFiles, generate
from orchestrator.manifests.cron_job import settings_text
from orchestrator.manifests.metadata import table_digest
from orchestrator.routes.build import build_route_table
from orchestrator.workloads.custom_resources import image_fields
from tests.references_table import ENVIRONMENTS, environment

OIDC = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A"


def changed(**variables: Any) -> Environment:
    return Environment(name="standard", **{**ENVIRONMENTS["standard"], **variables})


def bundle_of(of: Environment) -> TargetFiles:
    (bundle,) = generate(of, ["usage"])
    return bundle


def with_usage(**usage: Any) -> Environment:
    return changed(lifecycle_manager={"usage": {"pod_identity": True, **usage}})


def documents(of: Environment) -> dict[str, dict[str, Any]]:
    bundle = bundle_of(of)
    texts = [bundle.files[name] for name in bundle.resources]
    return {document["kind"]: document for text in texts for document in yaml.safe_load_all(text)}


def pod_of(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def test_the_rights_are_to_list_what_is_listed_and_nothing_else() -> None:
    *rules, identity = documents(environment("standard"))["ClusterRole"]["rules"]
    granted = {(group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]}
    parts = [listed.path.strip("/").split("/") for listed in KINDS]
    custom = {(one.group, one.resource) for kinds in image_fields().values() for one in kinds}
    assert granted == {("" if part[0] == "api" else part[1], part[-1]) for part in parts} | custom
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list"}
    assert identity == {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": [IDENTIFIES],
        "verbs": ["get"],
    }


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_the_routes_in_the_config_map_are_those_of_the_environment(name: str) -> None:
    of = environment(name)
    checked = check_environment(of.name, [parse_tfvars(settings_text(of), f"environments/{of.name}.tfvars")])
    assert checked.draft is not None
    assert table_digest(checked.draft) == table_digest(of)
    assert build_route_table(checked.draft) == build_route_table(of)
    assert checked.draft.lifecycle_bucket == of.lifecycle_bucket


def test_text_that_looks_like_a_template_stays_text() -> None:
    mirrors = {"odd": {"source": "mcr.microsoft.com/a"}}
    text = settings_text(changed(mirrors=mirrors, cluster_name="a${b}%{c}"))
    assert parse_tfvars(text, "x").values["cluster_name"] == "a${b}%{c}"


def test_irsa_is_an_annotation_of_the_service_account() -> None:
    of = changed(lifecycle_manager={"usage": {"oidc_provider_arn": OIDC, "audience": "openshift"}})
    annotations = documents(of)["ServiceAccount"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"] == f"arn:aws:iam::{of.account_id}:role/{of.usage_role_name}"
    assert annotations["eks.amazonaws.com/audience"] == "openshift"


def test_pod_identity_needs_no_annotation() -> None:
    found = documents(changed(lifecycle_manager={"usage": {"pod_identity": True}}))
    assert not any("eks.amazonaws.com" in key for key in found["ServiceAccount"]["metadata"]["annotations"])


def test_names_image_and_schedule_are_those_of_the_file() -> None:
    usage = {
        "pod_identity": True,
        "namespace": "tools",
        "service_account": "reader",
        "image": "example.com/usage:1",
        "schedule": "0 * * * *",
    }
    found = documents(changed(lifecycle_manager={"usage": usage}))
    assert {found[kind]["metadata"]["namespace"] for kind in ("ServiceAccount", "ConfigMap", "CronJob")} == {"tools"}
    assert found["ClusterRoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "reader", "namespace": "tools"}
    ]
    assert pod_of(found)["serviceAccountName"] == "reader"
    assert pod_of(found)["containers"][0]["image"] == "example.com/usage:1"
    assert found["CronJob"]["spec"]["schedule"] == "0 * * * *"


def test_the_snapshot_goes_where_the_registrys_owner_reads_it() -> None:
    of = changed(cluster_name="far", manage_registry=False, registry_account_id="999988887777")
    arguments = pod_of(documents(of))["containers"][0]["args"]
    assert arguments[-1] == f"s3://ecr-lifecycle-999988887777-{of.registry.region}/snapshots/far.json"
    named = changed(lifecycle_manager={"bucket_name": "records"})
    assert pod_of(documents(named))["containers"][0]["args"][-1].startswith("s3://records/snapshots/")


def test_a_namespace_is_made_only_where_it_is_the_orchestrators_own_and_never_rolled_back() -> None:
    own, theirs = bundle_of(with_usage()), bundle_of(with_usage(namespace="tools"))
    assert own.resources == ("namespace.yaml", "usage.yaml")
    assert yaml.safe_load(own.files["namespace.yaml"])["metadata"]["name"] == "ecr-usage"
    assert theirs.resources == ("usage.yaml",)
    assert "namespace.yaml" not in theirs.files
    assert "kubectl get namespace tools" in theirs.apply
    for bundle in (own, theirs):
        assert "Namespace" not in bundle.files["usage.yaml"]
        assert bundle.rollback == ("kubectl delete -f usage.yaml",)


def test_the_image_is_pulled_where_the_route_table_sends_it() -> None:
    of = with_usage(image="quay.io/acme/usage:1")
    assert pod_of(documents(of))["containers"][0]["image"] == f"{of.registry_host}/quay/acme/usage:1"
    bundle = bundle_of(of)
    assert "-t quay.io/acme/usage:1 --push" in " ".join(bundle.apply)
    assert not any("aws ecr" in step for step in bundle.apply)
    assert any(f"{of.registry_host}/quay/acme/usage:1" in note for note in bundle.notes)


def test_the_repository_of_the_default_image_is_made_and_logged_in_to() -> None:
    of = with_usage()
    steps = bundle_of(of).apply
    image = pod_of(documents(of))["containers"][0]["image"]
    assert image == f"{of.registry_host}/orchestrator-usage:{__version__}"
    assert f"create-repository --region {of.registry.region} --repository-name orchestrator-usage" in steps[1]
    assert f"--password-stdin {of.registry_host}" in steps[2]
    assert f"--platform linux/amd64,linux/arm64 -f images/usage/Dockerfile -t {image} --push ." in steps[3]
    assert steps[-1] == "kubectl apply -k ."


def test_a_repository_that_terraform_makes_is_not_made_by_hand() -> None:
    steps = bundle_of(changed(repositories={"orchestrator-usage": {}})).apply
    assert not any("create-repository" in step for step in steps)
    assert any("docker login" in step for step in steps)


@pytest.mark.parametrize("image", [f"quay.io/acme/usage@sha256:{'a' * 64}", "HOST/quay/acme/usage:1"])
def test_what_nobody_can_push_is_not_built(image: str) -> None:
    of = with_usage(image=image.replace("HOST", environment("standard").registry_host))
    assert bundle_of(of).apply == ("kubectl apply -k .",)


def test_the_command_does_not_depend_on_the_images_entry_point() -> None:
    (container,) = pod_of(documents(environment("standard")))["containers"]
    assert container["command"] == ["python", "-m", "orchestrator"]
    assert container["args"][:4] == ["-C", "/etc/orchestrator", "images", "standard"]


def test_proxies_reach_the_pod() -> None:
    of = with_usage(env={"NO_PROXY": ".eks.amazonaws.com", "HTTPS_PROXY": "http://proxy:3128"})
    variables = {entry["name"]: entry["value"] for entry in pod_of(documents(of))["containers"][0]["env"]}
    assert variables == {
        "AWS_REGION": of.aws_region,
        "HOME": "/tmp",
        "HTTPS_PROXY": "http://proxy:3128",
        "NO_PROXY": ".eks.amazonaws.com",
    }


@pytest.mark.parametrize(
    "way", [{"pod_identity": True}, {"oidc_provider_arn": OIDC.replace("111122223333", "123456789012")}]
)
def test_a_snapshot_name_is_that_of_the_object_and_of_what_is_in_it(way: dict[str, Any]) -> None:
    of = changed(lifecycle_manager={"usage": {**way, "snapshot_name": "standard-us"}})
    assert pod_of(documents(of))["containers"][0]["args"][-1].endswith("/snapshots/standard-us.json")
    checked = check_environment(of.name, [parse_tfvars(settings_text(of), f"environments/{of.name}.tfvars")])
    assert checked.environment is not None, checked.problems
    assert checked.environment.snapshot_name == "standard-us"
    assert checked.environment.cluster_name == "standard"


def test_logs_are_asked_for_when_there_is_a_pod() -> None:
    waiting = bundle_of(environment("standard")).verify[1]
    assert waiting.index("kubectl wait") < waiting.index("kubectl logs")


def test_pod_identity_is_told_what_it_needs() -> None:
    assert any("eks-pod-identity-agent" in note for note in bundle_of(with_usage()).notes)
    irsa = changed(lifecycle_manager={"usage": {"oidc_provider_arn": OIDC}})
    assert not any("eks-pod-identity-agent" in note for note in bundle_of(irsa).notes)


def test_the_pod_may_do_nothing_on_its_node() -> None:
    pod = pod_of(documents(environment("standard")))
    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_an_environment_without_a_role_is_told() -> None:
    (bundle,) = generate(environment("standard"), ["usage"])
    assert any("no role" in note for note in bundle.notes)
    (told,) = generate(changed(lifecycle_manager={"usage": {"pod_identity": True}}), ["usage"])
    assert not any("no role" in note for note in told.notes)
