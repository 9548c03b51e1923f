"""An Environment, or the warnings about it, from the text of one tfvars file."""

from __future__ import annotations

from orchestrator.checks.check import build_environment, check_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from tests.unit.checks.wrong_inputs import file_of


def load(text: str, name: str = "dev") -> Environment:
    return build_environment(name, [parse_tfvars(file_of(text), f"environments/{name}.tfvars")])


def warnings(text: str, name: str = "dev") -> list[str]:
    checked = check_environment(name, [parse_tfvars(file_of(text), f"environments/{name}.tfvars")])
    assert [str(problem) for problem in checked.problems] == []
    return [str(warning) for warning in checked.warnings]
