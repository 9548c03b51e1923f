"""Blocks that say to Terraform what only a look at the state or at AWS can tell: `moved` and `import`.

`prevent_destroy` takes no variable, so that the module `ecr` has two resources for repositories: `this` and `protected`.
Switching protection on or off must move a repository from one to the other, in the direction at hand. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.terraform.plan import PROTECTED, REPOSITORY, Plan
from orchestrator.terraform.sentences import NO_ANSWER
from orchestrator.terraform.state import State
from orchestrator.terraform.stream import Began, Diagnostic, Ended, read_events

UNPROTECTED = "this"
# What belongs to the owner of a registry: it goes over with `manage_registry`.
OWNERS_MODULES = (
    "module.registry[",
    "module.pull_through_cache[",
    "module.lifecycle_manager[",
    "module.scan_findings[",
)


@dataclass(frozen=True, slots=True)
class Move:
    """A resource changes its address."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that a plan creates, with the attributes that are known; `id` where the journal of an apply tells it."""

    address: str
    type: str
    values: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A resource that exists in AWS comes into the state at `address`; `name` is what a person calls it."""

    address: str
    type: str
    id: str
    name: str = ""


def moves(state: State, *, protect: bool, declared: Iterable[str]) -> tuple[Move, ...]:
    """The repositories that are in the state under the wrong one of the two resources.

    One that is to be protected moves only while it is declared. One that is no longer protected moves in any case. It
    can then be destroyed when it was taken out of the file together with its protection.
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


def creations(plan: Plan, created: Mapping[str, str] | None = None) -> tuple[Created, ...]:
    """What the plan creates; `created` are ids that a journal names, by address."""
    ids = created or {}
    return tuple(
        Created(
            change.address,
            change.type,
            {each.path: each.after for each in change.attributes if not each.unknown and not each.sensitive},
            ids.get(change.address, ""),
        )
        for change in plan.changes
        if change.action == "create" and not change.importing
    )


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
    seconds only. A kill loses what was finished since. A resource whose request got no answer is lost, too (an
    interrupt cancels it, a connection breaks). AWS may have done it all the same.
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
            case Diagnostic(address=address) if NO_ANSWER.stands_in(str(event)):
                unanswered.add(address)
    return frozenset(begun - (failed - unanswered))


def begins(addresses: Iterable[str]) -> str:
    """Lines of Terraform's `-json` stream that say of each address that its creation began, after a line cut off."""
    hooks = ({"resource": {"addr": address}, "action": "create"} for address in addresses)
    return "".join("\n" + json.dumps({"type": "apply_start", "hook": hook}) for hook in hooks)


def created_ids(journal: str) -> dict[str, str]:
    """{address: id} of what an apply created to the end, from Terraform's `-json` stream."""
    return {
        event.address: event.id
        for event in read_events(journal)
        if isinstance(event, Ended) and event.action == "create" and event.id
    }
