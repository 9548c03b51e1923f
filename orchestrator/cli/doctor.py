"""`orchestrator doctor`: what is installed, found, reachable and permitted, each line with its remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from orchestrator.cli.environment_name import NAMES
from orchestrator.cli.options import json_option, local_option
from orchestrator.errors import RefusedInput
from orchestrator.plain_text import plain

if TYPE_CHECKING:
    from orchestrator.doctor.diagnosis import Diagnosis
    from orchestrator.project import Project

COLORS = {"ok": "green", "note": "cyan", "unknown": "yellow", "failed": "red"}


@click.command()
@NAMES
@click.option("--all", "every", is_flag=True, help="Every environment of the project.")
@click.option("--cluster", "of_cluster", is_flag=True, help="Also the cluster of NAME, which kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@local_option()
@json_option()
@click.pass_context
def doctor(
    ctx: click.Context,
    names: tuple[str, ...],
    every: bool,
    of_cluster: bool,
    context: str | None,
    local: bool,
    as_json: bool,
) -> int:
    """Say what is installed, found, reachable and permitted.

    Without a NAME: this machine, and whether the project's files are valid; AWS is not asked. With one: also its
    credentials, state bucket, permissions, upstream secrets, and what its lifecycle manager says. With --cluster: the
    version of its cluster, the policy that redirects, and a Kyverno that is about to stop. Nothing is changed.
    Exit code 1 when something that is needed fails.
    """
    if of_cluster and len(names) != 1:
        raise RefusedInput("--cluster is about one cluster.", remedy="Name one environment.")
    if every and names:
        raise RefusedInput("--all and names of environments are both given.", remedy="Give one of them.")
    failed = False
    findings = []
    for finding in chain(
        _findings(ctx, names, every=every, local=local), _of_cluster(ctx, names[0], context) if of_cluster else ()
    ):
        failed = failed or finding.status == "failed"
        if as_json:
            findings.append(finding.as_dict())
        else:
            _print(finding)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "findings": findings}, indent=2))
    return 1 if failed else 0


def _findings(ctx: click.Context, names: tuple[str, ...], *, every: bool, local: bool) -> Iterator[Diagnosis]:
    from orchestrator.doctor.account import account, environment_file
    from orchestrator.doctor.diagnosis import Diagnosis
    from orchestrator.doctor.machine import embedded_aws, machine
    from orchestrator.local.process import status

    yield from machine()
    project = _project(ctx, required=bool(names) or every)
    if project is None:
        remedy = "`orchestrator init NAME` starts one; -C DIR names another folder."
        yield Diagnosis("note", "project", "no folder environments/ here or above", remedy)
        return
    known = project.environment_names()
    yield Diagnosis("ok", "project", f"{project.root}: {', '.join(known) or 'no environments yet'}")
    running = status(project.local_aws_dir)
    yield embedded_aws(running)
    asked = tuple(known) if every else names
    for name in asked or known:
        finding, environment = environment_file(project, name)
        yield finding
        if name in asked and environment is not None and not (local and running is None):
            managed = [own for other in project.neighbours(environment).values() for own in other.own_repository_names]
            yield from account(environment, running if local else None, managed)


def _of_cluster(ctx: click.Context, name: str, context: str | None) -> Iterator[Diagnosis]:
    from orchestrator.cli.project_option import open_project
    from orchestrator.doctor.account import environment_file
    from orchestrator.doctor.cluster import cluster
    from orchestrator.kubectl import find_kubectl

    _, environment = environment_file(open_project(ctx), name)
    if environment is not None:
        yield from cluster(environment, find_kubectl(context))


def _project(ctx: click.Context, *, required: bool) -> Project | None:
    from orchestrator.cli.project_option import open_project

    try:
        return open_project(ctx)
    except RefusedInput:
        if required:
            raise
        return None


def _print(finding: Diagnosis) -> None:
    status = click.style(f"{finding.status:<8}", fg=COLORS[finding.status])
    subject = f"{finding.environment}: {finding.check}" if finding.environment else finding.check
    click.echo(plain(f"{status}{subject}: {finding.what}"))
    if finding.remedy and finding.status != "ok":
        click.echo(plain(f"        -> {finding.remedy}"))
