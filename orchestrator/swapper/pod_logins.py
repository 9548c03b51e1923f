"""The logins of a Pod's pull secrets, read from the API server when its image is copied. An edge.

Only logins by registry are taken. A Secret that names a credential helper would have a program run here, so its helpers
are not read. Nothing that was read is kept; an error names the Secret and nothing in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from orchestrator.errors import OrchestratorError
from orchestrator.oci.logins import DockerLogins
from orchestrator.swapper.pod_secrets import PodSecrets, names_in
from orchestrator.workloads.paths import mapping

_log = logging.getLogger("orchestrator.swapper")
# {the key that holds the logins: whether they stand below `auths`}
_KEYS = {".dockerconfigjson": True, ".dockercfg": False}


class ReadsObjects(Protocol):
    """The API server, as far as it is asked here."""

    def get(self, path: str) -> dict[str, Any] | None:
        """The object; None when it is not there. Raises OrchestratorError."""


def read_logins(api: ReadsObjects, secrets: PodSecrets) -> Sequence[DockerLogins]:
    """The logins, in the Pod's order. The log tells of an unreadable one: the copy is tried without it."""
    space = f"/api/v1/namespaces/{secrets.namespace}"
    try:
        names = secrets.names or names_in(api.get(f"{space}/serviceaccounts/{secrets.account}") or {})
        return [one for name in names for one in _of_secret(api.get(f"{space}/secrets/{name}"), name, secrets)]
    except OrchestratorError as error:
        _log.warning(
            "the pull secrets of a Pod cannot be read", extra={"namespace": secrets.namespace, "why": error.headline}
        )
        return []


def _of_secret(document: Mapping[str, Any] | None, name: str, secrets: PodSecrets) -> Iterator[DockerLogins]:
    where = f"Secret {secrets.namespace}/{name}"
    data = mapping(mapping(document).get("data"))
    for key, below in _KEYS.items():
        if key not in data:
            continue
        try:
            found = json.loads(base64.b64decode(data[key], validate=True))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            found = None
        auths = found.get("auths") if below and isinstance(found, dict) else found
        if not isinstance(auths, dict):
            _log.warning("a pull secret holds no logins", extra={"secret": where})
            continue
        yield DockerLogins({"auths": auths}, where)
