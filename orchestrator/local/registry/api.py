"""The registry API as one function of a request: whose registry, who asks, what ECR makes of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from orchestrator.local.calls import Call
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import EcrCall
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.ecr.tickets import LAYERS
from orchestrator.local.ecr.tokens import Token, read
from orchestrator.local.faults import FaultInjector, Request, RequestLog
from orchestrator.local.registry import layers, manifest_paths
from orchestrator.local.registry.address import Address, registry_address, without_port
from orchestrator.local.registry.replies import Reply, json_reply, refusal, refused
from orchestrator.local.registry.request import RegistryRequest
from orchestrator.local.registry.upstream_import import UpstreamImport
from orchestrator.routes.upstreams import PrivateRegistry

# What the request log and the faults call this service; `ecr` is the control plane.
SERVICE = "ecr.dkr"
VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_NAME = r"(?P<name>[^?]+?)"
_PATHS = {
    "manifest": re.compile(rf"{_NAME}/manifests/(?P<what>[^/]+)"),
    "uploads": re.compile(rf"{_NAME}/blobs/uploads/?"),
    "upload": re.compile(rf"{_NAME}/blobs/uploads/(?P<what>[^/]+)"),
    "blob": re.compile(rf"{_NAME}/blobs/(?P<what>[^/]+)"),
    "tags": re.compile(rf"{_NAME}/tags/list"),
    "referrers": re.compile(rf"{_NAME}/referrers/(?P<what>[^/]+)"),
}
# {(kind of path, method): the ECR action that the request costs}.
_ACTIONS = {
    ("manifest", "GET"): "BatchGetImage",
    ("manifest", "HEAD"): "BatchGetImage",
    ("manifest", "PUT"): "PutImage",
    ("uploads", "POST"): "InitiateLayerUpload",
    ("upload", "GET"): "GetUploadStatus",
    ("upload", "PATCH"): "UploadLayerPart",
    ("upload", "PUT"): "CompleteLayerUpload",
    ("upload", "DELETE"): "DeleteUpload",
    ("blob", "GET"): "GetDownloadUrlForLayer",
    ("blob", "HEAD"): "BatchCheckLayerAvailability",
    ("tags", "GET"): "ListImages",
    ("referrers", "GET"): "ListImageReferrers",
}


class RegistryApi:
    """Answers requests below `/v2/` and downloads of layers. One instance a server."""

    def __init__(self, ecr: EcrService, faults: FaultInjector, requests: RequestLog) -> None:
        self._ecr = ecr
        self._faults = faults
        self._requests = requests
        self._upstreams = UpstreamImport(ecr)
        self._kinds: dict[str, Callable[[EcrCall, Address, RegistryRequest, re.Match[str]], Reply]] = {
            "manifest": self._manifest,
            "uploads": self._uploads,
            "upload": self._upload,
            "blob": self._blob,
            "tags": lambda context, address, request, match: manifest_paths.tags_list(
                context, address, request, match["name"]
            ),
            "referrers": lambda context, _, request, match: manifest_paths.referrers(
                context, request, match["name"], match["what"]
            ),
        }

    def takes(self, host: str, path: str) -> bool:
        """Is a request about a registry? Its body is then a stream."""
        return path.startswith(LAYERS) or registry_address(host, path) is not None

    def answer(self, request: RegistryRequest) -> Reply:
        """The reply to a request that this API takes."""
        if request.path.startswith(LAYERS):
            return self._layer(request)
        address = registry_address(request.host, request.path)
        assert address is not None, "only requests about a registry come here"
        token = read(request.headers.get("authorization", ""))
        denied = _denied(request, address, token)
        if denied or token is None:
            return denied or _challenge(address)
        registry = address.registry or PrivateRegistry(token.account_id, token.region)
        if address.rest in ("", "/"):
            return json_reply({}, VERSION)
        if address.rest == "_catalog" and request.method == "GET":
            with self._ecr.lock:
                return manifest_paths.catalog(self._context(registry, token), address, request)
        kind, match = _kind(address.rest)
        action = _ACTIONS.get((kind, request.method))
        if match is None or action is None:
            return refusal(405 if match else 404, "UNSUPPORTED", "The operation is unsupported.", VERSION)
        started = time.time()
        reply = self._throttled(request, registry, action)
        if reply is None:
            reply = self._kinds[kind](self._context(registry, token), address, request, match)
        else:
            self._requests.add(_record(action, registry, token, started, reply, fault=True))
            return reply
        self._requests.add(_record(action, registry, token, started, reply, fault=False))
        return Reply(reply.status, {**VERSION, **reply.headers}, reply.body)

    def _context(self, registry: PrivateRegistry, token: Token) -> EcrCall:
        return self._ecr.context(registry.account, registry.region, token.principal_arn)

    def _throttled(self, request: RegistryRequest, registry: PrivateRegistry, action: str) -> Reply | None:
        """The refusal of a request above a rate, or of one that was to fail. Waits first where there is a delay."""
        behaviour = self._ecr.behaviour
        if behaviour.latency_ms:
            time.sleep(behaviour.latency_ms / 1000)
        call = Call(SERVICE, action, registry.region, "", registry.account, b"")
        fault = self._faults.next(call)
        if fault:
            if "Throttl" in fault.code:
                return refusal(429, "TOOMANYREQUESTS", fault.message, VERSION)
            return refusal(fault.status, fault.code, fault.message, VERSION)
        # One PUT that brings the bytes and ends the upload is both of ECR's actions.
        whole = action == "CompleteLayerUpload" and request.headers.get("content-length", "0") != "0"
        for cost in (action, "UploadLayerPart") if whole else (action,):
            if not self._ecr.admits(registry.account, registry.region, cost):
                return refusal(429, "TOOMANYREQUESTS", "Rate exceeded", VERSION)
        return None

    def _manifest(self, context: EcrCall, address: Address, request: RegistryRequest, match: re.Match[str]) -> Reply:
        name, reference = match["name"], match["what"]
        if request.method != "PUT":
            if ":" not in reference:
                try:
                    self._upstreams.bring(context, name, reference)
                except EcrError as error:
                    return refused(error)
            with self._ecr.lock:
                return manifest_paths.get_manifest(context, name, reference)
        content = manifest_paths.read_body(request)
        with self._ecr.lock:
            return manifest_paths.put_manifest(
                context, address, name, reference, request.headers["content-type"], content
            )

    def _uploads(self, context: EcrCall, address: Address, request: RegistryRequest, match: re.Match[str]) -> Reply:
        with self._ecr.lock:
            return layers.start_upload(context, address, request, match["name"])

    def _upload(self, context: EcrCall, address: Address, request: RegistryRequest, match: re.Match[str]) -> Reply:
        name = match["name"]
        with self._ecr.lock:
            found = layers.find_upload(context, name, match["what"])
            if isinstance(found, Reply):
                return found
            repository, upload = found
            if request.method == "DELETE":
                return layers.drop_upload(context, repository, upload)
            if request.method == "GET":
                return layers.upload_status(address, name, upload)
        problem = layers.receive(context, address, request, name, upload)
        if problem:
            return problem
        if request.method == "PATCH":
            return layers.patched(address, name, upload)
        return layers.complete(context, address, name, repository, upload, request.query.get("digest", ""))

    def _blob(self, context: EcrCall, address: Address, request: RegistryRequest, match: re.Match[str]) -> Reply:
        name, digest = match["name"], match["what"]
        with self._ecr.lock:
            size = layers.blob_of(context, name, digest)
        if isinstance(size, Reply):
            return size
        if request.method == "GET" and context.behaviour.redirect_blobs:
            return Reply(307, {"Location": self._ecr.tickets.url(digest, without_port(address.host))})
        return layers.send_blob(context, digest, size, request)

    def _layer(self, request: RegistryRequest) -> Reply:
        """The storage behind a registry: it takes the ticket in the address, and no credentials beside it."""
        digest = self._ecr.tickets.read(request.path)
        if digest is None or not self._ecr.blobs.holds(digest):
            return Reply(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>")
        if "authorization" in request.headers and self._ecr.tickets.elsewhere(request.path, without_port(request.host)):
            return Reply(400, {"Content-Type": "application/xml"}, b"<Error><Code>InvalidArgument</Code></Error>")
        context = self._ecr.context("", "", "")
        return layers.send_blob(context, digest, self._ecr.blobs.path(digest).stat().st_size, request)


def _kind(rest: str) -> tuple[str, re.Match[str] | None]:
    for kind, pattern in _PATHS.items():
        match = pattern.fullmatch(rest)
        if match:
            return kind, match
    return "", None


def _challenge(address: Address) -> Reply:
    realm = f'Basic realm="https://{address.host}/",service="ecr.amazonaws.com"'
    headers = {**VERSION, "WWW-Authenticate": realm, "Content-Type": "text/plain; charset=utf-8"}
    return Reply(401, headers, b"Not Authorized\n")


def _denied(request: RegistryRequest, address: Address, token: Token | None) -> Reply | None:
    """The refusal of who brings no token, one that is not ours, an old one, or one of another account."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or not given.strip():
        return _challenge(address)
    if token is None:
        return refusal(403, "DENIED", "Your Authorization Token is invalid.", VERSION)
    if token.expired:
        message = "Your authorization token has expired. Reauthenticate and try again."
        return refusal(403, "DENIED", message, VERSION)
    if address.registry and address.registry.account != token.account_id:
        message = f"User: {token.principal_arn} is not authorized to perform this action on {address.registry.host}"
        return refusal(403, "DENIED", message, VERSION)
    return None


def _record(
    action: str, registry: PrivateRegistry, token: Token, started: float, reply: Reply, *, fault: bool
) -> Request:
    return Request(
        service=SERVICE,
        operation=action,
        account_id=registry.account,
        region=registry.region,
        principal=token.principal_arn,
        time=started,
        seconds=time.time() - started,
        status=reply.status,
        fault=fault,
    )
