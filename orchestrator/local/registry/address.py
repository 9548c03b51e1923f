"""Which registry a request means: the account and region of an ECR host, which stands in one of three places.

1. `Host: 123456789012.dkr.ecr.eu-west-1.amazonaws.com`, as from a client that connects to loopback by an override.
2. `/v2/123456789012.dkr.ecr.eu-west-1.amazonaws.com/app/…` on the server's own address. A `location` in registries.conf
   (skopeo, podman) or a mirror's path (containerd) makes that of it.
3. `/v2/app/…` on the server's own address: the registry that the authorization token was issued for.

The specification allows a repository that is called like an ECR host; on loopback nobody can mean it.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.routes.upstreams import PrivateRegistry, ecr_registry

OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})


@dataclass(frozen=True, slots=True)
class Address:
    """A request's registry, None where only its token can say it; `rest` is the path below `base` (`/v2`, or more)."""

    registry: PrivateRegistry | None
    base: str
    rest: str
    host: str


def without_port(host: str) -> str:
    """`127.0.0.1:5000` -> `127.0.0.1`."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def registry_address(host: str, path: str) -> Address | None:
    """What a request below `/v2/` asks of whom; None when it is about no registry: other services have such paths."""
    if path != "/v2" and not path.startswith("/v2/"):
        return None
    rest = path[len("/v2/") :]
    name = without_port(host).lower()
    named = ecr_registry(name)
    if named:
        return Address(named, "/v2", rest, host)
    if name not in OWN_HOSTS:
        return None
    first, _, below = rest.partition("/")
    named = ecr_registry(first)
    if named:
        return Address(named, f"/v2/{first}", below, host)
    return Address(None, "/v2", rest, host)
