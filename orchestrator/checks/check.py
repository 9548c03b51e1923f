"""Files of an environment -> Environment, problems and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.checks.access import check_access
from orchestrator.checks.context import Context
from orchestrator.checks.convert import INVALID, Converter
from orchestrator.checks.housekeeping import check_functions
from orchestrator.checks.identity import check_identity
from orchestrator.checks.mirror_images import check_mirror_images
from orchestrator.checks.network import check_network
from orchestrator.checks.problem import Problem
from orchestrator.checks.registry_settings import check_registry
from orchestrator.checks.repositories import check_repositories
from orchestrator.checks.routing import check_routes
from orchestrator.checks.shared_copy_settings import check_image_swapper, check_mirror_queue
from orchestrator.checks.walker import check_markers
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import Tfvars, merge
from orchestrator.errors import InvalidEnvironment, Location, OrchestratorError, local_flag
from orchestrator.spelling import nearest

# Single values first: what is wrong by itself is left out of what several say together.
_EXAMINATIONS = (
    check_markers,
    check_identity,
    check_repositories,
    check_network,
    check_routes,
    check_mirror_images,
    check_registry,
    check_access,
    check_functions,
    check_mirror_queue,
    check_image_swapper,
)
# Stand in for required variables that are missing or malformed, so that all other checks still run.
_PLACEHOLDERS = {"cluster_name": "cluster", "account_id": "000000000000", "aws_region": "us-east-1"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What reading an environment found: the value when nothing is wrong, what is wrong, what is worth a look.

    `tfvars` are its merged files, which know the line of every value. `draft` is the value with all that is wrong, and
    with defaults for what could not be read. It is only for who looks at `problems` first and needs what they leave alone.
    """

    name: str
    environment: Environment | None
    problems: tuple[OrchestratorError, ...] = ()
    warnings: tuple[OrchestratorError, ...] = ()
    tfvars: Tfvars | None = None
    draft: Environment | None = None


def check_environment(name: str, files: Sequence[Tfvars], *, local: bool = False) -> Checked:
    """Read and check the environment `name` from its files, in Terraform's order (a later file wins).

    `local`: the commands that remedies name are for the embedded AWS.
    """
    merged = merge(files)
    problems: list[Problem] = []
    for tfvars in files:
        _report_unknown(tfvars, problems)
    values = _convert(merged, problems)
    context = Context(Environment(name=name, **values), merged, problems, flag=local_flag(local))
    for examine in _EXAMINATIONS:
        examine(context)
    problems.sort(key=lambda problem: problem.sort_key)
    context.warnings.sort(key=lambda problem: problem.sort_key)
    environment = None if problems else context.environment
    return Checked(name, environment, tuple(problems), tuple(context.warnings), merged, context.environment)


def build_environment(name: str, files: Sequence[Tfvars], *, local: bool = False) -> Environment:
    """The checked environment. Raises InvalidEnvironment with everything that is wrong, by file and line."""
    checked = check_environment(name, files, local=local)
    if checked.problems or checked.environment is None:
        raise InvalidEnvironment(checked.problems)
    return checked.environment


def _report_unknown(tfvars: Tfvars, problems: list[Problem]) -> None:
    known = [field for field in Environment.model_fields if field != "name"]
    for variable in tfvars.values:
        if variable not in known:
            guess = nearest(variable, known)
            problems.append(
                Problem(
                    f"There is no variable {variable}.",
                    why="Terraform would only warn, and nothing would read it.",
                    remedy=f'Did you mean "{guess}"?' if guess else "Remove it; docs and variables.tf list them all.",
                    where=tfvars.where((variable,)),
                    variable=variable,
                    value=variable,
                )
            )


def _convert(merged: Tfvars, problems: list[Problem]) -> dict[str, Any]:
    converter = Converter(merged, problems.append)
    values: dict[str, Any] = {}
    for variable, field in Environment.model_fields.items():
        if variable == "name":
            continue
        if variable in merged.values:
            value = converter.convert(merged.values[variable], field.annotation, (variable,))
            if value is not INVALID:
                values[variable] = value
                continue
        elif field.is_required():
            problems.append(
                Problem(
                    f"{variable} is missing.",
                    why="It is required.",
                    remedy=f'Add {variable} = "…".',
                    where=Location(merged.file),
                    variable=variable,
                )
            )
        if field.is_required():
            values[variable] = _PLACEHOLDERS[variable]
    return values
