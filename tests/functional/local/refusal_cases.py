"""{(operation, error): what provokes it}, for every refusal that the embedded AWS has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.local.controls import seed_upstream
from tests.functional.local.refused_account import World, many, pulled_by, tags, twice


def _scanned(w: World) -> None:
    w.repository()
    image = w.image()
    twice(lambda: w.ecr.start_image_scan(repositoryName="app", imageId=image))


def _scanned_by_inspector(w: World) -> None:
    w.repository()
    w.ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=[])
    w.ecr.start_image_scan(repositoryName="app", imageId=w.image())


def _archived(w: World) -> None:
    w.repository()
    image = w.image()
    w.ecr.update_image_storage_class(repositoryName="app", imageId=image, targetStorageClass="ARCHIVE")
    w.ecr.start_image_scan(repositoryName="app", imageId=image)


def _index(w: World) -> None:
    w.repository()
    w.put(w.manifest("child"), "child")
    child = w.ecr.describe_images(repositoryName="app")["imageDetails"][0]["imageDigest"]
    w.put(w.manifest("index", manifests=[{"digest": child}]), "index")
    w.ecr.start_image_scan(repositoryName="app", imageId={"imageTag": "index"})


def _broken_credentials(w: World) -> None:
    arn = w.secret()
    w.rule(credentialArn=arn)
    seed_upstream(w.local, "registry-1.docker.io", f"{w.account}/nginx", "1", [w.manifest()])
    w.clients("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    w.ecr.batch_get_image(repositoryName=f"hub/{w.account}/nginx", imageIds=[{"imageTag": "1"}])


def _immutable(w: World) -> None:
    w.repository(imageTagMutability="IMMUTABLE")
    w.put(w.manifest("a"), "v1")
    w.put(w.manifest("b"), "v1")


def _part_apart(w: World) -> None:
    w.repository()
    upload = w.ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    w.ecr.upload_layer_part(repositoryName="app", uploadId=upload, partFirstByte=7, partLastByte=7, layerPartBlob=b"x")


def _two_backfills(w: World) -> None:
    destination = {"region": "eu-central-1", "registryId": w.account}
    w.ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    twice(lambda: w.ecr.start_replication_backfill(destination=destination))


def _own_registry(w: World) -> Any:
    destination = {"region": "eu-west-1", "registryId": w.account}
    return w.ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})


def _tagged_often(w: World) -> None:
    w.repository()
    many(lambda index: w.put(w.manifest(), f"v{index}"), 1001)


def _with_repository(call_it: Callable[[World], Any]) -> Callable[[World], Any]:
    def case(w: World) -> None:
        w.repository()
        call_it(w)

    return case


ABSENT_UPLOAD = "00000000-0000-0000-0000-000000000000"


NO_IMAGE = {"repositoryName": "app", "imageId": {"imageTag": "none"}}


CASES: dict[tuple[str, str], Callable[[World], Any]] = {
    ("CreatePullThroughCacheRule", "LimitExceededException"): lambda w: many(
        lambda index: w.rule(f"quay-{index}", "quay.io"), 51
    ),
    ("CreatePullThroughCacheRule", "PullThroughCacheRuleAlreadyExistsException"): lambda w: (
        w.rule("quay", "quay.io"),
        w.rule("quay/", "quay.io"),
    ),
    ("CreatePullThroughCacheRule", "UnsupportedUpstreamRegistryException"): lambda w: w.rule("gcr", "gcr.io"),
    ("CreatePullThroughCacheRule", "SecretNotFoundException"): lambda w: w.rule(credentialArn=w.absent()),
    ("CreatePullThroughCacheRule", "UnableToAccessSecretException"): lambda w: w.rule(
        credentialArn=w.secret("plain", "plain")
    ),
    ("CreatePullThroughCacheRule", "UnableToDecryptSecretValueException"): lambda w: w.rule(
        credentialArn=w.secret("locked", KmsKeyId=w.key())
    ),
    ("CreatePullThroughCacheRule", "InvalidParameterException"): lambda w: w.rule(
        "ecr",
        "444455556666.dkr.ecr.us-east-1.amazonaws.com",
        customRoleArn="arn:aws:iam::444455556666:role/theirs",
    ),
    ("CreatePullThroughCacheRule", "ValidationException"): lambda w: w.clients(
        "ecr", region="us-gov-west-1"
    ).create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io"),
    ("UpdatePullThroughCacheRule", "InvalidParameterException"): lambda w: (
        w.rule(),
        w.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub"),
    ),
    ("UpdatePullThroughCacheRule", "SecretNotFoundException"): lambda w: (
        w.rule(),
        w.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=w.absent()),
    ),
    ("UpdatePullThroughCacheRule", "UnableToAccessSecretException"): lambda w: (
        w.rule(),
        w.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=w.secret("plain", "plain")),
    ),
    ("UpdatePullThroughCacheRule", "UnableToDecryptSecretValueException"): lambda w: (
        w.rule(),
        w.ecr.update_pull_through_cache_rule(
            ecrRepositoryPrefix="hub", credentialArn=w.secret("locked", KmsKeyId=w.key())
        ),
    ),
    ("UpdatePullThroughCacheRule", "PullThroughCacheRuleNotFoundException"): lambda w: (
        w.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=w.absent())
    ),
    ("DeletePullThroughCacheRule", "PullThroughCacheRuleNotFoundException"): lambda w: (
        w.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    ),
    ("DescribePullThroughCacheRules", "PullThroughCacheRuleNotFoundException"): lambda w: (
        w.ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"])
    ),
    ("ValidatePullThroughCacheRule", "PullThroughCacheRuleNotFoundException"): lambda w: (
        w.ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    ),
    ("PutRegistryPolicy", "InvalidParameterException"): lambda w: w.ecr.put_registry_policy(policyText=pulled_by()),
    ("GetRegistryPolicy", "RegistryPolicyNotFoundException"): lambda w: w.ecr.get_registry_policy(),
    ("DeleteRegistryPolicy", "RegistryPolicyNotFoundException"): lambda w: w.ecr.delete_registry_policy(),
    ("PutAccountSetting", "InvalidParameterException"): lambda w: w.ecr.put_account_setting(
        name="REGISTRY_POLICY_SCOPE", value="V3"
    ),
    ("PutRegistryScanningConfiguration", "InvalidParameterException"): lambda w: (
        w.ecr.put_registry_scanning_configuration(
            scanType="BASIC",
            rules=[
                {
                    "scanFrequency": "CONTINUOUS_SCAN",
                    "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                }
            ],
        )
    ),
    ("PutReplicationConfiguration", "InvalidParameterException"): _own_registry,
    ("StartReplicationBackfill", "InvalidParameterException"): lambda w: w.ecr.start_replication_backfill(
        destination={"region": "eu-central-1", "registryId": w.account}
    ),
    ("StartReplicationBackfill", "ReplicationBackfillInProgressException"): _two_backfills,
    ("DescribeReplicationBackfillResults", "ReplicationBackfillNotFoundException"): lambda w: (
        w.ecr.describe_replication_backfill_results(replicationBackfillId="00000000-0000-0000-0000-000000000000")
    ),
    ("RegisterPullTimeUpdateExclusion", "ExclusionAlreadyExistsException"): lambda w: twice(
        lambda: w.ecr.register_pull_time_update_exclusion(principalArn=f"arn:aws:iam::{w.account}:role/scanner")
    ),
    ("RegisterPullTimeUpdateExclusion", "LimitExceededException"): lambda w: many(
        lambda index: w.ecr.register_pull_time_update_exclusion(
            principalArn=f"arn:aws:iam::{w.account}:role/scanner-{index}"
        ),
        101,
    ),
    ("DeregisterPullTimeUpdateExclusion", "ExclusionNotFoundException"): lambda w: (
        w.ecr.deregister_pull_time_update_exclusion(principalArn=f"arn:aws:iam::{w.account}:role/scanner")
    ),
    ("CreateRepositoryCreationTemplate", "TemplateAlreadyExistsException"): lambda w: twice(
        lambda: w.ecr.create_repository_creation_template(prefix="hub", appliedFor=["PULL_THROUGH_CACHE"])
    ),
    ("CreateRepositoryCreationTemplate", "InvalidParameterException"): lambda w: (
        w.ecr.create_repository_creation_template(
            prefix="hub", appliedFor=["PULL_THROUGH_CACHE"], repositoryPolicy="{}"
        )
    ),
    ("DeleteRepositoryCreationTemplate", "TemplateNotFoundException"): lambda w: (
        w.ecr.delete_repository_creation_template(prefix="hub")
    ),
    ("UpdateRepositoryCreationTemplate", "TemplateNotFoundException"): lambda w: (
        w.ecr.update_repository_creation_template(prefix="hub")
    ),
    ("CreateRepository", "RepositoryAlreadyExistsException"): lambda w: twice(w.repository),
    ("CreateRepository", "InvalidTagParameterException"): lambda w: w.repository(tags=tags(1, "aws:")),
    ("CreateRepository", "TooManyTagsException"): lambda w: w.repository(tags=tags(51)),
    ("CreateRepository", "KmsException"): lambda w: w.repository(
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": w.key("disabled")}
    ),
    ("DeleteRepository", "RepositoryNotEmptyException"): lambda w: (
        w.repository(),
        w.image(),
        w.ecr.delete_repository(repositoryName="app"),
    ),
    ("TagResource", "InvalidTagParameterException"): _with_repository(
        lambda w: w.ecr.tag_resource(
            resourceArn=f"arn:aws:ecr:eu-west-1:{w.account}:repository/app", tags=tags(1, "aws:")
        )
    ),
    ("TagResource", "TooManyTagsException"): _with_repository(
        lambda w: w.ecr.tag_resource(resourceArn=f"arn:aws:ecr:eu-west-1:{w.account}:repository/app", tags=tags(51))
    ),
    ("GetRepositoryPolicy", "RepositoryPolicyNotFoundException"): _with_repository(
        lambda w: w.ecr.get_repository_policy(repositoryName="app")
    ),
    ("DeleteRepositoryPolicy", "RepositoryPolicyNotFoundException"): _with_repository(
        lambda w: w.ecr.delete_repository_policy(repositoryName="app")
    ),
    ("SetRepositoryPolicy", "InvalidParameterException"): _with_repository(
        lambda w: w.ecr.set_repository_policy(repositoryName="app", policyText="{}")
    ),
    ("GetLifecyclePolicy", "LifecyclePolicyNotFoundException"): _with_repository(
        lambda w: w.ecr.get_lifecycle_policy(repositoryName="app")
    ),
    ("DeleteLifecyclePolicy", "LifecyclePolicyNotFoundException"): _with_repository(
        lambda w: w.ecr.delete_lifecycle_policy(repositoryName="app")
    ),
    ("StartLifecyclePolicyPreview", "LifecyclePolicyNotFoundException"): _with_repository(
        lambda w: w.ecr.start_lifecycle_policy_preview(repositoryName="app")
    ),
    ("GetLifecyclePolicyPreview", "LifecyclePolicyPreviewNotFoundException"): _with_repository(
        lambda w: w.ecr.get_lifecycle_policy_preview(repositoryName="app")
    ),
    ("PutLifecyclePolicy", "InvalidParameterException"): _with_repository(
        lambda w: w.ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText='{"rules": []}' + " " * 100)
    ),
    ("PutImage", "ImageAlreadyExistsException"): _with_repository(lambda w: twice(lambda: w.put(w.manifest(), "v1"))),
    ("PutImage", "ImageDigestDoesNotMatchException"): _with_repository(
        lambda w: w.put(w.manifest(), imageDigest="sha256:" + "0" * 64)
    ),
    ("PutImage", "ImageTagAlreadyExistsException"): _immutable,
    ("PutImage", "ReferencedImagesNotFoundException"): _with_repository(
        lambda w: w.put(w.manifest(manifests=[{"digest": "sha256:" + "0" * 64}]))
    ),
    ("PutImage", "LayersNotFoundException"): _with_repository(
        lambda w: w.put(w.manifest(layers=[{"digest": "sha256:" + "0" * 64}]))
    ),
    ("PutImage", "LimitExceededException"): _tagged_often,
    ("CompleteLayerUpload", "EmptyUploadException"): _with_repository(lambda w: w.upload()),
    ("CompleteLayerUpload", "InvalidLayerException"): _with_repository(
        lambda w: w.upload(b"x", digest="sha256:" + "0" * 64)
    ),
    ("CompleteLayerUpload", "LayerAlreadyExistsException"): _with_repository(lambda w: twice(lambda: w.upload(b"x"))),
    ("CompleteLayerUpload", "LayerPartTooSmallException"): _with_repository(lambda w: w.upload(b"x", b"y")),
    ("CompleteLayerUpload", "UploadNotFoundException"): _with_repository(lambda w: w.upload(upload_id=ABSENT_UPLOAD)),
    ("UploadLayerPart", "UploadNotFoundException"): _with_repository(lambda w: w.upload(b"x", upload_id=ABSENT_UPLOAD)),
    ("UploadLayerPart", "InvalidLayerPartException"): _part_apart,
    ("GetDownloadUrlForLayer", "LayersNotFoundException"): _with_repository(
        lambda w: w.ecr.get_download_url_for_layer(repositoryName="app", layerDigest="sha256:" + "0" * 64)
    ),
    ("BatchGetImage", "UnableToGetUpstreamImageException"): _broken_credentials,
    ("DescribeImageScanFindings", "ImageNotFoundException"): _with_repository(
        lambda w: w.ecr.describe_image_scan_findings(**NO_IMAGE)
    ),
    ("DescribeImages", "ImageNotFoundException"): _with_repository(
        lambda w: w.ecr.describe_images(repositoryName="app", imageIds=[{"imageTag": "none"}])
    ),
    ("StartImageScan", "ImageNotFoundException"): _with_repository(lambda w: w.ecr.start_image_scan(**NO_IMAGE)),
    ("UpdateImageStorageClass", "ImageNotFoundException"): _with_repository(
        lambda w: w.ecr.update_image_storage_class(**NO_IMAGE, targetStorageClass="ARCHIVE")
    ),
    ("DescribeImageScanFindings", "ScanNotFoundException"): _with_repository(
        lambda w: w.ecr.describe_image_scan_findings(repositoryName="app", imageId=w.image())
    ),
    ("StartImageScan", "ImageArchivedException"): _archived,
    ("StartImageScan", "UnsupportedImageTypeException"): _index,
    ("StartImageScan", "LimitExceededException"): _scanned,
    ("StartImageScan", "ValidationException"): _scanned_by_inspector,
    ("UpdateImageStorageClass", "ImageStorageClassUpdateNotSupportedException"): _with_repository(
        lambda w: w.ecr.update_image_storage_class(
            repositoryName="app", imageId=w.image(), targetStorageClass="STANDARD"
        )
    ),
}


# Refusals of a size that no test reaches.
TOO_LARGE = {("CreateRepository", "LimitExceededException"), ("UploadLayerPart", "LimitExceededException")}
