"""What the swapper is told, as one value: k8s-image-swapper's configuration, or its defaults. Pure.

`swap_config` reads it from a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import Location
from orchestrator.routes.upstreams import PrivateRegistry

if TYPE_CHECKING:
    from orchestrator.swapper.filters import Filter

LogFormat = Literal["json", "console"]
SwapPolicy = Literal["always", "exists"]
CopyPolicy = Literal["delayed", "immediate", "force", "none"]
# What becomes of images that a rule pulls through: redirected at once, or once the cache has them.
PullThroughPolicy = Literal["redirect", "exists-or-warm"]
QueueKind = Literal["memory", "sqs"]
StateKind = Literal["sqlite", "dynamodb"]
# Seconds.
DEADLINE = 8.0


@dataclass(frozen=True, slots=True)
class SwapRepository:
    """How repositories are made. The policies are JSON documents, "" for none; `tags` are (key, value)."""

    access_policy: str = ""
    lifecycle_policy: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    image_tag_mutability: str = "MUTABLE"
    scan_on_push: bool = True
    encryption_type: str = "AES256"
    kms_key: str = ""


@dataclass(frozen=True, slots=True)
class SwapTarget:
    """Where images go. `prefix` has no slash around it; account and region may be "" where an environment gives them."""

    account: str = ""
    region: str = ""
    role: str = ""
    prefix: str = ""
    repository: SwapRepository = field(default_factory=SwapRepository)

    @property
    def registry(self) -> PrivateRegistry:
        """The registry of account and region."""
        return PrivateRegistry(self.account, self.region)


@dataclass(frozen=True, slots=True)
class SwapSource:
    """A registry of ECR that images come from, and the role that reads it ("" for the swapper's own)."""

    account: str
    region: str
    role: str = ""

    @property
    def host(self) -> str:
        """Its standard host."""
        return PrivateRegistry(self.account, self.region).host


@dataclass(frozen=True, slots=True)
class SwapSettings:
    """The configuration. `copy_deadline` is in seconds; `said` holds the place of every key that somebody wrote."""

    dry_run: bool = False
    log_level: str = "info"
    log_format: LogFormat = "json"
    listen_address: str = ":8443"
    swap_policy: SwapPolicy = "exists"
    copy_policy: CopyPolicy = "delayed"
    copy_deadline: float = DEADLINE
    pull_through_policy: PullThroughPolicy = "redirect"
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    filters: tuple[Filter, ...] = ()
    source_registries: tuple[SwapSource, ...] = ()
    target: SwapTarget | None = None
    queue: QueueKind = "memory"
    queue_url: str | None = None
    state: StateKind = "sqlite"
    table_name: str | None = None
    said: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
