"""What a consumer makes of the values of a file: YAML scalars as Helm reads them, references composed from parts.

Pure. Nothing here decides a route; a text is only taken for an image's reference or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from orchestrator.routes.reference import read_reference

# go-yaml's resolution of plain scalars (YAML 1.1 with Kubernetes' reading), for what Helm prints into a template.
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0b[01_]++|0o?[0-7_]++|0x[0-9a-fA-F_]++|(?:0|[1-9][0-9_]*+))", re.ASCII)
_EXPONENT_FROM = 6
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]++|[0-9]++(?:\.[0-9]*+)?)(?:[eE][-+]?[0-9]++)?", re.ASCII)

# Written by templates, shells, build tools and people for what is filled in later.
_PLACEHOLDER = re.compile(
    r"\{\{|\}\}|\$\{|\$\(|\$[A-Za-z_]|<[^<>]*>|%[A-Za-z_]+%|@[A-Za-z_]+@|__[A-Z_]+__|\*|ko://|\[\["
)
_FILE = re.compile(
    r"\.(?:png|jpe?g|svg|gif|webp|ico|iso|qcow2|img|raw|vmdk|ova|tar|gz|tgz|zip|ya?ml|json|md|html?)\Z", re.I
)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """What Helm puts into a template for a scalar; `changed` when that is not what was written."""

    text: str
    changed: bool = False


def read_as_helm(value: str, *, plain: bool) -> Reading | None:
    """The text that a template prints for a scalar, None for null: `1.10` without quotes is a number, printed 1.1."""
    if not plain:
        return Reading(value)
    if value in _NULL:
        return None
    if value in _TRUE or value in _FALSE:
        printed = "true" if value in _TRUE else "false"
        return Reading(printed, printed != value)
    printed = _number(value)
    return Reading(printed, printed != value)


def _number(value: str) -> str:
    """What a template prints for a number, which Helm reads as a float of 64 bits."""
    plain = value.replace("_", "")
    if _INTEGER.fullmatch(value) and plain not in {"+", "-"}:
        sign, digits = (-1, plain[1:]) if plain[0] == "-" else (1, plain.lstrip("+"))
        base = {"0b": 2, "0x": 16, "0o": 8}.get(digits[:2].lower())
        if base is None and len(digits) > 1 and digits[0] == "0" and set(digits) <= set("01234567"):
            base = 8
        if base is not None:
            return _printed(sign * int(digits, base), value)
        return _printed(float(plain), value)
    return _printed(float(value), value) if _FLOAT.fullmatch(value) else value


def _printed(number: float, written: str) -> str:
    """Go's shortest form of a float, with an exponent below 0.0001 and from a million on: 1000000 is 1e+06."""
    try:
        decimal = Decimal(repr(float(number)))
    except OverflowError:
        return written
    if not decimal.is_finite():
        return written
    decimal, power = decimal.normalize(), decimal.adjusted()
    if decimal == 0 or -4 <= power < _EXPONENT_FROM:
        return f"{decimal:f}"
    return f"{decimal.scaleb(-power).normalize():f}e{power:+03d}"


def placeholder(text: str) -> str | None:
    """What in `text` is filled in later, None when nothing is."""
    found = _PLACEHOLDER.search(text)
    return found[0] if found else None


def is_file(text: str) -> bool:
    """Whether `text` ends as the names of pictures, archives and disks do."""
    return bool(_FILE.search(text))


def is_reference(text: str) -> bool:
    """Whether Docker's grammar takes `text`."""
    return read_reference(text) is not None


def looks_like_image(text: str) -> bool:
    """Whether `text`, found under a name that speaks of an image, is a reference beyond doubt.

    It has a registry, a tag or a digest. One word may be anything, and a file's path looks like a repository.
    """
    reference = read_reference(text)
    if reference is None or _FILE.search(text):
        return False
    domain = reference.domain
    if domain is not None and ("." in domain or ":" in domain or domain == "localhost"):
        return True
    return reference.tag is not None or reference.digest is not None


def composed(registry: str, repository: str, tag: str, digest: str) -> str:
    """The reference that charts make of parts; "" for a part that is not there.

    A tag may carry a digest (`1.25@sha256:…`) or be one; a digest may be written without its algorithm.
    """
    name = f"{registry.rstrip('/')}/{repository.lstrip('/')}" if registry else repository
    if tag.startswith("sha256:"):
        name, tag = f"{name}@{tag}", ""
    if tag:
        name = f"{name}:{tag}"
    if digest and "@" not in name:
        name = f"{name}@{'sha256:' + digest if _HEX.fullmatch(digest) else digest}"
    return name


def has_version(repository: str) -> bool:
    """Whether a repository's text carries a tag or a digest of its own."""
    return "@" in repository or ":" in repository.rpartition("/")[2]


def has_domain(repository: str) -> bool:
    """Whether a repository's first component is a registry."""
    first, slash, _ = repository.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")
