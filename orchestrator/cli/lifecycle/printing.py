"""What every lifecycle command prints: settings, sizes, trouble, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.counts import counted

if TYPE_CHECKING:
    from orchestrator.lifecycle.settings import Settings

# Of each kind of trouble so many lines.
# The singular and the plural of what a run looks through.
CACHED = ("cached repository", "cached repositories")
LISTED = 30


def write_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2, default=str))


def describe_settings(settings: Settings) -> str:
    """One line of what the default retention is."""
    retention = settings.retentions.default
    parts = [
        f"not pulled for {counted(retention.expire_unpulled_days, 'day')}"
        if retention.expire_unpulled_days
        else "no age limit",
        f"at least {retention.keep_at_least} kept",
        *([f"at most {retention.keep_at_most} kept"] if retention.keep_at_most else []),
        *([f"untagged after {counted(retention.untagged_days, 'day')}"] if retention.untagged_days else []),
        *([counted(len(settings.retentions.overrides), "override")] if settings.retentions.overrides else []),
    ]
    return ", ".join(parts)


def print_trouble(document: dict[str, Any], *, err: bool = False) -> None:
    """Which repositories the guard stopped, which were skipped, which failed; and notes, these always to stderr."""
    for kind, said in (("guarded", "guard"), ("skipped", "skipped"), ("failed", "failed")):
        for repository, reason in list(document[kind].items())[:LISTED]:
            click.echo(f"{said}: {repository}: {reason}", err=err)
        if len(document[kind]) > LISTED:
            click.echo(
                f"{said}: {counted(len(document[kind]) - LISTED, 'more repository', 'more repositories')} (--json shows all)",
                err=err,
            )
    for note in document["notes"]:
        messages.note(f"{note}")


def readable_size(size: int) -> str:
    """`1.5 GB`: bytes in the largest unit of 1024 that fits."""
    for unit, scale in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
