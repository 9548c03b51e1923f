"""Pushes: layer uploads, mounts and PutImage, by the API and by the registry API."""

from __future__ import annotations

import base64
import re

from orchestrator.lifecycle.patterns import matches
from orchestrator.local.ecr.blob_store import Upload
from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRepository
from orchestrator.local.ecr.image_manifests import read_manifest
from orchestrator.local.ecr.templates_api import make_repository, template_for

PART_SIZE = 10 * 1024 * 1024
# ECR service quotas: of every part but the last.
MIN_PART_SIZE = 5 * 1024 * 1024
MAX_PARTS = 4200
# Two quotas of the user guide.
MAX_TAGS_OF_IMAGE = 1000
MAX_IMAGES = 100_000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def push_repository(context: EcrCall, name: str) -> HeldRepository:
    """The repository of a push; ECR makes it when a CREATE_ON_PUSH template covers it."""
    registry = context.registry
    if name not in registry.repositories and template_for(registry, name, "CREATE_ON_PUSH"):
        return make_repository(registry, name, "CREATE_ON_PUSH")
    return registry.repository(name)


def put_image(context: EcrCall, params: Document) -> Document:
    """Hold a manifest whose layers and images are there, and let a tag name it."""
    repository = push_repository(context, params["repositoryName"])
    image = read_manifest(repository, params["imageManifest"], params.get("imageManifestMediaType"))
    if params.get("imageDigest", image.digest) != image.digest:
        raise EcrError("ImageDigestDoesNotMatchException", "The specified image digest does not match the manifest's")
    tag = params.get("imageTag")
    held = repository.images.get(image.digest)
    if held is None:
        # Of one that is held already the layers are there: another tag is all that comes.
        _require_layers(repository, image)
    if held is None and len(repository.images) >= MAX_IMAGES:
        raise EcrError("LimitExceededException", f"A repository can hold at most {MAX_IMAGES} images")
    if held is not None and tag and tag not in held.tags and len(held.tags) >= MAX_TAGS_OF_IMAGE:
        raise EcrError("LimitExceededException", f"An image can have at most {MAX_TAGS_OF_IMAGE} tags")
    image.pushed = True
    stored = store(repository, image, tag)
    stored.given |= {tag} if tag else set()
    return {"image": describe_image(repository, stored, {"imageDigest": stored.digest, "imageTag": tag})}


def _require_layers(repository: HeldRepository, image: HeldImage) -> None:
    missing = [digest for digest in image.blobs if digest not in repository.layers]
    if missing:
        raise EcrError(
            "LayersNotFoundException",
            f"Layers with digests '[{', '.join(missing)}]' required for pushing image into repository with name "
            f"'{repository.name}' in the registry with id '{repository.registry_id}' do not exist",
        )


def mount_layer(context: EcrCall, target: HeldRepository, digest: str, source_name: str) -> bool:
    """Let `target` hold a layer of another repository; False where ECR answers 202 and wants the bytes.

    ECR user guide, blob mounting: an account setting, one registry and encryption key, no images of a pull-through
    cache. It mounts only what a committed manifest of the source refers to (aws/containers-roadmap#2860).
    """
    if context.registry.settings.get("BLOB_MOUNTING") != "ENABLED":
        return False
    if digest in target.layers:
        return True
    source = context.registry.repositories.get(source_name)
    if source is None or source.cause == "PULL_THROUGH_CACHE" or source.encryption != target.encryption:
        return False
    if digest not in source.layers or not any(digest in image.blobs for image in source.images.values()):
        return False
    target.layers[digest] = source.layers[digest]
    return True


def store(repository: HeldRepository, image: HeldImage, tag: str | None) -> HeldImage:
    """Hold `image`, and let `tag` name it. Raises what AWS raises when it is there or the tag may not move."""
    held = repository.images.get(image.digest)
    if held and (tag is None or tag in held.tags):
        raise EcrError(
            "ImageAlreadyExistsException",
            f"Image with digest '{image.digest}' and tag '{tag}' already exists in the repository with name "
            f"'{repository.name}' in registry with id '{repository.registry_id}'",
        )
    if tag is not None:
        former = repository.tagged(tag)
        if former and _is_immutable(repository, tag):
            raise EcrError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be "
                "overwritten because the tag is immutable.",
            )
        if former:
            former.tags.remove(tag)
    stored = held or repository.images.setdefault(image.digest, image)
    if tag is not None:
        stored.tags.append(tag)
    return stored


def _is_immutable(repository: HeldRepository, tag: str) -> bool:
    excluded = any(matches(entry["filter"], tag) for entry in repository.exclusion_filters or ())
    return repository.mutability.startswith("IMMUTABLE") != excluded


def describe_image(repository: HeldRepository, image: HeldImage, image_id: Document) -> Document:
    """The `HeldImage` shape of the API."""
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": image_id,
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def initiate_upload(context: EcrCall, params: Document) -> Document:
    repository = push_repository(context, params["repositoryName"])
    upload = context.blobs.begin()
    repository.uploads[upload.id] = upload
    return {"uploadId": upload.id, "partSize": PART_SIZE}


def _upload(context: EcrCall, params: Document) -> tuple[HeldRepository, Upload]:
    repository = context.registry.repository(params["repositoryName"])
    upload = repository.uploads.get(params["uploadId"])
    if upload is None:
        raise EcrError("UploadNotFoundException", f"Upload with id '{params['uploadId']}' could not be found")
    return repository, upload


def upload_part(context: EcrCall, params: Document) -> Document:
    repository, upload = _upload(context, params)
    part = base64.b64decode(params["layerPartBlob"])
    first, last = params["partFirstByte"], params["partLastByte"]
    if first != upload.size or last - first + 1 != len(part):
        raise EcrError(
            "InvalidLayerPartException", f"The part does not begin at byte {upload.size} or has another size"
        )
    if len(part) > PART_SIZE:
        raise invalid_parameter("layerPartBlob", f"Layer parts must be at most {PART_SIZE} bytes in size")
    upload.parts.append(len(part))
    if len(upload.parts) > MAX_PARTS or upload.size + len(part) > context.behaviour.max_layer_bytes:
        raise EcrError("LimitExceededException", "The layer has more parts or bytes than ECR takes")
    upload.write(part)
    return {**_named(repository, params), "lastByteReceived": upload.size - 1}


def complete_upload(context: EcrCall, params: Document) -> Document:
    repository, upload = _upload(context, params)
    if not upload.size:
        raise EcrError("EmptyUploadException", "The upload holds no parts")
    if any(size < MIN_PART_SIZE for size in upload.parts[:-1]):
        raise EcrError(
            "LayerPartTooSmallException", f"Layer parts must be at least {MIN_PART_SIZE} bytes, but for the last"
        )
    digest = upload.digest()
    if digest not in params["layerDigests"]:
        raise EcrError("InvalidLayerException", f"The layer's digest is {digest}, not one of those given")
    if digest in repository.layers:
        raise EcrError("LayerAlreadyExistsException", f"The layer {digest} already exists in '{repository.name}'")
    repository.layers[digest] = upload.size
    context.blobs.commit(upload, digest)
    del repository.uploads[params["uploadId"]]
    return {**_named(repository, params), "layerDigest": digest}


def _named(repository: HeldRepository, params: Document) -> Document:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "uploadId": params["uploadId"],
    }


def check_layers(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    layers, failures = [], []
    for digest in params["layerDigests"]:
        if digest in repository.layers:
            size = repository.layers[digest]
            layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
        elif _DIGEST.fullmatch(digest):
            layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        else:
            failures.append(
                {
                    "layerDigest": digest,
                    "failureCode": "InvalidLayerDigest",
                    "failureReason": "Invalid request parameters: layer digest is malformed",
                }
            )
    return {"layers": layers, "failures": failures}


def download_url(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if params["layerDigest"] not in repository.layers:
        raise EcrError("LayersNotFoundException", f"The layer {params['layerDigest']} does not exist")
    url = context.tickets.url(params["layerDigest"], context.registry.host)
    return {"downloadUrl": url, "layerDigest": params["layerDigest"]}


OPERATIONS = {
    "PutImage": put_image,
    "InitiateLayerUpload": initiate_upload,
    "UploadLayerPart": upload_part,
    "CompleteLayerUpload": complete_upload,
    "BatchCheckLayerAvailability": check_layers,
    "GetDownloadUrlForLayer": download_url,
}
