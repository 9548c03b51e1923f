"""A Terraform plan as a value: what is created, changed (old -> new), replaced, destroyed, and what drifted.

Made from `terraform show -json PLANFILE` (format 1.x). Pure. Where a sensitive value stands, a change says so and
carries none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.differences import AttributeChange, differences, marked

REPOSITORY = "aws_ecr_repository"
PROTECTED = "protected"
# {type: blocks}. Terraform's description of a configuration leaves dynamic blocks out; these are set all the same.
DYNAMIC_BLOCKS = {"aws_ecr_registry_scanning_configuration": frozenset({"rule"})}
ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("read",): "read",
    ("no-op",): "no-op",
    ("forget",): "forget",
    ("create", "forget"): "replace",
}


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource: `action` is create, update, replace, delete, read, no-op or forget.

    `moved_from` is its former address, `importing` the id it is imported by; `repository` the name of an ECR one.
    `policy` is the document that it has (before, after), None where it has none, or where it is known later.
    """

    address: str
    type: str
    action: str
    attributes: tuple[AttributeChange, ...] = ()
    reason: str = ""
    moved_from: str = ""
    importing: str = ""
    protected: bool = False
    repository: str = ""
    policy: tuple[str | None, str | None] = (None, None)

    @property
    def destroys_repository(self) -> bool:
        """Does an ECR repository go, for good or to be made again?"""
        return bool(self.repository) and self.action in {"delete", "replace"}

    def as_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "type": self.type,
            "action": self.action,
            "reason": self.reason or None,
            "moved_from": self.moved_from or None,
            "importing": self.importing or None,
            "protected": self.protected,
            "repository": self.repository or None,
            "attributes": [attribute.as_dict() for attribute in self.attributes],
        }


@dataclass(frozen=True, slots=True)
class OutputChange:
    """An output that changes; values are None where sensitive or not known yet."""

    name: str
    action: str
    before: Any = None
    after: Any = None
    sensitive: bool = False
    unknown: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "action": self.action,
            "before": self.before,
            "after": self.after,
            "sensitive": self.sensitive,
            "known_after_apply": self.unknown,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would happen, in Terraform's order, without what stays as it is."""

    changes: tuple[ResourceChange, ...] = ()
    drift: tuple[ResourceChange, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    terraform_version: str = ""
    # What a reader must know and no change says by itself.
    notes: tuple[str, ...] = ()
    # What others had in shared settings when it was made: the value of the root module's variable `others`.
    others: Mapping[str, Any] = field(default_factory=dict)
    # Lines of sensitive values, for masking logs; never part of what is shown.
    secrets: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Would an apply change nothing, neither in AWS nor in the state?"""
        return not self.changes and not self.outputs

    def counts(self) -> dict[str, int]:
        """How many resources are to create, change, replace, destroy, move, import and forget."""
        actions = [change.action for change in self.changes]
        return {
            "create": actions.count("create"),
            "update": actions.count("update"),
            "replace": actions.count("replace"),
            "destroy": actions.count("delete"),
            "move": sum(1 for change in self.changes if change.moved_from),
            "import": sum(1 for change in self.changes if change.importing),
            "forget": actions.count("forget"),
        }

    @property
    def lost_repositories(self) -> tuple[ResourceChange, ...]:
        """Changes that destroy an ECR repository, for good or to make it again."""
        return tuple(change for change in self.changes if change.destroys_repository)

    def as_dict(self) -> dict[str, Any]:
        return {
            "counts": self.counts(),
            "changes": [change.as_dict() for change in self.changes],
            "drift": [change.as_dict() for change in self.drift],
            "outputs": [output.as_dict() for output in self.outputs],
            "notes": list(self.notes),
        }


def parse_plan(text: str) -> Plan:
    """The plan of `terraform show -json PLANFILE`. Raises OrchestratorError for what is no such document."""
    try:
        document = json.loads(text)
        if str(document.get("format_version", "")).split(".")[0] != "1":
            raise OrchestratorError(
                f"Terraform's plan has format {document.get('format_version')!r}; this program reads 1.x."
            )
        return _plan(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OrchestratorError("Terraform's description of the plan cannot be read.", why=str(error)) from error


def _plan(document: Mapping[str, Any]) -> Plan:
    secrets: set[str] = set()
    changes = tuple(
        change
        for entry in document.get("resource_changes") or ()
        if (change := _resource(entry, secrets)).action != "no-op" or change.moved_from or change.importing
    )
    configured = _configured(document.get("configuration") or {})
    drift = tuple(
        found
        for entry in document.get("resource_drift") or ()
        if (found := _drift(entry, secrets, configured)) is not None
    )
    outputs = tuple(
        _output(name, change)
        for name, change in sorted((document.get("output_changes") or {}).items())
        if tuple(change.get("actions") or ()) != ("no-op",)
    )
    return Plan(
        changes,
        drift,
        outputs,
        str(document.get("terraform_version", "")),
        others=((document.get("variables") or {}).get("others") or {}).get("value") or {},
        secrets=frozenset(secrets),
    )


def _resource(entry: Mapping[str, Any], secrets: set[str]) -> ResourceChange:
    change = entry["change"]
    actions = tuple(change["actions"])
    action = ACTIONS.get(actions, "/".join(actions))
    before, after = change.get("before"), change.get("after")
    forcing = {_path(parts) for parts in change.get("replace_paths") or ()}
    attributes = tuple(
        differences(
            "",
            {} if before is None else before,
            {} if after is None else after,
            change.get("after_unknown") or {},
            change.get("before_sensitive") or False,
            change.get("after_sensitive") or False,
            secrets,
        )
    )
    return ResourceChange(
        address=entry["address"],
        type=entry["type"],
        action=action,
        attributes=tuple(_forcing(attribute, forcing) for attribute in attributes),
        reason=entry.get("action_reason") or "",
        moved_from=entry.get("previous_address") or "",
        importing=str((change.get("importing") or {}).get("id") or ""),
        protected=entry["type"] == REPOSITORY and entry.get("name") == PROTECTED,
        repository=_repository(entry, before, after),
        policy=(_policy(before), _policy(after)),
    )


def _policy(values: Any) -> str | None:
    """The policy document among a resource's values: who may do what, or what expires."""
    for name in ("policy", "assume_role_policy"):
        found = values.get(name) if isinstance(values, dict) else None
        if isinstance(found, str):
            return found
    return None


def _repository(entry: Mapping[str, Any], before: Any, after: Any) -> str:
    if entry["type"] != REPOSITORY or entry.get("mode") == "data":
        return ""
    for values in (before, after):
        if isinstance(values, dict) and values.get("name"):
            return str(values["name"])
    return str(entry.get("index") or "")


def _forcing(attribute: AttributeChange, forcing: set[str]) -> AttributeChange:
    hit = any(attribute.path == path or attribute.path.startswith((f"{path}.", f"{path}[")) for path in forcing)
    if not hit:
        return attribute
    return AttributeChange(
        attribute.path, attribute.before, attribute.after, attribute.sensitive, attribute.unknown, True
    )


def _drift(
    entry: Mapping[str, Any], secrets: set[str], configured: Mapping[str, frozenset[str]]
) -> ResourceChange | None:
    """A change that was made outside, without what AWS computes by itself; None when nothing else is left.

    Attributes that the configuration sets are ours. Only they can drift. The rest (times, revisions, lists that mirror another
    resource's doing) follows from it or changes by itself.
    """
    change = _resource(entry, secrets)
    if change.action == "delete":
        return ResourceChange(
            change.address, change.type, "delete", protected=change.protected, repository=change.repository
        )
    ours = configured.get(_without_keys(change.address))
    attributes = tuple(
        attribute
        for attribute in change.attributes
        if ours is None or attribute.path.replace("[", ".").split(".")[0] in ours
    )
    if not attributes and not change.moved_from:
        return None
    if not attributes:
        return None
    return ResourceChange(
        change.address,
        change.type,
        change.action,
        attributes,
        protected=change.protected,
        repository=change.repository,
    )


def _configured(configuration: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """{address without keys: attributes that the configuration sets}."""
    found: dict[str, frozenset[str]] = {}

    def walk(module: Mapping[str, Any], prefix: str) -> None:
        for resource in module.get("resources") or ():
            names = frozenset(resource.get("expressions") or {}) | DYNAMIC_BLOCKS.get(
                resource.get("type", ""), frozenset()
            )
            found[prefix + _without_keys(resource["address"])] = names
        for name, call in (module.get("module_calls") or {}).items():
            walk(call.get("module") or {}, f"{prefix}module.{name}.")

    walk(configuration.get("root_module") or {}, "")
    return found


def _without_keys(address: str) -> str:
    """`module.a["x"].t.n["y"]` -> `module.a.t.n`; keys may hold brackets and quotes."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in address:
        if depth == 0:
            if character == "[":
                depth = 1
            else:
                out.append(character)
        elif escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character == "]":
            depth = 0
    return "".join(out)


def _output(name: str, change: Mapping[str, Any]) -> OutputChange:
    sensitive = marked(change.get("before_sensitive")) or marked(change.get("after_sensitive"))
    return OutputChange(
        name,
        ACTIONS.get(tuple(change["actions"]), "update"),
        None if sensitive else change.get("before"),
        None if sensitive else change.get("after"),
        sensitive,
        marked(change.get("after_unknown")),
    )


def _path(parts: list[str | int]) -> str:
    out = ""
    for part in parts:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out
