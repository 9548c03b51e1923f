"""`orchestrator report`: one page about environments, or the same as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAMES
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.errors import RefusedInput


@click.command("report")
@NAMES
@click.option("--all", "everything", is_flag=True, help="All environments.")
@click.option("--cluster", "of_cluster", is_flag=True, help="With the images of the cluster that kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page's file.",
)
@local_option()
@json_option("Print the same data as one JSON document, and write no page.")
@click.pass_context
def report(
    ctx: click.Context,
    names: tuple[str, ...],
    everything: bool,
    of_cluster: bool,
    context: str | None,
    out: Path,
    local: bool,
    as_json: bool,
) -> int:
    """Write one self-contained HTML page: routes, images, cache, money, scan findings, health of rules, drift.

    It needs no network to be read. The page names each question that found no answer. Nothing is changed in AWS.
    """
    from orchestrator.cli.report_gathering import Sources, gathered
    from orchestrator.cli.version import versions

    project = open_project(ctx)
    chosen = project.environment_names() if everything else list(dict.fromkeys(names))
    if not chosen or (names and everything):
        raise RefusedInput("A report is about environments.", remedy="Name one or several, or give --all.")
    if of_cluster and len(chosen) > 1:
        raise RefusedInput("--cluster reads one cluster.", remedy="Name its environment alone.")
    for name in chosen:
        project.tfvars_files(name)
    document = {
        "generated": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "versions": versions(),
        "environments": [
            gathered(ctx, project, name, Sources(local=local, cluster=of_cluster, context=context)) for name in chosen
        ],
    }
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    from orchestrator.files.replace import write_whole
    from orchestrator.report_page.page import render_page

    write_whole(out, render_page(document).encode())
    messages.tell(f"wrote {out}")
    return 0
