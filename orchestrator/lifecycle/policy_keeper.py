"""The native policy of one cached repository: applied when asked, others' preserved, ours removed when no longer asked.

Calls are made through the ports; `IndexCache` remembers what was settled, so that a run does not ask for every
repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from orchestrator.lifecycle.evaluate import OWN_POLICY, Evaluation
from orchestrator.lifecycle.index_cache import IndexCache
from orchestrator.lifecycle.native_policy import is_ours, native_policy, same_policy
from orchestrator.lifecycle.patterns import holds
from orchestrator.lifecycle.ports import Host, Registry
from orchestrator.lifecycle.provenance import Provenance
from orchestrator.lifecycle.retention import Retention
from orchestrator.lifecycle.settings import NativePolicy


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """What was done with a policy, each 0 or 1; `settled` is what to remember, empty when nothing."""

    applied: int = 0
    removed: int = 0
    preserved: int = 0
    settled: str = ""


@dataclass(frozen=True, slots=True)
class PolicyKeeper:
    """Keeps the native policies of a run; in a dry run it only says what it would do."""

    registry: Registry
    host: Host
    kind: NativePolicy
    provenance: Provenance
    dry_run: bool = False

    def keep(self, evaluation: Evaluation, cache: IndexCache, now: datetime) -> PolicyOutcome:
        """Settle the policy of an evaluated repository. Raises PortError."""
        name = evaluation.repository
        if evaluation.skipped == OWN_POLICY:
            self._preserved(name)
            return PolicyOutcome(preserved=1)
        wanted = wanted_policy(self.kind, name, evaluation.retention)
        if not wanted:
            if evaluation.policy_read and evaluation.policy is not None:
                return self._remove(name)
            return PolicyOutcome()
        fingerprint = sha256(wanted.encode()).hexdigest()[:16]
        if not evaluation.policy_read and cache.policy_is_known(name, fingerprint, now):
            return PolicyOutcome()
        held = evaluation.policy if evaluation.policy_read else self.registry.policy(name)
        if evaluation.is_mixed or self.provenance.doubt(name, evaluation.images, cache):
            # ECR's rules would delete what no rule can bring back.
            return self._remove(name) if held is not None and is_ours(held) else PolicyOutcome()
        return self._apply(name, wanted, held, fingerprint)

    def apply_to(self, name: str, retention: Retention) -> PolicyOutcome:
        """Settle the policy of a repository of the cache that has just been made."""
        wanted = wanted_policy(self.kind, name, retention)
        return self._apply(name, wanted, self.registry.policy(name), "") if wanted else PolicyOutcome()

    def _apply(self, name: str, wanted: str, held: str | None, fingerprint: str) -> PolicyOutcome:
        if held is not None and same_policy(held, wanted):
            return PolicyOutcome(settled=fingerprint)
        if held is not None and not is_ours(held):
            self._preserved(name)
            return PolicyOutcome(preserved=1, settled=fingerprint)
        if self.dry_run:
            self._log(f"Would apply lifecycle policy to {name}", name)
            return PolicyOutcome()
        self.registry.put_policy(name, wanted)
        self._log(f"Applied lifecycle policy to {name}", name)
        return PolicyOutcome(applied=1, settled=fingerprint)

    def _remove(self, name: str) -> PolicyOutcome:
        if self.dry_run:
            self._log(f"Would remove our lifecycle policy from {name}", name)
            return PolicyOutcome()
        self.registry.delete_policy(name)
        self._log(f"Removed our lifecycle policy from {name}", name)
        return PolicyOutcome(removed=1)

    def _preserved(self, name: str) -> None:
        self._log(f"Policy already exists for {name}, skipping", name)

    def _log(self, message: str, name: str) -> None:
        fields: Mapping[str, object] = {"repository": name}
        self.host.log("INFO", message, **fields)


def wanted_policy(kind: NativePolicy, name: str, retention: Retention) -> str:
    """The policy that a cached repository should have; empty for none, as where nothing may ever be lost.

    Where the retention archives, ECR's rules would delete for good. Whether one that archives spares the images of an
    index is not documented.
    """
    protected = (
        retention.never
        or retention.expire_action == "archive"
        or any(holds(pattern, name) for pattern in retention.protect_repositories)
    )
    return "" if not kind or protected else native_policy(kind, retention)
