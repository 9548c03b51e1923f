"""Errors say where, what, why and the remedy; the module draws all of their classes."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import orchestrator
from orchestrator import errors
from orchestrator.errors import Location, OrchestratorError

# They define no error, and CDK is installed for the long tests only.
NEED_CDK = frozenset({"orchestrator.constructs.aws_cdk", "orchestrator.constructs.terrain"})


def below(base: type[OrchestratorError]) -> Iterator[type[OrchestratorError]]:
    for child in base.__subclasses__():
        if child.__module__.startswith("orchestrator."):
            yield child
            yield from below(child)


def test_the_tree_of_classes_is_drawn_whole() -> None:
    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if not module.name.endswith("__main__") and module.name not in NEED_CDK:
            importlib.import_module(module.name)
    expected = {
        f"{child.__module__}.{child.__name__}".removeprefix("orchestrator.").removeprefix("errors.")
        for child in below(OrchestratorError)
    }
    drawn = re.findall(r"^[│├└─ ]+─ ([\w.]+)", errors.__doc__ or "", re.MULTILINE)
    assert set(drawn) == expected
    assert len(drawn) == len(expected)


def test_the_environment_stands_before_the_sentence() -> None:
    error = OrchestratorError("not applied.", environment="dev", why="You said no.", remedy="Say yes.")
    assert str(error) == 'environment "dev": not applied. You said no. Say yes.'
    assert error.as_dict()["what"] == 'environment "dev": not applied.'


def test_an_error_without_an_environment_begins_with_its_place() -> None:
    assert str(OrchestratorError("no such rule.", where=Location("dev.tfvars", 3))) == "dev.tfvars:3: no such rule."


def test_what_another_program_said_without_a_full_stop_does_not_run_into_the_remedy() -> None:
    error = OrchestratorError("not applied.", why="The token is expired", remedy="Sign in again")
    assert str(error) == "not applied. The token is expired. Sign in again"
    lines = OrchestratorError("not applied.", why="Error: one\nError: two", remedy="Look at them.")
    assert str(lines) == "not applied.\nError: one\nError: two\nLook at them."
