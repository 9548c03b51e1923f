"""A backfill of ECR's replication is started once, waited for, and told as it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.backfill import LIMIT_SECONDS, Backfill
from orchestrator.errors import OrchestratorError
from orchestrator.routes.upstreams import PrivateRegistry

HERE = PrivateRegistry("111122223333", "eu-west-1")
THERE = {"region": "eu-central-1", "registryId": "111122223333"}


class Ecr:
    """ECR, as far as backfills go: `refusals` starts are refused, `lists` and `answers` are what it says one after the other."""

    def __init__(self, refusals: int, lists: list[list[dict[str, Any]]], answers: list[dict[str, Any]]) -> None:
        self.refusals, self.lists, self.answers = refusals, iter(lists), iter(answers)

    def start_replication_backfill(self, destination: dict[str, str]) -> dict[str, Any]:
        assert destination == THERE
        if self.refusals:
            self.refusals -= 1
            error: Any = {"Error": {"Code": "ReplicationBackfillInProgressException", "Message": "one is in progress"}}
            raise ClientError(error, "StartReplicationBackfill")
        return {"replicationBackfillId": "own"}

    def list_replication_backfills(self, **token: str) -> dict[str, Any]:
        return {"backfills": next(self.lists)}

    def describe_replication_backfill_results(self, **asked: str) -> dict[str, Any]:
        return {"results": []} if "resultStatusFilter" in asked else next(self.answers)


class Session:
    """A session with one client."""

    environment, account_id, region = "dev", HERE.account, HERE.region

    def __init__(self, ecr: Ecr) -> None:
        self.ecr = ecr

    def client(self, service: str, region: str) -> Ecr:
        assert (service, region) == ("ecr", HERE.region)
        return self.ecr


@pytest.fixture
def slept() -> list[float]:
    return []


def backfill(ecr: Ecr, slept: list[float]) -> Backfill:
    return Backfill(Session(ecr), HERE, "eu-central-1", sleep=slept.append, clock=lambda: sum(slept))  # type: ignore[arg-type]


def listed(name: str, status: str, region: str = "eu-central-1") -> dict[str, Any]:
    return {"replicationBackfillId": name, "status": status, "destination": THERE | {"region": region}}


def test_one_that_failed_while_it_was_prepared_is_told_with_its_code(slept: list[float]) -> None:
    ecr = Ecr(
        0, [], [{"status": "PREPARING"}, {"status": "FAILED", "failureCode": "INTERNAL_FAILURE", "progress": None}]
    )
    found = backfill(ecr, slept).run(lambda name: None)
    assert (found.ok, found.status, found.why, found.images) == (False, "FAILED", "INTERNAL_FAILURE", 0)
    assert found.as_dict()["why"] == "INTERNAL_FAILURE"


def test_the_one_to_the_same_region_is_waited_for_even_when_the_list_is_behind(slept: list[float]) -> None:
    others = [listed("old", "COMPLETE"), listed("paris", "IN_PROGRESS", "eu-west-3")]
    done = {"status": "COMPLETE", "progress": {"totalReplicationCount": 3}}
    ecr = Ecr(2, [others, [*others, listed("former", "IN_PROGRESS")]], [{"status": "IN_PROGRESS"}, done, done])
    begun: list[str] = []
    found = backfill(ecr, slept).run(begun.append)
    assert (begun, found.ok, found.images) == (["former", "own"], True, 3)
    assert slept == [2.0, 2.0]


def test_another_runs_backfill_that_is_not_listed_is_not_waited_for_without_an_end(slept: list[float]) -> None:
    def nothing() -> Iterator[list[dict[str, Any]]]:
        while True:
            yield []

    ecr = Ecr(10**6, [], [])
    ecr.lists = nothing()
    with pytest.raises(OrchestratorError, match="of another run") as caught:
        backfill(ecr, slept).run(lambda name: None)
    assert "aws ecr list-replication-backfills" in str(caught.value)
    assert sum(slept) <= LIMIT_SECONDS + 10
