"""Logins that people already have: docker's and podman's files with credential helpers, Kubernetes pull secrets."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from orchestrator.oci.auth import Login
from orchestrator.oci.credential_helper import HUB_NAMES, ask_helper
from orchestrator.oci.errors import NotUsable


class DockerLogins:
    """The logins of a config.json: `auths`, `credHelpers`, `credsStore`. A helper is asked once for each registry."""

    def __init__(self, document: Mapping[str, Any], where: str, variables: Mapping[str, str] | None = None) -> None:
        self._where = where
        self._auths = {_key(name): entry for name, entry in _mapping(document.get("auths"), where).items()}
        self._helpers = {_key(name): str(h) for name, h in _mapping(document.get("credHelpers"), where).items()}
        self._store = str(document.get("credsStore") or "")
        self._variables = variables
        self._asked: dict[tuple[str, str], Login | None] = {}
        self._lock = threading.Lock()

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:
        store = self._store
        for name in _candidates(registry, repository):
            helper = self._helpers.get(name)
            if helper:
                return self._from_helper(helper, registry, renew=renew)
            # An empty helper is docker's way to say: for this registry the file itself, not the store.
            store = store if helper is None else ""
            if name in self._auths:
                found = _from_entry(self._auths[name], self._where)
                if found is not None:
                    return found
        for name, entry in self._auths.items():
            host, _, path = name.partition("/")
            if (
                "*" in host
                and matches_pattern(host, registry)
                and (not path or f"{repository}/".startswith(f"{path}/"))
            ):
                return _from_entry(entry, self._where)
        return self._from_helper(store, registry, renew=renew) if store else None

    def _from_helper(self, helper: str, registry: str, *, renew: bool) -> Login | None:
        with self._lock:
            key = helper, registry
            if renew or key not in self._asked:
                self._asked[key] = ask_helper(helper, registry, self._variables)
            return self._asked[key]


def docker_logins(variables: Mapping[str, str] | None = None) -> list[DockerLogins]:
    """The files that docker and podman would read on this machine, those that exist; most specific first.

    Source: `docker login`, and containers-auth.json(5).
    """
    found = os.environ if variables is None else variables
    home = Path(found.get("HOME") or Path.home())
    paths = [Path(found["REGISTRY_AUTH_FILE"])] if found.get("REGISTRY_AUTH_FILE") else []
    paths.append((Path(found["DOCKER_CONFIG"]) if found.get("DOCKER_CONFIG") else home / ".docker") / "config.json")
    runtime = found.get("XDG_RUNTIME_DIR")
    settings = Path(found.get("XDG_CONFIG_HOME") or home / ".config")
    running = [Path(runtime) / "containers"] if runtime else []
    if variables is None and not runtime:
        running = [Path("/run/containers") / str(os.getuid())]
    paths += [folder / "auth.json" for folder in (*running, settings / "containers")]
    return [read_docker_config(path, variables) for path in paths if path.is_file()]


def read_docker_config(path: Path, variables: Mapping[str, str] | None = None) -> DockerLogins:
    """The logins of one file. Raises NotUsable with the file's name, never with its content."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise NotUsable(
            f"{path} cannot be read as docker's config.json: {type(error).__name__}.", remedy="Correct or remove it."
        ) from None
    if not isinstance(document, dict):
        raise NotUsable(f"{path} is no config.json: it is not an object.", remedy="Correct or remove it.")
    return DockerLogins(document, str(path), variables)


def pull_secret_logins(documents: Iterable[Mapping[str, Any]]) -> list[DockerLogins]:
    """The logins of Kubernetes Secrets of the types dockerconfigjson and dockercfg, as the API server gives them."""
    return [logins for document in documents if (logins := _of_secret(document)) is not None]


def _of_secret(document: Mapping[str, Any]) -> DockerLogins | None:
    metadata = document.get("metadata")
    name = f"Secret {metadata.get('name', '') if isinstance(metadata, dict) else ''}"
    data = _mapping(document.get("data"), name)
    plain = _mapping(document.get("stringData"), name)
    for key in (".dockerconfigjson", ".dockercfg"):
        if key not in data and key not in plain:
            continue
        try:
            text = plain[key] if key in plain else base64.b64decode(data[key], validate=True)
            found = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise NotUsable(f"{name}: {key} holds no logins.", remedy="Create it by kubectl create secret.")
        return DockerLogins(found if key == ".dockerconfigjson" else {"auths": found}, name)
    return None


def _mapping(found: Any, where: str) -> dict[str, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NotUsable(f"{where}: logins are an object by registry.", remedy="Correct or remove it.")
    return found


def _key(name: str) -> str:
    """`https://index.docker.io/v1/` and `quay.io/team` as registries are compared: host and path."""
    bare = name.partition("://")[2] if "://" in name else name
    bare = bare.rstrip("/")
    for version in ("/v1", "/v2"):
        bare = bare.removesuffix(version)
    host, slash, path = bare.partition("/")
    host = host.lower()
    return ("docker.io" if host in HUB_NAMES else host) + slash + path


def _candidates(registry: str, repository: str) -> Iterable[str]:
    """The keys that serve a repository, longest first: `quay.io/a/b`, `quay.io/a`, `quay.io`."""
    host = "docker.io" if registry in HUB_NAMES else registry.lower()
    parts = repository.split("/") if repository else []
    for length in range(len(parts), -1, -1):
        yield "/".join([host, *parts[:length]])


def _from_entry(entry: Any, where: str) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        return Login("", str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            encoded = "".join(str(entry["auth"]).split())
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            raise NotUsable(f"{where}: an auth in it is not base64.", remedy="Log in again.") from None
        return Login(user, password.rstrip("\0")) if colon else None
    if entry.get("username"):
        return Login(str(entry["username"]), str(entry.get("password", "")))
    return None


def matches_pattern(pattern: str, registry: str) -> bool:
    """Kubernetes' rule for a registry's name with stars: each label for itself (`*.example.com`)."""
    wanted, found = pattern.split("."), registry.split(".")
    return len(wanted) == len(found) and all(fnmatchcase(f, w) for w, f in zip(wanted, found, strict=True))
