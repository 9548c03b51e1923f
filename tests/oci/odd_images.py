"""One small image and one blob, and who sends or reads them, for tests of registries with oddities."""

from __future__ import annotations

import hashlib
import json

from orchestrator.oci.auth import Login
from orchestrator.oci.blobs import BlobStream, send_blob
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.manifest import OCI_MANIFEST, Descriptor, digest_of
from orchestrator.oci.registries import Registries
from tests.oci.corpus import Maker
from tests.oci.scripted_registry import Said, Script, said
from tests.oci.strict_registry import StrictRegistry

BLOB = b"0123456789" * 20
DIGEST = "sha256:" + hashlib.sha256(BLOB).hexdigest()
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": len(BLOB)}
IMAGE = json.dumps({"schemaVersion": 2, "config": CONFIG, "layers": []}).encode()
IMAGE_DIGEST = digest_of(IMAGE)
UPLOAD = "/v2/app/blobs/uploads/1?_state=a%2Bb=="


class Known:
    """One login for every registry."""

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:
        return Login("robot", "s3cret")


def stream(registry: RemoteRegistry, size: int = len(BLOB)) -> BlobStream:
    return BlobStream(
        [(registry, "app")], Descriptor(DIGEST, size, ""), registry.budget, lambda seconds: None, lambda why: None
    )


def push(target: RemoteRegistry) -> None:
    with StrictRegistry() as source, Registries(variables={}) as registries:
        Maker(source, "app").blob(BLOB)
        blob = BlobStream(
            [(registries.of(source.host), "app")],
            Descriptor(DIGEST, len(BLOB), ""),
            target.budget,
            lambda seconds: None,
            lambda why: None,
        )
        send_blob(blob, target, "app")


def one(answer: Said) -> Script:
    return lambda asked: answer


def image(**headers: str) -> Said:
    return said(200, IMAGE, **{"Content_Type": OCI_MANIFEST} | headers)
