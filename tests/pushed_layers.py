"""Layers pushed by ECR's own API: what a manifest needs before PutImage takes it."""

from __future__ import annotations

import hashlib
from typing import Any


def push_layers(ecr: Any, repository: str, *contents: bytes) -> list[str]:
    """Put blobs of these contents into the repository; their digests."""
    return [_push(ecr, repository, content) for content in contents]


def _push(ecr: Any, repository: str, content: bytes) -> str:
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository,
        uploadId=upload,
        partFirstByte=0,
        partLastByte=len(content) - 1,
        layerPartBlob=content,
    )
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
    return digest
