"""Pull-through cache rules: what AWS takes, and its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.local.conftest import Clients, refused

GOOD = json.dumps({"username": "u", "accessToken": "t"})


def secret(clients: Clients, name: str = "ecr-pullthroughcache/hub", value: str = GOOD, **where: Any) -> str:
    arn = clients("secretsmanager", **where).create_secret(Name=name, SecretString=value)["ARN"]
    return str(arn)


OPEN = {"ecr-public": "public.ecr.aws", "k8s": "registry.k8s.io", "quay": "quay.io"}
CLOSED = {
    "docker-hub": "registry-1.docker.io",
    "github-container-registry": "ghcr.io",
    "gitlab-container-registry": "registry.gitlab.com",
    "azure-container-registry": "myteam1.azurecr.io",
    "chainguard": "cgr.dev",
}


@pytest.mark.parametrize(("name", "url"), OPEN.items())
def test_open_upstreams_need_no_credentials_and_take_none(clients: Clients, ecr: Any, name: str, url: str) -> None:
    answer = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="cache", upstreamRegistryUrl=url)
    assert (answer["upstreamRegistry"], answer["upstreamRegistryUrl"]) == (name, url)
    assert "credentialArn" not in answer
    with refused("InvalidParameterException", "credentials are not supported"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="other", upstreamRegistryUrl=url, credentialArn=secret(clients)
        )


@pytest.mark.parametrize(("name", "url"), CLOSED.items())
def test_closed_upstreams_need_credentials(clients: Clients, ecr: Any, name: str, url: str) -> None:
    with refused("UnsupportedUpstreamRegistryException", "requires authentication"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="cache", upstreamRegistryUrl=url)
    arn = secret(clients)
    answer = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="cache", upstreamRegistryUrl=url, credentialArn=arn, upstreamRegistry=name
    )
    assert (answer["upstreamRegistry"], answer["credentialArn"]) == (name, arn)


def test_an_ecr_upstream_of_another_account_needs_a_role(ecr: Any, account_id: str) -> None:
    url = "444455556666.dkr.ecr.us-east-1.amazonaws.com"
    with refused("InvalidParameterException", "another account"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="central", upstreamRegistryUrl=url)
    role = f"arn:aws:iam::{account_id}:role/ptc"
    answer = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="central",
        upstreamRegistryUrl=url,
        customRoleArn=role,
        upstreamRepositoryPrefix="team",
    )
    assert (answer["upstreamRegistry"], answer["upstreamRepositoryPrefix"]) == ("ecr", "team")
    own = f"{account_id}.dkr.ecr.us-east-1.amazonaws.com"
    answer = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="us", upstreamRegistryUrl=own)
    assert answer["upstreamRepositoryPrefix"] == "ROOT"
    with refused("InvalidParameterException", "itself"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="self", upstreamRegistryUrl=own.replace("us-east-1", "eu-west-1")
        )
    with refused("InvalidParameterException", "ROOT"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="ROOT", upstreamRegistryUrl=own, upstreamRepositoryPrefix="team"
        )


@pytest.mark.parametrize(
    "url",
    ["gcr.io", "mcr.microsoft.com", "registry.redhat.io", "nvcr.io", "docker.io", "https://quay.io", "harbor.example"],
)
def test_other_upstreams_are_refused(ecr: Any, url: str) -> None:
    with refused("UnsupportedUpstreamRegistryException", f"The upstream registry URL {url} is invalid"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="cache", upstreamRegistryUrl=url)


def test_an_upstream_name_that_does_not_fit_the_url_is_refused(ecr: Any) -> None:
    with refused("UnsupportedUpstreamRegistryException"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="cache", upstreamRegistryUrl="quay.io", upstreamRegistry="k8s"
        )


@pytest.mark.parametrize("prefix", ["Quay", "q", "a" * 31, "-quay", "quay-", "a//b", "root", "a b", "a..b", "quay\n"])
def test_a_prefix_that_ecr_cannot_hold_is_refused(ecr: Any, prefix: str) -> None:
    if prefix == "root":  # in small letters it is a prefix as any other
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
        return
    with refused("InvalidParameterException", "ecrRepositoryPrefix"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")


@pytest.mark.parametrize("prefix", ["qu", "a" * 30, "a/b/c", "a__b", "a--b", "a.b", "ROOT", "quay/"])
def test_a_prefix_that_ecr_can_hold_is_taken(ecr: Any, prefix: str) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    (rule,) = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
    assert rule["ecrRepositoryPrefix"] == prefix


def test_a_prefix_is_taken_once_with_or_without_its_slash(ecr: Any) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    for again in ("quay", "quay/"):
        with refused("PullThroughCacheRuleAlreadyExistsException", again):
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=again, upstreamRegistryUrl="public.ecr.aws")


def test_a_registry_holds_fifty_rules_and_pages_them(ecr: Any) -> None:
    for number in range(50):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"cache-{number:02}", upstreamRegistryUrl="quay.io")
    with refused("LimitExceededException", "50"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="one-more", upstreamRegistryUrl="quay.io")
    pages = list(ecr.get_paginator("describe_pull_through_cache_rules").paginate(PaginationConfig={"PageSize": 20}))
    found = [rule["ecrRepositoryPrefix"] for page in pages for rule in page["pullThroughCacheRules"]]
    assert ([len(page["pullThroughCacheRules"]) for page in pages], len(set(found))) == ([20, 20, 10], 50)
    with refused("InvalidParameterException", "nextToken"):
        ecr.describe_pull_through_cache_rules(nextToken="page-of-another-life")


@pytest.mark.parametrize("region", ["us-gov-west-1", "us-gov-east-1", "cn-north-1"])
def test_govcloud_and_china_have_no_rules(clients: Clients, region: str) -> None:
    client = clients("ecr", region=region)
    with refused("ValidationException", "disabled"):
        client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert client.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []


def test_govcloud_has_rules_from_one_registry_of_ecr_to_another(clients: Clients) -> None:
    client = clients("ecr", region="us-gov-west-1")
    account = clients("sts").get_caller_identity()["Account"]
    client.create_pull_through_cache_rule(
        ecrRepositoryPrefix="east", upstreamRegistryUrl=f"{account}.dkr.ecr.us-gov-east-1.amazonaws.com"
    )
    assert [
        rule["upstreamRegistry"] for rule in client.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    ] == ["ecr"]


def test_the_sovereign_cloud_has_rules_as_the_checks_say(clients: Clients) -> None:
    client = clients("ecr", region="eusc-de-east-1")
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert len(client.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1


def hub(ecr: Any, arn: str) -> Any:
    return ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
    )


def test_a_secret_that_is_absent_elsewhere_or_of_another_shape_is_refused(
    clients: Clients, ecr: Any, account_id: str
) -> None:
    absent = f"arn:aws:secretsmanager:eu-west-1:{account_id}:secret:ecr-pullthroughcache/none-AbCdEf"
    with refused("SecretNotFoundException"):
        hub(ecr, absent)
    with refused("UnableToAccessSecretException", "account and region"):
        hub(ecr, secret(clients, region="us-east-1"))
    with refused("UnableToAccessSecretException", "account and region"):
        hub(ecr, secret(clients, account="444455556666", name=f"ecr-pullthroughcache/{account_id}"))
    with refused("InvalidParameterException", "credentialArn"):
        hub(ecr, secret(clients, name="docker-hub"))
    for number, value in enumerate(["plain", "{}", '{"username": "u"}', '{"username": "u", "accessToken": ""}', "[]"]):
        with refused("UnableToAccessSecretException", "accessToken"):
            hub(ecr, secret(clients, name=f"ecr-pullthroughcache/{number}", value=value))


def test_validation_says_what_became_of_the_secret(clients: Clients, ecr: Any) -> None:
    arn = secret(clients)
    hub(ecr, arn)
    valid = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert (valid["isValid"], valid.get("failure")) == (True, None)
    clients("secretsmanager").put_secret_value(SecretId=arn, SecretString="{}")
    broken = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert broken["isValid"] is False
    assert "accessToken" in broken["failure"]
    clients("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert "could not be found" in ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["failure"]


def test_a_rule_takes_new_credentials_and_goes_away(clients: Clients, ecr: Any) -> None:
    hub(ecr, secret(clients))
    second = secret(clients, name="ecr-pullthroughcache/second")
    updated = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=second)
    assert updated["credentialArn"] == second
    (rule,) = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    assert rule["credentialArn"] == second
    assert rule["updatedAt"] >= rule["createdAt"]
    assert ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")["ecrRepositoryPrefix"] == "hub"
    calls: tuple[Callable[[], object], ...] = (
        lambda: ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub"),
        lambda: ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub"),
        lambda: ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=second),
        lambda: ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"]),
    )
    for call in calls:
        with refused("PullThroughCacheRuleNotFoundException", "hub"):
            call()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"upstreamRegistryUrl": "quay.io"}, "ValidationException"),
        ({"ecrRepositoryPrefix": "quay"}, "ValidationException"),
        ({}, "ValidationException"),
        ({"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": 7}, "InvalidParameterException"),
        (
            {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "gcr"},
            "InvalidParameterException",
        ),
        (
            {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "registryId": "12"},
            "InvalidParameterException",
        ),
    ],
)
def test_a_request_that_the_service_model_does_not_allow_is_refused(ecr: Any, arguments: Any, code: str) -> None:
    with refused(code):
        ecr.create_pull_through_cache_rule(**arguments)
