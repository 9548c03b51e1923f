"""The registry API below `/v2/`, as far as pulling manifests: what a node asks of ECR. Layers are not kept.

A request says by its `Host` which account's registry it means, as with ECR itself; names of ECR cannot reach loopback,
so that clients connect to the server's own address and send the registry's name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from hashlib import sha256

from orchestrator.local.ecr.errors import EcrError
from orchestrator.local.ecr.images import batch_get_image
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.ecr.settings import token_of
from orchestrator.local.ecr.state import Context, Document
from orchestrator.local.identity import USER, partition_of
from orchestrator.local.protocols import Answer, json_answer

_HOST = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::\d+)?", re.ASCII)
_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")
VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")


def is_registry(host: str) -> bool:
    """Does a request with this `Host` mean a registry? Other services have paths below `/v2/` too."""
    return _HOST.fullmatch(host) is not None


def answer_registry_api(ecr: EcrService, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """The answer of a request below `/v2/`; `headers` has a registry's `Host`, and `Authorization` (may be empty)."""
    host = _HOST.fullmatch(headers["Host"])
    assert host is not None, "only requests to a registry come here"
    account, region = host.groups()
    if not _is_allowed(headers["Authorization"], account):
        refused = _refusal(401, "UNAUTHORIZED", "authentication required")
        realm = f'Basic realm="https://{headers["Host"]}/",service="ecr.amazonaws.com"'
        return Answer(refused.status, refused.body, (*refused.headers, ("WWW-Authenticate", realm)))
    if path == "/v2/":
        return Answer(200, b"{}", (("Content-Type", "application/json"), VERSION))
    found = _MANIFEST.fullmatch(path)
    if found is None or method not in ("GET", "HEAD"):
        return _refusal(404, "UNSUPPORTED", f"the embedded AWS does not serve {method} {path}: layers are not kept")
    return _manifest(ecr, account, region, found["name"], found["reference"])


def _is_allowed(authorization: str, account: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    try:
        return scheme.lower() == "basic" and base64.b64decode(given) == base64.b64decode(token_of(account))
    except binascii.Error:
        return False


def _manifest(ecr: EcrService, account: str, region: str, name: str, reference: str) -> Answer:
    image_id: Document = {"imageDigest": reference} if ":" in reference else {"imageTag": reference}
    with ecr.lock:
        registry = ecr.registry(account, region)
        who = f"arn:{partition_of(region)}:iam::{account}:user/{USER}"
        try:
            answer = batch_get_image(
                Context(registry, who, ecr.upstream), {"repositoryName": name, "imageIds": [image_id]}
            )
        except EcrError as error:
            code = "NAME_UNKNOWN" if error.code == "RepositoryNotFoundException" else "MANIFEST_UNKNOWN"
            return _refusal(404, code, error.message)
    if not answer["images"]:
        return _refusal(404, "MANIFEST_UNKNOWN", "Requested image not found")
    manifest = answer["images"][0]["imageManifest"].encode()
    headers = (
        ("Content-Type", answer["images"][0]["imageManifestMediaType"]),
        ("Content-Length", str(len(manifest))),
        ("Docker-Content-Digest", f"sha256:{sha256(manifest).hexdigest()}"),
        VERSION,
    )
    return Answer(200, manifest, headers)


def _refusal(status: int, code: str, message: str) -> Answer:
    return json_answer({"errors": [{"code": code, "message": message}]}, status=status)
