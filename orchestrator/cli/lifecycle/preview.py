"""How `lifecycle preview` shows what would be expired: as JSON, as CSV and as text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from orchestrator.aws.lifecycle_calls import EnginePreview, preview_policy
from orchestrator.aws.translation import explained
from orchestrator.cli.lifecycle.prices import ARCHIVE_SAVES_ABOVE_TB, DATE, STANDARD, monthly_saving
from orchestrator.cli.lifecycle.printing import CACHED, describe_settings, print_trouble, readable_size
from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError
from orchestrator.lifecycle.native_policy import is_ours
from orchestrator.lifecycle.policy_keeper import wanted_policy

if TYPE_CHECKING:
    from orchestrator.cli.lifecycle.collector import Collector
    from orchestrator.cli.lifecycle.equipment import Equipment

SHOWN = 30
ARCHIVED = (
    f"Images that go to the archive are billed like standard storage up to {ARCHIVE_SAVES_ABOVE_TB} TB. They are not "
    f"counted as saved."
)
NO_PRICE = "The saving is not said: no price is known for the partition {}; --price gives one."
NO_RULES = "This registry has no pull-through cache rules: there is nothing to keep small."


def engine_previews(equipment: Equipment, collector: Collector) -> dict[str, dict[str, Any]]:
    """{repository: what AWS says, and of which policy}.

    `policy` is "own" where the repository has one that is not ours, which stays. Else it is the native policy that the
    settings ask for ("untagged" unless they do). None: it would get none, so that AWS is not asked.
    """
    kind = equipment.settings.native_policy or "untagged"

    def ask(repository: str) -> dict[str, Any]:
        wanted = wanted_policy(kind, repository, equipment.settings.retentions.of(repository))
        policy: str | None = kind if wanted else None
        answer = EnginePreview(0)
        try:
            with explained(equipment.session, "ecr"):
                held = equipment.registry.policy(repository)
            if held is not None and not is_ours(held):
                policy, answer = "own", preview_policy(equipment.session, repository, None)
            elif wanted:
                answer = preview_policy(equipment.session, repository, wanted)
        except OrchestratorError as error:
            answer = EnginePreview(None, problem=f"{error.what} {error.remedy}".strip())
        return {"expiring": answer.images, "problem": answer.problem, "policy": policy}

    filled = [repository for repository, images in collector.images.items() if images]
    return dict(sorted(equipment.host.each(ask, filled)))


def preview_document(
    equipment: Equipment, report: dict[str, Any], collector: Collector, price: float | None
) -> dict[str, Any]:
    """The preview as `--json` prints it."""
    used = price if price is not None else STANDARD.get(equipment.environment.partition)
    repositories, guarded = collector.repositories(), collector.guarded_repositories()
    for row in (*repositories, *guarded):
        row["saving"] = monthly_saving(_deleted(row), used)
    deleted = sum(map(_deleted, repositories))
    total = sum(row["bytes"] for row in repositories)
    return {
        "environment": equipment.environment.name,
        "local": equipment.session.is_local,
        "cached_repositories": report["repositories"],
        "images": report["images"],
        "bytes": report["size"],
        "expiring": {
            "images": sum(row["expiring"] for row in repositories),
            "bytes": total,
            "archived_bytes": total - deleted,
            "saving": monthly_saving(deleted, used),
        },
        "price": {"per_gb_month": used, "as_of": DATE if price is None and used is not None else None},
        "would_stop": report["would_stop"],
        "guarded": report["guarded"],
        "skipped": report["skipped"],
        "failed": report["failed"],
        "notes": [
            *equipment.notes,
            *report["notes"],
            *([ARCHIVED] if total > deleted else []),
            *([NO_RULES] if not report["prefixes"] else []),
            *([NO_PRICE.format(equipment.environment.partition)] if used is None else []),
        ],
        "kept": dict(collector.kept.most_common()),
        **({"kept_images": collector.kept_rows} if collector.lists_kept else {}),
        "repositories": repositories,
        # Beside the others: they are in no sum.
        "guarded_repositories": guarded,
    }


def _deleted(row: dict[str, Any]) -> int:
    """Bytes of a repository that deletions would free."""
    return sum(image["bytes"] for image in row["expire"] if image["action"] == "delete")


def preview_csv(rows: list[dict[str, Any]]) -> str:
    """A line for each image that would expire."""
    output = io.StringIO()
    columns = ["repository", "digest", "tags", "bytes", "pushed", "last_pull", "action", "reason"]
    writer = csv.DictWriter(output, columns, lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: (row["repository"], row["digest"])):
        writer.writerow(row | {"tags": " ".join(row["tags"])})
    return output.getvalue()


def print_preview(equipment: Equipment, document: dict[str, Any]) -> None:
    """The preview for people: repositories by size, the sum, and what stands in the way."""
    click.echo(f"Retention: {describe_settings(equipment.settings)}")
    if "native" in document:
        kind = equipment.settings.native_policy or "untagged"
        click.echo(f"AWS's own engine is asked with the native policy `{kind}`, or of a repository's own policy.")
    held_back = {row["repository"] for row in document["guarded_repositories"]}
    rows = sorted(
        [*document["repositories"], *document["guarded_repositories"]],
        key=lambda row: (-row["bytes"], row["repository"]),
    )
    for row in rows[:SHOWN]:
        _print_repository(row, document.get("native"), guarded=row["repository"] in held_back)
    if len(rows) > SHOWN:
        click.echo(
            f"and {counted(len(rows) - SHOWN, 'more repository', 'more repositories')} (--json or --csv shows all)"
        )
    _print_only_native(document)
    total, price = document["expiring"], document["price"]
    click.echo(
        f"{total['images']} of {counted(document['images'], 'image')} in {counted(document['cached_repositories'], *CACHED)} "
        f"would expire: {readable_size(total['bytes'])}"
    )
    if document["kept"]:
        click.echo(f"Kept: {', '.join(f'{count} {because}' for because, count in document['kept'].items())}")
    for row in sorted(document.get("kept_images", ()), key=lambda row: (row["repository"], row["digest"])):
        click.echo(f"    {row['repository']} {' '.join(row['tags']) or row['digest'][:19]}: {row['reason']}")
    if total["saving"] is not None:
        source = f"prices of {price['as_of']}" if price["as_of"] else "the given price"
        click.echo(
            f"Saves {_money(total['saving'], 'up to ')} a month ({price['per_gb_month']:g} a GB, {source}); layers that images "
            "share are counted for each."
        )
    if document["would_stop"]:
        click.echo(f"A run would expire nothing: {document['would_stop']}")
    print_trouble(document)


def _money(amount: float, most: str = "") -> str:
    """`0.23`, with `most` before it; a little is not nothing."""
    return "less than 0.01" if 0 < amount < 0.005 else f"{most}{amount:.2f}"


def _print_repository(row: dict[str, Any], natives: dict[str, Any] | None, *, guarded: bool) -> None:
    saved = "" if row["saving"] is None else f"  {_money(row['saving'])} a month"
    aside = "" if natives is None else f"  {_native(natives.get(row['repository']))}"
    what = f"{row['expiring']} of {counted(row['images'], 'image')}, {readable_size(row['bytes'])}{saved}"
    click.echo(f"{row['repository']}: {what}{' but for the guard' if guarded else ''}{aside}")
    for image in row["expire"][:3]:
        click.echo(f"    {' '.join(image['tags']) or image['digest'][:19]}: {image['reason']}")
    if row["expiring"] > 3:
        click.echo(f"    and {row['expiring'] - 3} more")


def _print_only_native(document: dict[str, Any]) -> None:
    """What AWS's engine would expire where this expires nothing."""
    named = {row["repository"] for kind in ("repositories", "guarded_repositories") for row in document[kind]}
    for repository, answer in document.get("native", {}).items():
        if repository not in named and (answer["expiring"] or answer["problem"]):
            click.echo(f"{repository}: nothing  {_native(answer)}")


def _native(answer: dict[str, Any] | None) -> str:
    """`(AWS's own engine: 3)`: what AWS said of a repository."""
    if answer is None:
        return "(AWS's own engine: not asked)"
    if answer["policy"] is None and not answer["problem"]:
        return "(AWS's own engine: it would get no native policy)"
    by = ", by the repository's own policy" if answer["policy"] == "own" else ""
    return f"(AWS's own engine{by}: {answer['problem'] or answer['expiring']})"
