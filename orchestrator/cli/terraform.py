"""`orchestrator render | plan | apply | destroy | output | drift`: Terraform for one or several environments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import json_option, local_option
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")
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


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (json_option(), local_option(), JOBS, ALL, NAMES):
        command = option(command)
    return command


@click.command("render")
@_common
@click.pass_context
def render(ctx: click.Context, /, **options: Any) -> int:
    """Write the working directory of an environment: root module, rendered variables, backend."""
    from orchestrator.cli.operation import Fleet, rendered

    return Fleet(ctx, **options).run(rendered)


@click.command("plan")
@_common
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan for `apply --plan`.")
@click.option("--adopt", is_flag=True, help="Take over what exists and is in no state.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 3 when something would change.")
@NO_SHARING
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    out: Path | None,
    adopt: bool,
    detailed_exitcode: bool,
    no_shared_provider: bool,
    **options: Any,
) -> int:
    """Show what an apply would change."""
    from orchestrator.cli.operation import Fleet, planned

    fleet = Fleet(ctx, share=not no_shared_provider, **options)
    if out is not None and len(fleet.names) != 1:
        raise RefusedInput("--out keeps the plan of one environment.", remedy="Name one environment.")
    return fleet.run(planned, out=out, adopt=adopt, ask_changes=detailed_exitcode)


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
@ALLOW
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    yes: bool,
    plan_file: Path | None,
    adopt: bool,
    allow_destroy: tuple[str, ...],
    **options: Any,
) -> int:
    """Plan, ask, and apply exactly that plan."""
    from orchestrator.cli.operation import Fleet, applied

    fleet = Fleet(ctx, yes=yes, **options)
    if plan_file is not None and len(fleet.names) != 1:
        raise RefusedInput("--plan applies the plan of one environment.", remedy="Name one environment.")
    if plan_file is not None and adopt:
        raise RefusedInput("--plan and --adopt exclude each other.", remedy="Give --adopt to `plan --out`.")
    return fleet.run(applied, plan_file=plan_file, adopt=adopt, allow_destroy=allow_destroy)


@click.command("destroy")
@_common
@YES
@ALLOW
@click.pass_context
def destroy(ctx: click.Context, /, yes: bool, allow_destroy: tuple[str, ...], **options: Any) -> int:
    """Destroy what is not protected."""
    from orchestrator.cli.operation import Fleet, destroyed

    return Fleet(ctx, yes=yes, protected_only=True, **options).run(destroyed, allow_destroy=allow_destroy)


@click.command("output")
@_common
@click.option("--show-sensitive", is_flag=True, help="Print sensitive values, too.")
@click.pass_context
def output(ctx: click.Context, /, show_sensitive: bool, **options: Any) -> int:
    """Print the outputs of an environment; without a `state`, those of its last apply with --local."""
    from orchestrator.cli.operation import Fleet, printed_outputs

    return Fleet(ctx, transitions=False, or_local=True, **options).run(printed_outputs, show_sensitive=show_sensitive)


@click.command("drift")
@_common
@NO_SHARING
@click.pass_context
def drift(ctx: click.Context, /, no_shared_provider: bool, **options: Any) -> int:
    """Show what changed behind our back: exit code 3 when something did, 0 when nothing."""
    from orchestrator.cli.operation import Fleet, drifted

    return Fleet(ctx, share=not no_shared_provider, **options).run(drifted)
