"""What `mirror --prune` shows, asks and reports."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.lifecycle.equipment import Equipment, equip
from orchestrator.cli.mirror.prune_run import Prune, Pruned, listed_images, own_repositories, sharing_environments
from orchestrator.cli.mirror.words import size
from orchestrator.counts import counted
from orchestrator.errors import local_flag
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.cli.mirror.prune_options import Pruning
    from orchestrator.cli.mirror.run import MirrorRun
    from orchestrator.cli.mirror.show import Shown
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

SHOWN = 30
_DIGEST = 19
NOTHING_NAMED = (
    "the list names no image that this registry is to have, so that everything would go (--from, mirror_images)"
)


@dataclass(frozen=True, slots=True)
class Pruner:
    """The pruning of one round. Both of its acts put what they found into the round's document, as `prune`."""

    ctx: click.Context
    project: Project
    environment: Environment
    run: MirrorRun
    pruning: Pruning
    local: bool
    as_json: bool

    def show(self, shown: Shown, document: dict[str, Any]) -> Pruned:
        """Preview only."""
        with self._equipment() as equipment:
            found = self._prune(equipment, shown).preview()
        self._tell(preview_lines(found), found)
        document["prune"] = prune_document(found)
        return found

    def prune(self, shown: Shown, document: dict[str, Any], *, failed: bool) -> bool:
        """Preview, ask, expire; False when something failed or stopped it. After a copy that failed nothing goes."""
        if failed:
            messages.stop("nothing is pruned: not everything was copied.")
            document["prune"] = None
            return False
        with self._equipment() as equipment:
            prune = self._prune(equipment, shown)
            found = prune.preview()
            self._tell(preview_lines(found), found)
            if found.going and equipment.settings.dry_run:
                messages.note("dry_run_mode is true: nothing is pruned.")
            elif found.going and self._agreed(found):
                prune.execute(found)
                if not self.as_json:
                    _say(done_lines(found, f"{self.environment.name} REFERENCE{local_flag(self.local)}"))
        if found.stopped:
            messages.stop(f"nothing is pruned: {found.stopped}")
        for repository, reason in found.failed.items():
            messages.stop(f"{repository}: {reason}")
        document["prune"] = prune_document(found)
        return not found.would_fail

    def _agreed(self, found: Pruned) -> bool:
        if self.pruning.yes:
            return True
        if click.confirm(f"Expire {counted(len(found.going), 'image')}?", err=True):
            return True
        click.echo("Nothing was pruned.")
        return False

    def _equipment(self) -> Any:
        return equip(self.ctx, self.environment.name, self.pruning.snapshots, local=self.local, alone=True)

    def _prune(self, equipment: Equipment, shown: Shown) -> Prune:
        others = sharing_environments(self.project, self.environment)
        host = self.environment.registry.host
        copies = [result.copy for result in shown.prepared.results]
        pairs = [(copy.source, copy.target) for copy in copies if copy.target.domain == host]
        environments = [self.environment, *others]
        lists = [
            ("what was to be copied", pairs),
            *((f'mirror_images of "{each.name}"', self.run.pairs_of(each)) for each in environments),
        ]
        return Prune(
            equipment,
            build_route_table(self.environment),
            listed_images(lists),
            own_repositories(environments),
            self.run.registries,
            self.pruning.allow_fraction,
            "" if pairs else NOTHING_NAMED,
        )

    def _tell(self, lines: Iterator[str], found: Pruned) -> None:
        if not self.as_json:
            _say(lines)
        for note in found.notes:
            messages.note(note)


def preview_lines(found: Pruned) -> Iterator[str]:
    """What would go, what stays although no list names it and why, and the sums."""
    going = found.going
    for row in going[:SHOWN]:
        yield f"goes      {_name(row)}: {row['reason']}"
    if len(going) > SHOWN:
        yield f"goes      {counted(len(going) - SHOWN, 'more image')} (--json shows all)"
    stays = [row for row in found.collector.kept_rows if row["because"] != "listed"]
    for row in stays[:SHOWN]:
        yield f"stays     {_name(row)}: {row['reason']}"
    if len(stays) > SHOWN:
        yield f"stays     {counted(len(stays) - SHOWN, 'more image')} (--json shows all)"
    kept = ", ".join(f"{number} {because}" for because, number in Counter(found.collector.kept).most_common())
    images = sum(found.collector.images.values())
    freed = size(sum(row["bytes"] for row in going))
    yield f"to prune: {len(going)} of {counted(images, 'mirrored image')}, {freed}" + (
        f" (kept: {kept})" if kept else ""
    )
    if found.stopped:
        yield f"nothing would be pruned: {found.stopped}"


def done_lines(found: Pruned, wanted: str) -> Iterator[str]:
    """The report for people; `wanted` is what `orchestrator mirror` takes to bring an image back."""
    yield f"pruned: {counted(found.expired, 'image')}, {size(found.expired_size)}"
    if found.audit:
        yield f"Audit: {found.audit}"
        yield f"Brought back by: orchestrator mirror {wanted} (the audit names each as `upstream`)"


def prune_document(found: Pruned) -> dict[str, Any]:
    """For `--json`: {expiring: […], kept: […], stopped, failed, expired, bytes_expired, audit, notes}."""
    return {
        "images": sum(found.collector.images.values()),
        "expiring": found.going,
        "kept": found.collector.kept_rows,
        "stopped": found.stopped or None,
        "failed": found.failed,
        "expired": found.expired,
        "bytes_expired": found.expired_size,
        "audit": found.audit or None,
        "notes": found.notes,
    }


def _name(row: dict[str, Any]) -> str:
    tag = f":{','.join(row['tags'])}" if row["tags"] else f"@{row['digest'][:_DIGEST]}"
    return f"{row['repository']}{tag}"


def _say(lines: Iterator[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
