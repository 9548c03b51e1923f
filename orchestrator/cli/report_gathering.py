"""Asks what a report says of one environment. A question that finds no answer becomes a sentence, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.errors import OrchestratorError
from orchestrator.routes.build import build_route_table
from orchestrator.terraform.last_runs import last_runs
from orchestrator.terraform.workdir import workdir_of

if TYPE_CHECKING:
    import click

    from orchestrator.aws.inventory import RuleCheck
    from orchestrator.aws.registry_contents import RepositoryContents, ScannedImage
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

T = TypeVar("T")
# Images whose findings are asked for one by one, the worst first.
MOST_SCANS = 50
MOST_FINDINGS = 500


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom to ask: the embedded AWS or the real one, and a cluster or none."""

    local: bool = False
    cluster: bool = False
    context: str | None = None


@dataclass(slots=True)
class _Asking:
    """Tries what may fail and keeps why it did."""

    problems: list[str] = field(default_factory=list)

    def ask(self, what: str, question: Callable[[], T], otherwise: T) -> T:
        try:
            return question()
        except OrchestratorError as error:
            self.problems.append(f"{what}: {error}")
            return otherwise


def gathered(ctx: click.Context, project: Project, name: str, sources: Sources) -> dict[str, Any]:
    """What the report has of one environment, as `--json` prints it."""
    environment = project.load(name)
    asking = _Asking()
    images = _images(environment, sources, asking) if sources.cluster else None
    session = asking.ask("AWS", lambda: _session(project, environment, sources), None)
    contents: list[RepositoryContents] = []
    if session is not None:
        contents = asking.ask("repositories", lambda: _contents(session), [])
    runs = last_runs(workdir_of(project, name, local=sources.local))
    return {
        "name": name,
        "account_id": environment.account_id,
        "region": environment.aws_region,
        "platform": environment.platform,
        "cluster": environment.cluster_name,
        "registry": environment.registry_host,
        "routes": _routes(environment, images, session, asking),
        "images": images,
        "outside": _outside(environment, images),
        "cache": _cache(ctx, environment, contents, sources, asking),
        "findings": _findings(session, contents, images, asking),
        "drift": {"resources": runs.drift, "checked": runs.drift_checked},
        "last_apply": runs.applied,
        "problems": asking.problems,
    }


def _session(project: Project, environment: Environment, sources: Sources) -> AwsSession:
    from orchestrator.aws.caller import check_account
    from orchestrator.cli.project_session import project_session

    session = project_session(project, environment, local=sources.local)
    check_account(session, environment)
    return session


def _contents(session: AwsSession) -> list[RepositoryContents]:
    from orchestrator.aws.registry_contents import registry_contents

    return registry_contents(session)


def _images(environment: Environment, sources: Sources, asking: _Asking) -> list[dict[str, Any]] | None:
    from orchestrator.cli.cluster_images import cluster_images_of
    from orchestrator.cli.images import image_rows
    from orchestrator.kubectl import find_kubectl

    def read() -> list[dict[str, Any]] | None:
        return [
            {**row, "why": _why(row)}
            for row in image_rows(cluster_images_of(find_kubectl(sources.context), environment))
        ]

    return asking.ask("cluster", read, None)


def _why(row: dict[str, Any]) -> str:
    stays = "; ".join(stay["what"] for stay in row["stays"])
    return stays or str(row["detail"] or row["reason"] or "")


def _outside(environment: Environment, images: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    counted: dict[str, int] = {}
    for image in images or ():
        for source in image["pulled_from"]:
            if source and source != environment.registry_host:
                counted[source] = counted.get(source, 0) + 1
    return [{"source": source, "images": counted[source]} for source in sorted(counted)]


def _routes(
    environment: Environment, images: list[dict[str, Any]] | None, session: AwsSession | None, asking: _Asking
) -> list[dict[str, Any]]:
    table = build_route_table(environment)
    health: dict[str, RuleCheck] = {}
    if session is not None and environment.owns_registry and environment.pull_through_cache_rules:
        health = asking.ask("rules", lambda: _health(session, environment), health)
    rows = []
    for route in table.routes:
        used = (
            None if images is None else sum(1 for image in images if (image["route"] or {}).get("prefix") == route.name)
        )
        check = health.get(route.name)
        rows.append(
            {
                "prefix": route.name,
                "source": str(route.source),
                "kind": route.kind,
                "images": used,
                "valid": check.valid if check else None,
                "failure": check.failure if check else "",
            }
        )
    return rows


def _health(session: AwsSession, environment: Environment) -> dict[str, RuleCheck]:
    from orchestrator.aws.inventory import validate_rules

    return {check.prefix: check for check in validate_rules(session, list(environment.pull_through_cache_rules))}


def _cache(
    ctx: click.Context,
    environment: Environment,
    contents: list[RepositoryContents],
    sources: Sources,
    asking: _Asking,
) -> dict[str, Any]:
    from orchestrator.cli.lifecycle.prices import STANDARD, monthly_saving

    price = STANDARD.get(environment.partition)
    preview = None
    if contents and environment.owns_registry and environment.pull_through_cache_rules:
        preview = asking.ask("what would expire", lambda: _preview(ctx, environment.name, local=sources.local), None)
    expiring = {row["repository"]: row for row in preview["repositories"]} if preview else {}
    rows = []
    for repository in contents:
        going = expiring.get(repository.name)
        rows.append(
            {
                "repository": repository.name,
                "images": repository.images,
                "bytes": repository.size,
                "first_push": repository.first_push.isoformat() if repository.first_push else None,
                "last_pull": repository.last_pull.isoformat() if repository.last_pull else None,
                "expiring": going["expiring"] if going else None if preview is None else 0,
                "cost": monthly_saving(repository.size, price),
                "saving": going["saving"] if going else None if preview is None else 0.0,
            }
        )
    total = sum(repository.size for repository in contents)
    return {
        "repositories": rows,
        "bytes": total,
        "cost": monthly_saving(total, price),
        "saving": preview["expiring"]["saving"] if preview else None,
        "would_stop": preview["would_stop"] if preview else None,
    }


def _preview(ctx: click.Context, name: str, *, local: bool) -> dict[str, Any]:
    from orchestrator.cli.lifecycle.collector import Collector
    from orchestrator.cli.lifecycle.equipment import equip
    from orchestrator.cli.lifecycle.preview import preview_document

    with equip(ctx, name, (), local=local) as equipment:
        collector = Collector(progress=False)
        found = equipment.run(collector, "report", dry_run=True, allow=None)
        return preview_document(equipment, found, collector, None)


def _findings(
    session: AwsSession | None,
    contents: list[RepositoryContents],
    images: list[dict[str, Any]] | None,
    asking: _Asking,
) -> dict[str, Any]:
    from orchestrator.aws.registry_contents import severities
    from orchestrator.findings.event import rank
    from orchestrator.report_page.page import SEVERITIES

    scanned = [image for repository in contents for image in repository.scanned]
    scanned.sort(key=lambda image: (-max(map(rank, image.severities)), image.repository, image.digest))
    if len(scanned) > MOST_SCANS:
        asking.problems.append(f"findings of {len(scanned) - MOST_SCANS} more images are counted and not listed")
    running = None if images is None else {digest for image in images for digest in image["digests"]}
    rows: list[dict[str, Any]] = []
    for image in scanned[:MOST_SCANS] if session else ():
        assert session is not None
        what = f"scan findings of {image.repository}@{image.digest}"
        rows += asking.ask(what, lambda image=image: _found(session, image, running), [])  # type: ignore[misc]
    rows.sort(key=lambda row: (-row["rank"], row["repository"], row["name"]))
    return {"severities": dict.fromkeys(SEVERITIES, 0) | dict(severities(contents)), "found": rows[:MOST_FINDINGS]}


def _found(session: AwsSession, image: ScannedImage, running: set[str] | None) -> list[dict[str, Any]]:
    from orchestrator.aws.ports.ecr_scanner import EcrScanner
    from orchestrator.aws.translation import explained
    from orchestrator.findings.event import rank, read_findings

    with explained(session, "ecr"):
        pages = list(EcrScanner(session.client("ecr")).finding_pages(image.repository, image.digest))
    return [
        {
            "repository": image.repository,
            "tag": image.tags[0] if image.tags else None,
            "digest": image.digest,
            "name": finding.name,
            "severity": finding.severity,
            "rank": rank(finding.severity),
            "package": finding.package,
            "installed": finding.installed,
            "fixed": finding.fixed,
            "in_use": finding.running > 0
            if running is None and finding.running
            else None
            if running is None
            else image.digest in running,
        }
        for page in pages
        for finding in read_findings(page)
    ]
