"""What the doctor says about one thing, and how an error becomes that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from orchestrator.errors import OrchestratorError

Status = Literal["ok", "note", "unknown", "failed"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the doctor: `failed` needs its `remedy` before an apply can work; `note` is worth knowing."""

    status: Status
    check: str
    what: str
    remedy: str = ""
    environment: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding for `--json`: {status, check, what, remedy, environment}."""
        return asdict(self)


def attempt(check: str, environment: str, find: Callable[[], Diagnosis]) -> Diagnosis:
    """The finding; what AWS refuses to say is `unknown`, what the input gets wrong is `failed`."""
    try:
        return find()
    except OrchestratorError as error:
        if error.exit_code == 2:
            return failed(check, error, environment)
        return Diagnosis(
            "unknown", check, f"could not tell: {error.headline} {error.why}".strip(), error.remedy, environment
        )


def failed(check: str, error: OrchestratorError, environment: str) -> Diagnosis:
    """What the error says, as a finding."""
    what = " ".join(part for part in (error.headline, error.why) if part)
    return Diagnosis("failed", check, what, error.remedy, environment)
