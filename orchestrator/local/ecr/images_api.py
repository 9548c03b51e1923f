"""Images: describe, list, pull, delete, archive, scan, referrers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRepository, now, page
from orchestrator.local.ecr.pulls import import_image
from orchestrator.local.ecr.pushes import describe_image

# AWS records a pull at most once in this time.
PULL_RESOLUTION = timedelta(hours=24)
# An image is scanned once in this time, scans on push included (API reference, StartImageScan).
SCAN_INTERVAL = timedelta(hours=24)


def _image(repository: HeldRepository, image_id: Document) -> HeldImage:
    if not image_id.get("imageDigest") and not image_id.get("imageTag"):
        raise invalid_parameter("imageId", "both tag and digest cannot be null")
    image = repository.find(image_id)
    if image is None:
        digest, tag = image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")
        raise EcrError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the repository "
            f"with name '{repository.name}' in the registry with id '{repository.registry_id}'",
        )
    return image


def _filtered(images: Iterable[HeldImage], params: Document) -> list[HeldImage]:
    wanted = params.get("filter", {})
    tag_status = wanted.get("tagStatus", "ANY")
    status = wanted.get("imageStatus", "ACTIVE")
    return [
        image
        for image in images
        if (tag_status == "ANY" or (tag_status == "TAGGED") == bool(image.tags)) and status in ("ANY", image.status)
    ]


def describe_images(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if params.get("imageIds"):
        if params.get("maxResults") or params.get("nextToken"):
            raise invalid_parameter("maxResults", "must not be used together with imageIds")
        images = {image.digest: image for image in (_image(repository, i) for i in params["imageIds"])}
        return {"imageDetails": [_detail(repository, image) for image in images.values()]}
    some, token = page(_filtered(repository.images.values(), params), params, 100)
    return {"imageDetails": [_detail(repository, image) for image in some], "nextToken": token}


def _detail(repository: HeldRepository, image: HeldImage) -> Document:
    scanned = {"status": "COMPLETE", "description": "The scan was completed successfully."}
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageTags": list(image.tags) or None,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at,
        "imageScanStatus": scanned if image.scanned_at else None,
        "imageScanFindingsSummary": _scan_summary(image) if image.scanned_at else None,
        "imageManifestMediaType": image.media_type,
        "artifactMediaType": image.artifact_type,
        "lastRecordedPullTime": image.pulled_at,
        "subjectManifestDigest": image.subject,
        "imageStatus": image.status,
        "lastArchivedAt": image.archived_at,
        "lastActivatedAt": image.activated_at,
    }


def _names(image: HeldImage) -> list[str | None]:
    """Its tags; one absent name when it has none, as an untagged image is listed once."""
    return [*image.tags] if image.tags else [None]


def list_images(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    identifiers = [
        {"imageDigest": image.digest, "imageTag": tag}
        for image in _filtered(repository.images.values(), params)
        for tag in _names(image)
    ]
    some, token = page(identifiers, params, 100)
    return {"imageIds": some, "nextToken": token}


def batch_get_image(context: EcrCall, params: Document) -> Document:
    """Pull manifests: records the time, and imports from an upstream what a rule covers and the cache lacks."""
    name = params["repositoryName"]
    images, failures = [], []
    for image_id in params["imageIds"]:
        if name not in context.registry.repositories or not context.registry.repositories[name].find(image_id):
            import_image(context, name, image_id)
        repository = context.registry.repository(name)
        image = repository.find(image_id)
        if image is None or image.status != "ACTIVE":
            failures.append(_failure(image_id, "ImageNotFound", "Requested image not found"))
            continue
        _record_pull(context, image)
        answered = {"imageDigest": image.digest, "imageTag": image_id.get("imageTag")}
        images.append(describe_image(repository, image, answered))
    return {"images": images, "failures": failures}


def _record_pull(context: EcrCall, image: HeldImage) -> None:
    role = _role_name(context.principal_arn)
    excluded = any(
        arn == context.principal_arn or (role and role == _role_name(arn)) for arn in context.registry.exclusions
    )
    moment = now()
    if not excluded and (image.pulled_at is None or moment - image.pulled_at >= PULL_RESOLUTION):
        image.pulled_at = moment


def _role_name(arn: str) -> str:
    """The role of a role's or a role session's ARN, else nothing."""
    resource = arn.split(":", 5)[-1].split("/")
    if resource[0] == "assumed-role":
        return resource[1]
    return resource[-1] if resource[0] == "role" else ""


def _failure(image_id: Document, code: str, reason: str) -> Document:
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}


def batch_delete_image(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    deleted, failures = [], []
    for image_id in params["imageIds"]:
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        if not digest and not tag:
            failures.append(_failure({}, "MissingDigestAndTag", "Both tag and digest cannot be null"))
            continue
        image = repository.find(image_id)
        if image is None:
            held = repository.images.get(digest) if digest else None
            code = "ImageTagDoesNotMatchDigest" if held else "ImageNotFound"
            reason = "The tag names another image" if held else "Requested image not found"
            failures.append(_failure(image_id, code, reason))
            continue
        # By tag only the tag goes, unless it is the last. By digest the image goes with all its tags.
        going = [str(tag)] if tag else list(image.tags)
        if len(going) == len(image.tags) and any(image.digest in i.children for i in repository.images.values()):
            reason = "Requested image referenced by manifest list"
            failures.append(_failure(image_id, "ImageReferencedByManifestList", reason))
            continue
        deleted += [{"imageDigest": image.digest, "imageTag": gone} for gone in going] or [
            {"imageDigest": image.digest}
        ]
        image.tags = [kept for kept in image.tags if kept not in going]
        if not image.tags:
            del repository.images[image.digest]
    return {"imageIds": deleted, "failures": failures}


def update_storage_class(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    image = _image(repository, params["imageId"])
    target = params["targetStorageClass"]
    if (image.status == "ARCHIVED") == (target == "ARCHIVE"):
        raise EcrError(
            "ImageStorageClassUpdateNotSupportedException", f"The image is in the storage class {target} already"
        )
    if target == "ARCHIVE":
        image.status, image.archived_at = "ARCHIVED", now()
    else:
        # AWS takes up to 20 minutes (ACTIVATING); nothing here waits for it.
        image.status, image.activated_at = "ACTIVE", now()
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, "imageTag": params["imageId"].get("imageTag")},
        "imageStatus": image.status,
    }


def list_referrers(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    wanted = params.get("filter", {})
    types, status = wanted.get("artifactTypes"), wanted.get("artifactStatus", "ACTIVE")
    found = [
        {
            "digest": image.digest,
            "mediaType": image.media_type,
            "artifactType": image.artifact_type,
            "size": len(image.manifest),
            "annotations": image.annotations or None,
            "artifactStatus": image.status,
        }
        for image in repository.images.values()
        if image.subject == params["subjectId"]["imageDigest"]
        and (not types or image.artifact_type in types)
        and status in ("ANY", image.status)
    ]
    some, token = page(found, params, 50)
    return {"referrers": some, "nextToken": token}


def start_scan(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    image = _image(repository, params["imageId"])
    if context.registry.scanning["scanType"] == "ENHANCED":
        raise EcrError("ValidationException", "This feature is disabled")
    if image.status != "ACTIVE":
        raise EcrError("ImageArchivedException", "The image is archived and cannot be scanned")
    if image.children:
        raise EcrError("UnsupportedImageTypeException", "The image is of a type that cannot be scanned")
    if image.scanned_at is not None and now() - image.scanned_at < SCAN_INTERVAL:
        raise EcrError(
            "LimitExceededException", "The scan quota per image has been exceeded. Wait and try again later."
        )
    image.scanned_at = now()
    return {**_scan(repository, image, params), "imageScanStatus": {"status": "IN_PROGRESS"}}


def describe_findings(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    image = _image(repository, params["imageId"])
    if image.scanned_at is None:
        raise EcrError(
            "ScanNotFoundException",
            f"Image scan does not exist for the image with digest '{image.digest}' in the repository with name "
            f"'{repository.name}' in the registry with id '{repository.registry_id}'",
        )
    some, token = page(image.findings, params, 100)
    return {
        **_scan(repository, image, params),
        "imageScanStatus": {"status": "COMPLETE", "description": "The scan was completed successfully."},
        "imageScanFindings": {**_scan_summary(image), "findings": some},
        "nextToken": token,
    }


def _scan_summary(image: HeldImage) -> Document:
    return {
        "imageScanCompletedAt": image.scanned_at,
        "vulnerabilitySourceUpdatedAt": image.scanned_at,
        "findingSeverityCounts": dict(Counter(finding["severity"] for finding in image.findings)),
    }


def _scan(repository: HeldRepository, image: HeldImage, params: Document) -> Document:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, "imageTag": params["imageId"].get("imageTag")},
    }


OPERATIONS = {
    "DescribeImages": describe_images,
    "ListImages": list_images,
    "BatchGetImage": batch_get_image,
    "BatchDeleteImage": batch_delete_image,
    "UpdateImageStorageClass": update_storage_class,
    "ListImageReferrers": list_referrers,
    "StartImageScan": start_scan,
    "DescribeImageScanFindings": describe_findings,
}
