"""A Terraform state as this program needs it: which resources it holds, and its outputs. Pure but for reading a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError


@dataclass(frozen=True, slots=True)
class StateResource:
    """One instance: full address, module address ("" for the root), type, name, key and attributes."""

    address: str
    module: str
    type: str
    name: str
    key: str | int | None
    attributes: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class State:
    """What is managed, and the outputs; both are empty before the first apply."""

    resources: tuple[StateResource, ...] = ()
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_type(self, kind: str) -> tuple[StateResource, ...]:
        """The managed resources of one type."""
        return tuple(resource for resource in self.resources if resource.type == kind)

    @property
    def addresses(self) -> frozenset[str]:
        """Addresses of everything that is managed."""
        return frozenset(resource.address for resource in self.resources)


def parse_state(text: str, name: str = "The Terraform state") -> State:
    """The state in a file of version 4, or of `terraform state pull`; an empty text is no state yet.

    Raises OrchestratorError for what is no state.
    """
    if not text.strip():
        return State()
    try:
        document = json.loads(text)
        if document.get("version") != 4:
            raise OrchestratorError(
                f"{name} has version {str(document.get('version'))[:20]!a}; this program reads version 4.",
                remedy="Give it back what Terraform wrote there: an older version of the object, or its .backup file.",
            )
        return State(
            tuple(_resources(document)),
            dict(document.get("outputs") or {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OrchestratorError(
            f"{name} cannot be read.",
            why=f"{error}.",
            remedy="Nothing was changed. `terraform.tfstate.backup` lies beside a local state; S3 keeps old versions of the object.",
        ) from error


def read_state(path: Path) -> State:
    """The state in a file, empty when there is none."""
    try:
        return parse_state(path.read_text("utf-8", "replace"), f"The Terraform state {path}")
    except FileNotFoundError:
        return State()


def _resources(document: dict[str, Any]) -> Iterator[StateResource]:
    for resource in document.get("resources") or ():
        if resource.get("mode") != "managed":
            continue
        module = resource.get("module", "")
        base = f"{module}.{resource['type']}.{resource['name']}" if module else f"{resource['type']}.{resource['name']}"
        for instance in resource.get("instances") or ():
            if instance.get("deposed"):
                continue
            key = instance.get("index_key")
            address = base if key is None else f"{base}[{json.dumps(key, ensure_ascii=False)}]"
            yield StateResource(
                address, module, resource["type"], resource["name"], key, instance.get("attributes") or {}
            )
