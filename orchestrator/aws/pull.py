"""Pulls of tags by ECR's registry API, as a node makes them: what a pull-through cache imports an image on.

ECR documents first pulls for clients of the registry API; of BatchGetImage it does not say that it starts one. Only the
manifest is asked for: ECR imports the image, or the index with its images, by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.mirror_target import MirrorTarget
from orchestrator.mirroring.repository import RepositorySettings
from orchestrator.oci.errors import OciError, RegistryRefused
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from orchestrator.routes.upstreams import PrivateRegistry

if TYPE_CHECKING:
    from types import TracebackType

    from orchestrator.aws.session import AwsSession

# ECR answers a first pull when it has fetched the manifest from its upstream; what failed in a minute fails.
_BUDGET = Budget(seconds=60, attempts=4, throttled=300)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a tag names: its digest, and of an index its images; or the reason why the registry gave none."""

    digest: str = ""
    problem: str = ""
    children: tuple[str, ...] = ()


class TagPulls:
    """The session's registry, for pulls; a context."""

    def __init__(self, session: AwsSession) -> None:
        registry = PrivateRegistry(session.account_id, session.region)
        target = MirrorTarget(session, registry, lambda _: RepositorySettings())
        self._registries = Registries([target.endpoint()], budget=_BUDGET)
        self._registry = self._registries.of(registry.host)

    def __enter__(self) -> TagPulls:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._registries.close()

    def pull(self, repository: str, tag: str) -> Pulled:
        """Pull the manifest of `repository:tag`. Raises OrchestratorError when there is no token to pull with."""
        try:
            manifest = self._registry.manifest(repository, tag)
        except RegistryRefused as refusal:
            code = f" ({refusal.code})" if refusal.code else ""
            return Pulled(problem=f"{self._registry.name} answers {refusal.status}{code}")
        except OciError as error:
            return Pulled(problem=error.what.rstrip("."))
        return Pulled(manifest.digest, children=tuple(child.digest for child in manifest.children))
