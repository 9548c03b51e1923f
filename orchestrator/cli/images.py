"""`orchestrator images NAME --cluster`: which images a cluster uses, where, and where each is pulled from."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.image_fields import fields_option, image_fields_of
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.route import Line, load_routes
from orchestrator.cli.snapshot_target import open_target, parse_target
from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.kubectl import Kubectl
    from orchestrator.workloads.in_cluster import ClusterImage

SHOWN = 3


@click.command()
@NAME
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option("--cluster", "of_cluster", is_flag=True, help="Of the cluster that kubectl reaches.")
@click.option("--context", help="kubectl's context (default: the current one).")
@click.option("--snapshot", metavar="FILE|s3://BUCKET/KEY", help="Write what is used there, for the lifecycle manager.")
@click.option(
    "--cluster-replaced", is_flag=True, help="Overwrite a snapshot of another cluster: this one took its place."
)
@click.option("--from", "registry", metavar="REGISTRY", help="Of the cluster: only what is still pulled from there.")
@local_option("Write an s3:// snapshot to the embedded AWS.")
@json_option()
@click.option("--csv", "as_csv", is_flag=True, help="Print one line for each place, for spreadsheets.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print images that are not redirected as SARIF results.")
@click.option("--cyclonedx", "as_cyclonedx", is_flag=True, help="Print a bill of materials in CycloneDX's JSON.")
@click.option("--format", "form", type=click.Choice(["text", "list"]), default="text", help="`list`: references alone.")
@fields_option()
@click.option("--strict", is_flag=True, help="Exit 1 when a file or an image could not be read.")
@click.pass_context
def images(
    ctx: click.Context,
    name: str,
    sources: tuple[str, ...],
    of_cluster: bool,
    context: str | None,
    snapshot: str | None,
    cluster_replaced: bool,
    registry: str | None,
    local: bool,
    as_json: bool,
    as_csv: bool,
    as_sarif: bool,
    as_cyclonedx: bool,
    form: str,
    fields_file: str | None,
    strict: bool,
) -> int:
    """List the images of files (SOURCE, a file, a folder or `-`) or of the cluster of environment NAME.

    In files: where each stands, and what the route table says of it. Manifests, values of charts, kustomizations,
    Dockerfiles, Compose, pipelines and Terraform are read. In a cluster: Pods, and the templates of everything that may
    start Pods again. These are scaled-down controllers, Jobs, CronJobs, images of a rollback and those that custom resources
    name (`orchestrator docs custom-resources`). The snapshot is what keeps these images from expiring. It names its cluster
    by the UID of the namespace kube-system, and one of another cluster is not overwritten.

    Where a workload still pulls an image from its source although the table redirects it, it says why.
    Reasons are an excluded namespace, a static Pod, a Pod older than the policy, an operator that compares images.
    """
    from orchestrator.cli.cluster_images import custom_kinds, policy_found
    from orchestrator.kubectl import find_kubectl
    from orchestrator.workloads.in_cluster import ClusterImages
    from orchestrator.workloads.stays import left_alone

    if sources and not of_cluster and snapshot is None and registry is None:
        from orchestrator.cli.image_files import images_of_files

        chosen = (
            "json" if as_json else "csv" if as_csv else "sarif" if as_sarif else "cyclonedx" if as_cyclonedx else form
        )
        project = open_project(ctx)
        fields = image_fields_of(project, fields_file)
        table = build_route_table(load_routes(project, name))
        return images_of_files(table, sources, chosen, fields, strict=strict)
    if not of_cluster or sources:
        raise RefusedInput(
            "One thing says where to look for images: files and folders, or the cluster.",
            remedy="Name files, or add --cluster.",
        )
    if registry is not None and snapshot is not None:
        raise RefusedInput("--from and --snapshot exclude each other.", remedy="A snapshot holds every image.")
    target = None if snapshot is None else parse_target(snapshot)
    project = open_project(ctx)
    environment = load_routes(project, name)
    kubectl = find_kubectl(context)
    place = kubectl.place()
    messages.tell(f"reads {place}")
    kept, uid = None, ""
    if target is not None:
        kept = open_target(project, environment, target, local=local)
        uid = _own_uid(kubectl, str(snapshot), kept.held(), place, replaced=cluster_replaced)
    # Before it is read: a Pod that starts meanwhile must not count as seen at the end.
    taken = datetime.now(UTC)
    custom = custom_kinds(kubectl)
    # Only people ask why; the job that writes snapshots has no right to look at policies.
    policy = policy_found(kubectl, environment) if kept is None else None
    collected = ClusterImages(left_alone(environment.exclude_namespaces, environment.exclude_pods, policy))
    for item in kubectl.objects(custom.read):
        collected.add(item)
    table = build_route_table(environment)
    found = collected.answered(table)
    _say_unread(custom.unread)
    if policy is not None and not policy.known:
        messages.note(
            "whether the environment's policy is in the cluster may not be read; Pods older than it are not told"
        )
    if registry is not None:
        wanted = table.aliases.get(registry, registry)
        found = tuple(image for image in found if wanted in image.pulled_from)
    if kept is not None:
        kept.write(_snapshot_text(environment, found, taken, uid))
        messages.tell(f"wrote {snapshot}: {counted(len(found), 'image')} of {counted(collected.objects, 'object')}")
    if as_json:
        click.echo(json.dumps(_document(environment, found, taken, custom.unread), indent=2, ensure_ascii=False))
    elif kept is None:
        _print(found)
        _say_sources(found, environment.registry_host)
    return 0


def _say_unread(groups: Sequence[str]) -> None:
    if groups:
        messages.note(f"not read, for nobody here knows whether they name images: the kinds of {', '.join(groups)}")


def _say_sources(found: Sequence[ClusterImage], own: str) -> None:
    """How many images still come from where: the question that people have."""
    count = Counter(source for image in found for source in image.pulled_from if source and source != own)
    if count:
        listed = ", ".join(f"{source} ({number})" for source, number in sorted(count.items()))
        messages.tell(f"pulled from their sources: {listed}")


def _own_uid(kubectl: Kubectl, name: str, held: bytes | None, place: str, *, replaced: bool) -> str:
    """The cluster's UID, "" where it cannot be read. Raises RefusedInput where `held` is the snapshot of another one."""
    from orchestrator.kubectl import NoAnswer
    from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot

    found = kubectl.uid()
    uid, problem = ("", found.why) if isinstance(found, NoAnswer) else (found, "")
    try:
        before = "" if held is None else parse_snapshot(held).uid
    except InvalidSnapshotError:
        before = ""  # whatever it is, it keeps nothing from expiring
    if before and before != uid and not replaced:
        replace = "give --cluster-replaced where it took the place of the other"
        if isinstance(found, NoAnswer):
            if not found.forbidden:
                raise OrchestratorError(f"{place} does not answer.", why=problem, remedy="Try again when it does.")
            raise RefusedInput(
                f"{name} may be the snapshot of another cluster than {place}.",
                why=f"It is of the cluster whose namespace kube-system has the UID {before}; here it cannot be read: {problem}.",
                remedy=f"Give the caller the right to `get` that namespace; or {replace}.",
            )
        raise RefusedInput(
            f"{name} is the snapshot of another cluster than {place}.",
            why=f"The UID of the namespace kube-system is {before} there and {uid} here. Images that run in the other would expire.",
            remedy=f"Let --context name the right cluster; or {replace}.",
        )
    if not uid:
        messages.note(f"the snapshot does not say which cluster it is of: {problem}")
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


def _line(image: ClusterImage) -> Line:
    return Line(image.reference, image.answer, (), None)


def image_rows(found: Sequence[ClusterImage]) -> list[dict[str, Any]]:
    """Images of a cluster with the table's answers, as JSON has them."""
    return [
        {
            **_line(image).as_dict(),
            "digests": list(image.digests),
            "workloads": list(image.workloads),
            "pulled_from": list(image.pulled_from),
            "stays": [
                {"why": stay.why, "what": stay.what, "remedy": stay.remedy, "workloads": list(workloads)}
                for stay, workloads in image.stays
            ],
        }
        for image in found
    ]


def _document(
    environment: Environment, found: tuple[ClusterImage, ...], taken: datetime, unread: Sequence[str]
) -> dict[str, Any]:
    """The images of a cluster as `--json` prints them."""
    return {
        "environment": environment.name,
        "cluster": environment.cluster_name,
        "taken": taken.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "not_read": list(unread),
        "images": image_rows(found),
    }


def _print(found: tuple[ClusterImage, ...]) -> None:
    out = []
    for image in found:
        line = _line(image)
        out.append(f"{image.reference}  {line.word}  {line.outcome}")
        out.append(f"    {_some(image.workloads)}")
        for stay, workloads in image.stays:
            out.append(f"    still from {image.source}: {stay.what}: {_some(workloads)}")
            out.append(f"        -> {stay.remedy}")
    sys.stdout.write("".join(f"{row}\n" for row in out))


def _some(workloads: Sequence[str]) -> str:
    more = len(workloads) - SHOWN
    return f"{', '.join(workloads[:SHOWN])}{f' and {more} more' if more > 0 else ''}"
