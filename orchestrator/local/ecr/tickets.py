"""Addresses of layers that need no credentials, as ECR's redirects to S3: good for this start of the server."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from orchestrator.local.ecr.blob_store import DIGEST

LAYERS = "/_layers/"


class Tickets:
    """Makes and reads `<endpoint>/_layers/<host of the registry>/<signature>/<digest>`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._secret = secrets.token_bytes(32)

    def url(self, digest: str, host: str) -> str:
        """Where a client that asked `host` gets the layer."""
        return f"{self._endpoint}{LAYERS}{host}/{self._sign(digest, host)}/{digest}"

    def read(self, path: str) -> str | None:
        """The digest of a ticket; None when it is not one of ours."""
        host, signature, digest = [*path.removeprefix(LAYERS).split("/"), "", "", ""][:3]
        good = DIGEST.fullmatch(digest) and hmac.compare_digest(signature, self._sign(digest, host))
        return digest if good else None

    def elsewhere(self, path: str, host: str) -> bool:
        """Did the redirect lead to another host? Clients then send no credentials, and S3 refuses them."""
        return path.removeprefix(LAYERS).partition("/")[0] != host

    def _sign(self, digest: str, host: str) -> str:
        return hmac.new(self._secret, f"{host}/{digest}".encode(), hashlib.sha256).hexdigest()[:32]
