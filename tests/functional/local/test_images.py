"""Images: pushes, tags, pulls and their times, deletion, archive, referrers, first pulls through the cache."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from orchestrator.errors import OrchestratorError
from orchestrator.local.controls import SeedImage, first_pull, seed_images, seed_upstream
from tests.functional.local.conftest import Clients, refused
from tests.pushed_layers import push_layers

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

NOW = datetime.now(UTC)
OCI = "application/vnd.oci.image.manifest.v1+json"


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def manifest(content: str, **extra: Any) -> str:
    """An OCI manifest that differs with `content`; 1,100 bytes of config and layer."""
    digest = "sha256:" + hashlib.sha256(content.encode()).hexdigest()
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 100},
            "layers": [{"mediaType": "x", "digest": digest, "size": 1000}],
            **extra,
        }
    )


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def repository(ecr: Any) -> str:
    ecr.create_repository(repositoryName="team/app")
    push_layers(ecr, "team/app", b"one", b"two", b"child")
    return "team/app"


def tags_by_digest(ecr: Any, repository: str) -> dict[str, list[str]]:
    details = ecr.describe_images(repositoryName=repository)["imageDetails"]
    return {detail["imageDigest"]: sorted(detail.get("imageTags", [])) for detail in details}


def test_a_pushed_image_has_the_digest_of_its_manifest(ecr: Any, repository: str) -> None:
    text = manifest("one")
    answer = ecr.put_image(repositoryName=repository, imageManifest=text, imageTag="v1")["image"]
    assert answer["imageId"] == {"imageDigest": digest_of(text), "imageTag": "v1"}
    (detail,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert (detail["imageDigest"], detail["imageTags"], detail["imageSizeInBytes"]) == (digest_of(text), ["v1"], 1100)
    assert "lastRecordedPullTime" not in detail
    with refused("ImageDigestDoesNotMatchException"):
        ecr.put_image(repositoryName=repository, imageManifest=manifest("two"), imageDigest=digest_of(text))
    with refused("ImageAlreadyExistsException"):
        ecr.put_image(repositoryName=repository, imageManifest=text, imageTag="v1")
    with refused("InvalidParameterException", "Invalid JSON"):
        ecr.put_image(repositoryName=repository, imageManifest="{", imageTag="v2")


def test_an_image_needs_its_layers(ecr: Any, repository: str) -> None:
    with refused("LayersNotFoundException", hashlib.sha256(b"never pushed").hexdigest()):
        ecr.put_image(repositoryName=repository, imageManifest=manifest("never pushed"), imageTag="v1")
    assert tags_by_digest(ecr, repository) == {}
    push_layers(ecr, repository, b"never pushed")
    ecr.put_image(repositoryName=repository, imageManifest=manifest("never pushed"), imageTag="v1")


def test_a_tag_that_moves_leaves_its_former_image_untagged(ecr: Any, repository: str) -> None:
    first, second = manifest("one"), manifest("two")
    for text in (first, second):
        ecr.put_image(repositoryName=repository, imageManifest=text, imageTag="latest")
    assert tags_by_digest(ecr, repository) == {digest_of(first): [], digest_of(second): ["latest"]}
    untagged = ecr.list_images(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert untagged == [{"imageDigest": digest_of(first)}]


def test_a_page_of_a_list_has_as_many_images_as_were_asked_for(ecr: Any, repository: str) -> None:
    for number in range(101):
        ecr.put_image(repositoryName=repository, imageManifest=manifest("one"), imageTag=f"v{number}")
    assert len(ecr.list_images(repositoryName=repository, maxResults=1000)["imageIds"]) == 101
    assert len(ecr.list_images(repositoryName=repository)["imageIds"]) == 100


def test_an_immutable_tag_does_not_move_unless_excluded(ecr: Any, repository: str) -> None:
    ecr.put_image_tag_mutability(
        repositoryName=repository,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
    )
    for tag in ("v1", "dev-1"):
        ecr.put_image(repositoryName=repository, imageManifest=manifest("one"), imageTag=tag)
    with refused("ImageTagAlreadyExistsException", "v1"):
        ecr.put_image(repositoryName=repository, imageManifest=manifest("two"), imageTag="v1")
    ecr.put_image(repositoryName=repository, imageManifest=manifest("two"), imageTag="dev-1")


def test_an_index_needs_its_images_and_protects_them(ecr: Any, repository: str) -> None:
    child = manifest("child")
    entry = {"mediaType": OCI, "digest": digest_of(child), "size": 1}
    index = json.dumps({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]})
    with refused("ReferencedImagesNotFoundException", digest_of(child)):
        ecr.put_image(repositoryName=repository, imageManifest=index, imageTag="v1")
    ecr.put_image(repositoryName=repository, imageManifest=child)
    ecr.put_image(repositoryName=repository, imageManifest=index, imageTag="v1")
    answer = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest_of(child)}])
    assert answer["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    ids = [{"imageDigest": digest_of(index)}, {"imageDigest": digest_of(child)}]
    answer = ecr.batch_delete_image(repositoryName=repository, imageIds=ids)
    assert answer["imageIds"] == [{**ids[0], "imageTag": "v1"}, ids[1]]
    assert tags_by_digest(ecr, repository) == {}


def test_deleting_by_tag_takes_the_tag_and_the_last_tag_takes_the_image(ecr: Any, repository: str) -> None:
    text = manifest("one")
    for tag in ("v1", "v2"):
        ecr.put_image(repositoryName=repository, imageManifest=text, imageTag=tag)
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert tags_by_digest(ecr, repository) == {digest_of(text): ["v2"]}
    wrong = {"imageDigest": digest_of(text), "imageTag": "v1"}
    answer = ecr.batch_delete_image(repositoryName=repository, imageIds=[wrong, {"imageTag": "v9"}, {}])
    codes = [failure["failureCode"] for failure in answer["failures"]]
    assert codes == ["ImageTagDoesNotMatchDigest", "ImageNotFound", "MissingDigestAndTag"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v2"}])
    assert tags_by_digest(ecr, repository) == {}


def test_a_repository_with_images_is_deleted_by_force_only(ecr: Any, repository: str) -> None:
    ecr.put_image(repositoryName=repository, imageManifest=manifest("one"), imageTag="v1")
    with refused("RepositoryNotEmptyException", repository):
        ecr.delete_repository(repositoryName=repository)
    ecr.delete_repository(repositoryName=repository, force=True)


def test_a_pull_is_recorded_once_in_a_day(local_aws: LocalAws, ecr: Any, account_id: str) -> None:
    seed_images(
        local_aws,
        account_id,
        "eu-west-1",
        "cache/app",
        [
            SeedImage(["never"], pushed_at=days_ago(9)),
            SeedImage(["today"], pushed_at=days_ago(9), pulled_at=days_ago(0.5)),
            SeedImage(["long-ago"], pushed_at=days_ago(9), pulled_at=days_ago(8)),
        ],
    )

    def pulled() -> dict[str, Any]:
        details = ecr.describe_images(repositoryName="cache/app")["imageDetails"]
        return {detail["imageTags"][0]: detail.get("lastRecordedPullTime") for detail in details}

    before = pulled()
    assert before["never"] is None
    ids = [{"imageTag": tag} for tag in ("never", "today", "long-ago", "absent")]
    answer = ecr.batch_get_image(repositoryName="cache/app", imageIds=ids)
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == ["never", "today", "long-ago"]
    assert answer["failures"][0]["failureCode"] == "ImageNotFound"
    after = pulled()
    assert after["today"] == before["today"]
    assert all(after[tag] >= NOW - timedelta(minutes=5) for tag in ("never", "long-ago"))


def test_pulls_of_an_excluded_role_do_not_count(clients: Clients, ecr: Any, repository: str, account_id: str) -> None:
    ecr.put_image(repositoryName=repository, imageManifest=manifest("one"), imageTag="v1")
    role = f"arn:aws:iam::{account_id}:role/scanner"
    ecr.register_pull_time_update_exclusion(principalArn=role)
    keys = clients("sts").assume_role(RoleArn=role, RoleSessionName="scan")["Credentials"]
    scanner = clients(
        "ecr",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    scanner.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert "lastRecordedPullTime" not in ecr.describe_images(repositoryName=repository)["imageDetails"][0]


def test_images_come_in_pages_with_the_times_they_were_given(local_aws: LocalAws, ecr: Any, account_id: str) -> None:
    images = [SeedImage([f"v{n}"], pushed_at=days_ago(n), size=n + 5000) for n in range(25)]
    digests = seed_images(local_aws, account_id, "eu-west-1", "cache/app", images)
    pages = list(
        ecr.get_paginator("describe_images").paginate(repositoryName="cache/app", PaginationConfig={"PageSize": 10})
    )
    details = [detail for page in pages for detail in page["imageDetails"]]
    assert [len(page["imageDetails"]) for page in pages] == [10, 10, 5]
    assert [detail["imageDigest"] for detail in details] == digests
    assert [detail["imageSizeInBytes"] for detail in details] == [n + 5000 for n in range(25)]
    assert abs(details[7]["imagePushedAt"] - days_ago(7)) < timedelta(seconds=1)
    with refused("ImageNotFoundException", "v99"):
        ecr.describe_images(repositoryName="cache/app", imageIds=[{"imageTag": "v99"}])


def test_an_archived_image_is_not_pulled_and_not_listed_until_it_is_restored(ecr: Any, repository: str) -> None:
    ecr.put_image(repositoryName=repository, imageManifest=manifest("one"), imageTag="v1")
    v1 = {"imageTag": "v1"}

    def move(target: str) -> str:
        answer = ecr.update_image_storage_class(repositoryName=repository, imageId=v1, targetStorageClass=target)
        return str(answer["imageStatus"])

    with refused("ImageStorageClassUpdateNotSupportedException"):
        move("STANDARD")
    assert move("ARCHIVE") == "ARCHIVED"
    assert ecr.batch_get_image(repositoryName=repository, imageIds=[v1])["images"] == []
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []
    archived = ecr.describe_images(repositoryName=repository, filter={"imageStatus": "ARCHIVED"})["imageDetails"]
    assert "lastArchivedAt" in archived[0]
    assert move("STANDARD") == "ACTIVE"
    assert len(ecr.batch_get_image(repositoryName=repository, imageIds=[v1])["images"]) == 1


def test_referrers_are_listed_by_their_subject(local_aws: LocalAws, ecr: Any, account_id: str) -> None:
    (subject,) = seed_images(local_aws, account_id, "eu-west-1", "cache/app", [SeedImage(["v1"])])
    signature, sbom = seed_images(
        local_aws,
        account_id,
        "eu-west-1",
        "cache/app",
        [
            SeedImage(name="signature", subject=subject, artifact_type="application/vnd.dev.cosign.artifact.sig.v1"),
            SeedImage(name="sbom", subject=subject, artifact_type="application/spdx+json"),
        ],
    )
    found = ecr.list_image_referrers(repositoryName="cache/app", subjectId={"imageDigest": subject})["referrers"]
    assert [referrer["digest"] for referrer in found] == [signature, sbom]
    only = ecr.list_image_referrers(
        repositoryName="cache/app",
        subjectId={"imageDigest": subject},
        filter={"artifactTypes": ["application/spdx+json"]},
    )
    assert [referrer["digest"] for referrer in only["referrers"]] == [sbom]
    details = ecr.describe_images(repositoryName="cache/app", imageIds=[{"imageDigest": sbom}])["imageDetails"]
    assert details[0]["subjectManifestDigest"] == subject


def test_a_scan_reports_the_findings_that_were_put(local_aws: LocalAws, ecr: Any, account_id: str) -> None:
    finding = {"name": "CVE-2026-0001", "severity": "HIGH"}
    seed_images(local_aws, account_id, "eu-west-1", "cache/app", [SeedImage(["v1"], findings=[finding])])
    seed_images(local_aws, account_id, "eu-west-1", "cache/app", [SeedImage(["v2"])])
    v1, v2 = {"imageTag": "v1"}, {"imageTag": "v2"}
    findings = ecr.describe_image_scan_findings(repositoryName="cache/app", imageId=v1)["imageScanFindings"]
    assert (findings["findings"], findings["findingSeverityCounts"]) == ([finding], {"HIGH": 1})
    with refused("ScanNotFoundException"):
        ecr.describe_image_scan_findings(repositoryName="cache/app", imageId=v2)
    ecr.start_image_scan(repositoryName="cache/app", imageId=v2)
    assert (
        ecr.describe_image_scan_findings(repositoryName="cache/app", imageId=v2)["imageScanFindings"]["findings"] == []
    )


def test_layers_are_uploaded_in_parts_and_known_by_their_digest(ecr: Any, repository: str) -> None:
    least = 5 * 1024 * 1024
    content = b"x" * (least + 3000)
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]

    def part(first: int, blob: bytes) -> Any:
        return ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(blob) - 1,
            layerPartBlob=blob,
        )

    assert part(0, content[:least])["lastByteReceived"] == least - 1
    with refused("InvalidLayerPartException", str(least)):
        part(least + 1, content[least + 1 :])
    part(least, content[least:])
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    with refused("InvalidLayerException"):
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=["sha256:" + "0" * 64])
    done = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
    assert done["layerDigest"] == digest
    with refused("UploadNotFoundException"):
        part(0, content)
    layers = ecr.batch_check_layer_availability(
        repositoryName=repository, layerDigests=[digest, "sha256:" + "0" * 64, "nonsense"]
    )
    assert [layer["layerAvailability"] for layer in layers["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    assert layers["failures"][0]["failureCode"] == "InvalidLayerDigest"
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)["downloadUrl"]
    assert requests.get(url, timeout=10).content == content
    assert requests.get(url.replace(digest, "sha256:" + "1" * 64), timeout=10).status_code == 403


def test_parts_but_the_last_have_the_least_size_that_ecr_takes(ecr: Any, repository: str) -> None:
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in (0, 10):
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + 9,
            layerPartBlob=b"x" * 10,
        )
    digest = "sha256:" + hashlib.sha256(b"x" * 20).hexdigest()
    with refused("LayerPartTooSmallException"):
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])


@pytest.fixture
def cached(ecr: Any) -> None:
    """A rule, and templates for its prefix, for a longer prefix and for ROOT."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    for prefix, mutability in (("ROOT", "MUTABLE"), ("quay", "IMMUTABLE"), ("quay/org", "MUTABLE")):
        ecr.create_repository_creation_template(
            prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability=mutability
        )


def mutability_of(ecr: Any, name: str) -> str:
    return str(ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["imageTagMutability"])


@pytest.mark.usefixtures("cached")
def test_a_first_pull_makes_the_repository_by_the_longest_template(
    local_aws: LocalAws, ecr: Any, account_id: str
) -> None:
    digest = first_pull(local_aws, account_id, "eu-west-1", "quay/team/app", "v1")
    assert tags_by_digest(ecr, "quay/team/app") == {digest: ["v1"]}
    assert mutability_of(ecr, "quay/team/app") == "IMMUTABLE"
    first_pull(local_aws, account_id, "eu-west-1", "quay/org/app", "v1")
    assert mutability_of(ecr, "quay/org/app") == "MUTABLE"
    with pytest.raises(OrchestratorError, match="No pull-through cache rule covers"):
        first_pull(local_aws, account_id, "eu-west-1", "quayside/app", "v1")


@pytest.mark.usefixtures("cached")
def test_a_call_imports_by_tag_what_the_upstream_has_and_never_by_digest(local_aws: LocalAws, ecr: Any) -> None:
    child = manifest("child")
    entry = {"mediaType": OCI, "digest": digest_of(child), "size": len(child)}
    index = json.dumps({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]})
    seed_upstream(local_aws, "quay.io", "prometheus/node", "v1", [child, index])
    with refused("RepositoryNotFoundException"):
        ecr.batch_get_image(repositoryName="quay/prometheus/node", imageIds=[{"imageDigest": digest_of(index)}])
    with refused("RepositoryNotFoundException"):
        ecr.batch_get_image(
            repositoryName="quay/prometheus/node", imageIds=[{"imageDigest": digest_of(index), "imageTag": "v1"}]
        )
    answer = ecr.batch_get_image(repositoryName="quay/prometheus/node", imageIds=[{"imageTag": "v1"}])
    assert answer["images"][0]["imageManifest"] == index
    assert tags_by_digest(ecr, "quay/prometheus/node") == {digest_of(child): [], digest_of(index): ["v1"]}
    answer = ecr.batch_get_image(repositoryName="quay/prometheus/node", imageIds=[{"imageTag": "v2"}])
    assert answer["failures"][0]["failureCode"] == "ImageNotFound"


def test_a_template_with_tags_and_no_role_breaks_the_first_pull(local_aws: LocalAws, ecr: Any, account_id: str) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    template = {"prefix": "quay", "appliedFor": ["PULL_THROUGH_CACHE"], "resourceTags": [{"Key": "a", "Value": "1"}]}
    ecr.create_repository_creation_template(**template)
    with pytest.raises(OrchestratorError, match="no role"):
        first_pull(local_aws, account_id, "eu-west-1", "quay/app", "v1")
    role = f"arn:aws:iam::{account_id}:role/templates"
    ecr.update_repository_creation_template(prefix="quay", customRoleArn=role)
    first_pull(local_aws, account_id, "eu-west-1", "quay/app", "v1")
    arn = f"arn:aws:ecr:eu-west-1:{account_id}:repository/quay/app"
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "1"}]
