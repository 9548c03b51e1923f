"""Checks of roles that Pods of the environment's cluster take: by IRSA or by EKS Pod Identity."""

from __future__ import annotations

from typing import Protocol

from orchestrator.checks.context import Context
from orchestrator.environment.tfvars import Path, dotted


class PodRole(Protocol):
    """How Pods take a role."""

    @property
    def oidc_provider_arn(self) -> str | None:
        """The provider that IRSA trusts."""

    @property
    def pod_identity(self) -> bool:
        """Is it EKS Pod Identity?"""


def check_pod_role(context: Context, path: Path, role: PodRole) -> None:
    """Which of the two ways the Pods take, and whether the platform has it."""
    name = dotted(path)
    if (role.oidc_provider_arn is not None) == role.pod_identity:
        both = role.pod_identity
        context.error(
            path,
            f"{name} has {'both oidc_provider_arn and pod_identity' if both else 'neither oidc_provider_arn nor pod_identity'}.",
            why="The role trusts one of them." if both else "Nobody could assume the role.",
            remedy="Remove one." if both else "Add oidc_provider_arn (IRSA), or pod_identity = true (EKS).",
            value=None,
        )
    elif role.pod_identity and context.usable("platform") and context.environment.platform != "eks":
        context.error(
            (*path, "pod_identity"),
            f"{name}.pod_identity is true, but platform is {context.environment.platform}.",
            why="Only EKS has Pod Identity.",
            remedy="Use oidc_provider_arn.",
            value=True,
        )
