"""How `lifecycle preview` shows what would be expired: as JSON, as CSV and as text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from orchestrator.aws.lifecycle import NativePreview, preview_policy
from orchestrator.cli.lifecycle_support import describe_settings, print_trouble, readable_size
from orchestrator.lifecycle.native_policy import native_policy
from orchestrator.lifecycle.prices import ARCHIVE_SAVES_ABOVE_TB, DATE, STANDARD, monthly_saving

if TYPE_CHECKING:
    from orchestrator.cli.lifecycle_opened import Opened
    from orchestrator.cli.lifecycle_support import Collector

SHOWN = 30
ARCHIVED = (
    "What goes to the archive is billed like standard storage up to "
    f"{ARCHIVE_SAVES_ABOVE_TB} TB: it is not counted as saved."
)

NO_RULES = "This registry has no pull-through cache rules: there is nothing to keep small."


def native_previews(opened: Opened, collector: Collector) -> dict[str, dict[str, Any]]:
    """{repository: what AWS says}, for the native policy that the settings ask for (untagged unless they do)."""

    def ask(repository: str) -> NativePreview:
        retention = opened.settings.retentions.of(repository)
        return preview_policy(
            opened.session, repository, native_policy(opened.settings.native_policy or "untagged", retention)
        )

    filled = [repository for repository, images in collector.images.items() if images]
    answers = dict(opened.host.each(ask, filled))
    return {name: {"expiring": answers[name].images, "problem": answers[name].problem} for name in sorted(answers)}


def preview_document(
    opened: Opened, report: dict[str, Any], repositories: list[dict[str, Any]], price: float | None
) -> dict[str, Any]:
    """The preview as `--json` prints it; `repositories` get what they save."""
    used = price if price is not None else STANDARD.get(opened.environment.partition)
    deleted = 0
    for row in repositories:
        freed = sum(image["bytes"] for image in row["expire"] if image["action"] == "delete")
        row["saving"] = monthly_saving(freed, used)
        deleted += freed
    total = sum(row["bytes"] for row in repositories)
    return {
        "environment": opened.environment.name,
        "local": opened.session.is_local,
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
            *opened.notes,
            *report["notes"],
            *([ARCHIVED] if total > deleted else []),
            *([NO_RULES] if not report["prefixes"] else []),
        ],
        "repositories": repositories,
    }


def preview_csv(rows: list[dict[str, Any]]) -> str:
    """A line for each image that would expire."""
    output = io.StringIO()
    columns = ["repository", "digest", "tags", "bytes", "pushed", "last_pull", "action", "reason"]
    writer = csv.DictWriter(output, columns, lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: (row["repository"], row["digest"])):
        writer.writerow(row | {"tags": " ".join(row["tags"])})
    return output.getvalue()


def print_preview(opened: Opened, document: dict[str, Any]) -> None:
    """The preview for people: repositories by size, the sum, and what stands in the way."""
    click.echo(f"Retention: {describe_settings(opened.settings)}")
    if "native" in document:
        click.echo(f"AWS's own engine is asked with the native policy `{opened.settings.native_policy or 'untagged'}`.")
    rows = document["repositories"]
    for row in rows[:SHOWN]:
        _print_repository(row, document.get("native"))
    if len(rows) > SHOWN:
        click.echo(f"and {len(rows) - SHOWN} more repositories (--json or --csv shows all)")
    _print_only_native(document)
    total, price = document["expiring"], document["price"]
    click.echo(
        f"{total['images']} of {document['images']} images in {document['cached_repositories']} cached repositories "
        f"would expire: {readable_size(total['bytes'])}"
    )
    if total["saving"] is not None:
        source = f"prices of {price['as_of']}" if price["as_of"] else "the given price"
        click.echo(
            f"Saves up to {total['saving']:.2f} a month ({price['per_gb_month']:g} a GB, {source}); layers that images "
            "share are counted for each."
        )
    if document["would_stop"]:
        click.echo(f"A run would expire nothing: {document['would_stop']}")
    print_trouble(document)


def _print_repository(row: dict[str, Any], natives: dict[str, Any] | None) -> None:
    saved = "" if row["saving"] is None else f"  {row['saving']:.2f} a month"
    aside = ""
    if natives is not None:
        answer = natives.get(row["repository"], {"problem": "not asked", "expiring": None})
        aside = f"  (AWS's own engine: {answer['problem'] or answer['expiring']})"
    click.echo(
        f"{row['repository']}: {row['expiring']} of {row['images']} images, {readable_size(row['bytes'])}{saved}{aside}"
    )
    for image in row["expire"][:3]:
        click.echo(f"    {' '.join(image['tags']) or image['digest'][:19]}: {image['reason']}")
    if row["expiring"] > 3:
        click.echo(f"    and {row['expiring'] - 3} more")


def _print_only_native(document: dict[str, Any]) -> None:
    """What AWS's engine would expire where this expires nothing."""
    named = {row["repository"] for row in document["repositories"]}
    for repository, answer in document.get("native", {}).items():
        if repository not in named and (answer["expiring"] or answer["problem"]):
            click.echo(f"{repository}: nothing  (AWS's own engine: {answer['problem'] or answer['expiring']})")
