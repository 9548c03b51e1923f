"""Terraform's `-json` stream as values: what begins, what ends, what went wrong. Pure; who reads keeps what it needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

REFRESH = "refresh"  # the action of a read, which the stream itself does not name


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning of Terraform; `where` is `file:line` or "", `address` the resource or ""."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.address, self.where) if part)
        text = f"{self.summary}\n{self.detail}" if self.detail else self.summary
        return f"{text}\n({place})" if place else text


@dataclass(frozen=True, slots=True)
class Began:
    """Terraform is at a resource from now on."""

    address: str
    action: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """Terraform is through with a resource; `id` is what AWS calls it, where that is known."""

    address: str
    action: str
    text: str = ""
    failed: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the user: how long something takes by now, or a line that is no JSON."""

    text: str


@dataclass(frozen=True, slots=True)
class Noted:
    """So many more changes, drifts or changed outputs were found."""

    changes: int


Event: TypeAlias = Diagnostic | Began | Ended | Said | Noted


@dataclass(frozen=True, slots=True)
class Heard:
    """What a whole run told: how many changes it planned, and its diagnostics, each once."""

    changes: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings among the diagnostics."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "warning")


def heard_of(events: Iterable[Event]) -> Heard:
    """The events of one run, summed up."""
    changes = 0
    diagnostics: dict[Diagnostic, None] = {}
    for event in events:
        match event:
            case Noted(more):
                changes += more
            case Diagnostic():
                diagnostics[event] = None
    return Heard(changes, tuple(diagnostics))


def read_events(text: str) -> Iterator[Event]:
    """The events of a stream whose end may be cut off."""
    for line in text.splitlines():
        event = read_event(line)
        if event is not None:
            yield event


def read_event(line: str) -> Event | None:
    """One line as an event; None for what nobody here asks about."""
    if not line.strip():
        return None
    try:
        data = json.loads(line)
    except ValueError:
        return Said(line)
    if not isinstance(data, Mapping):
        return None
    hook = data.get("hook") or {}
    address = str((hook.get("resource") or {}).get("addr", ""))
    action = str(hook.get("action", ""))
    text = str(data.get("@message", ""))
    match data.get("type"):
        case "refresh_start":
            return Began(address, REFRESH)
        case "refresh_complete":
            return Ended(address, REFRESH)
        case "apply_start":
            return Began(address, action, text)
        case "apply_progress":
            return Said(text)
        case "apply_complete":
            known = str(hook.get("id_value") or "") if hook.get("id_key") == "id" else ""
            return Ended(address, action, text, id=known)
        case "apply_errored":
            return Ended(address, action, text, failed=True)
        case "planned_change" | "resource_drift":
            return Noted(1)
        case "outputs":
            outputs = (data.get("outputs") or {}).values()
            return Noted(sum(1 for output in outputs if output.get("action") not in (None, "noop")))
        case "diagnostic":
            return _diagnostic(data.get("diagnostic") or {})
    return None


def _diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    span = data.get("range") or {}
    line = (span.get("start") or {}).get("line")
    return Diagnostic(
        data.get("severity", "error"),
        data.get("summary", ""),
        (data.get("detail") or "").strip(),
        data.get("address", ""),
        f"{span.get('filename')}:{line}" if span.get("filename") else "",
    )
