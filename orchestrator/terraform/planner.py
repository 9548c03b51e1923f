"""Reads: the state, the journal of an apply that was cut off, AWS, and Terraform's plan. It gives one `Planned` value.

Nothing is changed but files of the working directory. `judge` decides what may happen, `execute` does it.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from orchestrator.errors import RefusedInput
from orchestrator.terraform.bundle import PlanOrigin, check_bundle, read_bundle
from orchestrator.terraform.plan import REPOSITORY, Plan, ResourceChange
from orchestrator.terraform.planned import LostImages, LostRecords, Planned
from orchestrator.terraform.runs import current_state, run_plan, show_plan
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.transitions import Adoption, blocks, created_ids, creations, moves, started_creations
from orchestrator.terraform.workdir import LOCK, TRANSITIONS, dump, write_if_changed

BUCKET = "aws_s3_bucket"
END_OF_JOURNAL = "\n--\n"  # no line of JSON


def plan_apply(stack: Stack, *, adopt: bool, weigh: bool = True) -> Planned:
    """What an apply would do. What exists already and is to be taken over is planned as an import.

    With `weigh` AWS is asked what would be lost: nothing may be applied without it.
    """
    plan, something = run_plan(stack)
    continued, foreign = _existing(stack, plan)
    adopted = foreign if adopt else ()
    if continued or adopted:
        write_transitions(stack, (*continued, *adopted))
        plan, something = run_plan(stack)
    return Planned(
        stack.name,
        plan,
        something,
        continued=continued,
        adopted=adopted,
        foreign=() if adopt else foreign,
        losses=losses(stack, plan) if weigh else (),
    )


def plan_destroy(stack: Stack) -> Planned:
    """What a destroy would do. `stack` was opened with `protected_only`.

    With protected repositories, or records that are kept, it is an apply in which only they remain; without, it is
    Terraform's own destroy, which leaves an empty state.
    """
    before = current_state(stack)
    manager = stack.environment.lifecycle_manager
    keeps_records = manager is not None and manager.keep_records and bool(before.of_type(BUCKET))
    spares = keeps_records or (stack.environment.ecr_prevent_destroy and bool(before.of_type(REPOSITORY)))
    plan, something = run_plan(stack, *(() if spares else ("-destroy",)))
    return Planned(stack.name, plan, something, losses=losses(stack, plan), spares=spares)


def plan_given(stack: Stack, path: Path) -> Planned:
    """What the plan file of another job would do. Raises RefusedInput when it was made from something else."""
    bundle = read_bundle(path)
    check_bundle(path, bundle, manifest(stack, "apply"))
    lock = stack.workdir.root / LOCK
    if lock.is_file() and bundle.lock and not _same_versions(lock.read_bytes(), bundle.lock):
        raise RefusedInput(
            f"{path} was made with other provider versions than this job has.",
            remedy=f"Commit environments/{LOCK}, so that both jobs use the same.",
        )
    target = stack.workdir.plan_file
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(bundle.plan)
    plan = show_plan(stack, target)
    return Planned(stack.name, plan, not plan.is_empty or bool(plan.drift), losses=losses(stack, plan))


def plan_drift(stack: Stack) -> Plan:
    """What was changed outside since the last apply, as the plan's `drift`."""
    plan, _ = run_plan(stack, "-refresh-only", phase="drift")
    return plan


def manifest(stack: Stack, kind: str) -> PlanOrigin:
    """What a plan that is made here is made from."""
    return PlanOrigin(
        environment=stack.name,
        account_id=stack.environment.account_id,
        region=stack.environment.aws_region,
        local=stack.workdir.local,
        kind=kind,
        digest=stack.workdir.digest,
        terraform_version=stack.context.terraform.version,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def write_transitions(stack: Stack, taken_over: tuple[Adoption, ...] = ()) -> None:
    """Write the moved and import blocks that the state asks for; none removes the file."""
    path = stack.workdir.root / TRANSITIONS
    environment = stack.environment
    moved = moves(
        current_state(stack), protect=environment.ecr_prevent_destroy, declared=environment.own_repository_names
    )
    document = blocks(moved, taken_over)
    if document:
        write_if_changed(path, dump(document))
    else:
        path.unlink(missing_ok=True)


def _existing(stack: Stack, plan: Plan) -> tuple[tuple[Adoption, ...], tuple[Adoption, ...]]:
    """(what an apply that was cut off made, what others made) of the things that the plan creates."""
    cut_off, ids = _cut_off(stack)
    asked = [c for c in creations(plan, ids) if c.type == REPOSITORY or c.address in cut_off]
    if not asked:
        return (), ()
    from orchestrator.aws.existence import existing

    there = existing(stack.session(), asked)
    return tuple(a for a in there if a.address in cut_off), tuple(a for a in there if a.address not in cut_off)


def _cut_off(stack: Stack) -> tuple[frozenset[str], dict[str, str]]:
    """What applies that did not end well created and the state lacks: its addresses, and ids where they are known."""
    begun: frozenset[str] = frozenset()
    ids: dict[str, str] = {}
    for path in (stack.workdir.earlier_journals, stack.workdir.journal):
        with contextlib.suppress(FileNotFoundError):
            for journal in path.read_text("utf-8", "replace").split(END_OF_JOURNAL):
                begun |= started_creations(journal)
                ids |= created_ids(journal)
    if begun:
        begun -= current_state(stack).addresses
    return begun, {address: ids[address] for address in begun & ids.keys()}


def _same_versions(one: bytes, other: bytes) -> bool:
    from orchestrator.terraform.packages import read_lock

    versions = [{entry.address: entry.version for entry in read_lock(lock.decode("utf-8"))} for lock in (one, other)]
    return versions[0] == versions[1]


def losses(stack: Stack, plan: Plan) -> tuple[LostImages | LostRecords, ...]:
    """The repositories with images and buckets with records that the plan would lose; AWS says what they hold."""
    lost: list[LostImages | LostRecords] = []
    if plan.lost_repositories:
        from orchestrator.aws.inventory import image_count

        for change in plan.lost_repositories:
            count = image_count(stack.session(), change.repository)
            if count:
                # `force_delete` as it stands in the state: that is what the provider goes by when it deletes.
                lost.append(LostImages(change.repository, count, _replaced(change), _forced(change, "force_delete")))
    buckets = [change for change in plan.changes if change.type == BUCKET and change.action in {"delete", "replace"}]
    if buckets:
        from orchestrator.aws.record_bucket import holds_records

        manager = stack.environment.lifecycle_manager
        for change in buckets:
            name = str(_before(change, "bucket") or stack.environment.lifecycle_bucket)
            if holds_records(stack.session(), name):
                forced = _forced(change, "force_destroy", unlisted=bool(manager and manager.force_destroy_records))
                lost.append(LostRecords(name, _replaced(change), forced))
    return tuple(lost)


def _replaced(change: ResourceChange) -> bool:
    return change.action == "replace"


def _before(change: ResourceChange, path: str) -> object:
    """An attribute as it stands in the state; None where the plan does not list it."""
    return next((attribute.before for attribute in change.attributes if attribute.path == path), None)


def _forced(change: ResourceChange, attribute: str, *, unlisted: bool | None = None) -> bool:
    """Would AWS delete it with what it holds? A replacement that leaves the setting as it is does not list it."""
    before = _before(change, attribute)
    if before is None:
        return _replaced(change) if unlisted is None else unlisted
    return bool(before)
