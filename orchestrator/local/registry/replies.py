"""Answers of the registry API: bytes, parts of files, and refusals in the OCI specification's form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from orchestrator.local.ecr.ecr_error import EcrError

CHUNK = 256 * 1024
JSON = "application/json; charset=utf-8"
# {code of the control plane: (status, code of the registry API)}.
_CODES = {
    "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "InvalidParameterException": (400, "MANIFEST_INVALID"),
    "LayersNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "ReferencedImagesNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ThrottlingException": (429, "TOOMANYREQUESTS"),
    "UnableToGetUpstreamImageException": (404, "MANIFEST_UNKNOWN"),
    "UploadNotFoundException": (404, "BLOB_UPLOAD_UNKNOWN"),
    "LimitExceededException": (403, "DENIED"),
}


@dataclass(frozen=True, slots=True)
class FilePart:
    """`count` bytes of a file from `offset`, sent as they are read."""

    path: Path
    offset: int
    count: int
    bytes_per_second: float = 0.0

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = self.count
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. `length` is what Content-Length says where the body is left out (HEAD)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FilePart = b""


def send_reply(reply: Reply, start_response: Any) -> Iterable[bytes]:
    """`reply` as a WSGI application gives it, with its length."""
    phrase = HTTPStatus(reply.status).phrase
    length = reply.body.count if isinstance(reply.body, FilePart) else len(reply.body)
    headers = {"Content-Length": str(length), **reply.headers}
    start_response(f"{reply.status} {phrase}", list(headers.items()))
    return reply.body if isinstance(reply.body, FilePart) else [reply.body]


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    """`{"errors": [{"code": …, "message": …}]}`."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Reply(status, {"Content-Type": JSON, **(headers or {})}, body)


def refused(error: EcrError) -> Reply:
    """A refusal of the control plane as the registry API tells it."""
    status, code = _CODES.get(error.code, (400, "UNKNOWN"))
    return refusal(status, code, error.message)


def json_reply(document: object, headers: dict[str, str] | None = None, content_type: str = JSON) -> Reply:
    """200 with `document`."""
    return Reply(200, {"Content-Type": content_type, **(headers or {})}, json.dumps(document).encode())
