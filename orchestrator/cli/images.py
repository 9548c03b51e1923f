"""`orchestrator images NAME --cluster`: which images a cluster uses, where, and where each is pulled from."""

from __future__ import annotations

import json
import re
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
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment import Environment
    from orchestrator.kubectl import Kubectl
    from orchestrator.workloads.in_cluster import ClusterImage

S3 = "s3://"
SHOWN = 3


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--cluster", "of_cluster", is_flag=True, help="Of the cluster that kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option("--snapshot", metavar="FILE|s3://BUCKET/KEY", help="Write what is used there, for the lifecycle manager.")
@click.option(
    "--cluster-replaced", is_flag=True, help="Overwrite a snapshot of another cluster: this one took its place."
)
@click.option("--local", is_flag=True, help="Write an s3:// snapshot to the embedded AWS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def images(
    ctx: click.Context,
    name: str,
    of_cluster: bool,
    context: str | None,
    snapshot: str | None,
    cluster_replaced: bool,
    local: bool,
    as_json: bool,
) -> int:
    """List the images that the cluster of environment NAME uses, with their workloads and where they are pulled from.

    Pods, and the templates of everything that may start Pods again: controllers that are scaled down, Jobs, CronJobs,
    and what a rollback would bring back. The snapshot is what keeps these images from expiring. It names its cluster by the UID
    of the namespace kube-system, and one of another cluster is not overwritten.
    """
    from orchestrator.kubectl import find_kubectl
    from orchestrator.workloads.in_cluster import ClusterImages

    if not of_cluster:
        raise RefusedInput("Nothing says where to look for images.", remedy="Add --cluster.")
    target = None if snapshot is None else _target(snapshot)
    project = open_project(ctx)
    environment = load_routes(project, name)
    kubectl = find_kubectl(context)
    place = kubectl.place()
    click.echo(f"reads {place}", err=True)
    session, uid = None, ""
    if target is not None:
        session = None if isinstance(target, Path) else _session(ctx, environment, local=local)
        uid = _own_uid(kubectl, str(snapshot), _held(session, environment, target), place, replaced=cluster_replaced)
    # Before it is read: a Pod that starts meanwhile must not count as seen at the end.
    taken = datetime.now(UTC)
    collected = ClusterImages()
    for item in kubectl.objects():
        collected.add(item)
    found = collected.answered(build_route_table(environment))
    if target is not None:
        _write(session, environment, target, _snapshot_text(environment, found, taken, uid))
        click.echo(f"wrote {snapshot}: {len(found)} images of {collected.objects} objects", err=True)
    if as_json:
        click.echo(json.dumps(_document(environment, found, taken), indent=2, ensure_ascii=False))
    elif target is None:
        _print(found)
    return 0


def _own_uid(kubectl: Kubectl, name: str, held: bytes | None, place: str, *, replaced: bool) -> str:
    """The cluster's UID, "" where it cannot be read. Raises RefusedInput where `held` is the snapshot of another one."""
    from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot

    uid, problem = kubectl.uid()
    try:
        before = "" if held is None else parse_snapshot(held).uid
    except InvalidSnapshotError:
        before = ""  # whatever it is, it keeps nothing from expiring
    if before and before != uid and not replaced:
        replace = "give --cluster-replaced where it took the place of the other"
        if not uid:
            if "Forbidden" not in problem and "forbidden" not in problem:
                raise OrchestratorError(f"{place} does not answer.", why=problem, remedy="Try again when it does.")
            raise RefusedInput(
                f"{name} may be the snapshot of another cluster than {place}.",
                why=f"It is of the cluster whose namespace kube-system has the UID {before}; here it cannot be read: {problem}.",
                remedy=f"Give the caller the right to `get` that namespace; or {replace}.",
            )
        raise RefusedInput(
            f"{name} is the snapshot of another cluster than {place}.",
            why=f"The UID of the namespace kube-system is {before} there and {uid} here. What runs in the other would expire.",
            remedy=f"Let --context name the right cluster; or {replace}.",
        )
    if not uid:
        click.echo(f"note: the snapshot does not say which cluster it is of: {problem}", err=True)
    return uid


def _snapshot_text(environment: Environment, found: tuple[ClusterImage, ...], taken: datetime, uid: str) -> str:
    from orchestrator.lifecycle.in_use import Snapshot, dump_snapshot

    if not found:
        raise OrchestratorError(
            "The cluster uses no image at all, so that no snapshot is written.",
            why="Every cluster runs something: this is another one, or it was not seen.",
            remedy="Look with `kubectl get pods -A`; --context names another cluster.",
        )
    used = tuple(image.as_used() for image in found)
    return dump_snapshot(Snapshot(environment.snapshot_name, taken, used, uid))


def _target(snapshot: str) -> Path | tuple[str, str]:
    """A file, or (bucket, key)."""
    if not snapshot.startswith(S3):
        if not snapshot or re.match("[A-Za-z][A-Za-z0-9+.-]*://", snapshot):
            raise RefusedInput(
                f'--snapshot "{snapshot}" is neither a file nor an object in S3.',
                remedy="Name a file, or write s3://<bucket>/snapshots/<cluster>.json.",
            )
        return Path(snapshot)
    bucket, _, key = snapshot.removeprefix(S3).partition("/")
    if not bucket or not key or key.endswith("/"):
        raise RefusedInput(
            f'--snapshot "{snapshot}" names no object.', remedy="Write s3://<bucket>/snapshots/<cluster>.json."
        )
    return bucket, key


def _session(ctx: click.Context, environment: Environment, *, local: bool) -> AwsSession:
    from orchestrator.aws.session import open_session

    running = None
    if local:
        from orchestrator.local import ensure_running

        running = ensure_running(open_project(ctx).local_aws_dir)
    return open_session(environment, local=running)


def _held(session: AwsSession | None, environment: Environment, target: Path | tuple[str, str]) -> bytes | None:
    """What is at the target now; None where there is nothing or it may not be read."""
    if isinstance(target, Path):
        try:
            if target.exists() and not target.is_file():
                raise RefusedInput(f"--snapshot {target} is there and is no file.", remedy="Name a file.")
            return target.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OrchestratorError(f"{target} cannot be read: {error.strerror}.") from error
    from orchestrator.aws.snapshots import read_snapshot

    assert session is not None
    held, problem = read_snapshot(session, *target, region=environment.registry_region_name)
    if problem:
        text = "whether the snapshot that is there is of another cluster is not known"
        click.echo(f"note: {text}: it may not be read ({problem})", err=True)
    return held


def _write(session: AwsSession | None, environment: Environment, target: Path | tuple[str, str], text: str) -> None:
    if isinstance(target, Path):
        write_whole(target, text.encode())
        return
    from orchestrator.aws.snapshots import put_snapshot

    assert session is not None
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
