"""Which pull secrets a Pod is pulled with, its ServiceAccount's where it names none. Pure; `pod_logins` reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.workloads.paths import mapping

# Names become a part of a path of the API: nothing but names of Kubernetes does.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
# A Pod names few. Each costs a request.
MOST_SECRETS = 20


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


def secrets_of_pod(namespace: str, pod: Mapping[str, Any]) -> PodSecrets | None:
    """What a Pod says of its secrets; None where its namespace is no name."""
    if not _NAME.fullmatch(namespace):
        return None
    spec = mapping(pod.get("spec"))
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    named = isinstance(account, str) and _NAME.fullmatch(account) is not None
    return PodSecrets(namespace, names_in(spec), str(account) if named else "default")


def names_in(holder: Mapping[str, Any]) -> tuple[str, ...]:
    """The Secrets that the spec of a Pod or a ServiceAccount names."""
    entries = holder.get("imagePullSecrets")
    names = (mapping(one).get("name") for one in (entries if isinstance(entries, list) else ()))
    found = dict.fromkeys(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))
    return tuple(found)[:MOST_SECRETS]
