"""Repositories that hold images are not destroyed by a yes: each needs its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.errors import RefusedInput
from orchestrator.terraform.plan import Plan, ResourceChange
from orchestrator.terraform.stack import Stack


class Ask(Protocol):
    """Questions to the user; `interactive` is False where nobody can answer (CI, a pipe)."""

    @property
    def interactive(self) -> bool: ...
    def confirm(self, environment: str, question: str) -> bool: ...
    def name(self, environment: str, question: str) -> str: ...


def guard(stack: Stack, plan: Plan, ask: Ask, allowed: Sequence[str]) -> None:
    """Raise RefusedInput unless every repository that would be lost with images was named by the user."""
    lost = plan.lost_repositories
    if not lost:
        return
    from orchestrator.aws.registry import image_count

    for change in lost:
        count = image_count(stack.session(), change.repository)
        if not count:
            continue
        _check(stack, change, count, ask, allowed)


def _check(stack: Stack, change: ResourceChange, count: int, ask: Ask, allowed: Sequence[str]) -> None:
    name = change.repository
    images = f"{count} image{'' if count == 1 else 's'}"
    fate = "replaced, without its images" if change.action == "replace" else "destroyed"
    if not _forced(change):
        raise RefusedInput(
            f'environment "{stack.name}": the repository "{name}" would be {fate}, but it holds {images} and its '
            "`force_delete` is false.",
            why="AWS does not delete a repository that holds images; the rest would be destroyed and this one fail.",
            remedy="Set `force_delete = true` for it and apply, or delete its images, or protect it "
            "(`ecr_prevent_destroy = true`).",
        )
    if name in allowed:
        return
    if not ask.interactive:
        raise RefusedInput(
            f'environment "{stack.name}": the repository "{name}" would be {fate}; it holds {images}.',
            why="Images are not lost by a plain yes.",
            remedy=f"If they may go: --allow-destroy {name}",
        )
    typed = ask.name(stack.name, f'The repository "{name}" would be {fate}; it holds {images}. Type its name')
    if typed.strip() != name:
        raise RefusedInput(
            f'environment "{stack.name}": "{typed.strip()}" is not "{name}".', why="Nothing was changed."
        )


def _forced(change: ResourceChange) -> bool:
    """`force_delete` as it stands in the state: that is what the provider goes by when it deletes."""
    values = [attribute.before for attribute in change.attributes if attribute.path == "force_delete"]
    # A replacement that leaves it as it is does not list it.
    return bool(values[0]) if values else change.action == "replace"
