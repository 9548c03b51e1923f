"""An image reference as an immutable value: parse, print, normalize.

The grammar is that of Docker and containerd: distribution/reference v0.6.0 (`ParseNormalizedNamed`) with
opencontainers/go-digest v1.0.0. It takes not a character more or less. Pure; standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.errors import RefusedInput

DEFAULT_DOMAIN = "docker.io"
LEGACY_DEFAULT_DOMAIN = "index.docker.io"
OFFICIAL_PREFIX = "library/"
# distribution/reference: RepositoryNameTotalLengthMax. Counts the path with `library/` and without the domain.
PATH_LIMIT = 255

# Single components only, and always with fullmatch: `$` would accept a final newline. Every repetition is possessive,
# so that no input takes longer than its length.
_DOMAIN_LABEL = r"[a-zA-Z0-9]++(?:-++[a-zA-Z0-9]++)*+"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*+|\[[a-fA-F0-9:]++\])(?::[0-9]++)?+")
_COMPONENT = r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*+")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}+")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_DIGESTS = {
    "sha256": re.compile(r"[a-f0-9]{64}"),
    "sha384": re.compile(r"[a-f0-9]{96}"),
    "sha512": re.compile(r"[a-f0-9]{128}"),
}


class InvalidReference(RefusedInput):
    """Text that Docker's grammar does not take for an image reference."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """`[domain/]path[:tag][@digest]`, each part as it was written; None where it was left out.

    `registry` and `repository` are what Docker makes of it: `nginx` is `library/nginx` at `docker.io`.
    """

    domain: str | None
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def registry(self) -> str:
        """Host and port; `docker.io` when none was written or the legacy `index.docker.io` was."""
        domain = self.domain
        return DEFAULT_DOMAIN if domain is None or domain == LEGACY_DEFAULT_DOMAIN else domain

    @property
    def repository(self) -> str:
        """The path, with `library/` before a single component at `docker.io`."""
        path = self.path
        return OFFICIAL_PREFIX + path if "/" not in path and self.registry == DEFAULT_DOMAIN else path

    @property
    def suffix(self) -> str:
        """Tag and digest as written, with their separators: `:1.25@sha256:…`, or nothing."""
        tag = "" if self.tag is None else f":{self.tag}"
        return tag if self.digest is None else f"{tag}@{self.digest}"

    def __str__(self) -> str:
        name = self.path if self.domain is None else f"{self.domain}/{self.path}"
        return name + self.suffix


def is_domain(text: str) -> bool:
    """Whether `text` is a host with an optional port by the grammar: DNS name, IPv4, or IPv6 in brackets."""
    return _DOMAIN.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Whether `text` is one or more path components of a repository."""
    return _PATH.fullmatch(text) is not None


def parse_reference(text: str) -> ImageReference:
    """The reference that `text` writes. Raises InvalidReference with the reason in plain words.

    `quay.io/a/b:1@sha256:…` -> domain `quay.io`, path `a/b`, tag `1`, digest `sha256:…`; `nginx` -> path `nginx`.
    """
    reference = read_reference(text)
    if reference is None:
        raise explain(text)
    return reference


def read_reference(text: str) -> ImageReference | None:
    """The reference that `text` writes, None where the grammar takes none: for many texts, few of which are images."""
    name, at, digest = text.partition("@")
    domain, path, tag = _split(name)
    whole = path
    if domain is None or domain in {DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN}:
        if "/" not in path:
            whole = OFFICIAL_PREFIX + path
    elif not _DOMAIN.fullmatch(domain):
        # distribution takes `my_host.example/a` for a path without a domain. It is a registry's name to everybody
        # who would pull it, so it stays one here. The 255 characters count all of it.
        whole = f"{domain}/{path}"
    if (
        len(whole) > PATH_LIMIT
        or not _PATH.fullmatch(whole)
        or (tag is not None and not _TAG.fullmatch(tag))
        or (at and not _is_digest(digest))
        or (len(text) == 64 and _IDENTIFIER.fullmatch(text))
    ):
        return None
    return ImageReference(domain, path, tag, digest if at else None)


def _split(name: str) -> tuple[str | None, str, str | None]:
    """(domain, path, tag) of a name without digest, by Docker's rule: what the first component looks like decides."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        path, colon, tag = rest.partition(":")
        return first, path, tag if colon else None
    path, colon, tag = name.partition(":")
    return None, path, tag if colon else None


def _is_digest(digest: str) -> bool:
    algorithm, _, encoded = digest.partition(":")
    pattern = _DIGESTS.get(algorithm)
    return pattern is not None and pattern.fullmatch(encoded) is not None


def explain(text: str) -> InvalidReference:
    """Why the grammar refuses `text`, the first thing that is wrong with it, and what to write instead."""
    shown = ascii(text) if len(text) <= 300 else f"{text[:300]!a}... ({len(text)} characters)"
    why, remedy = _diagnose(text)
    return InvalidReference(f"{shown} is not an image reference.", why=why, remedy=remedy)


def _diagnose(text: str) -> tuple[str, str]:
    if not text:
        return "It is empty.", "Write registry/repository:tag."
    if _IDENTIFIER.fullmatch(text):
        return (
            "64 hexadecimal digits are an image's ID, not a name.",
            "Write the repository's name, with @sha256: before the digits.",
        )
    if text != text.strip() or any(character.isspace() for character in text):
        return "It contains white space or a line end.", "Remove it."
    if "://" in text:
        return "It begins with a scheme; references have none.", f"Write {text.partition('://')[2]!a}."
    name, at, digest = text.partition("@")
    domain, path, tag = _split(name)
    if not name:
        return "It has no repository.", "Write registry/repository before the digest."
    if not path:
        return "It has no repository after the registry.", "Write registry/repository."
    if at and not _is_digest(digest):
        return _diagnose_digest(digest)
    if domain is not None and not _DOMAIN.fullmatch(domain) and not _PATH.fullmatch(domain):
        return (
            f"{domain!a} is no registry: that is a host name, an IPv4 address or [IPv6], with :port in digits.",
            "Correct the part before the first slash.",
        )
    if not _PATH.fullmatch(path):
        return _diagnose_path(path)
    if tag is not None and not _TAG.fullmatch(tag):
        return (
            "A tag has 1 to 128 letters, digits, and _ . - and begins with none of the last two.",
            "Correct the tag, or leave it out with its colon.",
        )
    return (
        f"The repository is longer than {PATH_LIMIT} characters, counted without the registry.",
        "Shorten the repository's name.",
    )


def _diagnose_digest(digest: str) -> tuple[str, str]:
    algorithm, _, encoded = digest.partition(":")
    pattern = _DIGESTS.get(algorithm)
    if pattern is None:
        return f"{algorithm!a} is not a digest algorithm.", f"Digests are {', '.join(_DIGESTS)}, in lower case."
    digits = {"sha256": 64, "sha384": 96, "sha512": 128}[algorithm]
    return (
        f"A {algorithm} digest has {digits} hexadecimal digits in lower case; this has {len(encoded)} characters.",
        "Copy the digest again.",
    )


def _diagnose_path(path: str) -> tuple[str, str]:
    if path.lower() != path and _PATH.fullmatch(path.lower()):
        return "Repositories are lower case.", f"Write {path.lower()!a}."
    if path.startswith("/") or path.endswith("/") or "//" in path:
        return "A part of the repository between slashes is empty.", "Remove the slash."
    return (
        f"The repository {path[:300]!a} is malformed.",
        "Between slashes: lower case letters and digits, with one period, one or two underscores or dashes inside.",
    )
