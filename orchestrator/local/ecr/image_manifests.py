"""Image manifests: what ECR reads from them, and made-up ones for simulated images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import HeldImage, HeldRepository, now
from orchestrator.oci.manifest import OCI_INDEX, OCI_MANIFEST, digest_of

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = (("linux", "amd64"), ("linux", "arm64"), ("linux", "s390x"), ("linux", "ppc64le"))


def read_manifest(repository: HeldRepository, text: str, media_type: str | None) -> HeldImage:
    """The untagged image of a manifest, pushed now; raises what PutImage raises for one that ECR cannot hold."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise invalid_parameter("ImageManifest", "Invalid JSON syntax")
    media_type = media_type or document.get("mediaType")
    if not media_type:
        raise EcrError("InvalidParameterException", "image manifest mediatype not provided in manifest or parameter")
    children = _digests(document.get("manifests"))
    missing = [child for child in children if child not in repository.images]
    if missing:
        raise EcrError(
            "ReferencedImagesNotFoundException",
            f"The image manifest refers to images that the repository does not hold: {', '.join(missing)}",
        )
    config = document.get("config")
    config = config if isinstance(config, dict) else {}
    subject = document.get("subject")
    return HeldImage(
        digest=digest_of(text.encode()),
        manifest=text,
        media_type=media_type,
        size=_size(repository, document, config, children),
        pushed_at=now(),
        artifact_type=document.get("artifactType") or config.get("mediaType"),
        subject=subject.get("digest") if isinstance(subject, dict) else None,
        children=children,
        blobs=_blobs(document, config),
        annotations={str(k): str(v) for k, v in (document.get("annotations") or {}).items()},
    )


def _digests(entries: Any) -> tuple[str, ...]:
    if not isinstance(entries, list):
        return ()
    return tuple(str(entry["digest"]) for entry in entries if isinstance(entry, dict) and "digest" in entry)


def _blobs(document: dict[str, Any], config: dict[str, Any]) -> tuple[str, ...]:
    """The blobs that must be there; foreign layers have addresses of their own."""
    layers = document.get("layers")
    listed = [config, *(layers if isinstance(layers, list) else ())]
    return tuple(
        str(part["digest"]) for part in listed if isinstance(part, dict) and "digest" in part and not part.get("urls")
    )


def refers_to(text: str) -> tuple[str, str]:
    """(digest of the subject, media type) that a manifest names, each empty where it names none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    subject = document.get("subject")
    return str(subject.get("digest") or "") if isinstance(subject, dict) else "", str(document.get("mediaType") or "")


def _size(repository: HeldRepository, document: dict[str, Any], config: dict[str, Any], children: Sequence[str]) -> int:
    """Bytes: config and layers; of an index the biggest of its images, as the API says."""
    if children:
        return max(repository.images[child].size for child in children)
    layers = [layer for layer in document.get("layers") or [] if isinstance(layer, dict)]
    return sum(int(part.get("size") or 0) for part in (config, *layers))


def made_up_manifest(name: str, size: int, *, subject: str | None = None, artifact_type: str | None = None) -> str:
    """A manifest of one layer whose sizes add up to `size` bytes; the same `name` gives the same manifest."""
    config_size = min(size, 1024)
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(f"config of {name}".encode()), "size": config_size},
        "layers": [
            {"mediaType": OCI_LAYER, "digest": digest_of(f"layer of {name}".encode()), "size": size - config_size}
        ],
    }
    if artifact_type:
        document["artifactType"] = artifact_type
    if subject:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    return json.dumps(document, sort_keys=True)


def made_up_index(repository: HeldRepository, children: Sequence[str]) -> str:
    """An index of images that the repository holds."""
    entries = []
    for number, child in enumerate(children):
        os_name, architecture = PLATFORMS[number % len(PLATFORMS)]
        held = repository.images.get(child)
        entries.append(
            {
                "mediaType": held.media_type if held else OCI_MANIFEST,
                "digest": child,
                "size": len(held.manifest) if held else 0,
                "platform": {"os": os_name, "architecture": architecture},
            }
        )
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}, sort_keys=True)
