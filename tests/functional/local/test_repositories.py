"""Repositories, their settings, policies and tags; and what belongs to the whole registry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functional.local.conftest import Clients, refused

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["ecr:BatchGetImage"]}],
    }
)


def test_a_repository_is_created_described_and_deleted(ecr: Any, account_id: str) -> None:
    made = ecr.create_repository(repositoryName="team/app", tags=[{"Key": "env", "Value": "dev"}])["repository"]
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    (described,) = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"]
    assert described == made
    with refused("RepositoryAlreadyExistsException", "team/app"):
        ecr.create_repository(repositoryName="team/app")
    assert ecr.delete_repository(repositoryName="team/app")["repository"] == made
    with refused("RepositoryNotFoundException", f"in the registry with id '{account_id}'"):
        ecr.describe_repositories(repositoryNames=["team/app"])


@pytest.mark.parametrize("name", ["a__b/c--d", "a.b-c_d/e", "a" * 256])
def test_names_of_the_service_model_are_taken(ecr: Any, name: str) -> None:
    assert ecr.create_repository(repositoryName=name)["repository"]["repositoryName"] == name


@pytest.mark.parametrize("name", ["A", "a", "a/", "/a", "a//b", "a:b", "a" * 257, "-ab", "ab\n"])
def test_other_names_are_refused(ecr: Any, name: str) -> None:
    with refused("InvalidParameterException", "repositoryName"):
        ecr.create_repository(repositoryName=name)


def test_repositories_come_in_pages(ecr: Any) -> None:
    for number in range(25):
        ecr.create_repository(repositoryName=f"app-{number:02}")
    pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 10}))
    names = [repository["repositoryName"] for page in pages for repository in page["repositories"]]
    assert ([len(page["repositories"]) for page in pages], names) == ([10, 10, 5], sorted(set(names)))


def test_settings_of_a_repository_can_be_changed(ecr: Any, clients: Clients) -> None:
    key = clients("kms").create_key()["KeyMetadata"]["Arn"]
    made = ecr.create_repository(
        repositoryName="app",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key},
    )["repository"]
    assert made["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    ecr.put_image_scanning_configuration(repositoryName="app", imageScanningConfiguration={"scanOnPush": False})
    filters = [{"filterType": "WILDCARD", "filter": "latest*"}]
    ecr.put_image_tag_mutability(
        repositoryName="app",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    (now,) = ecr.describe_repositories()["repositories"]
    assert (now["imageTagMutability"], now["imageTagMutabilityExclusionFilters"]) == (
        "IMMUTABLE_WITH_EXCLUSION",
        filters,
    )
    assert now["imageScanningConfiguration"] == {"scanOnPush": False}
    with refused("InvalidParameterException", "must not be empty"):
        ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="MUTABLE_WITH_EXCLUSION")
    with refused("InvalidParameterException", "imageTagMutability"):
        ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="FROZEN")


def test_a_kms_repository_without_a_key_gets_aws_own(ecr: Any, account_id: str) -> None:
    made = [
        ecr.create_repository(repositoryName=name, encryptionConfiguration={"encryptionType": "KMS"})["repository"]
        for name in ("one", "two")
    ]
    keys = {repository["encryptionConfiguration"]["kmsKey"] for repository in made}
    assert len(keys) == 1
    assert keys.pop().startswith(f"arn:aws:kms:eu-west-1:{account_id}:key/")


def test_repository_policies_are_kept_and_nonsense_is_refused(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")
    with refused("RepositoryPolicyNotFoundException"):
        ecr.get_repository_policy(repositoryName="app")
    ecr.set_repository_policy(repositoryName="app", policyText=POLICY)
    assert ecr.get_repository_policy(repositoryName="app")["policyText"] == POLICY
    for text in ("", "{", "{}", '{"Statement": []}', '{"Statement": [{"Effect": "Allow", "Action": "ecr:*"}]}'):
        with refused("InvalidParameterException"):
            ecr.set_repository_policy(repositoryName="app", policyText=text)
    ecr.delete_repository_policy(repositoryName="app")
    with refused("RepositoryPolicyNotFoundException"):
        ecr.delete_repository_policy(repositoryName="app")


def test_tags_are_added_replaced_and_taken_away(ecr: Any) -> None:
    arn = ecr.create_repository(repositoryName="app", tags=[{"Key": "a", "Value": "1"}])["repository"]["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["b", "c"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "2"}]
    with refused("InvalidParameterException", "Invalid ARN"):
        ecr.list_tags_for_resource(resourceArn="app")
    with refused("TooManyTagsException"):
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])
    with refused("InvalidTagParameterException"):
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": "aws:mine", "Value": ""}])


def test_a_registry_policy_is_put_got_and_deleted(ecr: Any) -> None:
    with refused("RegistryPolicyNotFoundException"):
        ecr.get_registry_policy()
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    policy = POLICY.replace('"Action"', '"Resource": "*", "Action"')
    ecr.put_registry_policy(policyText=policy)
    assert ecr.get_registry_policy()["policyText"] == policy
    assert ecr.delete_registry_policy()["policyText"] == policy
    with refused("RegistryPolicyNotFoundException"):
        ecr.delete_registry_policy()


def test_account_settings_have_their_values_and_no_others(ecr: Any) -> None:
    assert ecr.get_account_setting(name="BASIC_SCAN_TYPE_VERSION")["value"] == "AWS_NATIVE"
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V2"
    with refused("InvalidParameterException", "V1, V2"):
        ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V3")
    with refused("InvalidParameterException", "name"):
        ecr.put_account_setting(name="SPEED", value="fast")
    with refused("InvalidParameterException", "name"):
        ecr.get_account_setting(name="SPEED")


def scan_rule(frequency: str, pattern: str) -> dict[str, Any]:
    return {
        "scanFrequency": frequency,
        "repositoryFilters": [{"filter": pattern, "filterType": "WILDCARD"}],
    }


def test_scanning_of_the_registry_applies_to_its_repositories(ecr: Any) -> None:
    for name in ("prod/app", "dev/app"):
        ecr.create_repository(repositoryName=name)
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    rules = [scan_rule("CONTINUOUS_SCAN", "prod*"), scan_rule("SCAN_ON_PUSH", "*")]
    ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"] == rules
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=["prod/app", "dev/app", "none"])
    found = {entry["repositoryName"]: entry["scanFrequency"] for entry in answer["scanningConfigurations"]}
    assert found == {"prod/app": "CONTINUOUS_SCAN", "dev/app": "SCAN_ON_PUSH"}
    assert answer["failures"][0]["failureCode"] == "REPOSITORY_NOT_FOUND"
    with refused("InvalidParameterException", "CONTINUOUS_SCAN is not supported with scan type BASIC"):
        ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)


def test_a_filter_of_thirty_stars_is_compared_at_once(ecr: Any) -> None:
    """With a regular expression it takes for ever."""
    name = "a" * 200
    filters = [{"filterType": "WILDCARD", "filter": "*a" * 30 + "*b"}]
    ecr.create_repository(
        repositoryName=name, imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=filters
    )
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[scan_rule("SCAN_ON_PUSH", filters[0]["filter"])])
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=[name])
    assert answer["scanningConfigurations"][0]["scanFrequency"] == "MANUAL"


def test_roles_can_be_excluded_from_pull_times(ecr: Any, account_id: str) -> None:
    arn = f"arn:aws:iam::{account_id}:role/scanner"
    assert ecr.register_pull_time_update_exclusion(principalArn=arn)["principalArn"] == arn
    with refused("ExclusionAlreadyExistsException"):
        ecr.register_pull_time_update_exclusion(principalArn=arn)
    with refused("InvalidParameterException", "principalArn"):
        ecr.register_pull_time_update_exclusion(principalArn="scanner")
    assert ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == [arn]
    ecr.deregister_pull_time_update_exclusion(principalArn=arn)
    with refused("ExclusionNotFoundException"):
        ecr.deregister_pull_time_update_exclusion(principalArn=arn)


def test_replication_to_itself_is_refused(ecr: Any, account_id: str) -> None:
    def to(region: str) -> dict[str, Any]:
        return {"rules": [{"destinations": [{"region": region, "registryId": account_id}]}]}

    ecr.put_replication_configuration(replicationConfiguration=to("us-east-1"))
    assert ecr.describe_registry()["replicationConfiguration"] == to("us-east-1")
    with refused("InvalidParameterException", "source registry"):
        ecr.put_replication_configuration(replicationConfiguration=to("eu-west-1"))


def test_pod_identity_associations_live_with_their_cluster(clients: Clients, account_id: str) -> None:
    eks = clients("eks")
    role = f"arn:aws:iam::{account_id}:role/builder"
    wanted = {"clusterName": "dev", "namespace": "ci", "serviceAccount": "builder", "roleArn": role}
    with refused("ResourceNotFoundException", "dev"):
        eks.create_pod_identity_association(**wanted)
    eks.create_cluster(name="dev", roleArn=role, resourcesVpcConfig={"subnetIds": []})
    made = eks.create_pod_identity_association(**wanted, tags={"a": "1"})["association"]
    arn = f"arn:aws:eks:eu-west-1:{account_id}:podidentityassociation/dev/{made['associationId']}"
    assert made["associationArn"] == arn
    with refused("ResourceInUseException", made["associationId"]):
        eks.create_pod_identity_association(**wanted)
    one = {"clusterName": "dev", "associationId": made["associationId"]}
    changed = eks.update_pod_identity_association(**one, roleArn=f"{role}2")["association"]
    assert eks.describe_pod_identity_association(**one)["association"] == changed
    assert changed["roleArn"] == f"{role}2"
    eks.tag_resource(resourceArn=arn, tags={"b": "2"})
    eks.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    for namespace, count in (("ci", 1), ("other", 0)):
        listed = eks.list_pod_identity_associations(clusterName="dev", namespace=namespace)["associations"]
        assert len(listed) == count
    eks.delete_pod_identity_association(**one)
    with refused("ResourceNotFoundException", made["associationId"]):
        eks.delete_pod_identity_association(**one)
