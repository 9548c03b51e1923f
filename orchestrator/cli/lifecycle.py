"""`orchestrator lifecycle`: what would be expired and what it saves; do it now; bring back; call the deployed function."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli.project import open_project
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.aws.ecr import EcrRegistry
    from orchestrator.aws.session import AwsSession
    from orchestrator.cli.lifecycle_support import Collector
    from orchestrator.environment import Environment
    from orchestrator.lifecycle.ports import Storage
    from orchestrator.lifecycle.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 30


@click.group()
def lifecycle() -> None:
    """Keep the cache small without deleting what runs."""


def _options(function: F) -> F:
    """What preview and run have in common."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--local", is_flag=True, help="In the embedded AWS."),
        click.option(
            "--allow-fraction",
            type=click.FloatRange(0, 1),
            is_flag=False,
            flag_value=1.0,
            help="Largest part of the images that may expire, in the guard's place; 1 without a value.",
        ),
        click.option(
            "--snapshot",
            "snapshots",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Snapshot of a cluster, beside those in the bucket.",
        ),
        click.argument("name"),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class _Opened:
    """Everything that a run from here needs."""

    environment: Environment
    settings: Settings
    session: AwsSession
    registry: EcrRegistry
    storage: Storage
    where: str
    notes: list[str]
    folder: Path


@contextmanager
def _opened(ctx: click.Context, name: str, snapshots: tuple[Path, ...], *, local: bool) -> Iterator[_Opened]:
    from orchestrator.aws.account import check_account
    from orchestrator.aws.lifecycle import registry_of
    from orchestrator.cli.lifecycle_support import node_roles, open_storage
    from orchestrator.lifecycle.ports import PortError
    from orchestrator.lifecycle_settings import settings_from_environment

    project = open_project(ctx)
    environment = project.load(name)
    settings = settings_from_environment(environment)
    session = _session(ctx, environment, local=local)
    check_account(session, environment)
    folder = project.state_dir / ("local/lifecycle" if local else "lifecycle") / name
    storage, where, notes = open_storage(session, environment, folder, snapshots)
    registry = registry_of(session, node_roles=node_roles(environment), inspector=settings.inspector and not local)
    try:
        yield _Opened(environment, settings, session, registry, storage, where, [*session.notes, *notes], folder)
    finally:
        try:
            registry.end_exclusion()
        except PortError as error:
            click.echo(f"warning: this caller's pulls stay excluded from pull times: {error}", err=True)


def _session(ctx: click.Context, environment: Environment, *, local: bool) -> AwsSession:
    from orchestrator.aws.session import open_session

    if not environment.owns_registry:
        raise RefusedInput(
            f'environment "{environment.name}" does not own the registry of account {environment.registry_account} '
            f"in {environment.registry_region_name}.",
            why="Its images are kept or expired by the environment that owns it.",
            remedy="Run it for that environment (manage_registry = true).",
        )
    endpoint = None
    if local:
        from orchestrator.cli.local import state_dir_of
        from orchestrator.local.process import ensure_running

        endpoint = ensure_running(state_dir_of(ctx))
    return open_session(environment, local=endpoint)


@lifecycle.command()
@_options
@click.option("--csv", "as_csv", is_flag=True, help="Print a line for each image that would expire, as CSV.")
@click.option("--price", type=click.FloatRange(min=0), help="Price of a GB of storage in a month, in your currency.")
@click.option("--native", is_flag=True, help="Ask AWS what its own engine would expire, and show both.")
@click.pass_context
def preview(
    ctx: click.Context,
    name: str,
    snapshots: tuple[Path, ...],
    allow_fraction: float | None,
    local: bool,
    as_json: bool,
    as_csv: bool,
    price: float | None,
    native: bool,
) -> None:
    """Show what would be expired in environment NAME, why, and what it saves. Nothing is changed."""
    if as_csv and as_json:
        raise RefusedInput("--csv and --json are both given.", remedy="Give one of them.")
    from orchestrator.cli.lifecycle_support import Collector, ConsoleHost, run_manager, write_json
    from orchestrator.lifecycle.manager import Manager

    verbose = bool(ctx.obj["verbose"])
    with _opened(ctx, name, snapshots, local=local) as opened:
        collector = Collector(progress=not as_json and not as_csv and sys.stderr.isatty())
        manager = Manager(
            opened.settings, opened.registry, opened.storage, None, ConsoleHost(verbose=verbose), collector
        )
        report = run_manager(manager, "preview", dry_run=True, allow=allow_fraction)
        repositories = collector.repositories()
        natives = _native(opened, collector) if native else {}
    for row in repositories:
        row["native"] = natives.get(row["repository"])
    document = _document(opened, report, repositories, price) | ({"native": natives} if native else {})
    if as_json:
        write_json(document)
    elif as_csv:
        click.echo(_csv(collector.rows), nl=False)
    else:
        _print_preview(opened, document)


def _native(opened: _Opened, collector: Collector) -> dict[str, Any]:
    """{repository: what AWS says}, for the native policy that the settings ask for (untagged unless they do)."""
    from orchestrator.aws.lifecycle import preview_policy
    from orchestrator.lifecycle.native_policy import native_policy

    found = {}
    for repository, images in sorted(collector.images.items()):
        if images:
            text = native_policy(opened.settings.native_policy or "untagged", opened.settings.retentions.of(repository))
            answer = preview_policy(opened.session, repository, text)
            found[repository] = {"expiring": answer.images, "problem": answer.problem}
    return found


def _document(
    opened: _Opened, report: dict[str, Any], repositories: list[dict[str, Any]], price: float | None
) -> dict[str, Any]:
    """The preview as JSON has it."""
    from orchestrator.lifecycle.prices import DATE, STANDARD, monthly_saving

    archives = any(image["action"] == "archive" for row in repositories for image in row["expire"])
    used = price if price is not None else None if archives else STANDARD.get(opened.environment.partition)
    total = sum(row["bytes"] for row in repositories)
    for row in repositories:
        row["saving"] = monthly_saving(row["bytes"], used)
    return {
        "environment": opened.environment.name,
        "local": opened.session.is_local,
        "cached_repositories": report["repositories"],
        "images": report["images"],
        "bytes": report["size"],
        "expiring": {
            "images": sum(row["expiring"] for row in repositories),
            "bytes": total,
            "saving": monthly_saving(total, used),
        },
        "price": {"per_gb_month": used, "as_of": DATE if price is None and used is not None else None},
        "would_stop": report["stopped"],
        "guarded": report["guarded"],
        "skipped": report["skipped"],
        "failed": report["failed"],
        "notes": [*opened.notes, *report["notes"]],
        "repositories": repositories,
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    output = io.StringIO()
    columns = ["repository", "digest", "tags", "bytes", "pushed", "last_pull", "action", "reason"]
    writer = csv.DictWriter(output, columns, lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: (row["repository"], row["digest"])):
        writer.writerow(row | {"tags": " ".join(row["tags"])})
    return output.getvalue()


def _print_preview(opened: _Opened, document: dict[str, Any]) -> None:
    from orchestrator.cli.lifecycle_support import describe_settings

    click.echo(f"Retention: {describe_settings(opened.settings)}")
    rows = document["repositories"]
    for row in rows[:SHOWN]:
        saved = "" if row["saving"] is None else f"  {row['saving']:.2f} a month"
        native = row.get("native")
        aside = "" if not native else f"  (AWS's own engine: {native['problem'] or native['expiring']})"
        click.echo(
            f"{row['repository']}: {row['expiring']} of {row['images']} images, {_size(row['bytes'])}{saved}{aside}"
        )
        for image in row["expire"][:3]:
            click.echo(f"    {' '.join(image['tags']) or image['digest'][:19]}: {image['reason']}")
        if row["expiring"] > 3:
            click.echo(f"    and {row['expiring'] - 3} more")
    if len(rows) > SHOWN:
        click.echo(f"and {len(rows) - SHOWN} more repositories (--json or --csv shows all)")
    total, price = document["expiring"], document["price"]
    click.echo(
        f"{total['images']} of {document['images']} images in {document['cached_repositories']} cached repositories "
        f"would expire: {_size(total['bytes'])}"
    )
    if total["saving"] is not None:
        source = f"prices of {price['as_of']}" if price["as_of"] else "the given price"
        click.echo(
            f"Saves up to {total['saving']:.2f} a month ({price['per_gb_month']:g} a GB, {source}); layers that images share are counted for each."
        )
    _print_trouble(document)


def _print_trouble(document: dict[str, Any]) -> None:
    for kind, said in (("guarded", "guard"), ("skipped", "skipped"), ("failed", "failed")):
        for repository, reason in list(document[kind].items())[:SHOWN]:
            click.echo(f"{said}: {repository}: {reason}")
    for note in document["notes"]:
        click.echo(f"note: {note}", err=True)


def _size(size: int) -> str:
    for unit, scale in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


@lifecycle.command()
@_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def run(
    ctx: click.Context,
    name: str,
    snapshots: tuple[Path, ...],
    allow_fraction: float | None,
    local: bool,
    as_json: bool,
    yes: bool,
) -> int:
    """Expire now, from here, what preview shows. What was read before an interruption is not read again."""
    if not yes and (as_json or not sys.stdin.isatty()):
        raise RefusedInput("There is no terminal to ask on.", remedy="Give --yes, after `lifecycle preview`.")
    from orchestrator.cli.lifecycle_support import Collector, ConsoleHost, ResumableState, run_manager, write_json
    from orchestrator.lifecycle.manager import Manager

    with _opened(ctx, name, snapshots, local=local) as opened:
        progress = not as_json
        host = ConsoleHost(verbose=bool(ctx.obj["verbose"]))
        seed, started = _resumed(opened.folder, host.now())
        state = ResumableState(opened.folder / "run")
        options = {"allow": allow_fraction, "started": started}
        if not yes:
            asking = Manager(opened.settings, opened.registry, opened.storage, None, host, Collector(progress=progress))
            planned = run_manager(asking, seed, dry_run=True, state=state, **options)
            click.echo(
                f"{planned['expiring']} of {planned['images']} images would expire: {_size(planned['expiring_size'])}"
            )
            if not planned["expiring"] or not click.confirm("Expire them?"):
                return 0
            state = ResumableState(opened.folder / "run")
        manager = Manager(opened.settings, opened.registry, opened.storage, None, host, Collector(progress=progress))
        report = run_manager(manager, seed, state=state, **options)
        shutil.rmtree(opened.folder / "run", ignore_errors=True)
    report |= {"audit": f"{opened.where}/audit"}
    if as_json:
        write_json(report)
    else:
        click.echo(
            f"{report['expired']} images expired in {report['processed']} cached repositories: {_size(report['expired_size'])}"
        )
        if report["expired"]:
            click.echo(f"Audit: {report['audit']}")
        if report["stopped"]:
            click.echo(f"stopped: {report['stopped']}", err=True)
        _print_trouble(report | {"notes": [*opened.notes, *report["notes"]]})
    return 1 if report["failed"] or report["stopped"] else 0


def _resumed(folder: Path, now: Any) -> tuple[str, Any]:
    """(seed, start) of the run that was interrupted less than a day ago, else of a new one."""
    from datetime import datetime, timedelta

    record = folder / "run" / "run.json"
    try:
        document = json.loads(record.read_text("utf-8"))
        started = datetime.fromisoformat(document["started"])
        if timedelta(0) <= now - started < timedelta(days=1):
            click.echo(f"Continuing the run that began at {started:%Y-%m-%d %H:%M} UTC.", err=True)
            return str(document["seed"]), started
    except (OSError, ValueError, KeyError, TypeError):
        pass
    shutil.rmtree(folder / "run", ignore_errors=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    seed = f"cli {now.isoformat()}"
    record.write_text(json.dumps({"seed": seed, "started": now.isoformat()}), "utf-8")
    return seed, now


@lifecycle.command()
@click.argument("name")
@click.option(
    "--from", "source", required=True, metavar="AUDIT", help="File of the audit, folder, or s3://BUCKET/KEY or prefix."
)
@click.option("--local", is_flag=True, help="In the embedded AWS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def restore(ctx: click.Context, name: str, source: str, local: bool, as_json: bool) -> int:
    """Bring back what an audit says was expired: un-archive, or pull the tag again through the cache.

    A tag that names another image by now is said so. Exit code 1 when something could not be brought back.
    """
    from orchestrator.aws.lifecycle import restore_image
    from orchestrator.cli.lifecycle_support import write_json
    from orchestrator.lifecycle.records import InvalidAuditError, parse_records, restorable

    environment = open_project(ctx).load(name)
    session = _session(ctx, environment, local=local)
    try:
        records = restorable([record for text in _audit(session, source) for record in parse_records(text)])
    except InvalidAuditError as error:
        raise RefusedInput(f"{source} is no audit of the lifecycle manager.", why=f"{error}.") from error
    if not records:
        raise RefusedInput(f"{source} has no image that was expired.", why="Only records of what was done count.")
    results = [restore_image(session, record) for record in records]
    brought_back = {result.record.root for result in results if result.outcome in ("restored", "moved")}
    rows = [
        {
            "repository": result.record.repository,
            "tags": list(result.record.tags),
            "digest": result.record.digest,
            "outcome": "with its index"
            if result.outcome == "needs its index" and result.record.root in brought_back
            else result.outcome,
            "now": result.digest or None,
            "detail": result.detail,
        }
        for result in results
    ]
    if as_json:
        write_json({"environment": name, "images": rows})
    else:
        for row in rows:
            click.echo(_restored_line(row))
    return 1 if any(row["outcome"] in ("unavailable", "needs its index") for row in rows) else 0


def _restored_line(row: dict[str, Any]) -> str:
    what = f"{row['repository']}:{row['tags'][0]}" if row["tags"] else f"{row['repository']}@{row['digest']}"
    if row["outcome"] == "moved":
        return f"{what}: restored, but the tag now names {row['now']}, not {row['digest']}"
    return f"{what}: {row['outcome']}" + (f" ({row['detail']})" if row["detail"] else "")


def _audit(session: AwsSession, source: str) -> list[bytes]:
    """The texts of an audit."""
    from orchestrator.aws.lifecycle import read_object

    if source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        return read_object(session, bucket, key)
    path = Path(source)
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    try:
        return [file.read_bytes() for file in files]
    except OSError as error:
        raise RefusedInput(f"{source} cannot be read.", why=f"{error.strerror}.") from error


@lifecycle.command()
@click.argument("name")
@click.option("--dry-run/--no-dry-run", default=None, help="In place of the function's own setting.")
@click.option(
    "--allow-fraction",
    type=click.FloatRange(0, 1),
    is_flag=False,
    flag_value=1.0,
    help="In the guard's place; 1 without a value.",
)
@click.option("--local", is_flag=True, help="The one in the embedded AWS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def invoke(
    ctx: click.Context, name: str, dry_run: bool | None, allow_fraction: float | None, local: bool, as_json: bool
) -> int:
    """Call the deployed function of environment NAME and show its report."""
    from orchestrator.aws.account import check_account
    from orchestrator.aws.lifecycle import invoke_function
    from orchestrator.cli.lifecycle_support import write_json

    environment = open_project(ctx).load(name)
    manager = environment.lifecycle_manager
    if manager is None or not manager.enabled:
        raise RefusedInput(
            f'environment "{name}" has no lifecycle manager.',
            remedy="Set `lifecycle_manager = { enabled = true }` and apply, or use `orchestrator lifecycle run`.",
        )
    session = _session(ctx, environment, local=local)
    check_account(session, environment)
    payload: dict[str, object] = {"source": "manual"}
    payload |= {} if dry_run is None else {"dry_run": dry_run}
    payload |= {} if allow_fraction is None else {"allow_fraction": allow_fraction}
    report = invoke_function(session, manager.name, payload)
    if as_json:
        write_json(report)
    elif "fanned_out" in report:
        click.echo(f"Run {report['run']}: {report['repositories']} repositories in {report['fanned_out']} messages.")
        click.echo(f"Its report will be {report['report']} in the bucket.")
    else:
        verb = "would expire" if report.get("dry_run") else "expired"
        count = report.get("expiring") if report.get("dry_run") else report.get("expired")
        click.echo(f"Run {report.get('run')}: {count} images {verb} in {report.get('processed')} cached repositories.")
        if report.get("stopped"):
            click.echo(f"stopped: {report['stopped']}", err=True)
        for repository, reason in dict(report.get("failed") or {}).items():
            click.echo(f"failed: {repository}: {reason}")
    if report.get("failed") or report.get("stopped"):
        return 1
    return 0
