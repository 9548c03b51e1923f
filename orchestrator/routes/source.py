"""`registry[/path]`: the one form in which routes, include and exclude name images.

Every enforcer can express it: CEL, JMESPath, registries.conf, hosts.toml. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from orchestrator.errors import RefusedInput
from orchestrator.routes.reference import PATH_LIMIT, is_domain, is_path
from orchestrator.routes.upstreams import DOCKER_HUB, canonical_registry


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """`registry[/path]`: the images of a registry, or those at and below a path of it. Both canonical."""

    registry: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}" if self.path else self.registry


class InvalidSource(RefusedInput):
    """Text that is not `registry[/path]`."""


MOST_PORT = 65535
_PORT = re.compile(r":([0-9]+)\Z", re.ASCII)


# Checks, claims and the table ask for each source again.
@lru_cache(maxsize=32_768)
def parse_source(text: str) -> Source:
    """The canonical source that `text` writes: `index.docker.io/library` -> `docker.io/library`.

    Raises InvalidSource. The registry must look like one as in a reference. It has a dot, a port or an upper-case
    letter, or is `localhost`. A reference may have any number for a port; what nothing listens at is no source.
    """
    registry, slash, path = text.partition("/")
    if not is_domain(registry):
        raise _invalid_source(text, f"{registry!r} is not a registry's host.")
    hosted = "." in registry or ":" in registry or registry == "localhost" or registry.lower() != registry
    if not hosted:
        raise _invalid_source(text, f"{registry!r} would be a path at {DOCKER_HUB}, not a registry.")
    port = _PORT.search(registry)
    if port is not None and not (len(port[1]) <= 5 and 1 <= int(port[1]) <= MOST_PORT):
        raise _invalid_source(text, f"{port[1]!r} is no port: ports go from 1 to {MOST_PORT}.")
    if slash and not is_path(path):
        raise _invalid_source(
            text, f"{path!r} is not a path: lower case components, no tag, no wildcard, no final slash."
        )
    if len(path) > PATH_LIMIT:
        raise _invalid_source(text, f"The path is longer than {PATH_LIMIT} characters.")
    return Source(canonical_registry(registry), path)


def _invalid_source(text: str, why: str) -> InvalidSource:
    return InvalidSource(
        f"{text!r} is not a source.", why=why, remedy="Write registry[/path], such as docker.io/library."
    )


def covers(outer: Source, inner: Source) -> bool:
    """Whether `inner` is `outer` or lies below it, at path-component boundaries."""
    if outer.registry != inner.registry:
        return False
    return not outer.path or inner.path == outer.path or inner.path.startswith(f"{outer.path}/")
