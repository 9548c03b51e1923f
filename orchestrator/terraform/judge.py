"""Judges what the planner read: existing and lost things need the user's consent, each by its name.

Pure but for the questions, which `Ask` puts to the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError, RefusedInput, local_flag
from orchestrator.terraform.planner_result import ExpiredImages, LostImages, LostRecords, Planned
from orchestrator.terraform.transitions import OWNERS_MODULES, Adoption

MANY = 8  # names that one sentence lists


class Ask(Protocol):
    """Questions to the user; `interactive` is False where nobody can answer (CI, a pipe).

    `waits` is False where the yes was given beforehand: nobody thinks about the plan while others go on.
    """

    @property
    def interactive(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    def confirm(self, environment: str, question: str) -> bool: ...
    def name(self, environment: str, question: str) -> str: ...


def refusal(planned: Planned) -> OrchestratorError | None:
    """Why the plan must not be applied as it is: something exists that nobody asked to take over."""
    flag = local_flag(planned.local)
    name = planned.environment
    if planned.unseen:
        return planned.unseen[0]
    if planned.held:
        return _held(planned, flag)
    if not planned.foreign:
        return None
    return RefusedInput(
        f"{_listed(planned.foreign)} already and {'are' if len(planned.foreign) > 1 else 'is'} in no state.",
        environment=name,
        why="Resources that were made outside of this environment's Terraform are never taken over silently. The plan shows it as it is "
        "-> as it would be.",
        remedy=f"Take over with `--adopt`, or choose another name or setting in environments/{name}.tfvars.",
    )


def _held(planned: Planned, flag: str) -> RefusedInput:
    first, name = planned.held[0], planned.environment
    what = f'{_listed([each.adoption for each in planned.held])} already, in the state of "{first.holder}"'
    if first.gone:
        return RefusedInput(
            f"{what}, whose file is gone.",
            environment=name,
            why="Two states of one thing would each destroy it under the other.",
            remedy=f'When "{first.holder}" was renamed: `orchestrator state mv {first.holder} {name}{flag}` takes its state '
            f"along. Else bring environments/{first.holder}.tfvars back and destroy it.",
        )
    if first.owns_registry and first.adoption.address.startswith(OWNERS_MODULES):
        return RefusedInput(
            f"{what}.",
            environment=name,
            why="Two states of one thing would each destroy it under the other: `--adopt` takes nothing from a state.",
            remedy=f"To hand the registry over, set manage_registry = false in environments/{first.holder}.tfvars, then "
            f"`orchestrator apply {name} {first.holder}{flag}`. Else choose another name in environments/{name}.tfvars.",
        )
    return RefusedInput(
        f"{what}.",
        environment=name,
        why="Two states of one thing would each destroy it under the other: `--adopt` takes nothing from a state.",
        remedy=f'Choose another name in environments/{name}.tfvars, or remove it from "{first.holder}" first.',
    )


def _listed(adoptions: Sequence[Adoption]) -> str:
    """`the role "a" exists`, `the role "a" and the topic "b" exist`; the names of many are cut off."""
    names = list(dict.fromkeys(each.name for each in adoptions))
    if len(names) == 1:
        return f"{names[0]} exists"
    listed = names[:MANY] + ([f"{len(names) - MANY} more"] if len(names) > MANY else [])
    return f"{', '.join(listed[:-1])} and {listed[-1]} exist"


def judge(planned: Planned, ask: Ask, allowed: Sequence[str], *, question: str, refused: str) -> None:
    """Raise unless the user lets the plan happen.

    `allowed` are names that the user gave on the command line. `question` is put at the end; the word `refused` says what
    was not done when the answer is no. Raises RefusedInput for what was not named, OrchestratorError for a no.
    """
    found = refusal(planned)
    if found:
        raise found
    for loss in planned.losses:
        if isinstance(loss, LostImages):
            _images(planned, loss, ask, allowed)
        elif isinstance(loss, ExpiredImages):
            _expired(planned, loss, ask, allowed)
        else:
            _records(planned, loss, ask, allowed)
    if not ask.confirm(planned.environment, question):
        raise OrchestratorError(
            f"not {refused}.", environment=planned.environment, why="You said no. Nothing was changed."
        )


def _images(planned: Planned, loss: LostImages, ask: Ask, allowed: Sequence[str]) -> None:
    images = counted(loss.images, "image")
    fate = "replaced, without its images" if loss.replaced else "destroyed"
    if not loss.forced:
        raise RefusedInput(
            f'the repository "{loss.name}" would be {fate}, but it holds {images} and its `force_delete` is false.',
            environment=planned.environment,
            why="AWS does not delete a repository that holds images; the rest would be destroyed and this one fail.",
            remedy="Set `force_delete = true` for it and apply, or delete its images, or protect it "
            "(`ecr_prevent_destroy = true`).",
        )
    what = f'repository "{loss.name}" would be {fate}; it holds {images}'
    remedy = f"If they may go: --allow-destroy {loss.name}"
    _allow(planned, loss.name, what, ask, allowed, "Images are not lost by a plain yes.", remedy)


def _expired(planned: Planned, loss: ExpiredImages, ask: Ask, allowed: Sequence[str]) -> None:
    images = counted(loss.images, "image")
    what = f'lifecycle policy of the repository "{loss.name}" would expire {images}'
    remedy = f"If they may go: --allow-destroy {loss.name}"
    _allow(planned, loss.name, what, ask, allowed, "Images are not lost by a plain yes.", remedy)


def _records(planned: Planned, loss: LostRecords, ask: Ask, allowed: Sequence[str]) -> None:
    fate = "replaced, without what it holds" if loss.replaced else "destroyed"
    what = f'bucket "{loss.name}" would be {fate}; it holds what clusters run and the audit log'
    remedy = "To keep it: `lifecycle_manager.keep_records = true`. If its records may go: "
    if not loss.forced:
        raise RefusedInput(
            f"the {what}, and its `force_destroy_records` is false.",
            environment=planned.environment,
            why="AWS does not delete a bucket that holds objects; the rest would be destroyed and this one fail.",
            remedy=f"{remedy}empty it, or apply `lifecycle_manager.force_destroy_records = true` while it is enabled, and "
            f"give --allow-destroy {loss.name} then.",
        )
    why = "Images that were deleted are restored from the audit log, which is not lost by a plain yes."
    _allow(planned, loss.name, what, ask, allowed, why, f"{remedy}--allow-destroy {loss.name}")


def _allow(planned: Planned, name: str, what: str, ask: Ask, allowed: Sequence[str], why: str, remedy: str) -> None:
    """Raise RefusedInput unless the user named `name`; `what` says what would happen, without its article."""
    if name in allowed:
        return
    if not ask.interactive:
        raise RefusedInput(f"the {what}.", environment=planned.environment, why=why, remedy=remedy)
    typed = ask.name(planned.environment, f"The {what}. Type its name")
    if typed.strip() != name:
        raise RefusedInput(
            f'"{typed.strip()}" is not "{name}".', environment=planned.environment, why="Nothing was changed."
        )
