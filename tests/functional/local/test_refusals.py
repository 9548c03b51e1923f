"""The table of refusals: complete against botocore's model, and each one happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StringShape, StructureShape

from orchestrator.local.controls import SeedImage, seed_images, seed_upstream
from orchestrator.local.ecr.aws_refusals import NOT_SERVED, REFUSALS
from orchestrator.local.ecr.service import OPERATIONS
from scripts.write_refusals import main
from tests.functional.local.conftest import Clients, refused

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

MODEL = botocore.session.get_session().get_service_model("ecr")


def test_every_error_of_the_model_has_a_line() -> None:
    listed = {(refusal.operation, refusal.error) for refusal in REFUSALS}
    everywhere = {error for operation, error in listed if operation == "*"}
    declared = {
        (operation, shape.name)
        for operation in OPERATIONS
        for shape in MODEL.operation_model(operation).error_shapes
        if shape.name not in everywhere
    }
    assert declared - listed == set()
    assert {(operation, error) for operation, error in listed if operation != "*" and error not in everywhere} <= (
        declared
    )
    assert set(MODEL.operation_names) - OPERATIONS.keys() == NOT_SERVED


def test_the_page_is_what_the_table_says() -> None:
    assert main(["--check"]) == 0


def valid(shape: Shape, name: str = "") -> Any:
    """A value that the model allows."""
    if isinstance(shape, StructureShape):
        return {member: valid(shape.members[member], member) for member in shape.required_members}
    if isinstance(shape, ListShape):
        return [valid(shape.member, name)] * max(1, shape.metadata.get("min") or 0)
    if isinstance(shape, StringShape) and shape.enum:
        return shape.enum[0]
    known = {
        "repositoryName": "absent/app",
        "resourceArn": "arn:aws:ecr:eu-west-1:{account}:repository/absent/app",
        "layerDigests": "sha256:" + "0" * 64,
        "replicationBackfillId": "00000000-0000-0000-0000-000000000000",
        "uploadId": "00000000-0000-0000-0000-000000000000",
        "principalArn": "arn:aws:iam::{account}:role/scanner",
        "policyText": '{"Version": "2012-10-17", "Statement": []}',
        "lifecyclePolicyText": '{"rules": []}' + " " * 100,
        "imageDigest": "sha256:" + "0" * 64,
        "layerDigest": "sha256:" + "0" * 64,
    }
    if name in known:
        return known[name]
    return {"string": "aaaa", "blob": b"x", "long": 1, "integer": 1, "boolean": True}[shape.type_name]


def request_of(operation: str, account: str) -> dict[str, Any]:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    given = valid(shape)
    return {
        key: value.replace("{account}", account) if isinstance(value, str) else value for key, value in given.items()
    }


def call(ecr: Any, operation: str, given: dict[str, Any]) -> Any:
    return getattr(ecr, xform_name(operation))(**given)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_missing_member_and_a_wrong_one_are_refused_by_every_operation(
    ecr: Any, account_id: str, operation: str
) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    given = request_of(operation, account_id)
    for member in shape.required_members:
        with refused("ValidationException", member):
            call(ecr, operation, {key: value for key, value in given.items() if key != member})
    bounded = [
        (member, "!" * 5000)
        for member, of in shape.members.items()
        if isinstance(of, StringShape)
        and (of.enum or of.metadata.get("pattern") or of.metadata.get("max", 9999) < 5000)
    ]
    for member, wrong in bounded:
        with refused("InvalidParameterException", member):
            call(ecr, operation, {**given, member: wrong})


@pytest.mark.parametrize(
    "operation",
    sorted(
        operation
        for operation in OPERATIONS
        if "RepositoryNotFoundException" in {shape.name for shape in MODEL.operation_model(operation).error_shapes}
        and not any(r.operation == operation and r.error == "RepositoryNotFoundException" for r in REFUSALS)
    ),
)
def test_an_absent_repository_is_refused_by_every_operation(ecr: Any, account_id: str, operation: str) -> None:
    with refused("RepositoryNotFoundException", "absent/app"):
        given = request_of(operation, account_id)
        if operation == "DescribeRepositories":
            given["repositoryNames"] = ["absent/app"]
        call(ecr, operation, given)


class World:
    """Clients of one account, and shorthands for what the cases need."""

    def __init__(self, clients: Clients, local: LocalAws, account: str) -> None:
        self.clients, self.local, self.account = clients, local, account
        self.ecr: Any = clients("ecr")

    def secret(self, name: str = "hub", value: str | None = None, **more: str) -> str:
        value = value or json.dumps({"username": "u", "accessToken": "t"})
        made = self.clients("secretsmanager").create_secret(
            Name=f"ecr-pullthroughcache/{name}", SecretString=value, **more
        )
        return str(made["ARN"])

    def absent(self) -> str:
        return f"arn:aws:secretsmanager:eu-west-1:{self.account}:secret:ecr-pullthroughcache/none-AbCdEf"

    def rule(self, prefix: str = "hub", url: str = "registry-1.docker.io", **more: Any) -> Any:
        if url == "registry-1.docker.io" and "credentialArn" not in more:
            more["credentialArn"] = self.secret()
        return self.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url, **more)

    def repository(self, name: str = "app", **more: Any) -> str:
        self.ecr.create_repository(repositoryName=name, **more)
        return name

    def image(self, tag: str = "v1", **more: Any) -> dict[str, Any]:
        seed_images(self.local, self.account, "eu-west-1", "app", [SeedImage((tag,), **more)])
        return {"imageTag": tag}

    def manifest(self, text: str = "one", **more: Any) -> str:
        return json.dumps({"schemaVersion": 2, "mediaType": "x", "annotations": {"t": text}, **more})

    def put(self, manifest: str, tag: str | None = None, **more: Any) -> Any:
        named = {"imageTag": tag} if tag else {}
        return self.ecr.put_image(repositoryName="app", imageManifest=manifest, **named, **more)

    def upload(self, *parts: bytes, digest: str = "", upload_id: str = "") -> Any:
        upload_id = upload_id or self.ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        first = 0
        for part in parts:
            self.ecr.upload_layer_part(
                repositoryName="app",
                uploadId=upload_id,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)
        digest = digest or "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
        return self.ecr.complete_layer_upload(repositoryName="app", uploadId=upload_id, layerDigests=[digest])

    def key(self, state: str = "") -> str:
        kms = self.clients("kms")
        metadata = kms.create_key()["KeyMetadata"]
        if state:
            kms.disable_key(KeyId=metadata["KeyId"])
        return str(metadata["Arn"])


def twice(make: Callable[[], Any]) -> None:
    make()
    make()


def many(make: Callable[[int], Any], number: int) -> None:
    for index in range(number):
        make(index)


def tags(number: int, key: str = "k") -> list[dict[str, str]]:
    return [{"Key": f"{key}{index}", "Value": ""} for index in range(number)]


def pulled_by(name: str = "puller") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::444455556666:role/{name}"},
                    "Action": ["ecr:BatchGetImage"],
                    "Resource": ["*"],
                }
            ],
        }
    )


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


def test_every_refusal_of_the_table_has_a_case() -> None:
    made = {(refusal.operation, refusal.error) for refusal in REFUSALS if refusal.made and refusal.operation != "*"}
    assert made == CASES.keys() | TOO_LARGE


@pytest.mark.parametrize(("operation", "error"), CASES)
def test_the_refusal_happens(
    clients: Clients, local_aws: LocalAws, account_id: str, operation: str, error: str
) -> None:
    with pytest.raises(ClientError) as caught:
        CASES[operation, error](World(clients, local_aws, account_id))
    assert (caught.value.operation_name, caught.value.response["Error"]["Code"]) == (operation, error)


IMPORTS = ["ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]


@pytest.mark.parametrize(
    ("actions", "scope", "taken"),
    [
        (IMPORTS, "V1", True),
        (["ecr:batchimportupstreamimage"], "V1", True),
        (["ecr:*"], "V1", True),
        ([*IMPORTS, "ecr:BatchGetImage"], "V1", False),
        (["ecr:GetDownloadUrlForLayer"], "V1", False),
        (["*"], "V1", False),
        (["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "V2", True),
        (["s3:GetObject"], "V2", False),
    ],
)
def test_the_scope_decides_which_actions_a_registry_policy_takes(
    ecr: Any, actions: list[str], scope: str, taken: bool
) -> None:
    assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V1"
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value=scope)
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": actions, "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    if taken:
        assert ecr.put_registry_policy(policyText=text)["policyText"] == text
        return
    with refused("InvalidParameterException", "Invalid registry policy provided"):
        ecr.put_registry_policy(policyText=text)
