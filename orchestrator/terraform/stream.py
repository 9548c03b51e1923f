"""Terraform's `-json` stream as values: what is planned, what is in flight, what went wrong. The clock is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


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


@dataclass(slots=True)
class Stream:
    """Reads the lines of one run.

    `in_flight` is {address: (action, started)}; `finished` are {address: action}; `started` every address whose change
    began; `changes` counts planned changes, drifts and changed outputs; lines that are no JSON are kept in `other`.
    """

    clock: Callable[[], float]
    total: int = 0
    changes: int = 0
    in_flight: dict[str, tuple[str, float]] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def feed(self, line: str) -> str | None:
        """Take one line; the sentence to show for it, or None."""
        if not line.strip():
            return None
        try:
            event = json.loads(line)
        except ValueError:
            self.other.append(line)
            return line
        if not isinstance(event, dict):
            self.other.append(line)
            return None
        take = _TAKES.get(str(event.get("type", "")))
        return take(self, event) if take is not None else None

    def _diagnostic(self, event: Mapping[str, Any]) -> str | None:
        data = event.get("diagnostic") or {}
        span = data.get("range") or {}
        line = (span.get("start") or {}).get("line")
        where = f"{span.get('filename')}:{line}" if span.get("filename") else ""
        diagnostic = Diagnostic(
            data.get("severity", "error"),
            data.get("summary", ""),
            (data.get("detail") or "").strip(),
            data.get("address", ""),
            where,
        )
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)
        return None

    def _planned_change(self, _event: Mapping[str, Any]) -> None:
        self.changes += 1

    def _resource_drift(self, _event: Mapping[str, Any]) -> None:
        self.changes += 1

    def _outputs(self, event: Mapping[str, Any]) -> None:
        outputs = event.get("outputs") or {}
        self.changes += sum(1 for output in outputs.values() if output.get("action") not in (None, "noop"))

    def _refresh_start(self, event: Mapping[str, Any]) -> None:
        self.in_flight[_address(event)] = ("refresh", self.clock())

    def _refresh_complete(self, event: Mapping[str, Any]) -> None:
        self.in_flight.pop(_address(event), None)

    def _apply_start(self, event: Mapping[str, Any]) -> str:
        hook = event.get("hook") or {}
        self.in_flight[_address(event)] = (str(hook.get("action", "")), self.clock())
        return str(event.get("@message", ""))

    def _apply_progress(self, event: Mapping[str, Any]) -> str:
        return str(event.get("@message", ""))

    def _apply_complete(self, event: Mapping[str, Any]) -> str:
        action, _ = self.in_flight.pop(_address(event), ("", 0.0))
        # A replacement has two changes of one address.
        self.finished[f"{_address(event)} {action}"] = action
        return str(event.get("@message", ""))

    def _apply_errored(self, event: Mapping[str, Any]) -> str:
        action, _ = self.in_flight.pop(_address(event), ("", 0.0))
        self.failed[_address(event)] = action
        return str(event.get("@message", ""))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors among the diagnostics."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings among the diagnostics."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "warning")


# {type of an event: what the stream does with it}; every other type says nothing that is needed here.
_TAKES: Mapping[str, Callable[[Stream, Mapping[str, Any]], str | None]] = {
    "diagnostic": Stream._diagnostic,
    "planned_change": Stream._planned_change,
    "resource_drift": Stream._resource_drift,
    "outputs": Stream._outputs,
    "refresh_start": Stream._refresh_start,
    "refresh_complete": Stream._refresh_complete,
    "apply_start": Stream._apply_start,
    "apply_progress": Stream._apply_progress,
    "apply_complete": Stream._apply_complete,
    "apply_errored": Stream._apply_errored,
}


def _address(event: Mapping[str, Any]) -> str:
    resource = (event.get("hook") or {}).get("resource") or {}
    return str(resource.get("addr", ""))
