"""The documents that run the workers of a mirror queue: what they run, with which rights, and when there are more of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestrator.checks.check import check_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.manifests import TargetFiles, generate
from orchestrator.mirroring.repository import settings_of_repository
from orchestrator.routes.build import build_route_table
from tests.references_table import ENVIRONMENTS

OIDC = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A"


def changed(**variables: Any) -> Environment:
    return Environment(name="standard", **{**ENVIRONMENTS["standard"], **variables})


def with_workers(**workers: Any) -> Environment:
    return changed(mirror_queue={"enabled": True, "workers": {"pod_identity": True, **workers}})


def bundle_of(of: Environment) -> TargetFiles:
    (bundle,) = generate(of, ["mirror-workers"])
    return bundle


def documents(of: Environment) -> dict[str, dict[str, Any]]:
    bundle = bundle_of(of)
    texts = [bundle.files[name] for name in bundle.resources]
    return {document["kind"]: document for text in texts for document in yaml.safe_load_all(text)}


def test_keda_starts_a_worker_for_every_four_images_and_none_for_none() -> None:
    of = with_workers(most=25)
    found = documents(of)
    spec = found["ScaledObject"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 25)
    assert spec["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]
    (trigger,) = spec["triggers"]
    assert trigger["authenticationRef"]["name"] == found["TriggerAuthentication"]["metadata"]["name"]
    url = f"https://sqs.{of.aws_region}.amazonaws.com/{of.account_id}/ecr-mirror-standard"
    assert trigger["metadata"] == {
        "queueURL": url,
        "awsRegion": of.aws_region,
        "queueLength": "4",
        "scaleOnInFlight": "true",
    }
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][2:] == ["mirror", "worker", "standard", "--images", "4"]
    assert "replicas" not in found["Deployment"]["spec"], "applying again takes no worker away"


def test_the_deployment_selects_its_own_pods() -> None:
    spec = documents(with_workers())["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert spec["template"]["spec"]["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"kms_key_arn": "arn:aws:kms:eu-west-1:111122223333:key/0123", "scan_on_push": False, "tags": {"team": "a"}},
        {"registry_consumer_account_ids": ["999988887777"], "root_template": {"resource_tags": {"made": "by ${x}"}}},
    ],
)
def test_a_worker_makes_repositories_as_the_environment_says(more: dict[str, Any]) -> None:
    of = changed(mirror_queue={"enabled": True, "name": "copies"}, **more)
    (text,) = documents(of)["ConfigMap"]["data"].values()
    checked = check_environment("standard", [parse_tfvars(text, "standard.tfvars")]).draft
    assert checked is not None
    assert checked.mirror_queue_name == "copies"
    for prefix in of.mirrors:
        name = f"{prefix}/some/app"
        mine = settings_of_repository(checked, build_route_table(checked), name)
        assert mine == settings_of_repository(of, build_route_table(of), name)


def test_irsa_is_said_on_the_account_and_a_missing_queue_in_the_notes() -> None:
    of = changed(mirror_queue={"enabled": True, "workers": {"oidc_provider_arn": OIDC, "namespace": "images"}})
    account = documents(of)["ServiceAccount"]["metadata"]
    role = f"arn:aws:iam::{of.account_id}:role/ecr-mirror-standard-{of.aws_region}"
    assert account["annotations"]["eks.amazonaws.com/role-arn"] == role
    assert account["namespace"] == "images"
    assert "Namespace" not in documents(of), "a namespace of one's own must be there"
    assert any("not enabled" in note for note in bundle_of(changed()).notes)
    assert not any("not enabled" in note for note in bundle_of(of).notes)
    assert any("workers is not set" in note for note in bundle_of(changed(mirror_queue={"enabled": True})).notes)
