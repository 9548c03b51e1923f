"""Is an installed provider the one that the lock file names? What Terraform checks at each start, done once here.

Reads a whole package (700 MB for AWS); the result is remembered by the identity of its files.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.cache import cached, file_identity
from orchestrator.terraform.providers import platform_name
from orchestrator.terraform.workdir import LOCK

_PROVIDER = re.compile(r'^provider "(?P<address>[^"\n]+)" \{$', re.MULTILINE)
_VERSION = re.compile(r'^[ \t]*version[ \t]*=[ \t]*"([^"\n]+)"', re.MULTILINE)
_HASH = re.compile(r'"((?:h1|zh):[^"]+)"')


@dataclass(frozen=True, slots=True)
class LockedProvider:
    """One entry of a lock file: address such as `registry.terraform.io/hashicorp/aws`, version, and its hashes."""

    address: str
    version: str
    hashes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProviderPackage:
    """An installed provider, verified: the folder it is in and the program to start."""

    locked: LockedProvider
    folder: Path
    program: Path


def read_lock(text: str) -> tuple[LockedProvider, ...]:
    """The providers of a lock file, which Terraform alone writes, always in the same form."""
    found = []
    position = 0
    while match := _PROVIDER.search(text, position):
        position = text.find("\n}", match.end())
        if position < 0:
            break
        body = text[match.end() : position]
        version = _VERSION.search(body)
        hashes = frozenset(_HASH.findall(body))
        if version and hashes:
            found.append(LockedProvider(match["address"], version[1], hashes))
    return tuple(found)


def verified_package(root: Path, locked: LockedProvider) -> ProviderPackage:
    """The installed package of a provider in `root`/.terraform, when its content is what the lock file says.

    Raises OrchestratorError when it is absent, or another than the lock file names.
    """
    folder = root / ".terraform" / "providers" / locked.address / locked.version / platform_name()
    name = locked.address.rsplit("/", 1)[-1]
    programs = sorted(folder.glob(f"terraform-provider-{name}_v*")) if folder.is_dir() else []
    if len(programs) != 1:
        raise OrchestratorError(f"Provider {locked.address} {locked.version} is not installed in {root}.")
    if package_hash(folder) not in locked.hashes:
        raise OrchestratorError(
            f"Provider {locked.address} {locked.version} in {folder.resolve()} is not what {root / LOCK} names.",
            why="Its files have another checksum than at the first init.",
            remedy="Somebody changed the provider or its mirror: find out who, then delete the lock file.",
        )
    return ProviderPackage(locked, folder.resolve(), programs[0].resolve())


def package_hash(folder: Path) -> str:
    """The `h1:` hash of an unpacked package: Go's dirhash, SHA-256 over the sorted lines `<sha256>  <path>`."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    identity = "\n".join(f"{name}|{file_identity(path)}" for name, path in files)
    key = hashlib.sha256(identity.encode()).hexdigest()

    def compute() -> str:
        total = hashlib.sha256()
        for name, path in files:
            with path.open("rb") as file:
                total.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
        return "h1:" + base64.b64encode(total.digest()).decode()

    return cached("provider-packages", key, compute)


def locked_providers(root: Path) -> tuple[LockedProvider, ...]:
    """The providers that the lock file in `root` names; none without one."""
    try:
        return read_lock((root / LOCK).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return ()
