"""Why the work on one repository ended early. It never stops the work on the others."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.lifecycle.evaluate import DeadlineReached
from orchestrator.lifecycle.ports import GoneError, PortError


@dataclass(frozen=True, slots=True)
class Failure:
    """`gone`: the repository was deleted meanwhile; `unfinished`: there was no time left, and somebody continues."""

    reason: str
    gone: bool = False
    unfinished: bool = False


def failure_of(error: Exception) -> Failure:
    """What the error means for the repository."""
    if isinstance(error, DeadlineReached):
        return Failure("", unfinished=True)
    if isinstance(error, GoneError):
        return Failure("it was deleted meanwhile", gone=True)
    return Failure(str(error) if isinstance(error, PortError) else f"{type(error).__name__}: {error}")
