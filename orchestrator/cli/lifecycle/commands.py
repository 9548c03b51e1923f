"""`orchestrator lifecycle`: what would be expired and what it saves; do it now; bring back; call the deployed function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import Number, allow_fraction_option, json_option, local_option, snapshot_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.aws.restore import Restoration
    from orchestrator.lifecycle.audit import AuditRecord


@click.group()
def lifecycle() -> None:
    """Keep the cache small without deleting what runs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What preview and run are both told: an environment, snapshots in files, the guard's limit, where, how to print."""

    name: str
    snapshots: tuple[Path, ...]
    allow_fraction: float | None
    local: bool
    as_json: bool


def _options(function: Callable[..., int]) -> Callable[..., int]:
    """The options of Asked, which the command takes as one."""

    @wraps(function)
    def command(
        *, name: str, snapshots: tuple[Path, ...], allow_fraction: float | None, local: bool, as_json: bool, **own: Any
    ) -> int:
        return function(Asked(name, snapshots, allow_fraction, local, as_json), **own)

    for option in (json_option(), local_option(), allow_fraction_option(), snapshot_option(), NAME):
        command = option(command)
    return command


@lifecycle.command()
@_options
@click.option("--csv", "as_csv", is_flag=True, help="Print a line for each image that would expire, as CSV.")
@click.option("--price", type=Number(0), help="Price of a GB of standard storage in a month, in your currency.")
@click.option("--all", "list_all", is_flag=True, help="List the images that are kept, too, each with its reason.")
@click.option("--native", is_flag=True, help="Ask AWS what its own engine would expire, and show both.")
def preview(asked: Asked, as_csv: bool, price: float | None, list_all: bool, native: bool) -> int:
    """Show what would be expired in environment NAME, why, and what it saves. Nothing is changed.

    Exit code 1 when repositories could not be read: what is shown is without them.
    """
    if as_csv and asked.as_json:
        raise RefusedInput("--csv and --json are both given.", remedy="Give one of them.")
    if as_csv and native:
        raise RefusedInput("--csv has no place for what AWS answers.", remedy="Give --json with --native.")
    from orchestrator.cli.lifecycle.collector import Collector
    from orchestrator.cli.lifecycle.equipment import equip
    from orchestrator.cli.lifecycle.preview import engine_previews, preview_csv, preview_document, print_preview
    from orchestrator.cli.lifecycle.printing import print_trouble, write_json

    with equip(click.get_current_context(), asked.name, asked.snapshots, local=asked.local) as equipment:
        collector = Collector(progress=not asked.as_json and not as_csv and sys.stderr.isatty(), lists_kept=list_all)
        report = equipment.run(collector, "preview", dry_run=True, allow=asked.allow_fraction)
        natives = engine_previews(equipment, collector) if native else None
    document = preview_document(equipment, report, collector, price)
    if natives is not None:
        document["native"] = natives
    if asked.as_json:
        write_json(document)
    elif as_csv:
        click.echo(preview_csv(collector.rows), nl=False)
        if document["would_stop"]:
            messages.stop(f"A run would expire nothing: {document['would_stop']}")
        print_trouble(document, err=True)
    else:
        print_preview(equipment, document)
    return 1 if document["failed"] else 0


@lifecycle.command()
@_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def run(asked: Asked, yes: bool) -> int:
    """Expire now, from here, what preview shows. Repositories that were read before an interruption are not read again.

    Exit code 1 when repositories failed, or when something stopped the whole run.
    """
    if not yes and (asked.as_json or not sys.stdin.isatty()):
        raise RefusedInput("There is no terminal to ask on.", remedy="Give --yes, after `lifecycle preview`.")
    from orchestrator.cli.lifecycle.collector import Collector
    from orchestrator.cli.lifecycle.equipment import equip
    from orchestrator.cli.lifecycle.printing import CACHED, print_trouble, readable_size, write_json
    from orchestrator.cli.lifecycle.resume import begin
    from orchestrator.lifecycle.cluster_use import load_cluster_use
    from orchestrator.lifecycle.storage import MemoryStorage

    with equip(click.get_current_context(), asked.name, asked.snapshots, local=asked.local, alone=True) as equipment:
        # Before anything is done.
        told = [*equipment.notes, *load_cluster_use(equipment.storage, equipment.settings, equipment.host.now()).notes]
        for note in told:
            messages.note(f"{note}")
        attempt = begin(equipment.folder / "run", equipment.settings, asked.allow_fraction, equipment.host.now())
        if attempt.resumed:
            messages.tell(f"Continuing the run that began at {attempt.started:%Y-%m-%d %H:%M} UTC.")
        options: dict[str, Any] = {"allow": asked.allow_fraction, "started": attempt.started}
        try:
            if not yes:
                # A dry run sets no native policies: where some are asked for, its pages must be read again.
                state = MemoryStorage() if equipment.settings.native_policy else attempt.state()
                planned = equipment.run(Collector(progress=True), attempt.seed, dry_run=True, state=state, **options)
                what = f"{planned['expiring']} of {counted(planned['images'], 'image')}"
                click.echo(f"{what} would expire: {readable_size(planned['expiring_size'])}")
                print_trouble(_untold(planned, told))
                if planned["would_stop"]:
                    attempt.end()
                    messages.stop(f"stopped: {planned['would_stop']}")
                    return 1
                if not planned["expiring"] or not click.confirm("Expire them?"):
                    attempt.end()
                    click.echo("Nothing was expired.")
                    return 0
            collector = Collector(progress=not asked.as_json)
            report = equipment.run(collector, attempt.seed, state=attempt.state(), **options)
        except KeyboardInterrupt:
            messages.tell("Interrupted: the same command goes on from here within a day.")
            raise
        attempt.end()
    report |= {"audit": f"{equipment.where}/{report['audit']}", "resumed": attempt.resumed}
    if asked.as_json:
        write_json(report | {"notes": [*equipment.notes, *report["notes"]]})
    elif report["dry_run"]:
        click.echo(
            f"Dry run, as dry_run_mode is true: {counted(report['expiring'], 'image')} would expire in "
            f"{counted(report['processed'], *CACHED)}: {readable_size(report['expiring_size'])}. Nothing was expired."
        )
        if report["would_stop"]:
            click.echo(f"A run would expire nothing: {report['would_stop']}")
        print_trouble(_untold(report, told))
    else:
        click.echo(
            f"{counted(report['expired'], 'image')} expired in {counted(report['processed'], *CACHED)}: "
            f"{readable_size(report['expired_size'])}"
        )
        if report["expired"]:
            click.echo(f"Audit: {report['audit']}")
            click.echo(
                f"Brought back by: orchestrator lifecycle restore {asked.name} --from {report['audit']}{equipment.session.flag}"
            )
        if report["stopped"]:
            messages.stop(f"stopped: {report['stopped']}")
        print_trouble(_untold(report, told))
    return 1 if report["failed"] or report["stopped"] else 0


def _untold(report: dict[str, Any], told: list[str]) -> dict[str, Any]:
    """The report with the notes that were not told yet, which then are."""
    notes = [note for note in report["notes"] if note not in told]
    told += notes
    return report | {"notes": notes}


@lifecycle.command()
@NAME
@click.option(
    "--from", "source", required=True, metavar="AUDIT", help="File of the audit, folder, or s3://BUCKET/KEY or prefix."
)
@local_option()
@json_option()
@click.pass_context
def restore(ctx: click.Context, name: str, source: str, local: bool, as_json: bool) -> int:
    """Bring back what an audit says was expired: un-archive, or pull each tag again through the cache.

    A tag that names another image by now is said so, and does not count as brought back. Exit code 1 when something did
    not come back.
    """
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.lifecycle_calls import read_audit
    from orchestrator.aws.restore import restore_images
    from orchestrator.cli.lifecycle.equipment import registry_session
    from orchestrator.cli.lifecycle.printing import write_json
    from orchestrator.lifecycle.audit import restorable

    project = open_project(ctx)
    environment = project.load(name)
    session = registry_session(project, environment, local=local)
    check_account(session, environment)
    read, cut = _read_records(read_audit(session, source))
    records = restorable(read)
    others = sorted({record.environment for record in records} - {environment.environment or name})
    if others and not others[0]:
        raise RefusedInput(
            f"{source} does not say which environment it is the audit of.",
            why='The member "environment" of its lines is empty: the function that wrote them was given no ENVIRONMENT.',
            remedy=f'If it is this one\'s, write "environment": "{environment.environment or name}" into a copy.',
        )
    if others:
        raise RefusedInput(
            f'{source} is the audit of environment "{others[0]}", not of "{name}".',
            remedy=f"orchestrator lifecycle restore {others[0]} --from {source}{session.flag}",
        )
    if not records:
        raise RefusedInput(f"{source} has no image that was expired.", why="Only records of what was done count.")
    results = restore_images(session, records)
    if as_json:
        rows = [_restored_row(result) for result in results]
        write_json({"environment": name, "images": rows, "cut_short": cut})
    else:
        for result in results:
            click.echo(_restored_line(result))
        click.echo(f"{sum(result.came_back for result in results)} of {len(results)} came back.")
    return 0 if all(result.came_back for result in results) and not cut else 1


def _read_records(texts: list[tuple[str, bytes]]) -> tuple[list[AuditRecord], list[str]]:
    """(the records of an audit's texts, where a last line is cut short and therefore left out)."""
    from orchestrator.lifecycle.audit import InvalidAuditError, parse_records, without_cut_line

    records, cut = [], []
    for where, text in texts:
        whole, is_cut = without_cut_line(text)
        try:
            records += parse_records(whole)
        except InvalidAuditError as error:
            raise RefusedInput(
                f"{where} is no audit of the lifecycle manager.",
                why=f"{error}.",
                remedy="Fetch it from the bucket again; or leave that line out of a copy: each line is of one image.",
            ) from error
        if is_cut:
            cut.append(where)
            messages.warn(f"the last line of {where} is cut short: its image is left out")
    return records, cut


def _restored_row(result: Restoration) -> dict[str, Any]:
    return {
        "repository": result.record.repository,
        "tag": result.tag or None,
        "digest": result.record.digest,
        "outcome": result.outcome,
        "now": result.digest or None,
        "detail": result.detail,
    }


def _restored_line(result: Restoration) -> str:
    record = result.record
    what = f"{record.repository}:{result.tag}" if result.tag else f"{record.repository}@{record.digest}"
    if result.outcome == "moved":
        but = f" ({result.detail})" if result.detail else ", which did not come back"
        return f"{what}: moved: the tag now names {result.digest}, not {record.digest}{but}"
    return f"{what}: {result.outcome}" + (f" ({result.detail})" if result.detail else "")


@lifecycle.command()
@NAME
@click.option("--dry-run/--no-dry-run", default=None, help="In place of the function's own setting.")
@allow_fraction_option()
@local_option()
@json_option()
@click.pass_context
def invoke(
    ctx: click.Context, name: str, dry_run: bool | None, allow_fraction: float | None, local: bool, as_json: bool
) -> int:
    """Call the deployed function of environment NAME and show its report."""
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.lifecycle_calls import invoke_function
    from orchestrator.cli.lifecycle.equipment import registry_session
    from orchestrator.cli.lifecycle.printing import write_json

    project = open_project(ctx)
    environment = project.load(name)
    manager = environment.lifecycle_manager
    if manager is None or not manager.enabled:
        raise RefusedInput(
            f'environment "{name}" has no lifecycle manager.',
            remedy="Set `lifecycle_manager = { enabled = true }` and apply, or use `orchestrator lifecycle run`.",
        )
    session = registry_session(project, environment, local=local)
    check_account(session, environment)
    payload: dict[str, object] = {"source": "manual"}
    payload |= {} if dry_run is None else {"dry_run": dry_run}
    payload |= {} if allow_fraction is None else {"allow_fraction": allow_fraction}
    report = invoke_function(session, manager.name, payload)
    if as_json:
        write_json(report)
    elif "fanned_out" in report:
        click.echo(
            f"Run {report['run']}: {counted(report['repositories'], 'repository', 'repositories')} in {counted(report['fanned_out'], 'message')}."
        )
        click.echo(f"Its report will be {report['report']} in the bucket.")
    elif report.get("continued"):
        from orchestrator.lifecycle.run_state import report_key

        click.echo(
            f"Run {report['run']} came to its deadline: it goes on in the queue, with {counted(report['tasks'], 'task')}."
        )
        click.echo(f"Its report will be {report_key(str(report['run']))} in the bucket.")
        _print_invoked(report, "So far")
    else:
        _print_invoked(report, f"Run {report.get('run')}")
    return 1 if report.get("failed") or report.get("stopped") else 0


def _print_invoked(report: dict[str, Any], what: str) -> None:
    from orchestrator.cli.lifecycle.printing import CACHED, readable_size

    verb = "would expire" if report.get("dry_run") else "expired"
    count = report.get("expiring") if report.get("dry_run") else report.get("expired")
    click.echo(f"{what}: {counted(count or 0, 'image')} {verb} in {counted(report.get('processed') or 0, *CACHED)}.")
    if report.get("expired"):
        click.echo(f"{readable_size(int(report['expired_size']))}; audit: {report['audit']} in the bucket.")
    if report.get("stopped"):
        messages.stop(f"stopped: {report['stopped']}")
    if report.get("would_stop"):
        click.echo(f"A run would expire nothing: {report['would_stop']}")
    for kind, said in (("guarded", "guard"), ("failed", "failed")):
        for repository, reason in dict(report.get(kind) or {}).items():
            click.echo(f"{said}: {repository}: {reason}")
