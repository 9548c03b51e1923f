"""Reads: the state, the journal of an apply that was cut off, AWS, and Terraform's plan. It gives one `Planned` value.

Nothing is changed but files of the working directory. `judge` decides what may happen, `execute` does it.

    state and journal -> surroundings -> terraform plan -> arrivals (and the plan again) -> departures -> losses
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.arrivals import Arrivals, arrivals
from orchestrator.terraform.bundle import PlanOrigin, check_bundle, read_bundle
from orchestrator.terraform.credentials_in_use import credential_notes
from orchestrator.terraform.cut_off_applies import cut_off
from orchestrator.terraform.departures import departures, refuse_waiting
from orchestrator.terraform.foreign_settings import lost_principals
from orchestrator.terraform.losses import BUCKET, expiring, losses
from orchestrator.terraform.network_notes import network_notes
from orchestrator.terraform.plan import REPOSITORY, Plan
from orchestrator.terraform.planner_result import ExpiredImages, Loss, Planned
from orchestrator.terraform.reconciliations import reconciliation_notes
from orchestrator.terraform.runs import current_state, run_plan, show_plan
from orchestrator.terraform.second_look import lost_since
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State
from orchestrator.terraform.surroundings import POLICY, SCANNING, look_around, write_others
from orchestrator.terraform.transitions import Adoption, Created, blocks, creations, moves
from orchestrator.terraform.workdir import LOCK, TRANSITIONS, dump, write_if_changed

# What is taken over shows what hangs on it: a function its permissions, a bucket its policy. Nothing hangs deeper.
ROUNDS = 4
PARTIAL = "only what --target names was planned, and what that needs: the rest may differ"
SETTINGS = frozenset({POLICY, SCANNING, "aws_ecr_account_setting"})


def plan_apply(stack: Stack, *, adopt: bool, weigh: bool = True, targets: Sequence[str] = ()) -> Planned:
    """What an apply would do. A resource that exists already is planned as an import, so that the plan shows old and
    new.

    With `adopt` the user consents to that. With `weigh` AWS is asked what would be lost, and a hand-over waits for its
    other side. Nothing may be applied without it. `targets` are Terraform's options that leave out everything else.
    """
    credentials = tuple(credential_notes(stack))
    state = current_state(stack)
    begun, ids = cut_off(stack.workdir, state)
    around = look_around(stack, state, begun=begun)
    others = around.others
    write_others(stack, others)
    write_transitions(stack, state)
    plan, something = run_plan(stack, *targets)
    arrived, looked = Arrivals(), dict[str, Created]()
    for _ in range(ROUNDS):
        # One of which more is known by now is looked for again: a policy, after its bucket was found.
        fresh = [each for each in creations(plan, ids) if looked.get(each.address) != each]
        looked |= {each.address: each for each in fresh}
        more = arrivals(stack, fresh, begun)
        arrived += more
        if not more.imports and not more.attached:
            break
        roles = (*others.attached_roles, *(str(each.values["role"]) for each in more.attached))
        others = replace(others, attached_roles=tuple(dict.fromkeys(roles)))
        write_others(stack, others)
        write_transitions(stack, state, arrived.imports)
        plan, something = run_plan(stack, *targets)
    departing = departures(stack, plan, state, around)
    if weigh and departing.waits_for and stack.context.turns.wait(departing.waits_for):
        departing = departures(stack, plan, state, around, (departing.waits_for,))
    if weigh:
        refuse_waiting(stack, departing)
    plan = departing.shown_in(plan)
    expired = expiring(stack, plan, state)
    notes = (
        *credentials,
        *network_notes(stack),
        *_scope_notes(stack, others.scope),
        *_arrival_notes(arrived, others.attached_roles),
        *_principal_notes(plan),
        *reconciliation_notes(stack),
    )
    unseen = (*around.unseen, *arrived.unseen, *(e for e in expired if isinstance(e, OrchestratorError)))
    gone = tuple(each for each in expired if isinstance(each, ExpiredImages))
    lost: tuple[Loss, ...] = losses(stack, plan) if weigh else ()
    changed = {change.address for change in plan.changes if change.action != "no-op"}
    foreign = tuple(a for a in arrived.foreign if a.type not in SETTINGS or a.address in changed)
    notes = (
        *notes,
        *((PARTIAL,) if targets else ()),
        *(f'the lifecycle policy of "{each.name}" would expire {counted(each.images, "image")}' for each in gone),
        *(f"not looked up: {error.what} {error.why}" for error in unseen),
    )
    return Planned(
        stack.name,
        replace(plan, notes=notes),
        something,
        options=tuple(targets),
        local=stack.workdir.local,
        continued=arrived.continued,
        foreign=() if adopt else foreign,
        held=arrived.held,
        unseen=unseen,
        losses=(*lost, *gone),
        departing=departing,
    )


def plan_destroy(stack: Stack) -> Planned:
    """What a destroy would do. `stack` was opened with `protected_only`.

    With protected repositories, or records that are kept, it is an apply in which only they remain. Without, it is
    Terraform's own destroy, which leaves an empty state.
    """
    state = current_state(stack)
    around = look_around(stack, state)
    write_others(stack, around.others)
    write_transitions(stack, state)
    manager = stack.environment.lifecycle_manager
    keeps_records = manager is not None and manager.keep_records and bool(state.of_type(BUCKET))
    spares = keeps_records or (stack.environment.ecr_prevent_destroy and bool(state.of_type(REPOSITORY)))
    options = () if spares else ("-destroy",)
    plan, something = run_plan(stack, *options)
    departing = departures(stack, plan, state, around)
    refuse_waiting(stack, departing)
    plan = departing.shown_in(plan)
    return Planned(
        stack.name,
        plan,
        something,
        options=options,
        local=stack.workdir.local,
        unseen=around.unseen,
        losses=losses(stack, plan),
        departing=departing,
        spares=spares,
    )


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
    state = current_state(stack)
    around = look_around(stack, state)
    if departures(stack, plan, state, around).forgets:
        raise RefusedInput(
            f"{path} takes away what is not this environment's alone.",
            environment=stack.name,
            why="A plan file can only be applied as it is: what stays with others would go.",
            remedy=f"`orchestrator apply {stack.name}{stack.workdir.flag}` without --plan leaves it.",
        )
    lost = lost_since(plan, around)
    if lost:
        raise RefusedInput(
            f"{path} would remove {' and '.join(lost)} that others wrote since it was made.",
            environment=stack.name,
            remedy=f"Make a new plan: `orchestrator plan {stack.name} --out {path}{stack.workdir.flag}`.",
        )
    # What the state has by now makes the plan stale, which Terraform says.
    new = [each for each in creations(plan) if each.address not in state.addresses]
    arrived = arrivals(stack, new, frozenset())
    # So that the same plan can be made again, to see what others changed since.
    write_others(stack, around.others)
    imported = (Adoption(each.address, each.type, each.importing) for each in plan.changes if each.importing)
    write_transitions(stack, state, tuple(each for each in imported if each.address not in state.addresses))
    return Planned(
        stack.name,
        plan,
        not plan.is_empty or bool(plan.drift),
        local=stack.workdir.local,
        foreign=arrived.foreign,
        held=arrived.held,
        unseen=(*around.unseen, *arrived.unseen),
        losses=losses(stack, plan),
    )


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


def write_transitions(stack: Stack, state: State, taken_over: tuple[Adoption, ...] = ()) -> None:
    """Write the moved and import blocks that the state asks for; none removes the file."""
    path = stack.workdir.root / TRANSITIONS
    environment = stack.environment
    moved = moves(state, protect=environment.ecr_prevent_destroy, declared=environment.own_repository_names)
    document = blocks(moved, taken_over)
    if document:
        write_if_changed(path, dump(document))
    else:
        path.unlink(missing_ok=True)


def _same_versions(one: bytes, other: bytes) -> bool:
    from orchestrator.terraform.packages import read_lock

    versions = [
        {entry.address: entry.version for entry in read_lock(lock.decode("utf-8", "replace"))} for lock in (one, other)
    ]
    return versions[0] == versions[1]


def _scope_notes(stack: Stack, found: str) -> Iterator[str]:
    environment = stack.environment
    scope = environment.registry_account_settings.get("REGISTRY_POLICY_SCOPE") or found
    if scope == "V1" and environment.owns_registry and environment.registry_consumer_account_ids:
        yield (
            "the scope of the registry policy is V1, which knows imports only. Consumers pull where a repository's own "
            'policy lets them, as creation templates do. registry_account_settings = { REGISTRY_POLICY_SCOPE = "V2" } '
            "lets them pull all that lies below a prefix of a rule or a mirror"
        )


def _arrival_notes(arrived: Arrivals, attached_roles: tuple[str, ...]) -> Iterator[str]:
    for role in attached_roles:
        yield f"AWS's pull policy is on the role {role} already: that stays as it is, and no destroy detaches it"
    for former in dict.fromkeys(held.holder for held in arrived.handed):
        yield f'"{former}" hands the registry over: what it made is taken over as it is'
    for adoption in arrived.foreign:
        yield f"{adoption.name} exists already: shown as it is -> as it would be"


def _principal_notes(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        lost = lost_principals(*change.policy) if change.action in {"update", "replace"} else ()
        if lost:
            yield f"{change.address}: the policy no longer names {', '.join(lost)}"
