"""The grammar of image references as RE2 patterns, for enforcers that run regular expressions and not our parser.

The same rules as `orchestrator.routes.reference` (distribution/reference v0.6.0); the conformance table runs through both.
RE2's `$` matches only at the text's end, and its classes are ASCII. The grammar means just that.
"""

from __future__ import annotations

_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
# Brackets make a host only where something tells it from a path: a colon, a port or an upper-case digit.
_ADDRESS = r"(?:\[[a-f0-9]*[:A-F][a-fA-F0-9:]*\](?::[0-9]+)?|\[[a-f0-9]+\]:[0-9]+)"
_DOMAIN = rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*(?::[0-9]+)?|{_ADDRESS})"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_DIGEST = r"(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})"

# What may be redirected at all.
REFERENCE = rf"^(?:{_DOMAIN}/)?{_PATH}(?::{_TAG})?(?:@{_DIGEST})?$"
# Docker takes 64 hexadecimal digits for an image ID, not for a name.
IDENTIFIER = r"^[a-f0-9]{64}$"
# The reference without tag and digest.
NAME = r"^(?:[^/@]+/)*[^/:@]+"
# A first component that is a host: it has a dot, a port or an upper-case letter, or is localhost.
HOSTED = r"^(?:localhost|[^/]*[.:A-Z][^/]*)/"
HOST = r"^[^/]+"

ECR_LIMIT = 255  # characters of an ECR repository's name


def key_pattern(depth: int) -> str:
    """Pattern that finds the host and the first `depth` path components of a name."""
    return r"^[^/]+" + (rf"(?:/[^/]+){{{depth}}}" if depth else "")
