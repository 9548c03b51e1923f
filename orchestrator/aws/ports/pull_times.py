"""Reading a manifest counts as a pull, unless ECR was told not to count the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from orchestrator.aws.ports.refusals import refusals
from orchestrator.lifecycle.ports import PortError

# Roles of IAM Identity Center have a path, always.
WITH_A_PATH = "AWSReservedSSO_"


@dataclass(slots=True)
class CallerExclusion:
    """Excludes the caller from pull times before the first manifest is read.

    `mode` says what becomes of a denial. "ask" reads all the same, as a function with a role of its own may. "require" refuses
    to read then. "count" excludes nobody, for what was pulled just now anyway. `end` takes the caller out again where it was
    not excluded before. `note` is told who was registered, and "" when that ended. A run that died in between left an
    exclusion, which the next one ends (`left_behind`).
    """

    ecr: Any
    sts: Any
    mode: Literal["ask", "require", "count"] = "ask"
    never_exclude: frozenset[str] = frozenset()
    warn: Callable[[str], None] = lambda _: None
    note: Callable[[str], None] = lambda _: None
    left_behind: str = ""
    iam: Any = None
    _excluded: bool | None = field(default=None, init=False)
    _registered: str = field(default="", init=False)
    _lock: Any = field(default_factory=Lock, init=False, repr=False)

    def ensure(self) -> None:
        """Exclude the caller, once. Raises PortError where that is required and cannot be."""
        if self.mode == "count":
            return
        with self._lock:
            if self._excluded is None:
                self._excluded, reason = self._excluded_now()
                if not self._excluded:
                    self.warn(f"Reading manifests counts as pulls here, which postpones expiry: {reason}")
            if not self._excluded and self.mode == "require":
                raise PortError(
                    "PullTimesWouldChange",
                    "the manifests of its indexes are not known, and reading them would count as pulls",
                    "BatchGetImage",
                )

    def _excluded_now(self) -> tuple[bool, str]:
        """(is the caller excluded from pull times, why not)."""
        try:
            with refusals():
                principal = self._principal()
                if principal in self._exclusions():
                    return True, ""
            if principal.rpartition("/")[2] in self.never_exclude:
                return False, f"{principal} is a role of nodes, whose pulls must count"
            with refusals():
                self.ecr.register_pull_time_update_exclusion(principalArn=principal)
        except PortError as error:
            return error.code == "ExclusionAlreadyExistsException", str(error)
        except (AttributeError, ValueError) as error:
            return False, f"the SDK of this runtime is too old: {error}"
        self._registered = principal
        self.note(principal)
        return True, ""

    def _principal(self) -> str:
        """The caller as ECR names it. A session's ARN lacks the path of its role, which only IAM knows."""
        caller = str(self.sts.get_caller_identity()["Arn"])
        principal = principal_of(caller)
        if self.iam is None or principal == caller:
            return principal
        try:
            with refusals():
                return str(self.iam.get_role(RoleName=principal.rpartition("/")[2])["Role"]["Arn"])
        except PortError as error:
            if principal.rpartition("/")[2].startswith(WITH_A_PATH):
                raise PortError(
                    "PrincipalNotKnown", f"the path of {principal} is not known, allow iam:GetRole: {error}"
                ) from error
            return principal

    def _exclusions(self) -> Iterator[str]:
        """The excluded principals. The SDK has no paginator for them."""
        token: dict[str, str] = {}
        while True:
            page = self.ecr.list_pull_time_update_exclusions(**token)
            yield from page.get("pullTimeUpdateExclusions", [])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def end(self) -> None:
        """Let the caller's pulls count again, where they did before. Raises PortError."""
        who = self._registered or self.left_behind
        if who:
            try:
                with refusals():
                    self.ecr.deregister_pull_time_update_exclusion(principalArn=who)
            except PortError as error:
                if error.code != "ExclusionNotFoundException":
                    raise
            self._registered, self._excluded = "", None
            self.note("")


def principal_of(caller: str) -> str:
    """The IAM principal of a caller's ARN: the role of a role session, anything else as it is.

    The path of a role is not part of its sessions' ARNs. A role with a path must be excluded by somebody else.
    """
    parts = caller.split(":", 5)
    if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return caller
