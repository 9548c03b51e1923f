"""Turns a Terraform run that failed into an error that says what to do. Touches nothing; it looks who works in a folder.

`sentences` reads what Terraform and the SDK said; this module knows what follows from it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from orchestrator.aws.refusal_remedies import remedy_for
from orchestrator.aws.refused_calls import advice, explain_refusal
from orchestrator.errors import OrchestratorError, local_flag
from orchestrator.terraform import sentences
from orchestrator.terraform.runner import Outcome
from orchestrator.terraform.stream import Diagnostic

# Nothing but the backend is asked by these.
_STATE_ALONE = ("terraform init", "terraform state pull")
_MIRROR = (
    "`orchestrator doctor` says where providers are looked for. Without a way to the registry let "
    "ORCHESTRATOR_PROVIDER_MIRROR name a mirror (`terraform providers mirror FOLDER`, run where there is one, makes it)."
)


class StateLockedError(OrchestratorError):
    """Somebody else holds the state's lock."""


class StalePlanError(OrchestratorError):
    """The state moved on since the plan was made."""


class RunInterruptedError(OrchestratorError):
    """The user stopped Terraform."""

    exit_code = 130


def failure(
    what: str,
    outcome: Outcome,
    diagnostics: Sequence[Diagnostic],
    *,
    environment: str,
    log: Path,
    place: str = "",
    applying: bool = False,
    local: bool = False,
    disk_full: bool = False,
) -> OrchestratorError:
    """The error for a run that did not end well; `what` is such as `terraform plan`, `local` is that of the command.

    With `disk_full` the text may be cut off: Terraform could not write it. `place` is account and region.
    """
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    text = "\n".join(str(error) for error in errors) or outcome.stderr.strip() or outcome.stdout.strip()[-2000:]
    command = "destroy" if what == "terraform destroy" else "apply"
    flag = local_flag(local)
    again = f"`orchestrator {command} {environment}{flag}`"
    if outcome.interrupted:
        return _interrupted(environment, outcome, again, applying)
    if outcome.signal_name:
        return OrchestratorError(
            f"{what} was ended by {outcome.signal_name}.",
            environment=environment,
            why="Something outside ended the process; for SIGKILL, often a lack of memory." + _said(text),
            remedy=f"The state has all that was done before. Run {again} again: it goes on from there. Its log is {log}.",
        )
    if sentences.LOCK_REFUSED.stands_in(text) and sentences.LOCK_HELD.stands_in(text):
        return _locked(environment, text, log.parent / "root")
    if sentences.STALE_PLAN.stands_in(text):
        return StalePlanError(
            "the plan is out of date: the state has moved on since it was made.",
            environment=environment,
            why="Another apply has changed the environment in between; nothing was changed by this one.",
            remedy="Make a new plan and look at it.",
        )
    if name := sentences.existing_repository(text):
        return OrchestratorError(
            f'the repository "{name}" exists already and is in no state.',
            environment=environment,
            why="It was made outside of this environment's Terraform; it is never taken over silently.",
            remedy=f"Take it over with `orchestrator apply {environment} --adopt{flag}`, or choose another name.",
        )
    full = disk_full or sentences.DISK_FULL.stands_in(text)
    if applying and (disk_full or sentences.UNSAVED_STATE.stands_in(text)):
        return OrchestratorError(
            "the state could not be saved"
            + (", because the disk is full." if full else "; it is kept in the working directory."),
            environment=environment,
            why=text,
            remedy=f"{'Make room' if full else 'Correct the cause'}, do not remove the working directory, and run {again} "
            "again. It saves that state first, and takes over what is missing in it.",
        )
    if sentences.NOT_EMPTY.stands_in(text):
        return OrchestratorError(
            "a repository still holds images, so that AWS does not delete it.",
            environment=environment,
            why=text,
            remedy="Set `force_delete = true` and apply, or delete its images; then run the command again.",
        )
    if local and sentences.NOBODY_LISTENS.stands_in(text):
        return OrchestratorError(
            f"the embedded AWS has ended in the middle of {what}.",
            environment=environment,
            why=text[-1500:],
            remedy=f"Run {again} again: another one is started, empty, and what is missing there is created anew.",
        )
    if full:
        return OrchestratorError(
            f"{what} failed: the disk is full.",
            environment=environment,
            why=text,
            remedy=f"Make room, then run {again} again: it goes on from there."
            if applying
            else "Make room, then run the command again.",
        )
    if what in _STATE_ALONE and (refused := sentences.refused_call(text)):
        found = explain_refusal(refused)
        found.environment, found.place = environment, place
        found.remedy = f"{found.remedy} `{what}` asked; its log is {log}."
        return found
    remedy = f"Its log is {log}."
    particular = _particular([str(error) for error in errors])
    if sentences.NO_PROVIDER.stands_in(text):
        remedy = f"{_MIRROR} {remedy}"
    elif sentences.NO_CREDENTIALS.stands_in(text):
        remedy = f"Check the credentials (`orchestrator doctor`). {remedy}"
    elif applying:
        remedy = f"The state has all that was done before: correct the cause and run {again} again. {remedy}"
    if particular:
        remedy = f"{particular} {remedy}"
    return OrchestratorError(
        f"{what} failed with exit code {outcome.code}.", environment=environment, why=text, remedy=remedy
    )


def _particular(errors: Sequence[str]) -> str:
    """What helps against these errors where AWS's code or text tells; each remedy once."""
    refusals = [refused for error in errors if (refused := sentences.refused_call(error))]
    others = [remedy_for(error) for error in errors if not sentences.refused_call(error)]
    return " ".join(filter(None, dict.fromkeys([advice(refusals), *others])))


def _said(text: str) -> str:
    return f" It said: {text[-1500:]}" if text else ""


def _interrupted(environment: str, outcome: Outcome, again: str, applying: bool) -> OrchestratorError:
    if not applying:
        return RunInterruptedError(
            "interrupted.", environment=environment, why="Nothing was changed.", remedy="Run the command again."
        )
    if outcome.signal_name:
        return RunInterruptedError(
            f"Terraform was killed ({outcome.signal_name}) in the middle of an apply.",
            environment=environment,
            why="The state has all that it finished; what it was at may exist without being there.",
            remedy=f"Run {again} again: it finishes the work, and says if something has to be taken over.",
        )
    return RunInterruptedError(
        "interrupted; Terraform stopped cleanly.",
        environment=environment,
        why="The state has all that was finished; nothing is lost.",
        remedy=f"Run {again} again to finish the work. Resources of requests that were cut off are then taken over.",
    )


def _locked(environment: str, text: str, root: Path) -> StateLockedError:
    fields = sentences.lock_fields(text)
    who = fields.get("Who", "somebody")
    when = fields.get("Created", "an unknown time")
    operation = fields.get("Operation", "").removeprefix("OperationType")
    what = f"its state is locked by {who} since {when}"
    if operation:
        what += f" ({operation.lower()})"
    lock = fields.get("ID", "LOCK_ID")
    living = _working_in(root)
    if living:
        return StateLockedError(
            f"{what}.",
            environment=environment,
            why=f"The Terraform of a command that was killed still works there (process {living}): its lock is no leftover.",
            remedy="Wait until that process has ended; it gives the lock back. Then run the command again.",
        )
    return StateLockedError(
        f"{what}.",
        environment=environment,
        why="Another run is at work, or one was killed and left its lock. A lock is never broken by itself.",
        remedy="Wait for it. Only when you are sure that it is gone: "
        f"`TF_WORKSPACE={environment} terraform -chdir={shlex.quote(str(root))} force-unlock {lock}`.",
    )


def _working_in(root: Path) -> int | None:
    """A process of this machine whose folder is `root`, such as a Terraform whose parent was killed; None where none shows.

    Only Linux shows folders of processes, and another user's only to root.
    """
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if int(entry.parent.name) != os.getpid() and entry.samefile(root):
                return int(entry.parent.name)
        except OSError:
            continue
    return None
