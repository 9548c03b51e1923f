"""What the copier asks of whoever knows more about a registry than the registry API says. All of it is optional."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from orchestrator.oci.auth import Logins


class Place(NamedTuple):
    """A repository of a registry: `("quay.io", "team/app")`."""

    registry: str
    repository: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}"


class Inventory(Protocol):
    """What a registry holds, asked in batches by its own API. Called from several threads."""

    def tags(self, repository: str, tags: Sequence[str]) -> Mapping[str, str] | None:
        """{tag: digest} of those that exist; None when the repository does not."""

    def manifests(self, repository: str, digests: Sequence[str]) -> set[str]:
        """Those of the manifests that the repository holds."""

    def blobs(self, repository: str, digests: Sequence[str]) -> set[str]:
        """Those of the blobs that the repository holds."""

    def forget(self) -> None:
        """Remember no answer: what is asked from now on is asked of the registry."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a registry is reached and what it grants.

    `url` is where its API is (`https://<registry>` when empty; `http://` for loopback), `host_header` the name to ask it by.
    `limits` are published rates, {action: requests a second}; the actions are those of `orchestrator.oci.client`.
    `mount_group` tells among which repositories the registry mounts blobs: those with equal answers; None for never.
    `prepare` makes a repository ready before the first push into it.
    """

    registry: str
    url: str = ""
    host_header: str = ""
    logins: Logins | None = None
    ca: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    inventory: Inventory | None = None
    mount_group: Callable[[str], Hashable | None] | None = None
    prepare: Callable[[str], None] | None = None
