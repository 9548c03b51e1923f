"""The documents with which a cluster writes down what it uses: rights, routes, place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestrator.environment import Environment, check_environment
from orchestrator.kubectl import KINDS
from orchestrator.manifests import generate
from orchestrator.manifests.metadata import table_digest
from orchestrator.manifests.usage import settings_text
from orchestrator.routes import build_route_table
from orchestrator.tfvars import parse_tfvars
from tests.references_table import ENVIRONMENTS, environment

OIDC = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A"


def changed(**variables: Any) -> Environment:
    return Environment(name="standard", **{**ENVIRONMENTS["standard"], **variables})


def documents(of: Environment) -> dict[str, dict[str, Any]]:
    (bundle,) = generate(of, ["usage"])
    return {document["kind"]: document for document in yaml.safe_load_all(bundle.files["usage.yaml"])}


def pod_of(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def test_the_rights_are_to_list_what_is_listed_and_nothing_else() -> None:
    rules = documents(environment("standard"))["ClusterRole"]["rules"]
    granted = {(group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]}
    parts = [listed.path.strip("/").split("/") for listed in KINDS]
    assert granted == {("" if part[0] == "api" else part[1], part[-1]) for part in parts}
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list"}


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
    assert found["Namespace"]["metadata"]["name"] == "tools"
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
    assert arguments[-1] == f"s3://ecr-lifecycle-999988887777-{of.registry_region_name}/snapshots/far.json"
    named = changed(lifecycle_manager={"bucket_name": "records"})
    assert pod_of(documents(named))["containers"][0]["args"][-1].startswith("s3://records/snapshots/")


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
