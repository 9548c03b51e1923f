"""`orchestrator rewrite`: send the images of people's files to ECR, in place, as the route table says."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.project_option import open_project
from orchestrator.cli.route import load_routes
from orchestrator.errors import RefusedInput
from orchestrator.files.image_rewrite import Proposal, diff, propose, undo, write
from orchestrator.routes.build import build_route_table
from orchestrator.workloads.edits import backward, forward


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--check", "mode", flag_value="check", help="Say what would change; exit 3 when something would.")
@click.option("--diff", "mode", flag_value="diff", help="Print a unified diff that `git apply` takes (the default).")
@click.option("--write", "mode", flag_value="write", help="Write the files; --undo brings them back.")
@click.option("--undo", "mode", flag_value="undo", help="Bring back what the last --write of this project changed.")
@click.option("--reverse", is_flag=True, help="Map references to the environment's registry back to their upstream.")
@click.option(
    "--include",
    "consents",
    type=click.Choice(["ci", "env"]),
    multiple=True,
    help="Rewrite pipelines (ci) or variables and arguments that name images (env) too.",
)
@click.pass_context
def rewrite(
    ctx: click.Context, name: str, paths: tuple[str, ...], mode: str | None, reverse: bool, consents: tuple[str, ...]
) -> int:
    """Rewrite the images of files and folders (PATH) to where environment NAME pulls them from.

    Everything outside the images keeps its bytes: comments, quotes, order, line ends. Files that git ignores, links
    and images that the table leaves alone stay. Running it twice changes nothing more.
    """
    project = open_project(ctx)
    if mode == "undo":
        if paths:
            raise RefusedInput("--undo takes no PATH.", remedy="Leave it out: the journal names the files.")
        done = undo(project.state_dir)
        for problem in done.refused:
            click.echo(f"error: {problem}", err=True)
        click.echo(f"{done.files} files are as they were", err=True)
        return 1 if done.refused else 0
    if not paths:
        raise RefusedInput("Nothing says what to rewrite.", remedy="Name files or folders.")
    table = build_route_table(load_routes(project, name))
    proposal = propose(paths, backward(table) if reverse else forward(table), consents)
    _tell(proposal)
    match mode:
        case "write":
            if proposal.changes:
                journal = write(proposal.changes, project.state_dir)
                click.echo(f"wrote {len(proposal.changes)} files; undo: orchestrator rewrite {name} --undo", err=True)
                click.echo(f"journal: {journal}", err=True)
            return 0
        case "check":
            for change in proposal.changes:
                click.echo(f"{change.task.shown}: {len(change.edits)} images")
            return 3 if proposal.changes else 0
        case _:
            for change in proposal.changes:
                sys.stdout.writelines(diff(change))
            return 0


def _tell(proposal: Proposal) -> None:
    for left in proposal.left:
        click.echo(f"note: {left.file}:{left.line}: {left.reason}", err=True)
    click.echo(f"{len(proposal.changes)} of {proposal.files} files have images to rewrite", err=True)
