"""Pushes: layer uploads and PutImage. Layers are counted and hashed, not kept."""

from __future__ import annotations

import base64
import re
import uuid

from orchestrator.local.ecr.errors import EcrError
from orchestrator.local.ecr.manifests import digest_of, read_manifest
from orchestrator.local.ecr.state import Context, Document, Image, Repository
from orchestrator.local.ecr.templates import make_repository, template_for

PART_SIZE = 10 * 1024 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _repository(context: Context, name: str) -> Repository:
    """The repository of a push; ECR makes it when a CREATE_ON_PUSH template covers it."""
    registry = context.registry
    if name not in registry.repositories and template_for(registry, name, "CREATE_ON_PUSH"):
        return make_repository(registry, name, "CREATE_ON_PUSH")
    return registry.repository(name)


def put_image(context: Context, params: Document) -> Document:
    repository = _repository(context, params["repositoryName"])
    image = read_manifest(repository, params["imageManifest"], params.get("imageManifestMediaType"))
    if params.get("imageDigest", image.digest) != image.digest:
        raise EcrError("ImageDigestDoesNotMatchException", "The specified image digest does not match the manifest's")
    tag = params.get("imageTag")
    stored = store(repository, image, tag)
    return {"image": describe_image(repository, stored, {"imageDigest": stored.digest, "imageTag": tag})}


def store(repository: Repository, image: Image, tag: str | None) -> Image:
    """Hold `image`, and let `tag` name it; raises what AWS raises when it is there or the tag may not move."""
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


def _is_immutable(repository: Repository, tag: str) -> bool:
    excluded = any(
        re.fullmatch(".*".join(map(re.escape, entry["filter"].split("*"))), tag)
        for entry in repository.exclusion_filters or ()
    )
    return repository.mutability.startswith("IMMUTABLE") != excluded


def describe_image(repository: Repository, image: Image, image_id: Document) -> Document:
    """The `Image` shape of the API."""
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": image_id,
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def initiate_upload(context: Context, params: Document) -> Document:
    repository = _repository(context, params["repositoryName"])
    upload_id = str(uuid.uuid4())
    repository.uploads[upload_id] = bytearray()
    return {"uploadId": upload_id, "partSize": PART_SIZE}


def _upload(context: Context, params: Document) -> tuple[Repository, bytearray]:
    repository = context.registry.repository(params["repositoryName"])
    upload = repository.uploads.get(params["uploadId"])
    if upload is None:
        raise EcrError("UploadNotFoundException", f"Upload with id '{params['uploadId']}' could not be found")
    return repository, upload


def upload_part(context: Context, params: Document) -> Document:
    repository, upload = _upload(context, params)
    part = base64.b64decode(params["layerPartBlob"])
    first, last = params["partFirstByte"], params["partLastByte"]
    if first != len(upload) or last - first + 1 != len(part):
        raise EcrError(
            "InvalidLayerPartException", f"The part does not begin at byte {len(upload)} or has another size"
        )
    upload += part
    return {**_named(repository, params), "lastByteReceived": len(upload) - 1}


def complete_upload(context: Context, params: Document) -> Document:
    repository, upload = _upload(context, params)
    if not upload:
        raise EcrError("EmptyUploadException", "The upload holds no parts")
    digest = digest_of(bytes(upload))
    if digest not in params["layerDigests"]:
        raise EcrError("InvalidLayerException", f"The layer's digest is {digest}, not one of those given")
    if digest in repository.layers:
        raise EcrError("LayerAlreadyExistsException", f"The layer {digest} already exists in '{repository.name}'")
    repository.layers[digest] = len(upload)
    del repository.uploads[params["uploadId"]]
    return {**_named(repository, params), "layerDigest": digest}


def _named(repository: Repository, params: Document) -> Document:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "uploadId": params["uploadId"],
    }


def check_layers(context: Context, params: Document) -> Document:
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


def download_url(context: Context, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if params["layerDigest"] not in repository.layers:
        raise EcrError("LayersNotFoundException", f"The layer {params['layerDigest']} does not exist")
    raise NotImplementedError("It keeps no layers: pull from a registry.")


OPERATIONS = {
    "PutImage": put_image,
    "InitiateLayerUpload": initiate_upload,
    "UploadLayerPart": upload_part,
    "CompleteLayerUpload": complete_upload,
    "BatchCheckLayerAvailability": check_layers,
    "GetDownloadUrlForLayer": download_url,
}
