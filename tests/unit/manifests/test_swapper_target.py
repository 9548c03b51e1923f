"""The webhook's Deployment: routes that give the same answers, a role that is found, conditions for each kind."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestrator.checks.check import check_environment
from orchestrator.cli.swapper.serve_command import LONGEST_DRAIN
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.manifests import generate
from orchestrator.manifests.metadata import table_digest
from orchestrator.manifests.swapper_objects import NAMESPACE, account, routes
from orchestrator.manifests.webhook_configuration import NAME
from orchestrator.swapper.swap_server import FINISH_SECONDS
from tests.references_table import ENVIRONMENTS, environment

OIDC = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A"


def changed(**variables: Any) -> Environment:
    return Environment(name="standard", **{**ENVIRONMENTS["standard"], **variables})


def documents(of: Environment) -> list[dict[str, Any]]:
    (bundle,) = generate(of, ["swapper"])
    return [one for name in bundle.resources for one in yaml.safe_load_all(bundle.files[name])]


def test_the_routes_that_come_along_decide_as_the_environment_does() -> None:
    of = changed(exclude_pods=["tier=db"], exclude_namespaces=["ops-*"], tags={"team": "a"}, scan_on_push=False)
    text = routes(of)["data"]["standard.tfvars"]
    values: dict[str, Any] = dict(parse_tfvars(text, "standard.tfvars").values)
    read = Environment(name="standard", **values)
    assert table_digest(read) == table_digest(of)
    for field in ("exclude_pods", "exclude_namespaces", "tags", "scan_on_push"):
        assert getattr(read, field) == getattr(of, field)


def test_a_pod_is_out_of_service_first_and_has_the_time_to_finish() -> None:
    (pod,) = (one["spec"]["template"]["spec"] for one in documents(changed()) if one["kind"] == "Deployment")
    (process,) = pod["containers"]
    assert process["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] >= LONGEST_DRAIN + FINISH_SECONDS


def test_a_role_of_push_roles_is_taken_and_a_missing_one_is_said() -> None:
    subject = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    role = {"repositories": ["mcr/*"], "oidc_provider_arn": OIDC, "subjects": [subject]}
    annotations = account(changed(push_roles={"swap": role}))["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"] == "arn:aws:iam::123456789012:role/swap"
    pods = {"repositories": ["mcr/*"], "pod_identity": {"namespace": NAMESPACE, "service_account": NAME}}
    for said, roles in ((True, {}), (False, {"swap": role}), (False, {"swap": pods})):
        (bundle,) = generate(changed(push_roles=roles), ["swapper"])
        assert any(note.startswith("No role lets") for note in bundle.notes) == said


def test_a_role_of_image_swapper_is_taken_and_what_replicas_share_comes_along() -> None:
    of = changed(image_swapper={"enabled": True, "name": "swaps", "pods": {"oidc_provider_arn": OIDC}})
    found = {one["kind"]: one for one in documents(of)}
    annotations = found["ServiceAccount"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"] == f"arn:aws:iam::{of.account_id}:role/swaps-{of.aws_region}"
    (text,) = found["ConfigMap"]["data"].values()
    read = check_environment("standard", [parse_tfvars(text, "standard.tfvars")]).draft
    assert read is not None
    assert (read.shares_swaps, read.image_swapper_name) == (True, "swaps")
    assert read.queue_url("swaps") == f"https://sqs.{of.aws_region}.amazonaws.com/{of.account_id}/swaps"
    for shared in (of, changed(image_swapper={"enabled": True, "pods": {"pod_identity": True}})):
        (bundle,) = generate(shared, ["swapper"])
        assert not any(note.startswith("No role lets") for note in bundle.notes)
        assert any(note.startswith("Replicas share the queue") for note in bundle.notes)


def test_what_runs_is_one_release_of_pods_that_need_no_rights_on_their_node() -> None:
    found = {one["kind"]: one for one in documents(environment("standard"))}
    pod = found["Deployment"]["spec"]["template"]["spec"]
    (process,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert process["securityContext"]["readOnlyRootFilesystem"]
    selected = found["Deployment"]["spec"]["selector"]["matchLabels"]
    assert selected.items() <= found["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert found["Service"]["spec"]["selector"] == selected
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == selected
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == selected
    # A mirror's own port is let out.
    assert {"port": 5000, "protocol": "TCP"} in found["NetworkPolicy"]["spec"]["egress"][1]["ports"]
    for hook in found["MutatingWebhookConfiguration"]["webhooks"]:
        assert hook["failurePolicy"] == "Ignore"
        assert hook["clientConfig"]["service"]["namespace"] == NAMESPACE


@pytest.mark.parametrize(("platform", "ports"), [("eks", {53}), ("rosa-classic", {53, 5353}), ("rosa-hcp", {53, 5353})])
def test_names_are_found_where_the_platform_answers(platform: str, ports: set[int]) -> None:
    # OpenShift's DNS Pods listen on 5353, and a policy sees where a Service leads to.
    (policy,) = (one for one in documents(changed(platform=platform)) if one["kind"] == "NetworkPolicy")
    dns = policy["spec"]["egress"][0]["ports"]
    for protocol in ("UDP", "TCP"):
        assert {one["port"] for one in dns if one["protocol"] == protocol} == ports
