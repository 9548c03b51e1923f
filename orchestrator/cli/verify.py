"""`orchestrator verify`: what still pulls from elsewhere or fails to pull, and why."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.route import load_routes
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput
from orchestrator.plain_text import plain
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.routes.table import RouteTable
    from orchestrator.workloads.verification import PodImage

SECONDS = 10.0


@click.command()
@NAME
@click.option("--cluster", "of_cluster", is_flag=True, help="Look at the Pods of the cluster that kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option("--files", "paths", metavar="PATH", multiple=True, help="Look at the images of files or a folder.")
@click.option("--watch", is_flag=True, help="Look again every ten seconds until all is as the table says and pulled.")
@click.option("--timeout", type=click.FloatRange(min=0), default=600.0, help="Seconds after which --watch gives up.")
@json_option()
@click.pass_context
def verify(
    ctx: click.Context,
    name: str,
    of_cluster: bool,
    context: str | None,
    paths: tuple[str, ...],
    watch: bool,
    timeout: float,
    as_json: bool,
) -> int:
    """Say which images of environment NAME are not where its route table sends them, and why pulls fail.

    Exit code 3 when something is not as the table says, or when --watch gives up before all is pulled.
    """
    if of_cluster == bool(paths) or (watch and not of_cluster):
        raise RefusedInput(
            "One thing says what to look at: the cluster or files.",
            remedy="Give --cluster, or --files PATH; --watch goes with --cluster.",
        )
    environment = load_routes(open_project(ctx), name)
    table = build_route_table(environment)
    if paths:
        return _files(table, paths, as_json=as_json)
    deadline = time.monotonic() + timeout
    while True:
        found, seen, coming = _cluster(table, name, context)
        open_ = bool(found or coming)
        if not (open_ and watch) or time.monotonic() > deadline:
            break
        messages.tell(f"{len(found)} of {counted(seen, 'container')} not as the table says{_to_come(coming)}")
        time.sleep(SECONDS)
    if as_json:
        said = {"containers": seen, "coming": coming, "findings": [item.as_dict() for item in found]}
        click.echo(json.dumps(said, indent=2))
    else:
        _print(found)
        messages.tell(f"{counted(len(found), 'finding')} in {counted(seen, 'container')}{_to_come(coming)}")
    # A rollout is not done before every node has the images of its Pods.
    return 3 if found or (watch and coming) else 0


def _to_come(coming: int) -> str:
    return f", {coming} still to pull" if coming else ""


def _cluster(table: RouteTable, name: str, context: str | None) -> tuple[list[PodImage], int, int]:
    """What is wrong, how many containers there are, and how many of their images a node has still to pull."""
    from orchestrator.kubectl import find_kubectl
    from orchestrator.workloads.verification import Verification

    kubectl = find_kubectl(context)
    verification = Verification(table, name, kubectl.events())
    found = [item for pod in kubectl.pods() for item in verification.look(pod)]
    return found, verification.containers, verification.coming


def _print(found: list[PodImage]) -> None:
    for item in found:
        cause = f" ({item.cause})" if item.cause else ""
        click.echo(plain(f"{item.namespace}/{item.pod} {item.container}: {item.image}  {item.verdict}{cause}"))
        click.echo(plain(f"    why: {item.why}"))
        click.echo(plain(f"    remedy: {item.remedy}"))


def _files(table: RouteTable, paths: tuple[str, ...], *, as_json: bool) -> int:
    from orchestrator.cli.image_files import answered
    from orchestrator.files.image_scan import scan
    from orchestrator.routes.table import Redirected, Refused

    wrong: list[dict[str, Any]] = []
    for image in answered(table, scan(paths)):
        answer = image.line.answer
        if isinstance(answer, Redirected | Refused) or table.out_of_reach(answer):
            target = answer.target if isinstance(answer, Redirected) else None
            for use in image.uses:
                place = {"file": use.file, "line": use.line, "column": use.column}
                wrong.append({**place, "image": image.line.reference, "why": image.line.outcome, "target": target})
    if as_json:
        click.echo(json.dumps({"findings": wrong}, indent=2, ensure_ascii=False))
    else:
        for item in wrong:
            says = f"is pulled from {item['target']}" if item["target"] else item["why"]
            click.echo(f"{item['file']}:{item['line']}:{item['column']}: {item['image']} {says}")
    return 3 if wrong else 0
