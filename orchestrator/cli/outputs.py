"""What `orchestrator output` prints: all outputs of environments, or one of them as a shell wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.operation import EnvironmentRun, Report
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.spelling import nearest
from orchestrator.terraform import operations

if TYPE_CHECKING:
    from orchestrator.project import Project

HIDDEN = "(sensitive)"


def split_key(words: Sequence[str], project: Project, *, raw: bool) -> tuple[tuple[str, ...], str | None]:
    """(environments, output) of what stands after `output`: `NAME KEY` names one output, other words are environments.

    Raises RefusedInput for `--raw` without a key.
    """
    if len(words) == 2 and (raw or words[1] not in project.environment_names()):
        project.tfvars_files(words[0])
        return (words[0],), words[1]
    if raw:
        raise RefusedInput("--raw prints one output.", remedy="Name it after its environment: `output NAME KEY --raw`.")
    return tuple(words), None


def printed_outputs(unit: EnvironmentRun, *, show_sensitive: bool) -> Report:
    """The outputs; sensitive ones only on request."""
    outputs = operations.output(unit.stack)
    values = {
        name: entry.get("value") if show_sensitive or not entry.get("sensitive") else HIDDEN
        for name, entry in sorted(outputs.items())
    }
    lines = [f"{name} = {_plain(value)}" for name, value in values.items()]
    if not lines:
        lines = [f"No outputs yet: `{_apply(unit)}` makes them."]
    return Report({"environment": unit.name, "outputs": values}, tuple(lines))


def printed_output(unit: EnvironmentRun, *, key: str, raw: bool, as_json: bool, show_sensitive: bool) -> Report:
    """One output alone, on standard output: as JSON, without quotes for `raw`, else as it stands among all of them."""
    value = _value(unit, operations.output(unit.stack), key, show_sensitive=show_sensitive)
    if as_json:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    elif raw:
        click.echo(_raw(unit, key, value), nl=False)
    else:
        click.echo(_plain(value))
    return Report({})


def _is_declared(unit: EnvironmentRun, key: str) -> bool:
    """Does the root module declare this output? Terraform keeps none that is null."""
    from orchestrator.workloads.formats.hcl_tree import read_hcl

    return any(
        (block.type, block.labels) == ("output", (key,))
        for path in unit.stack.workdir.root.glob("*.tf")
        for block in read_hcl(path.read_text(encoding="utf-8")).root.blocks
    )


def _value(unit: EnvironmentRun, outputs: Mapping[str, Mapping[str, Any]], key: str, *, show_sensitive: bool) -> Any:
    if key not in outputs:
        if not outputs:
            raise OrchestratorError(
                f'there is no output "{key}".',
                environment=unit.name,
                why="Nothing was applied yet.",
                remedy=f"`{_apply(unit)}` makes the outputs.",
            )
        if _is_declared(unit, key):
            raise RefusedInput(
                f'the output "{key}" has no value.',
                environment=unit.name,
                why="It is null: the environment does not make what it names, or was not applied since it does.",
                remedy="`orchestrator docs outputs` says which variable it needs.",
            )
        guess = nearest(key, outputs)
        raise RefusedInput(
            f'there is no output "{key}".',
            environment=unit.name,
            why=f"Outputs are: {', '.join(sorted(outputs))}.",
            remedy=f'Did you mean "{guess}"?'
            if guess
            else f"`orchestrator output {unit.name}{unit.stack.workdir.flag}` prints them all.",
        )
    if outputs[key].get("sensitive") and not show_sensitive:
        raise RefusedInput(
            f'the output "{key}" is sensitive.',
            environment=unit.name,
            why="A log would keep it.",
            remedy="--show-sensitive prints it.",
        )
    return outputs[key].get("value")


def _raw(unit: EnvironmentRun, key: str, value: Any) -> str:
    """As Terraform's `output -raw`: texts, numbers and truth values alone have a form that a shell can take."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    kind = "null" if value is None else "a list" if isinstance(value, list) else "an object"
    raise RefusedInput(
        f'the output "{key}" is {kind}.',
        environment=unit.name,
        why="--raw prints texts, numbers and truth values.",
        remedy=f"Use `orchestrator output {unit.name} {key} --json{unit.stack.workdir.flag}`.",
    )


def _apply(unit: EnvironmentRun) -> str:
    return f"orchestrator apply {unit.name}{unit.stack.workdir.flag}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and "\n" not in value else json.dumps(value, indent=2, ensure_ascii=False)
