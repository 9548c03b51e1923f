"""The pull secrets that a Pod is pulled with, its ServiceAccount's where it names none: read when its image is copied. An edge.

Only logins by registry are taken. A Secret that names a credential helper would have a program run here, so its helpers
are not read. Secrets that were read are kept nowhere; an error names the Secret and nothing in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.errors import OrchestratorError
from orchestrator.oci.logins import DockerLogins
from orchestrator.workloads.paths import mapping

_log = logging.getLogger("orchestrator.swapper")
# Names become a part of a path of the API: nothing but names of Kubernetes does.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
# A Pod names few. Each costs a request.
MOST_SECRETS = 20
# {the key that holds the logins: whether they stand below `auths`}
_KEYS = {".dockerconfigjson": True, ".dockercfg": False}


@dataclass(frozen=True, slots=True)
class PodSecrets:
    """Where a Pod's logins stand: the names of its Secrets, and its ServiceAccount for a Pod that names none."""

    namespace: str
    names: tuple[str, ...] = ()
    account: str = "default"

    def as_text(self) -> str:
        """The names, for another replica that is to read the same Secrets."""
        return json.dumps([self.namespace, self.account, *self.names])


def secrets_of_text(text: str) -> PodSecrets | None:
    """What `as_text` wrote; None for "" and for what holds anything but names of Kubernetes."""
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not 2 <= len(found) <= 2 + MOST_SECRETS:
        return None
    if not all(isinstance(one, str) and _NAME.fullmatch(one) for one in found):
        return None
    namespace, account, *names = found
    return PodSecrets(namespace, tuple(names), account)


class ReadsObjects(Protocol):
    """The API server, as far as it is asked here."""

    def get(self, path: str) -> dict[str, Any] | None:
        """The object; None when it is not there. Raises OrchestratorError."""


def secrets_of_pod(namespace: str, pod: Mapping[str, Any]) -> PodSecrets | None:
    """What a Pod says of its secrets; None where its namespace is no name."""
    if not _NAME.fullmatch(namespace):
        return None
    spec = mapping(pod.get("spec"))
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    named = isinstance(account, str) and _NAME.fullmatch(account) is not None
    return PodSecrets(namespace, _names(spec), str(account) if named else "default")


def _names(holder: Mapping[str, Any]) -> tuple[str, ...]:
    entries = holder.get("imagePullSecrets")
    names = (mapping(one).get("name") for one in (entries if isinstance(entries, list) else ()))
    found = dict.fromkeys(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))
    return tuple(found)[:MOST_SECRETS]


def read_logins(api: ReadsObjects, secrets: PodSecrets) -> Sequence[DockerLogins]:
    """The logins, in the Pod's order. A Secret that cannot be read is told in the log: the copy is tried without it."""
    space = f"/api/v1/namespaces/{secrets.namespace}"
    try:
        names = secrets.names or _names(api.get(f"{space}/serviceaccounts/{secrets.account}") or {})
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
