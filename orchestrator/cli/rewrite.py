"""`orchestrator rewrite`: send the images of people's files to ECR, in place, as the route table says."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.image_fields import fields_option, image_fields_of
from orchestrator.cli.project_option import open_project
from orchestrator.cli.route import load_routes
from orchestrator.cli.stages import stage_options, stages_meant
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput
from orchestrator.files.chart_overrides import overrides_of, overrides_of_text, write_overrides
from orchestrator.files.image_rewrite import Proposal, diff, propose
from orchestrator.files.image_scan import STDIN
from orchestrator.files.rewrite_journal import undo, write
from orchestrator.files.tree import NotRead, decode_text
from orchestrator.routes.build import build_route_table
from orchestrator.workloads import edits
from orchestrator.workloads.edits import Target, backward, forward
from orchestrator.workloads.fields import Fields
from orchestrator.workloads.find import find_images
from orchestrator.workloads.owners import read_owners
from orchestrator.workloads.place import ImagePlace, Lines
from orchestrator.workloads.renovate import renovate_settings
from orchestrator.workloads.stages import Stage, selected


@click.command()
@NAME
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
@stage_options("Only what the stages of FILE select, up to the one after that which --write recorded last.")
@click.option(
    "--values-out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of a chart that nobody edits (PATH, its folder, a file of values or `-`). It writes the values that change, for `-f`.",
)
@fields_option()
@click.option("--for", "tool", type=click.Choice(["renovate"]), help="Print the settings that a tool needs afterwards.")
@click.pass_context
def rewrite(
    ctx: click.Context,
    name: str,
    paths: tuple[str, ...],
    mode: str | None,
    reverse: bool,
    consents: tuple[str, ...],
    stage_file: Path | None,
    through: str | None,
    values_out: Path | None,
    fields_file: str | None,
    tool: str | None,
) -> int:
    """Rewrite the images of files and folders (PATH) to where environment NAME pulls them from.

    Everything outside the images keeps its bytes: comments, quotes, order, line ends. Files that git ignores, links
    and images that the table leaves alone stay. Running it twice changes nothing more. `-` alone reads standard input
    and writes rewritten documents to standard output. That is a post-renderer for Helm, and a function for kustomize.
    """
    project = open_project(ctx)
    if mode == "undo":
        if paths:
            raise RefusedInput("--undo takes no PATH.", remedy="Leave it out: the journal names the files.")
        done = undo(project.state_dir)
        for problem in done.refused:
            messages.labelled(f"error: {problem}")
        messages.tell(f"{counted(done.files, 'file is', 'files are')} as before")
        return 1 if done.refused else 0
    if tool is not None:
        click.echo(json.dumps(renovate_settings(build_route_table(load_routes(project, name))), indent=2))
        return 0
    if not paths:
        raise RefusedInput("Nothing says what to rewrite.", remedy="Name files or folders.")
    table = build_route_table(load_routes(project, name))
    if values_out is not None:
        alone = mode is None and stage_file is None and through is None and not reverse
        return _values_out(paths, values_out, forward(table), alone=alone)
    fields = image_fields_of(project, fields_file)
    if stage_file is not None and reverse:
        raise RefusedInput(
            "--stage and --reverse exclude each other.",
            why="A stage goes forward.",
            remedy="`--undo` goes back one stage; --reverse without --stage maps every image back.",
        )
    filters = paths == (STDIN,) and mode is None
    stages = stages_meant(project, name, stage_file, through, advance=not filters)
    if filters:
        return _filter(backward(table) if reverse else forward(table), consents, fields, stages)
    if STDIN in paths:
        raise RefusedInput(
            "Standard input cannot be mixed with files or written back.",
            why="A stream that comes in by `-` goes out rewritten.",
            remedy="Give `-` alone, without --check, --diff or --write.",
        )
    proposal = propose(paths, backward(table) if reverse else forward(table), consents, fields, stages)
    _tell(proposal)
    if stages:
        messages.tell(f"stage: {stages[-1].name}")
    match mode:
        case "write":
            # A stage that changes no file is done, too.
            if proposal.changes or stages:
                stage = {"environment": name, "stage": stages[-1].name} if stages else None
                journal = write(proposal.changes, project.state_dir, stage)
                messages.tell(
                    f"wrote {counted(len(proposal.changes), 'file')}; undo: orchestrator rewrite {name} --undo"
                )
                messages.tell(f"journal: {journal}")
            return 0
        case "check":
            for change in proposal.changes:
                click.echo(f"{change.task.shown}: {counted(len(change.edits), 'image')}")
            return 3 if proposal.changes else 0
        case _:
            for change in proposal.changes:
                sys.stdout.writelines(diff(change))
            return 0


def _values_out(paths: tuple[str, ...], values_out: Path, target: Target, *, alone: bool) -> int:
    if len(paths) != 1 or not alone:
        raise RefusedInput(
            "--values-out takes one chart and no other mode.",
            why="A file of overrides is one chart's, and the chart stays as it is.",
            remedy="Name its folder or its file of values, and leave --check, --diff, --write, --stage and --reverse out.",
        )
    if paths[0] == STDIN:
        found = overrides_of_text(sys.stdin.buffer.read(), target)
    else:
        found = overrides_of(Path(paths[0]), target)
    write_overrides(values_out, found.text)
    for left in found.left:
        messages.note(f"{left.file}:{left.line}: {left.reason}")
    messages.tell(f"wrote {values_out}; give it to Helm last: -f {values_out}")
    return 0


def _filter(target: Target, consents: tuple[str, ...], fields: Fields, stages: Sequence[Stage] | None) -> int:
    """Standard input, rewritten, to standard output: what Helm's post-renderers and kustomize's functions ask for."""
    content = decode_text(Path(STDIN), sys.stdin.buffer.read())
    if isinstance(content, NotRead):
        raise RefusedInput("Standard input is no text.", why=f"{content.reason}.", remedy="Give YAML in UTF-8.")
    found = find_images("stdin.yaml", content.text, fields=fields)
    broken = [problem for problem in found.unreadable if not problem.text]
    if broken:
        line = Lines(content.text).at(broken[0].start)[0]
        raise RefusedInput(
            f"Standard input cannot be read at line {line}.",
            why=f"{broken[0].reason}. An image could be passed on as it is.",
            remedy="Correct the document.",
        )
    places = found.places if stages is None else _of_stages(found.places, content.text, stages)
    sys.stdout.write(edits.rewrite(places, target, consents).apply(content.text))
    return 0


def _of_stages(places: Sequence[ImagePlace], text: str, stages: Sequence[Stage]) -> list[ImagePlace]:
    owners = read_owners(text)
    return [place for place in places if selected(stages, owners.at(place.anchor.start), None, STDIN)]


def _tell(proposal: Proposal) -> None:
    for left in proposal.left:
        messages.note(f"{left.file}:{left.line}: {left.reason}")
    messages.tell(f"{len(proposal.changes)} of {counted(proposal.files, 'file')} with images to rewrite")
