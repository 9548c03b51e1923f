"""The table of copies in DynamoDB: who copies what, and what comes after it. Every change names the state that it expects.

An item is a job by its name. It has `state`, `source`, `platforms`, `mounts`, `referrers`, `opened`, `attempts`. The sets are `after`
(what it still waits for) and `before` (who waits for it). The lease is `owner` and `until`. In the end there are `outcome` or
`failure`, and when it `ended`. DynamoDB forgets an item at `expires`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.translation import error_code, explained
from orchestrator.mirroring.copy_jobs import CopyJob, JobOutcome, JobState, JobStatus, KnownJob

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

# BatchGetItem takes so many.
BATCH = 100
KEPT_SECONDS = 30 * 86400
_NAMES = {"#state": "state", "#owner": "owner", "#until": "until", "#source": "source"}


class JobTable:
    """One environment's table. Several threads and processes use it at once."""

    def __init__(self, session: AwsSession, name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client: Any = session.client("dynamodb")
        self._session = session
        self._name = name
        self._clock = clock

    # Who plans

    def submit(self, job: CopyJob, before: Collection[str], since: float | None = None) -> JobState:
        """Put the job down, unless a worker copies it right now; the state that it has then.

        What ended after `since` (seconds since 1970) is not begun anew, and is answered as what a worker copies.
        """
        state = JobState.WAITING if job.after else JobState.READY
        values: dict[str, Any] = {
            ":to": {"S": state},
            ":source": {"S": job.source},
            ":platforms": {"S": json.dumps(job.platforms)},
            ":mounts": {"S": json.dumps(job.mounts, sort_keys=True)},
            ":referrers": {"BOOL": job.referrers},
            ":expires": {"N": str(int(self._clock() + KEPT_SECONDS))},
            ":opened": {"S": job.opened_by},
        }
        sets = "#state = :to, #source = :source, platforms = :platforms, mounts = :mounts, referrers = :referrers, opened = :opened, expires = :expires"
        removes = "#owner, #until, outcome, failure"
        if job.after:
            sets += ", #after = :after"
            values[":after"] = {"SS": sorted(job.after)}
        else:
            removes += ", #after"
        waits = {":before": {"SS": sorted(before)}} if before else {}
        add = " ADD #before :before" if before else ""
        copying = {":copying": {"S": JobState.COPYING}}
        ended = {":done": {"S": JobState.DONE}, ":failed": {"S": JobState.FAILED}}
        while True:
            # A job that has ended begins anew; one that was begun and left keeps count of its attempts.
            anew = f"SET {sets}, attempts = :zero REMOVE {removes}{add}"
            condition = "attribute_not_exists(#state) OR #state IN (:done, :failed)"
            zero = {":zero": {"N": "0"}}
            if since is not None:
                condition = f"{condition} AND (attribute_not_exists(ended) OR ended < :since)"
                zero[":since"] = _number(since)
            if self._update(job.target, anew, condition, values | waits | ended | zero) is not None:
                return state
            condition = "attribute_exists(#state) AND NOT #state IN (:copying, :done, :failed) OR (#state = :copying AND #until < :now)"
            known = values | waits | ended | copying | {":now": _number(self._clock())}
            if self._update(job.target, f"SET {sets} REMOVE {removes}{add}", condition, known) is not None:
                return state
            # Its present copier lets go those who wait, at its end.
            if not before or self._update(job.target, add.strip(), "#state = :copying", waits | copying) is not None:
                return JobState.COPYING

    def statuses(self, names: Iterable[str]) -> dict[str, JobStatus]:
        """What is known of these jobs."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, JobStatus] = {}
        for start in range(0, len(wanted), BATCH):
            keys: list[Any] = [{"job": {"S": name}} for name in wanted[start : start + BATCH]]
            while keys:
                with explained(self._session, "dynamodb"):
                    answer = self._client.batch_get_item(
                        RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}}
                    )
                found |= {item["job"]["S"]: _status(item) for item in answer["Responses"].get(self._name, ())}
                keys = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
        return found

    def jobs(self) -> Iterator[KnownJob]:
        """Every job of the table, in no order."""
        start: dict[str, Any] = {}
        while True:
            with explained(self._session, "dynamodb"):
                answer = self._client.scan(TableName=self._name, **start)
            for item in answer["Items"]:
                # Deletions that replicas tell each other stand in the same table.
                if "state" in item and "source" in item:
                    yield KnownJob(_job(item), _status(item), float(item.get("ended", {}).get("N", 0)))
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    # Who works

    def claim(self, name: str, owner: str, lease: float) -> CopyJob | None:
        """Take the job for `lease` seconds, where it is free to be done; None where it is not."""
        now = self._clock()
        values = {
            ":owner": {"S": owner},
            ":until": _number(now + lease),
            ":now": _number(now),
            ":one": {"N": "1"},
            ":ready": {"S": JobState.READY},
            ":waiting": {"S": JobState.WAITING},
            ":copying": {"S": JobState.COPYING},
        }
        item = self._update(
            name,
            "SET #state = :copying, #owner = :owner, #until = :until ADD attempts :one",
            # A claim whose answer was lost is sent once more, and finds itself.
            "#state = :ready OR (#state = :waiting AND attribute_not_exists(#after))"
            " OR (#state = :copying AND (#until < :now OR #owner = :owner))",
            values,
        )
        return None if item is None else _job(item)

    def look(self, name: str) -> JobStatus | None:
        """What is known of the job."""
        return self.statuses([name]).get(name)

    def hold(self, name: str, owner: str, lease: float) -> bool:
        """Hold the job for another `lease` seconds; False when it is another worker's by now."""
        values = {":owner": {"S": owner}, ":until": _number(self._clock() + lease), ":copying": {"S": JobState.COPYING}}
        condition = "#state = :copying AND #owner = :owner"
        return self._update(name, "SET #until = :until", condition, values) is not None

    def give_back(self, name: str, owner: str, why: str, *, counts: bool = True) -> None:
        """It was not copied, and is to be tried again; as if it had not been begun unless it `counts`."""
        values = {
            ":owner": {"S": owner},
            ":ready": {"S": JobState.READY},
            ":why": {"S": why},
            ":copying": {"S": JobState.COPYING},
            ":begun": {"N": "0" if counts else "1"},
        }
        self._update(
            name,
            "SET #state = :ready, failure = :why, attempts = attempts - :begun REMOVE #owner, #until",
            "#state = :copying AND #owner = :owner",
            values,
        )

    def end(self, name: str, owner: str, outcome: JobOutcome | None, why: str = "") -> None:
        """The job is done with `outcome`, or failed for good. Nothing happens when it is another worker's by now."""
        values: dict[str, Any] = {
            ":owner": {"S": owner},
            ":copying": {"S": JobState.COPYING},
            ":to": {"S": JobState.FAILED if outcome is None else JobState.DONE},
            ":text": {"S": why if outcome is None else json.dumps(asdict(outcome))},
            ":now": _number(self._clock()),
        }
        field, other = ("failure", "outcome") if outcome is None else ("outcome", "failure")
        self._update(
            name,
            f"SET #state = :to, {field} = :text, ended = :now REMOVE #owner, #until, {other}",
            "#state = :copying AND #owner = :owner",
            values,
        )

    def release(self, name: str) -> list[str]:
        """Let go who waits for this job, which has ended; the names of those that wait for nothing more."""
        with explained(self._session, "dynamodb"):
            item = self._client.get_item(TableName=self._name, Key={"job": {"S": name}}, ConsistentRead=True).get(
                "Item"
            )
        if item is None or item["state"]["S"] not in (JobState.DONE, JobState.FAILED):
            return []
        return [other for other in item.get("before", {}).get("SS", ()) if self.stops_waiting(other, name)]

    def stops_waiting(self, name: str, on: str) -> bool:
        """The job no longer waits for `on`; True when it waits for nothing any more."""
        values = {":on": {"SS": [on]}, ":waiting": {"S": JobState.WAITING}}
        item = self._update(name, "DELETE #after :on", "#state = :waiting", values)
        return item is not None and "after" not in item

    def ready(self, name: str) -> None:
        """The job is in the queue."""
        values = {":ready": {"S": JobState.READY}, ":waiting": {"S": JobState.WAITING}}
        self._update(name, "SET #state = :ready", "#state = :waiting AND attribute_not_exists(#after)", values)

    def _update(self, name: str, change: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The item after the change; None where the condition does not hold."""
        names = {**_NAMES, "#after": "after", "#before": "before"}
        used = {key: value for key, value in names.items() if key in change or key in condition}
        with explained(self._session, "dynamodb"):
            try:
                answer = self._client.update_item(
                    TableName=self._name,
                    Key={"job": {"S": name}},
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=used,
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                )
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    return None
                raise
        return dict(answer["Attributes"])


def _number(seconds: float) -> dict[str, str]:
    return {"N": f"{seconds:.3f}"}


def _job(item: Mapping[str, Any]) -> CopyJob:
    return CopyJob(
        item["source"]["S"],
        item["job"]["S"],
        tuple(json.loads(item["platforms"]["S"])),
        {digest: tuple(repositories) for digest, repositories in json.loads(item["mounts"]["S"]).items()},
        frozenset(item.get("after", {}).get("SS", ())),
        bool(item["referrers"]["BOOL"]),
        item.get("opened", {}).get("S", ""),
    )


def _status(item: Mapping[str, Any]) -> JobStatus:
    written = json.loads(item["outcome"]["S"]) if "outcome" in item else {}
    outcome = JobOutcome(**{**written, "lost": tuple(written.get("lost", ()))})
    return JobStatus(
        JobState(item["state"]["S"]),
        int(item["attempts"]["N"]),
        item.get("owner", {}).get("S", ""),
        float(item.get("until", {}).get("N", 0)),
        item.get("failure", {}).get("S", ""),
        outcome,
    )
