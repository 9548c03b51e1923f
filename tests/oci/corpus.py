"""Makes images, indexes, signatures and charts, and puts them straight into a strict registry."""

from __future__ import annotations

import json
import random
from typing import Any

from orchestrator.oci.manifest import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    digest_of,
    fallback_tag,
)
from tests.oci.strict_registry import StrictRegistry

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"


def bytes_of(seed: object, size: int) -> bytes:
    """`size` bytes that are the same for the same seed."""
    return random.Random(str(seed)).randbytes(size)


class Maker:
    """Puts things into one repository of a registry."""

    def __init__(self, registry: StrictRegistry, repository: str) -> None:
        self.registry = registry
        self.name = repository
        self.held = registry.repository(repository)

    def blob(self, content: bytes, media_type: str = LAYER) -> dict[str, Any]:
        digest = digest_of(content)
        self.held.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def put(self, document: dict[str, Any], *tags: str) -> dict[str, Any]:
        content = json.dumps(document).encode()
        digest = digest_of(content)
        self.held.manifests[digest] = document["mediaType"], content
        for tag in tags:
            self.held.tags[tag] = digest
        found = {"mediaType": document["mediaType"], "digest": digest, "size": len(content)}
        if document.get("artifactType"):
            found["artifactType"] = document["artifactType"]
        return found

    def image(
        self, *tags: str, layers: list[bytes], config: object = None, subject: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        text = json.dumps({"architecture": "amd64", "os": "linux", "of": str(config or tags)}).encode()
        document = {
            "schemaVersion": 2,
            "mediaType": more.pop("media_type", OCI_MANIFEST),
            "config": self.blob(text, more.pop("config_type", CONFIG)),
            "layers": [self.blob(layer) for layer in layers],
            **more,
        }
        if subject is not None:
            document["subject"] = {key: subject[key] for key in ("mediaType", "digest", "size")}
        return self.put(document, *tags)

    def docker_image(self, *tags: str, layers: list[bytes]) -> dict[str, Any]:
        return self.image(*tags, layers=layers, media_type=DOCKER_MANIFEST)

    def index(self, *tags: str, children: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
        manifests = []
        for platform, child in children.items():
            system, architecture, *variant = platform.split("/")
            found = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            manifests.append(child | {"platform": found})
        return self.put({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests, **more}, *tags)

    def referrer(self, subject: dict[str, Any], seed: object, kind: str = "application/x.signature") -> dict[str, Any]:
        """An artifact that refers to `subject`, listed by a fallback tag where the registry has no API."""
        empty = self.blob(b"{}", EMPTY)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": empty,
            "layers": [self.blob(bytes_of(("referrer", seed), 300), "application/octet-stream")],
            "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
            "annotations": {"seed": str(seed)},
        }
        found = self.put(document)
        if self.registry.referrers != "api":
            tag = fallback_tag(subject["digest"])
            before = self.held.tags.get(tag)
            listed = json.loads(self.held.manifests[before][1])["manifests"] if before else []
            self.put({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*listed, found]}, tag)
        return found

    def cosign(self, subject: dict[str, Any], kind: str = "sig") -> dict[str, Any]:
        """What cosign 2 puts beside an image."""
        tag = f"{fallback_tag(subject['digest'])}.{kind}"
        return self.image(tag, layers=[bytes_of((tag, "payload"), 250)], config=tag)


def graph(registry: StrictRegistry, repository: str) -> dict[str, Any]:
    """Everything that a repository says, for comparing two: tags, manifests, and blobs that they refer to."""
    held = registry.repository(repository)
    referred = {digest: content for digest, content in held.blobs.items() if held.references(digest)}
    return {"tags": dict(held.tags), "manifests": dict(held.manifests), "blobs": referred}
