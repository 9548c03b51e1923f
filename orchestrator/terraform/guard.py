"""What holds images, and the bucket of snapshots and audit log, is not destroyed by a yes: each needs its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.errors import RefusedInput
from orchestrator.terraform.plan import Plan, ResourceChange
from orchestrator.terraform.stack import Stack

BUCKET = "aws_s3_bucket"


class Ask(Protocol):
    """Questions to the user; `interactive` is False where nobody can answer (CI, a pipe)."""

    @property
    def interactive(self) -> bool: ...
    def confirm(self, environment: str, question: str) -> bool: ...
    def name(self, environment: str, question: str) -> str: ...


def guard(stack: Stack, plan: Plan, ask: Ask, allowed: Sequence[str]) -> None:
    """Raise RefusedInput unless every repository with images and bucket with records that would be lost was named."""
    lost, buckets = plan.lost_repositories, _lost_buckets(plan)
    if lost:
        from orchestrator.aws.inventory import image_count

        for change in lost:
            count = image_count(stack.session(), change.repository)
            if count:
                _check(stack, change, count, ask, allowed)
    if buckets:
        from orchestrator.aws.record_bucket import holds_records

        for change in buckets:
            name = str(_before(change, "bucket") or stack.environment.lifecycle_bucket)
            if holds_records(stack.session(), name):
                _check_records(stack, change, name, ask, allowed)


def _lost_buckets(plan: Plan) -> tuple[ResourceChange, ...]:
    return tuple(change for change in plan.changes if change.type == BUCKET and change.action in {"delete", "replace"})


def _before(change: ResourceChange, path: str) -> object:
    """An attribute as it stands in the state; None where the plan does not list it."""
    return next((attribute.before for attribute in change.attributes if attribute.path == path), None)


def _check_records(stack: Stack, change: ResourceChange, name: str, ask: Ask, allowed: Sequence[str]) -> None:
    fate = "replaced, without what it holds" if change.action == "replace" else "destroyed"
    what = f'bucket "{name}" would be {fate}; it holds what clusters run and the audit log'
    remedy = "To keep it: `lifecycle_manager.keep_records = true`. If its records may go: "
    manager = stack.environment.lifecycle_manager
    before = _before(change, "force_destroy")
    # A replacement that leaves it as it is does not list it.
    forced = manager is not None and manager.force_destroy_records if before is None else before
    if not forced:
        raise RefusedInput(
            f"the {what}, and its `force_destroy_records` is false.",
            environment=stack.name,
            why="AWS does not delete a bucket that holds objects; the rest would be destroyed and this one fail.",
            remedy=f"{remedy}empty it, or apply `lifecycle_manager.force_destroy_records = true` while it is enabled, and "
            f"give --allow-destroy {name} then.",
        )
    why = "What was deleted is restored from the audit log, which is not lost by a plain yes."
    _allow(stack, name, what, ask, allowed, why, f"{remedy}--allow-destroy {name}")


def _check(stack: Stack, change: ResourceChange, count: int, ask: Ask, allowed: Sequence[str]) -> None:
    name = change.repository
    images = f"{count} image{'' if count == 1 else 's'}"
    fate = "replaced, without its images" if change.action == "replace" else "destroyed"
    if not _forced(change):
        raise RefusedInput(
            f'the repository "{name}" would be {fate}, but it holds {images} and its `force_delete` is false.',
            environment=stack.name,
            why="AWS does not delete a repository that holds images; the rest would be destroyed and this one fail.",
            remedy="Set `force_delete = true` for it and apply, or delete its images, or protect it "
            "(`ecr_prevent_destroy = true`).",
        )
    what = f'repository "{name}" would be {fate}; it holds {images}'
    remedy = f"If they may go: --allow-destroy {name}"
    _allow(stack, name, what, ask, allowed, "Images are not lost by a plain yes.", remedy)


def _allow(stack: Stack, name: str, what: str, ask: Ask, allowed: Sequence[str], why: str, remedy: str) -> None:
    """Raise RefusedInput unless the user named `name`; `what` says what would happen, without its article."""
    if name in allowed:
        return
    if not ask.interactive:
        raise RefusedInput(f"the {what}.", environment=stack.name, why=why, remedy=remedy)
    typed = ask.name(stack.name, f"The {what}. Type its name")
    if typed.strip() != name:
        raise RefusedInput(f'"{typed.strip()}" is not "{name}".', environment=stack.name, why="Nothing was changed.")


def _forced(change: ResourceChange) -> bool:
    """`force_delete` as it stands in the state: that is what the provider goes by when it deletes."""
    before = _before(change, "force_delete")
    # A replacement that leaves it as it is does not list it.
    return change.action == "replace" if before is None else bool(before)
