"""`mirror --write`: registries that no route takes become entries of `mirrors` in the file where that variable stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestrator.cli import messages
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import Location, OrchestratorError, RefusedInput
from orchestrator.files.replace import replace_whole
from orchestrator.mirroring.mirror_entries import entry_lines, prefixes_for, with_mirrors
from orchestrator.mirroring.placing import NotCopied, place
from orchestrator.mirroring.wishes import Wish
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project


def missing_routes(environment: Environment, left: Iterable[NotCopied]) -> dict[str, str]:
    """{prefix: registry} of the mirrors that would take what no route takes."""
    table = build_route_table(environment)
    registries = [table.canonical(item.wish.image)[0] for item in left if item.reason == "no route"]
    taken = {*environment.pull_through_cache_rules, *environment.mirrors}
    return prefixes_for(registries, taken)


def write_routes(project: Project, environment: Environment, wishes: Iterable[Wish]) -> Environment:
    """The environment with a mirror for every registry of `wishes` that had no route; its file is changed, and checked.

    Where the file is every environment's, the others are checked, too. Raises RefusedInput; the file is then as it was.
    """
    table = build_route_table(environment)
    answers = [place(table, wish) for wish in wishes]
    entries = missing_routes(environment, [answer for answer in answers if isinstance(answer, NotCopied)])
    if not entries:
        return environment
    files = project.read(environment.name)
    holder = next((found for found in reversed(files) if "mirrors" in found.values), None)
    file = (holder or files[-1]).file
    path = project.root / file
    before, mode = path.read_bytes(), path.stat().st_mode & 0o7777
    line = holder.where(("mirrors",)).line if holder is not None else None
    changed = with_mirrors(before.decode(), line, entries)
    if changed is None or not _adds(before.decode(), changed, entries, file):
        raise RefusedInput(
            "The new routes cannot be put into mirrors.",
            why="The map is not written as `mirrors = {`.",
            remedy="Add to it: " + "; ".join(entry_lines(entries)),
            where=Location(file, line or 0),
        )
    others = () if file == files[-1].file else _right_ones(project, environment.name)
    replace_whole(path, changed.encode(), mode=mode)
    try:
        found = project.load(environment.name)
        _require_right(project, others, file, entries)
    except OrchestratorError:
        replace_whole(path, before, mode=mode)
        raise
    for entry in entry_lines(entries):
        messages.tell(f"{file}: mirrors: {entry}")
    if others:
        messages.note(f"{file} is read for {', '.join(others)}, too: the images have to be in their registries.")
    return found


def _right_ones(project: Project, name: str) -> tuple[str, ...]:
    """The other environments that nothing is wrong with."""
    return tuple(other for other in project.environment_names() if other != name and _fault(project, other) is None)


def _fault(project: Project, name: str) -> OrchestratorError | None:
    try:
        project.load(name)
    except OrchestratorError as error:
        return error
    return None


def _require_right(project: Project, names: Iterable[str], file: str, entries: dict[str, str]) -> None:
    for name in names:
        fault = _fault(project, name)
        if fault is not None:
            raise RefusedInput(
                f"{file} is read for {name}, too, and the new routes would make that environment wrong.",
                why=str(fault),
                remedy=f"Give the environment a map of its own, with all that it needs: mirrors = {{ {', '.join(entry_lines(entries))} }}",
            ) from fault


def _adds(before: str, after: str, entries: dict[str, str], file: str) -> bool:
    """Whether the text has the entries, and everything else as it was."""
    try:
        new = dict(parse_tfvars(after, file).values)
    except OrchestratorError:
        return False
    old = dict(parse_tfvars(before, file).values)
    mirrors = old.pop("mirrors", {})
    wanted = {prefix: {"source": registry} for prefix, registry in entries.items()}
    return isinstance(mirrors, dict) and new.pop("mirrors") == {**mirrors, **wanted} and new == old
