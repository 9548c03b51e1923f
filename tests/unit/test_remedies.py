"""What a remedy says can be copied: a value in it stands whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from orchestrator.aws.inventory import CachedRepository
from orchestrator.cli.main import cli
from orchestrator.cli.reports import left_over

ORCHESTRATOR = Path(__file__).resolve().parents[2] / "orchestrator"
# What cuts a text that is too long for a line.
CUTTING = frozenset({"shown", "_shorten"})
WHOLE = {
    # Words out of short lists of ours, and digits that were measured before.
    "checks/walker.py": "shown(word)",
    "checks/convert.py": "shown(written)",
}


def cut_values(source: str) -> Iterator[str]:
    """The calls in remedies that may cut, also by a name that was given in the same function."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and any(map(_cuts, ast.walk(node.value)))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                for part in ast.walk(node.value):
                    if _cuts(part) or (isinstance(part, ast.Name) and part.id in names and part.id != "remedy"):
                        yield ast.unparse(part)


def _cuts(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CUTTING


def test_no_remedy_holds_a_value_that_was_cut() -> None:
    found = {
        path.relative_to(ORCHESTRATOR).as_posix(): sorted(set(cut_values(path.read_text("utf-8"))))
        for path in sorted(ORCHESTRATOR.rglob("*.py"))
        if "remedy" in path.read_text("utf-8")
    }
    assert {name: calls for name, calls in found.items() if calls} == {name: [call] for name, call in WHOLE.items()}


def test_a_cut_value_is_seen_also_by_its_name() -> None:
    source = "def f(path):\n    name = shown(path)\n    raise E(what=shown(path), remedy=f'Bring {name} back.')\n"
    assert list(cut_values(source)) == ["name"]


# What a command is told to people by. Documents of `manifests/` are for a real cluster, and no command makes them for the
# embedded AWS.
TELLING = ("aws/", "checks/", "cli/", "doctor/", "project.py", "terraform/")
# `affected` is for pipelines, and `validate` tells the duties: both have no `--local`. Of `init` it says whether what is there
# is looked up in the embedded AWS.
NEVER_LOCAL = {"cli/affected.py", "checks/without_a_way_out.py"}
OTHER_MEANING = "init"


def commands_with_local(command: click.Command, name: str = "") -> Iterator[str]:
    """The names of all commands that take `--local`, such as `cache reconcile`."""
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                yield from commands_with_local(found, f"{name} {child}".strip())
    if any("--local" in parameter.opts for parameter in command.params) and name != OTHER_MEANING:
        yield name


def commands_elsewhere(source: str, names: Collection[str]) -> Iterator[str]:
    """The texts that name one of the commands with a value after it, and say nothing of where it runs."""
    # A command of several words first: `state mv`.
    told = re.compile(rf"orchestrator (?:{'|'.join(sorted(names, key=len, reverse=True))}) \{{")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
                for part in node.values
            )
            if told.search(text) and not re.search(r"flag|--local|wanted|shown_by", text):
                yield text


def test_a_command_that_is_told_runs_where_this_one_did() -> None:
    names = list(commands_with_local(cli))
    assert {"cache reconcile", "mirror", "plan"} <= set(names)
    found = {
        path.relative_to(ORCHESTRATOR).as_posix(): list(commands_elsewhere(path.read_text("utf-8"), names))
        for path in sorted(ORCHESTRATOR.rglob("*.py"))
        if path.relative_to(ORCHESTRATOR).as_posix().startswith(TELLING)
    }
    assert {name: texts for name, texts in found.items() if texts and name not in NEVER_LOCAL} == {}


def test_a_command_without_its_place_is_seen() -> None:
    source = "f'orchestrator plan {name}'\nf'orchestrator plan {name}{flag}'\nf'orchestrator rewrite {name} --undo'\n"
    assert len(list(commands_elsewhere(source, ["plan"]))) == 1


def test_what_deletes_caches_in_aws_is_told_for_the_real_one_alone() -> None:
    cached = [CachedRepository("quay/a", "quay", 2, 10)]
    command = "    aws ecr delete-repository --region eu-west-1 --force --repository-name quay/a"
    assert command in left_over(cached, "eu-west-1", local=False)
    assert not any("aws ecr" in line for line in left_over(cached, "eu-west-1", local=True))
