"""What checks of several environments share: who uses which registry, and problems with the file of one of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from orchestrator.checks.problem import Problem
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import Path, Tfvars, dotted
from orchestrator.errors import Location
from orchestrator.routes.upstreams import PrivateRegistry

Find = Callable[[str, Path], Location]
"""(name of an environment, path of a value in it) -> the line of that value."""


def file_of(name: str, _: Path) -> Location:
    """The environment's file: where nobody knows lines."""
    return Location(f"environments/{name}.tfvars")


def lines_of(tfvars: Mapping[str, Tfvars | None]) -> Find:
    """Finds lines in the files that environments were read from; `tfvars` is {environment: its files, None if unread}."""

    def where(name: str, path: Path) -> Location:
        found = tfvars[name]
        return file_of(name, path) if found is None else found.where(path)

    return where


def by_registry(environments: Iterable[Environment]) -> dict[PrivateRegistry, list[Environment]]:
    """{registry: the environments that pull from it}."""
    groups: dict[PrivateRegistry, list[Environment]] = defaultdict(list)
    for environment in environments:
        groups[environment.registry].append(environment)
    return groups


def problem_of(find: Find, environment: Environment, path: Path, what: str, why: str, remedy: str) -> Problem:
    """A problem of `environment`, at the line of `path`."""
    return Problem(
        what,
        why=why,
        remedy=remedy,
        where=find(environment.name, path),
        variable=dotted(path),
        value=environment.name,
    )
