"""Blobs of the registry API: looking, downloading in parts, uploading at once or in chunks, and mounting."""

from __future__ import annotations

import re

from orchestrator.local.ecr.behaviour import Pacer
from orchestrator.local.ecr.blob_store import DIGEST, Upload
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import EcrCall, HeldRepository
from orchestrator.local.ecr.pushes import mount_layer, push_repository
from orchestrator.local.registry.address import Address
from orchestrator.local.registry.replies import FilePart, Reply, refusal, refused
from orchestrator.local.registry.request import RegistryRequest

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_CONTENT_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/\S+)?", re.ASCII)
OCTETS = "application/octet-stream"


def blob_of(context: EcrCall, name: str, digest: str) -> Reply | int:
    """The size of a repository's blob, or the refusal."""
    if not DIGEST.fullmatch(digest):
        return refusal(400, "DIGEST_INVALID", f"{digest} is no digest")
    try:
        size = context.registry.repository(name).layers.get(digest)
    except EcrError as error:
        return refused(error)
    if size is None or not context.blobs.holds(digest):
        return refusal(404, "BLOB_UNKNOWN", f"The layer {digest} does not exist in the repository '{name}'")
    return size


def blob_headers(digest: str) -> dict[str, str]:
    """What every answer about a blob says."""
    return {"Content-Type": OCTETS, "Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}


def send_blob(context: EcrCall, digest: str, size: int, request: RegistryRequest) -> Reply:
    """The blob, or the part of it that `Range` asks for."""
    headers, path = blob_headers(digest), context.blobs.path(digest)
    rate = context.behaviour.bytes_per_second
    asked = request.headers.get("range", "")
    if request.method == "HEAD":
        return Reply(200, {**headers, "Content-Length": str(size)})
    part = _part(asked, size)
    if part is None:
        return refusal(416, "RANGE_INVALID", f"{asked} is not in {size} bytes", {"Content-Range": f"bytes */{size}"})
    offset, count = part
    if count == size:
        return Reply(200, headers, FilePart(path, 0, size, rate))
    headers["Content-Range"] = f"bytes {offset}-{offset + count - 1}/{size}"
    return Reply(206, headers, FilePart(path, offset, count, rate))


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """(offset, count) of a Range header. Without one, or in another form, all of it. None outside of the blob."""
    match = _RANGE.fullmatch(asked)
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, count) if count else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    end = min(int(last), size - 1) if last else size - 1
    return int(first), end - int(first) + 1


def start_upload(context: EcrCall, address: Address, request: RegistryRequest, name: str) -> Reply:
    """POST: 201 when a mount is granted, else 202 with the place of a new upload."""
    try:
        repository = push_repository(context, name)
    except EcrError as error:
        return refused(error)
    wanted, source = request.query.get("mount", ""), request.query.get("from", "")
    if wanted and source and mount_layer(context, repository, wanted, source):
        headers = {"Location": f"{address.base}/{name}/blobs/{wanted}", "Docker-Content-Digest": wanted}
        return Reply(201, headers)
    upload = context.blobs.begin()
    repository.uploads[upload.id] = upload
    headers = _upload_headers(address, name, upload)
    if context.behaviour.min_chunk_bytes:
        headers["OCI-Chunk-Min-Length"] = str(context.behaviour.min_chunk_bytes)
    return Reply(202, headers)


def _upload_headers(address: Address, name: str, upload: Upload) -> dict[str, str]:
    return {
        "Location": f"{address.base}/{name}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.id,
    }


def find_upload(context: EcrCall, name: str, upload_id: str) -> tuple[HeldRepository, Upload] | Reply:
    """The repository and its upload, or the refusal."""
    try:
        repository = context.registry.repository(name)
    except EcrError as error:
        return refused(error)
    upload = repository.uploads.get(upload_id)
    if upload is None:
        return refusal(404, "BLOB_UPLOAD_UNKNOWN", f"Upload with id '{upload_id}' could not be found")
    return repository, upload


def upload_status(address: Address, name: str, upload: Upload) -> Reply:
    """GET: how far the upload is."""
    return Reply(204, _upload_headers(address, name, upload))


def drop_upload(context: EcrCall, repository: HeldRepository, upload: Upload) -> Reply:
    """DELETE: forget the upload."""
    repository.uploads.pop(upload.id, None)
    context.blobs.drop(upload)
    return Reply(204)


def receive(context: EcrCall, address: Address, request: RegistryRequest, name: str, upload: Upload) -> Reply | None:
    """Append the body of a PATCH or PUT to the upload; a refusal, or None. Holds no lock of the service."""
    given = request.headers.get("content-range", "")
    match = _CONTENT_RANGE.fullmatch(given) if given else None
    limit = context.behaviour.max_layer_bytes
    with upload.lock:
        if given and (match is None or int(match[1]) != upload.size):
            headers = _upload_headers(address, name, upload)
            return refusal(416, "BLOB_UPLOAD_INVALID", f"The chunk must begin at byte {upload.size}", headers)
        pacer = Pacer(context.behaviour.bytes_per_second)
        started = upload.size
        try:
            for chunk in request.chunks():
                if upload.size + len(chunk) > limit:
                    return refusal(413, "SIZE_INVALID", f"A layer may have {limit} bytes")
                upload.write(chunk)
                pacer.wait(len(chunk))
        except ValueError:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", f"Upload with id '{upload.id}' could not be found")
        least = context.behaviour.min_chunk_bytes
        if request.method == "PATCH" and upload.size - started < least:
            return refusal(400, "SIZE_INVALID", f"A chunk that is not the last has {least} bytes or more")
    return None


def patched(address: Address, name: str, upload: Upload) -> Reply:
    """202 after a chunk."""
    return Reply(202, _upload_headers(address, name, upload))


def complete(
    context: EcrCall, address: Address, name: str, repository: HeldRepository, upload: Upload, digest: str
) -> Reply:
    """PUT: keep the upload under `digest` when that is right. Call it with the service's lock."""
    if not DIGEST.fullmatch(digest):
        return refusal(400, "DIGEST_INVALID", f"{digest or 'no digest'} is no digest")
    found = upload.digest(digest.partition(":")[0])
    repository.uploads.pop(upload.id, None)
    if found != digest:
        context.blobs.drop(upload)
        return refusal(400, "DIGEST_INVALID", f"The layer's digest is {found}, not {digest}")
    repository.layers[digest] = upload.size
    context.blobs.commit(upload, digest)
    return Reply(201, {"Location": f"{address.base}/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
