"""`orchestrator local fill | age`: a cache that lives, in the embedded AWS: images are pulled, and days pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import Number, json_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.environment.model import Environment
    from orchestrator.local.process import LocalAws
    from orchestrator.project import Project
    from orchestrator.routes.table import RouteTable

LONGEST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Pull:
    """One image that is pulled: as it is written, and its place in ECR."""

    reference: str
    target: str
    repository: str
    tag: str


@click.command()
@NAME
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@click.option(
    "--snapshot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a snapshot of a cluster that runs these images, for the lifecycle commands' --snapshot.",
)
@json_option()
@click.pass_context
def fill(ctx: click.Context, name: str, references: tuple[str, ...], snapshot: Path | None, as_json: bool) -> int:
    """Let nodes pull images through the cache of environment NAME in the embedded AWS, which makes the images up.

    Without REFERENCE, known images of every rule are pulled, old and new versions. An image that is there already is
    pulled again: its last pull is now.
    """
    from orchestrator.local.controls import fill as pull_all
    from orchestrator.local.example_images import made_up_findings, made_up_size
    from orchestrator.routes.build import build_route_table

    project = open_project(ctx)
    environment = project.load(name)
    table = build_route_table(environment)
    pulls = [_pull(table, name, text) for text in references] if references else list(_examples(table))
    if not pulls:
        raise RefusedInput(
            f'Environment "{name}" has no pull-through rule, so that nothing is pulled through its cache.',
            remedy="Add an entry to pull_through_cache_rules, or name another environment.",
        )
    documents = [
        {
            "repository": pull.repository,
            "tag": pull.tag,
            "size": made_up_size(pull.reference),
            "findings": made_up_findings(pull.reference),
        }
        for pull in pulls
    ]
    registry = environment.registry
    answer = pull_all(_running(project, name), registry.account, registry.region, documents)
    if answer["without_rule"]:
        raise _not_applied(name, f"It has no rule for {answer['without_rule'][0]} in {registry.region}.")
    rows = [
        {"reference": pull.reference, "target": pull.target, **found}
        for pull, found in zip(pulls, answer["images"], strict=True)
    ]
    if snapshot is not None:
        _write_snapshot(snapshot, environment, pulls, [row["digest"] for row in rows])
    if as_json:
        click.echo(json.dumps({"environment": name, "images": rows}, indent=2))
        return 0
    _print(rows)
    if snapshot is not None:
        messages.tell(f"wrote {snapshot}")
    return 0


@click.command()
@NAME
@click.option("--days", type=Number(0, LONGEST_DAYS), required=True, help="So many days pass; fractions are allowed.")
@json_option()
@click.pass_context
def age(ctx: click.Context, name: str, days: float, as_json: bool) -> int:
    """Let days pass for all images in the registry of environment NAME in the embedded AWS: pushes, pulls and scans."""
    from orchestrator.local.controls import make_older

    project = open_project(ctx)
    registry = project.load(name).registry
    count = make_older(_running(project, name), registry.account, registry.region, days)
    if as_json:
        click.echo(json.dumps({"environment": name, "days": days, "images": count}))
        return 0
    click.echo(
        f"{counted(count, 'image')} of account {registry.account} in {registry.region}: {days:g} {'day' if days == 1 else 'days'} older."
    )
    if not count:
        click.echo(f"`orchestrator local fill {name}` pulls some.")
    return 0


def _running(project: Project, name: str) -> LocalAws:
    from orchestrator.local.process import status

    found = status(project.local_aws_dir)
    if found is None:
        raise _not_applied(name, "It does not run for this folder.")
    return found


def _not_applied(name: str, why: str) -> RefusedInput:
    return RefusedInput(
        f'Environment "{name}" is not in the embedded AWS.', why=why, remedy=f"orchestrator apply {name} --local"
    )


def _examples(table: RouteTable) -> Iterator[Pull]:
    """Known images of every pull-through rule; made-up names below the upstreams of which none is known."""
    from orchestrator.local.example_images import example_references, made_up_references
    from orchestrator.routes.table import Redirected

    served = set()
    for reference in example_references():
        answer = table.redirect(reference)
        if isinstance(answer, Redirected) and answer.route.kind == "pull-through":
            served.add(answer.route.name)
            yield _place(reference, answer.target)
    for route in table.routes:
        if route.kind == "pull-through" and route.name not in served:
            for reference in made_up_references(str(route.source)):
                answer = table.redirect(reference)
                if isinstance(answer, Redirected) and answer.route == route:
                    yield _place(reference, answer.target)


def _pull(table: RouteTable, name: str, text: str) -> Pull:
    """The place of one reference. Raises RefusedInput for what no node pulls through a rule by a tag."""
    from orchestrator.cli.route import answer_line
    from orchestrator.routes.table import Redirected

    line = answer_line(table, text)
    if not isinstance(line.answer, Redirected):
        raise RefusedInput(
            f"{text} {line.outcome}." if line.word == "unchanged" else f"{text}: {line.outcome}.",
            why="Only what a rule serves comes into the cache by a pull.",
            remedy=line.remedy or f"orchestrator route {name} {text}",
        )
    if line.answer.route.kind != "pull-through":
        raise RefusedInput(
            f"{text} has a mirror: it does not come into ECR by a pull.",
            remedy=f"orchestrator mirror {name} {text} --local",
        )
    if "@" in text:
        raise RefusedInput(
            f"{text} names a digest.",
            why="ECR makes no first pull by digest, and the embedded AWS makes up the image of a tag.",
            remedy="Name it by its tag.",
        )
    return _place(text, line.answer.target)


def _place(reference: str, target: str) -> Pull:
    path = target.partition("/")[2]
    repository, colon, tag = path.rpartition(":")
    return Pull(reference, target, repository, tag) if colon else Pull(reference, target, path, "latest")


def _write_snapshot(path: Path, environment: Environment, pulls: Sequence[Pull], digests: Sequence[str]) -> None:
    from orchestrator.files.replace import write_whole
    from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot

    images = tuple(
        UsedImage(pull.reference, pull.target, (digest,), ("Deployment/example/made-up",))
        for pull, digest in zip(pulls, digests, strict=True)
    )
    write_whole(path, dump_snapshot(Snapshot(environment.snapshot_name, datetime.now(UTC), images)).encode())


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from orchestrator.cli.lifecycle.printing import readable_size

    widest = max(len(row["reference"]) for row in rows)
    for row in rows:
        size = "again" if not row["new"] else readable_size(row["bytes"])
        click.echo(f"{row['reference']:<{widest}}  {size:>8}  {row['target'].partition('/')[2]}")
    new = [row for row in rows if row["new"]]
    again = len(rows) - len(new)
    click.echo(
        f"{counted(len(new), 'image')} pulled the first time, {readable_size(sum(row['bytes'] for row in new))}; {again} again."
    )
