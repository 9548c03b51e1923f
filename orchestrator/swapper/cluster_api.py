"""The API server, as a Pod reaches it: single objects by their path, with the ServiceAccount's token. An edge.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = 10.0
MERGE = "application/strategic-merge-patch+json"


class ObjectChanged(Exception):
    """Somebody else made or changed the object meanwhile."""


class ApiSilent(OrchestratorError):
    """The API server cannot be reached, or cannot answer now: a later try may get what this one did not."""


@dataclass(frozen=True, slots=True)
class ClusterApi:
    """`folder` holds `token`, which the kubelet renews, and `ca.crt`."""

    url: str
    folder: Path = ACCOUNT

    @classmethod
    def of_pod(cls) -> ClusterApi:
        """The one of the cluster that this process runs in. Raises OrchestratorError outside of one."""
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise OrchestratorError(
                "A certificate of its own can be kept in a cluster only.",
                why="KUBERNETES_SERVICE_HOST is not set: this process runs in no Pod.",
                remedy="Give --tls-cert-file and --tls-key-file instead of --own-certificate.",
            )
        return cls(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")

    @classmethod
    def if_in_pod(cls) -> ClusterApi | None:
        """The same, and None outside of a cluster."""
        inside = os.environ.get("KUBERNETES_SERVICE_HOST") and (ACCOUNT / "token").is_file()
        return cls.of_pod() if inside else None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object; None when it is not there. Raises OrchestratorError."""
        return self._ask("GET", path)

    def create(self, path: str, document: Mapping[str, Any]) -> None:
        """Make it. Raises ObjectChanged when it is there, OrchestratorError."""
        self._ask("POST", path, document)

    def replace(self, path: str, document: Mapping[str, Any]) -> None:
        """Write it over the version that was read. Raises ObjectChanged when that is no more, OrchestratorError."""
        self._ask("PUT", path, document)

    def patch(self, path: str, document: Mapping[str, Any]) -> None:
        """Change a part of it. Raises OrchestratorError."""
        self._ask("PATCH", path, document, MERGE)

    def _ask(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, kind: str = "application/json"
    ) -> dict[str, Any] | None:
        try:
            token = (self.folder / "token").read_text("ascii").strip()
            context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
            headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Accept": "application/json"}
            body = None if document is None else json.dumps(document).encode()
            request = urllib.request.Request(self.url + path, body, headers, method=method)  # noqa: S310 - always https
            with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as refused:
            with refused:
                said = refused.read(2000).decode(errors="replace")
            if refused.code == 409:
                raise ObjectChanged from None
            if refused.code == 404 and method == "GET":
                return None
            why = f"HTTP {refused.code} {said}"
            if refused.code in _LATER:
                raise _silent(method, path, why) from None
            raise OrchestratorError(
                f"The cluster's API did not do {method} {path}.",
                why=why,
                remedy="Apply what `orchestrator manifests NAME --for swapper` writes: it has the rights.",
            ) from None
        except (OSError, ValueError, HTTPException) as error:
            raise _silent(method, path, str(error)) from error


# Too many requests, and faults of the server or of what stands before it.
_LATER = frozenset({429, 500, 502, 503, 504})


def _silent(method: str, path: str, why: str) -> ApiSilent:
    return ApiSilent(
        f"The cluster's API gave no answer to {method} {path}.",
        why=why,
        remedy="See whether network policies let this Pod reach the API server: kubectl get networkpolicies -A.",
    )
