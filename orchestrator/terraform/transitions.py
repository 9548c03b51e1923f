"""Blocks that say to Terraform what only a look at the state or at AWS can tell: `moved` and `import`.

`prevent_destroy` takes no variable, so that the module `ecr` has two resources for repositories: `this` and `protected`.
Switching protection on or off must move a repository from one to the other, in the direction at hand. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.terraform.plan import PROTECTED, REPOSITORY, Plan
from orchestrator.terraform.state import State
from orchestrator.terraform.stream import Began, Diagnostic, Ended, read_events

UNPROTECTED = "this"
# {type: attribute of the planned values that is the import id}. What AWS answers with "exists already" for.
IMPORT_IDS = {
    REPOSITORY: "name",
    "aws_ecr_pull_through_cache_rule": "ecr_repository_prefix",
    "aws_ecr_repository_creation_template": "prefix",
    "aws_iam_role": "name",
}
# What AWS would make a second time, or refuse; it names them itself, so that only the journal of the creation knows the id.
KNOWN_BY_JOURNAL = frozenset(
    {"aws_vpc_endpoint", "aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_lambda_function"}
)
# How the AWS SDK for Go says that a request got no answer.
NO_ANSWER = ("StatusCode: 0", "context canceled", "context deadline exceeded")


@dataclass(frozen=True, slots=True)
class Move:
    """A resource changes its address."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """A resource that exists in AWS comes into the state at `address`."""

    address: str
    type: str
    id: str


def moves(state: State, *, protect: bool, declared: Iterable[str]) -> tuple[Move, ...]:
    """The repositories that are in the state under the wrong one of the two resources.

    One that is to be protected moves only while it is declared; one that is no longer protected moves in any case, so
    that it can be destroyed when it was taken out of the file together with its protection.
    """
    wanted = PROTECTED if protect else UNPROTECTED
    names = frozenset(declared)
    repositories = [entry for entry in state.of_type(REPOSITORY) if entry.name in {PROTECTED, UNPROTECTED}]
    present = {entry.address for entry in repositories}
    found = []
    for entry in repositories:
        if entry.name == wanted or entry.key is None or (protect and entry.key not in names):
            continue
        base = f"{entry.module}." if entry.module else ""
        target = f"{base}{REPOSITORY}.{wanted}[{json.dumps(entry.key, ensure_ascii=False)}]"
        if target not in present:
            found.append(Move(entry.address, target))
    return tuple(found)


def creations(plan: Plan, created: Mapping[str, str] | None = None) -> tuple[Adoption, ...]:
    """What the plan creates and could take over instead, if it existed; `created` are ids that a journal names."""
    found = []
    for change in plan.changes:
        if change.action == "create" and change.type in KNOWN_BY_JOURNAL and change.address in (created or {}):
            found.append(Adoption(change.address, change.type, (created or {})[change.address]))
        attribute = IMPORT_IDS.get(change.type)
        if change.action != "create" or attribute is None:
            continue
        name = next((a.after for a in change.attributes if a.path == attribute and not a.unknown), None)
        if isinstance(name, str) and name:
            found.append(Adoption(change.address, change.type, name))
    return tuple(found)


def blocks(moved: Iterable[Move], adopted: Iterable[Adoption]) -> dict[str, Any]:
    """The content of transitions.tf.json; {} when there is nothing to say."""
    document: dict[str, Any] = {}
    moves_ = [{"from": move.source, "to": move.target} for move in moved]
    imports = [{"to": adoption.address, "id": adoption.id} for adoption in adopted]
    if moves_:
        document["moved"] = moves_
    if imports:
        document["import"] = imports
    return document


def started_creations(journal: str) -> frozenset[str]:
    """Addresses that an apply created, or was creating when it was cut off; what AWS refused is not among them.

    From Terraform's `-json` stream. A creation that came to its end counts, because a state in S3 is saved every 20
    seconds only: a kill loses what was finished since. So does one whose request got no answer (an interrupt cancels it,
    a connection breaks): AWS may have done it all the same.
    """
    begun: set[str] = set()
    failed: set[str] = set()
    unanswered: set[str] = set()
    for event in read_events(journal):
        match event:
            case Began(address, "create"):
                begun.add(address)
            case Ended(address, failed=True):
                failed.add(address)
            case Diagnostic(address=address) if any(sign in str(event) for sign in NO_ANSWER):
                unanswered.add(address)
    return frozenset(begun - (failed - unanswered))


def created_ids(journal: str) -> dict[str, str]:
    """{address: id} of what an apply created to the end, from Terraform's `-json` stream."""
    return {
        event.address: event.id
        for event in read_events(journal)
        if isinstance(event, Ended) and event.action == "create" and event.id
    }
