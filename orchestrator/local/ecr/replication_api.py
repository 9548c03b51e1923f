"""Backfills of ECR's replication: what a registry holds by a rule's prefixes is put into the same account's other region.

The first look after the start finds it done. Images that are pushed later are not replicated here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRegistry, HeldRepository, now, page
from orchestrator.local.ecr.templates_api import make_repository


def start_backfill(context: EcrCall, params: Document) -> Document:
    destination, registry = params["destination"], context.registry
    if not any(destination in rule["destinations"] for rule in registry.replication["rules"]):
        raise invalid_parameter("destination", "No replication rule has this destination")
    running = [found for found in registry.backfills.values() if found["status"] == "PREPARING"]
    if any(found["destination"] == destination for found in running):
        raise EcrError("ReplicationBackfillInProgressException", "A backfill to this destination is in progress")
    started: Document = {
        "replicationBackfillId": str(uuid.uuid4()),
        "registryId": registry.account_id,
        "destination": destination,
        "status": "PREPARING",
        "startedAt": now(),
    }
    registry.backfills[started["replicationBackfillId"]] = started
    return started


def describe_backfill(context: EcrCall, params: Document) -> Document:
    found = context.registry.backfills.get(params["replicationBackfillId"])
    if found is None:
        raise EcrError("ReplicationBackfillNotFoundException", "There is no such backfill")
    if found["status"] == "PREPARING":
        found["results"] = list(_fill(context, found["destination"]))
        found |= {"status": "COMPLETE", "endedAt": now()}
    wanted = params.get("resultStatusFilter")
    results, token = page([r for r in found["results"] if wanted in (None, r["status"])], params, 100)
    return {**found, "progress": _progress(found), "results": results, "nextToken": token}


def list_backfills(context: EcrCall, params: Document) -> Document:
    shown = ("replicationBackfillId", "destination", "status", "startedAt", "endedAt")
    backfills = [
        {name: each[name] for name in shown if name in each}
        | ({"progress": _progress(each)} if "results" in each else {})
        for each in context.registry.backfills.values()
    ]
    listed, token = page(backfills, params, 100)
    return {"registryId": context.registry.account_id, "backfills": listed, "nextToken": token}


def _progress(found: Document) -> Document:
    failed = sum(result["status"] == "FAILED" for result in found["results"])
    return {
        "totalReplicationCount": len(found["results"]),
        "completedReplicationCount": len(found["results"]) - failed,
        "failedReplicationCount": failed,
        "failureCodes": sorted({r["failureCode"] for r in found["results"] if r["status"] == "FAILED"}),
    }


def _fill(context: EcrCall, destination: Document) -> Iterator[Document]:
    target = context.other(destination["registryId"], destination["region"])
    rules = [rule for rule in context.registry.replication["rules"] if destination in rule["destinations"]]
    for repository in list(context.registry.repositories.values()):
        if any(_takes(rule, repository.name) for rule in rules):
            for image in repository.images.values():
                yield _copied(target, repository, image)


def _takes(rule: Document, name: str) -> bool:
    prefixes = [entry["filter"] for entry in rule.get("repositoryFilters") or ()]
    return not prefixes or name.startswith(tuple(prefixes))


def _copied(target: HeldRegistry, repository: HeldRepository, image: HeldImage) -> Document:
    result: Document = {
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest},
        "status": "COMPLETE",
    }
    try:
        held = target.repositories.get(repository.name) or make_repository(target, repository.name, "REPLICATION")
    except EcrError as error:
        return result | {"status": "FAILED", "failureCode": error.code}
    taken = [other for other in held.images.values() if other.digest != image.digest and {*other.tags} & {*image.tags}]
    if taken and held.mutability != "MUTABLE":
        return result | {"status": "FAILED", "failureCode": "ImageTagAlreadyExistsException"}
    for other in taken:
        other.tags = [tag for tag in other.tags if tag not in image.tags]
    held.layers |= {digest: repository.layers[digest] for digest in image.blobs if digest in repository.layers}
    held.images[image.digest] = replace(image, tags=list(image.tags), pushed_at=now(), pulled_at=None, in_use=0)
    return result


OPERATIONS = {
    "StartReplicationBackfill": start_backfill,
    "DescribeReplicationBackfillResults": describe_backfill,
    "ListReplicationBackfills": list_backfills,
}
