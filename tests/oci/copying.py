"""How the tests call the copier: short names for copies between two strict registries."""

from __future__ import annotations

from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from orchestrator.oci.copies import Copy, CopyOptions, CopyReport
from orchestrator.oci.copy import copy_images
from orchestrator.oci.copy_events import Listener, ignore
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from orchestrator.routes.reference import parse_reference

QUICK = Budget(seconds=20, attempts=12, throttled=30)


def pair(source: str, target: str, *platforms: str) -> Copy:
    return Copy(parse_reference(source), parse_reference(target), platforms)


def run(
    copies: list[Copy],
    *endpoints: Endpoint,
    journal: Path | Journal | None = None,
    budget: Budget = QUICK,
    on_event: Listener = ignore,
    read_seconds: float = 20.0,
    variables: dict[str, str] | None = None,
    logins: Any = (),
    **options: Any,
) -> CopyReport:
    """Copy, with registries of its own. A journal that is opened here is closed again: its file may be removed then."""
    with (
        closing(Journal(journal)) if isinstance(journal, Path) else nullcontext(journal) as opened,
        Registries(
            endpoints,
            budget=budget,
            on_event=on_event,
            read_seconds=read_seconds,
            variables=variables or {},
            logins=logins,
        ) as registries,
    ):
        return copy_images(copies, registries, options=CopyOptions(**options), journal=opened)
