"""`orchestrator images NAME --cluster`: which images a cluster uses, where, and where each is pulled from."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.project import open_project
from orchestrator.cli.route import Line, load_routes
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files import write_whole
from orchestrator.routes import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment import Environment
    from orchestrator.workloads.in_cluster import ClusterImage

S3 = "s3://"
SHOWN = 3


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--cluster", "of_cluster", is_flag=True, help="Of the cluster that kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option("--snapshot", metavar="FILE|s3://BUCKET/KEY", help="Write what is used there, for the lifecycle manager.")
@click.option("--local", is_flag=True, help="Write an s3:// snapshot to the embedded AWS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def images(
    ctx: click.Context,
    name: str,
    of_cluster: bool,
    context: str | None,
    snapshot: str | None,
    local: bool,
    as_json: bool,
) -> int:
    """List the images that the cluster of environment NAME uses, with their workloads and where they are pulled from.

    Pods, and the templates of everything that may start Pods again: controllers that are scaled down, Jobs, CronJobs,
    and what a rollback would bring back. The snapshot is what keeps these images from expiring.
    """
    from orchestrator.kubectl import find_kubectl
    from orchestrator.workloads.in_cluster import ClusterImages

    if not of_cluster:
        raise RefusedInput("Nothing says where to look for images.", remedy="Add --cluster.")
    target = _target(snapshot) if snapshot else None
    project = open_project(ctx)
    environment = load_routes(project, name)
    # Before it is read: a Pod that starts meanwhile must not count as seen at the end.
    taken = datetime.now(UTC)
    collected = ClusterImages()
    for item in find_kubectl(context).objects():
        collected.add(item)
    found = collected.answered(build_route_table(environment))
    if target is not None:
        text = _snapshot_text(environment, found, taken)
        _write(ctx, environment, target, text, local=local)
        click.echo(f"wrote {snapshot}: {len(found)} images of {collected.objects} objects", err=True)
    if as_json:
        click.echo(json.dumps(_document(environment, found, taken), indent=2, ensure_ascii=False))
    elif target is None:
        _print(found)
    return 0


def _snapshot_text(environment: Environment, found: tuple[ClusterImage, ...], taken: datetime) -> str:
    from orchestrator.lifecycle.in_use import Snapshot, dump_snapshot

    if not found:
        raise OrchestratorError(
            "The cluster uses no image at all, so that no snapshot is written.",
            why="Every cluster runs something: this is another one, or it was not seen.",
            remedy="Look with `kubectl get pods -A`; --context names another cluster.",
        )
    used = tuple(image.as_used() for image in found)
    return dump_snapshot(Snapshot(environment.snapshot_name, taken, used))


def _target(snapshot: str) -> Path | tuple[str, str]:
    """A file, or (bucket, key)."""
    if not snapshot.startswith(S3):
        return Path(snapshot)
    bucket, _, key = snapshot.removeprefix(S3).partition("/")
    if not bucket or not key or key.endswith("/"):
        raise RefusedInput(
            f'--snapshot "{snapshot}" names no object.', remedy="Write s3://<bucket>/snapshots/<cluster>.json."
        )
    return bucket, key


def _write(
    ctx: click.Context, environment: Environment, target: Path | tuple[str, str], text: str, *, local: bool
) -> None:
    if isinstance(target, Path):
        write_whole(target, text.encode())
        return
    from orchestrator.aws.session import open_session
    from orchestrator.aws.snapshots import put_snapshot

    running = None
    if local:
        from orchestrator.local import ensure_running

        running = ensure_running(open_project(ctx).local_aws_dir)
    session = open_session(environment, local=running)
    put_snapshot(session, *target, text, region=environment.registry_region_name)


def _line(image: ClusterImage) -> Line:
    return Line(image.reference, image.answer, (), None)


def _document(environment: Environment, found: tuple[ClusterImage, ...], taken: datetime) -> dict[str, Any]:
    return {
        "environment": environment.name,
        "cluster": environment.cluster_name,
        "taken": taken.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "images": [
            {
                **{
                    key: value
                    for key, value in json.loads(_line(image).as_json()).items()
                    if key in ("reference", "answer", "target", "route", "reason", "detail")
                },
                "digests": list(image.digests),
                "workloads": list(image.workloads),
            }
            for image in found
        ],
    }


def _print(found: tuple[ClusterImage, ...]) -> None:
    out = []
    for image in found:
        line = _line(image)
        out.append(f"{image.reference}  {line.word}  {line.outcome}")
        more = len(image.workloads) - SHOWN
        out.append(f"    {', '.join(image.workloads[:SHOWN])}{f' and {more} more' if more > 0 else ''}")
    sys.stdout.write("".join(f"{row}\n" for row in out))
