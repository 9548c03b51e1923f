"""Manifests, tags and referrers of the registry API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import Document, EcrCall
from orchestrator.local.ecr.image_manifests import refers_to
from orchestrator.local.ecr.images_api import batch_get_image, list_referrers
from orchestrator.local.ecr.pushes import put_image
from orchestrator.local.registry.address import Address
from orchestrator.local.registry.replies import Reply, json_reply, refusal, refused
from orchestrator.local.registry.request import RegistryRequest
from orchestrator.oci.manifest import MANIFEST_LIMIT, OCI_INDEX, digest_of

PAGE = 1000


def get_manifest(context: EcrCall, name: str, reference: str) -> Reply:
    """GET and HEAD: the manifest of a tag or digest."""
    image_id: Document = {"imageDigest": reference} if ":" in reference else {"imageTag": reference}
    try:
        answer = batch_get_image(context, {"repositoryName": name, "imageIds": [image_id]})
    except EcrError as error:
        return refused(error)
    if not answer["images"]:
        return refusal(404, "MANIFEST_UNKNOWN", answer["failures"][0]["failureReason"])
    image = answer["images"][0]
    headers = {
        "Content-Type": image["imageManifestMediaType"],
        "Docker-Content-Digest": image["imageId"]["imageDigest"],
    }
    return Reply(200, headers, image["imageManifest"].encode())


def read_body(request: RegistryRequest) -> bytes | None:
    """The manifest in a request; None when it is bigger than ECR takes."""
    content = bytearray()
    for chunk in request.chunks():
        content += chunk
        if len(content) > MANIFEST_LIMIT:
            return None
    return bytes(content)


def put_manifest(
    context: EcrCall, address: Address, name: str, reference: str, media_type: str, content: bytes | None
) -> Reply:
    """PUT: hold a manifest whose blobs and images are there, and let a tag name it."""
    if content is None:
        return refusal(413, "SIZE_INVALID", f"The manifest is bigger than {MANIFEST_LIMIT} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return refusal(400, "MANIFEST_INVALID", "Invalid JSON syntax")
    digest = digest_of(content)
    if ":" in reference and reference != digest:
        return refusal(400, "DIGEST_INVALID", f"The manifest's digest is {digest}")
    subject, said = refers_to(text)
    if subject and context.behaviour.refuse_referrers:
        return refusal(405, "UNSUPPORTED", "Invalid parameter at 'ImageManifest': artifacts with a subject are refused")
    media_type = media_type.partition(";")[0].strip()
    if media_type and said and media_type != said:
        return refusal(400, "MANIFEST_INVALID", f"Content-Type is {media_type}, the manifest says {said}")
    params: Document = {"repositoryName": name, "imageManifest": text}
    if said or media_type:
        params["imageManifestMediaType"] = said or media_type
    if ":" not in reference:
        params["imageTag"] = reference
    try:
        put_image(context, params)
    except EcrError as error:
        # A blob that is there already is as good as pushed to every client of this API.
        if error.code != "ImageAlreadyExistsException":
            return refused(error)
    headers = {"Location": f"{address.base}/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
    if subject:
        headers["OCI-Subject"] = subject
    return Reply(201, headers)


def tags_list(context: EcrCall, address: Address, request: RegistryRequest, name: str) -> Reply:
    """The tags of a repository in their order, a page at a time (`n`, `last`)."""
    try:
        repository = context.registry.repository(name)
    except EcrError as error:
        return refused(error)
    tags = sorted(tag for image in repository.images.values() if image.status == "ACTIVE" for tag in image.tags)
    return _paged(request, f"{address.base}/{name}/tags/list", tags, {"name": name}, "tags")


def catalog(context: EcrCall, address: Address, request: RegistryRequest) -> Reply:
    """The names of the repositories."""
    names = sorted(context.registry.repositories)
    return _paged(request, f"{address.base}/_catalog", names, {}, "repositories")


def _paged(request: RegistryRequest, path: str, items: list[str], document: Document, member: str) -> Reply:
    try:
        limit = int(request.query.get("n") or PAGE)
    except ValueError:
        limit = -1
    if limit < 0:
        return refusal(400, "PAGINATION_NUMBER_INVALID", "n is a number of entries")
    limit = min(limit, PAGE)
    last = request.query.get("last")
    left = [item for item in items if item > last] if last else items
    some = left[:limit]
    headers = {}
    if some and len(left) > len(some):
        headers["Link"] = f'<{path}?last={quote(some[-1], safe="")}&n={limit}>; rel="next"'
    return json_reply({**document, member: some}, headers)


def referrers(context: EcrCall, request: RegistryRequest, name: str, digest: str) -> Reply:
    """An index of what refers to `digest`; empty when nothing does, or the digest is not there."""
    if not context.behaviour.referrers_api:
        return refusal(404, "UNSUPPORTED", "The operation is unsupported.")
    kind = request.query.get("artifactType")
    try:
        found = [_descriptor(entry) for entry in _all_referrers(context, name, digest, kind)]
    except EcrError as error:
        return refused(error)
    headers = {"OCI-Filters-Applied": "artifactType"} if kind else {}
    return json_reply({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}, headers, OCI_INDEX)


def _all_referrers(context: EcrCall, name: str, digest: str, kind: str | None) -> Iterator[Document]:
    params: Document = {"repositoryName": name, "subjectId": {"imageDigest": digest}}
    if kind:
        params["filter"] = {"artifactTypes": [kind]}
    while True:
        answer = list_referrers(context, params)
        yield from answer["referrers"]
        if not answer["nextToken"]:
            return
        params = {**params, "nextToken": answer["nextToken"]}


def _descriptor(entry: Document) -> Document:
    members = ("mediaType", "digest", "size", "artifactType", "annotations")
    return {member: entry[member] for member in members if entry.get(member) is not None}
