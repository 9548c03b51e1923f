"""A second region filled by ECR itself: replication's backfill of what the registry holds, watched to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.translation import error_code, explained
from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.routes.upstreams import PrivateRegistry

# ECR replicates most images within half an hour; a whole registry takes as long as it takes.
LIMIT_SECONDS = 4 * 3600.0
_LOOKS = (2.0, 5.0, 10.0, 30.0)
_UNDER_WAY = frozenset({"PREPARING", "IN_PROGRESS", "STOPPING"})


@dataclass(frozen=True, slots=True)
class Backfilled:
    """How it ended: `status` in ECR's words, images in all, and of those that failed (repository@digest, why).

    `why` is ECR's code where the whole failed.
    """

    region: str
    status: str
    images: int
    failed: tuple[tuple[str, str], ...]
    why: str = ""

    @property
    def ok(self) -> bool:
        """Did everything arrive?"""
        return self.status == "COMPLETE" and not self.failed

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        failed = [{"image": image, "why": why} for image, why in self.failed]
        return {
            "region": self.region,
            "status": self.status,
            "why": self.why or None,
            "images": self.images,
            "failed": failed,
        }


class Backfill:
    """Replication of `registry` into another region of the same account."""

    def __init__(
        self,
        session: AwsSession,
        registry: PrivateRegistry,
        region: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._client = session.client("ecr", registry.region)
        self._destination: Any = {"region": region, "registryId": registry.account}
        self._region, self._own = region, registry.region
        self._sleep, self._clock = sleep, clock

    def check(self, prefixes: Iterable[str]) -> None:
        """Raise RefusedInput unless a rule replicates everything below these prefixes to the region. Changes nothing."""
        if self._region == self._own:
            raise RefusedInput(
                f"{self._region} is the registry's own region.", remedy="Name the region that is to be filled."
            )
        with explained(self._session, "ecr"):
            rules = self._client.describe_registry()["replicationConfiguration"]["rules"]
        filters = [
            [entry["filter"] for entry in rule.get("repositoryFilters") or ()] or [""]
            for rule in rules
            if self._destination in rule["destinations"]
        ]
        taken = tuple(prefix for some in filters for prefix in some)
        left = [prefix for prefix in prefixes if not taken or not f"{prefix}/".lstrip("/").startswith(taken)]
        if left:
            raise RefusedInput(
                f"Nothing replicates {', '.join(left)} to {self._region}.",
                why="A backfill follows the registry's replication rules, which belong to the whole account.",
                remedy=f"Add a rule with the destination {self._region} and these prefixes: `aws ecr "
                "put-replication-configuration`. It replaces all rules; `aws ecr describe-registry` shows them.",
            )

    def run(self, begun: Callable[[str], None]) -> Backfilled:
        """Start it, and wait for its end; `begun` gets its id. Raises OrchestratorError when that takes too long, or AWS refuses.

        ECR goes on whatever ends the waiting. One that a run before began is waited for first, as ECR has one at a time.
        What was pulled since it began is not in it.
        """
        deadline = self._clock() + LIMIT_SECONDS
        with explained(self._session, "ecr"):
            while (name := self._start()) is None:
                formers = self._under_way()
                for former in formers:
                    begun(former)
                    self._ended(former, deadline)
                if not formers:
                    # Between the refusal and the list it ended, or the list is behind.
                    self._wait("", _LOOKS[0], deadline)
            begun(name)
            answer = self._ended(name, deadline)
            # Of one that failed while it was prepared ECR says no progress.
            images = (answer.get("progress") or {}).get("totalReplicationCount", 0)
            why = answer.get("failureCode") or ""
            return Backfilled(self._region, answer["status"], images, tuple(self._failed(name)), why)

    def _start(self) -> str | None:
        """Its id; None where one to this region is under way."""
        try:
            started = self._client.start_replication_backfill(destination=self._destination)
        except ClientError as error:
            if error_code(error) != "ReplicationBackfillInProgressException":
                raise
            return None
        return started["replicationBackfillId"]

    def _under_way(self) -> list[str]:
        found: list[str] = []
        token: dict[str, Any] = {}
        while True:
            answer = self._client.list_replication_backfills(**token)
            found += (
                each["replicationBackfillId"]
                for each in answer["backfills"]
                if each["destination"] == self._destination and each["status"] in _UNDER_WAY
            )
            if not answer.get("nextToken"):
                return found
            token = {"nextToken": answer["nextToken"]}

    def _ended(self, name: str, deadline: float) -> Mapping[str, Any]:
        """What ECR says of it at its end. Raises OrchestratorError when that does not come in time."""
        for look in _endless(_LOOKS):
            answer = self._client.describe_replication_backfill_results(replicationBackfillId=name)
            if answer["status"] not in _UNDER_WAY:
                break
            self._wait(name, look, deadline)
        return answer

    def _wait(self, name: str, seconds: float, deadline: float) -> None:
        if self._clock() <= deadline:
            self._sleep(seconds)
            return
        raise OrchestratorError(
            f"The backfill {name or 'of another run'} to {self._region} is not done after {LIMIT_SECONDS / 3600:.0f} hours.",
            why="ECR goes on with it.",
            remedy=f"Look later: {looked_at_by(name) if name else 'aws ecr list-replication-backfills'}",
        )

    def _failed(self, name: str) -> Iterable[tuple[str, str]]:
        token: dict[str, Any] = {}
        while True:
            answer = self._client.describe_replication_backfill_results(
                replicationBackfillId=name, resultStatusFilter="FAILED", **token
            )
            for result in answer["results"]:
                image = result["imageId"].get("imageDigest", "")
                yield f"{result['repositoryName']}@{image}", result.get("failureCode", "")
            if not answer.get("nextToken"):
                return
            token = {"nextToken": answer["nextToken"]}


def looked_at_by(name: str) -> str:
    """The command that shows how a backfill goes on."""
    return f"aws ecr describe-replication-backfill-results --replication-backfill-id {name}"


def _endless(steps: tuple[float, ...]) -> Iterable[float]:
    """The steps, and the last one for ever."""
    yield from steps
    while True:
        yield steps[-1]
