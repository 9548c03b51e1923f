"""`orchestrator render | plan | apply | destroy | output | drift`: Terraform for one or several environments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.environment_name import ENVIRONMENT, NAMES
from orchestrator.cli.options import json_option, local_option
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = click.option("--all", "everything", is_flag=True, help="All environments.")
JOBS = click.option("-j", "--jobs", type=click.IntRange(min=1), help="Environments at once (default: what fits).")
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
NO_SHARING = click.option("--no-shared-provider", is_flag=True, help="Let each Terraform start its own provider.")
ALLOW = click.option(
    "--allow-destroy",
    multiple=True,
    metavar="NAME",
    help="This repository may be lost with its images, or this bucket with its records.",
)

TARGET = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="WHAT",
    help="Only this module, repository or address, and what it needs; for repairs. Repeatable.",
)


def _refuse_targets(targets: tuple[str, ...], names: list[str], option: str, given: object) -> None:
    """Targets are for one environment, and never part of a plan that another job applies."""
    if targets and len(names) != 1:
        raise RefusedInput("--target names a part of one environment.", remedy="Name one environment.")
    if targets and given is not None:
        raise RefusedInput(
            f"{option} and --target exclude each other.",
            why="A plan file is applied as the whole of what was looked at; a part of it would pass for that.",
            remedy="Leave one of them out.",
        )


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (json_option(), local_option(), JOBS, ALL):
        command = option(command)
    return command


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    return NAMES(_options(command))


@click.command("render")
@_common
@click.pass_context
def render(ctx: click.Context, /, **options: Any) -> int:
    """Write the working directory of an environment: root module, rendered variables, backend."""
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.reports import rendered

    return Fleet(ctx, initialise=False, **options).run(rendered)


@click.command("plan")
@_common
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan for `apply --plan`.")
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request: folded, within 65,536 characters.")
@click.option("--adopt", is_flag=True, help="Take over what exists and is in no state.")
@TARGET
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 3 when something would change.")
@NO_SHARING
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    out: Path | None,
    markdown: bool,
    adopt: bool,
    targets: tuple[str, ...],
    detailed_exitcode: bool,
    no_shared_provider: bool,
    **options: Any,
) -> int:
    """Show what an apply would change."""
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.reports import as_comment, planned

    if markdown and options["as_json"]:
        raise RefusedInput("--markdown and --json exclude each other.", remedy="Leave one of them out.")
    gathers = as_comment if markdown else None
    fleet = Fleet(ctx, share=not no_shared_provider, warns=True, gathers=gathers, **options)
    if out is not None and len(fleet.names) != 1:
        raise RefusedInput("--out keeps the plan of one environment.", remedy="Name one environment.")
    _refuse_targets(targets, fleet.names, "--out", out)
    return fleet.run(planned, out=out, adopt=adopt, ask_changes=detailed_exitcode, targets=targets)


@click.command("apply")
@_common
@YES
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Apply the plan that `plan --out` kept, and no other.",
)
@click.option("--adopt", is_flag=True, help="Take over what exists and is in no state.")
@TARGET
@ALLOW
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    yes: bool,
    plan_file: Path | None,
    adopt: bool,
    targets: tuple[str, ...],
    allow_destroy: tuple[str, ...],
    **options: Any,
) -> int:
    """Plan, ask, and apply exactly that plan."""
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.reports import applied

    fleet = Fleet(ctx, yes=yes, together=True, warns=True, **options)
    if plan_file is not None and len(fleet.names) != 1:
        raise RefusedInput("--plan applies the plan of one environment.", remedy="Name one environment.")
    if plan_file is not None and adopt:
        raise RefusedInput("--plan and --adopt exclude each other.", remedy="Give --adopt to `plan --out`.")
    _refuse_targets(targets, fleet.names, "--plan", plan_file)
    return fleet.run(applied, plan_file=plan_file, adopt=adopt, allow_destroy=allow_destroy, targets=targets)


@click.command("destroy")
@_common
@YES
@ALLOW
@click.pass_context
def destroy(ctx: click.Context, /, yes: bool, allow_destroy: tuple[str, ...], **options: Any) -> int:
    """Destroy what is not protected."""
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.reports import destroyed

    return Fleet(ctx, yes=yes, protected_only=True, **options).run(destroyed, allow_destroy=allow_destroy)


@click.command("output")
@click.argument("words", nargs=-1, metavar="[NAME]... [KEY]", type=ENVIRONMENT)
@click.option("--raw", is_flag=True, help="Print the output KEY without quotes and line end, for a shell.")
@_options
@click.option("--show-sensitive", is_flag=True, help="Print sensitive values, too.")
@click.pass_context
def output(ctx: click.Context, /, words: tuple[str, ...], raw: bool, show_sensitive: bool, **options: Any) -> int:
    """Print the outputs of environments; without a `state`, those of the last apply with --local.

    With KEY the value of that output alone: `--raw` as a shell wants it, `--json` as JSON.
    """
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.outputs import printed_output, printed_outputs, split_key
    from orchestrator.cli.project_option import open_project

    if raw and options["as_json"]:
        raise RefusedInput("--raw and --json exclude each other.", remedy="Leave one of them out.")
    names, key = split_key(words, open_project(ctx), raw=raw)
    settings: dict[str, Any] = {"transitions": False, "or_local": True, "names": names}
    if key is None:
        return Fleet(ctx, **settings, **options).run(printed_outputs, show_sensitive=show_sensitive)
    as_json = options.pop("as_json")
    fleet = Fleet(ctx, **settings, **options, as_json=False, bare=True)
    return fleet.run(printed_output, key=key, raw=raw, as_json=as_json, show_sensitive=show_sensitive)


@click.command("drift")
@_common
@NO_SHARING
@click.pass_context
def drift(ctx: click.Context, /, no_shared_provider: bool, **options: Any) -> int:
    """Show what changed behind our back: exit code 3 when something did, 0 when nothing."""
    from orchestrator.cli.operation import Fleet
    from orchestrator.cli.reports import drifted

    return Fleet(ctx, share=not no_shared_provider, **options).run(drifted)
