"""What the commands do with one environment: plan, apply, destroy, drift, output. No printing but through `Stack.say`."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.bundle import Manifest, PlanFile, check_bundle, read_bundle, write_bundle
from orchestrator.terraform.guard import BUCKET, Ask, guard
from orchestrator.terraform.plan import PROTECTED, REPOSITORY, Plan
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.transitions import Adoption, created_ids, creations, started_creations
from orchestrator.terraform.workdir import LOCK, write_if_changed

if TYPE_CHECKING:
    from orchestrator.aws.inventory import CachedRepository, RuleCheck

ShowPlan = Callable[[Plan], None]
NEEDED_BYTES = 8 * 1024 * 1024  # several times the state and the log of a large environment
END_OF_JOURNAL = "\n--\n"  # no line of JSON


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did: the plan it carried out, outputs by name (no sensitive ones), what AWS says of the rules.

    `written` are files that were written from outputs, `cached` repositories that AWS made and nobody manages, and
    `spared` those, and the bucket of records, that a destroy left because they are protected.
    """

    plan: Plan
    changed: bool
    outputs: dict[str, Any]
    rules: tuple[RuleCheck, ...] = ()
    written: tuple[Path, ...] = ()
    cached: tuple[CachedRepository, ...] = ()
    spared: tuple[str, ...] = ()


def plan(stack: Stack, *, out: Path | None = None, adopt: bool = False) -> Plan:
    """What an apply would change; with `out` also written there for `apply --plan`."""
    found, _ = _planned(stack, adopt=adopt, strict=out is not None)
    if out is not None:
        lock = stack.workdir.root / LOCK
        content = lock.read_bytes() if lock.is_file() else b""
        write_bundle(out, PlanFile(_manifest(stack, "apply"), stack.workdir.plan_file.read_bytes(), content))
    stack.workdir.plan_file.unlink(missing_ok=True)
    return found


def apply(
    stack: Stack,
    *,
    show: ShowPlan,
    ask: Ask,
    adopt: bool = False,
    allow_destroy: Sequence[str] = (),
    plan_file: Path | None = None,
) -> Applied:
    """Plan, show, ask, and apply exactly that plan; with `plan_file` the one that another job made.

    Raises RefusedInput for what may not happen (a repository that holds images, another's plan), and what Terraform's
    failure means otherwise.
    """
    if plan_file is not None:
        found = _given_plan(stack, plan_file)
        something = not found.is_empty or bool(found.drift)
    else:
        found, something = _planned(stack, adopt=adopt, strict=True)
    show(found)
    if not something:
        _settle(stack)
        return _after(stack, found, changed=False)
    guard(stack, found, ask, allow_destroy)
    if not ask.confirm(stack.name, "Apply this plan?"):
        raise OrchestratorError("not applied.", environment=stack.name, why="You said no. Nothing was changed.")
    _carry_out(stack, "apply")
    return _after(stack, found, changed=True)


def destroy(stack: Stack, *, show: ShowPlan, ask: Ask, allow_destroy: Sequence[str] = ()) -> Applied:
    """Destroy what is not protected. `stack` was opened with `protected_only`.

    With protected repositories, or records that are kept, this is an apply in which only they remain; without, it is
    Terraform's own destroy, which leaves an empty state.
    """
    before = stack.state()
    manager = stack.environment.lifecycle_manager
    keeps_records = manager is not None and manager.keep_records and bool(before.of_type(BUCKET))
    spares = keeps_records or (stack.environment.ecr_prevent_destroy and bool(before.of_type(REPOSITORY)))
    managed = [entry.attributes.get("name", "") for entry in before.of_type(REPOSITORY)]
    found, something = stack.plan(*(() if spares else ("-destroy",)), phase="plan")
    show(found)
    if something:
        guard(stack, found, ask, allow_destroy)
        question = "Destroy what is not protected?" if spares else "Destroy everything in this environment?"
        if not ask.confirm(stack.name, question):
            raise OrchestratorError("not destroyed.", environment=stack.name, why="You said no. Nothing was changed.")
        _carry_out(stack, "destroy")
    after = stack.state()
    spared = [entry.attributes.get("name", "") for entry in after.of_type(REPOSITORY) if entry.name == PROTECTED]
    spared += [entry.attributes.get("bucket", "") for entry in after.of_type(BUCKET)]
    return Applied(found, something, {}, cached=_cached(stack, managed), spared=tuple(sorted(map(str, spared))))


def drift(stack: Stack) -> Plan:
    """What was changed outside since the last apply, as the plan's `drift`; nothing is changed, not even the state."""
    found, _ = stack.plan("-refresh-only", phase="drift")
    stack.workdir.plan_file.unlink(missing_ok=True)
    return found


def output(stack: Stack) -> dict[str, dict[str, Any]]:
    """The outputs in the state: {name: {"value", "sensitive", "type"}}."""
    return stack.state().outputs


def visible(outputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values of the outputs that are not sensitive, by name."""
    return {name: entry.get("value") for name, entry in sorted(outputs.items()) if not entry.get("sensitive")}


def _planned(stack: Stack, *, adopt: bool, strict: bool) -> tuple[Plan, bool]:
    """Plan; when something to be created exists already, say so or adopt it and plan again."""
    found, something = stack.plan()
    adopted = _adoptions(stack, found, adopt=adopt, strict=strict)
    if adopted:
        stack.write_transitions(adopted)
        found, something = stack.plan()
    return found, something


def _adoptions(stack: Stack, found: Plan, *, adopt: bool, strict: bool) -> tuple[Adoption, ...]:
    cut_off, ids = _cut_off(stack)
    candidates = creations(found, ids)
    asked = [c for c in candidates if c.type == REPOSITORY or c.address in cut_off]
    if not asked:
        return ()
    from orchestrator.aws.existence import existing

    there = existing(stack.session(), asked)
    ours = tuple(adoption for adoption in there if adoption.address in cut_off)
    for adoption in ours:
        stack.say(
            f'The last apply was cut off while it created {adoption.address}: "{adoption.id}" exists and is taken over.'
        )
    foreign = tuple(adoption for adoption in there if adoption.address not in cut_off)
    if foreign and not adopt:
        names = ", ".join(f'"{adoption.id}"' for adoption in foreign)
        several = len(foreign) > 1
        what = f"the repositor{'ies' if several else 'y'} {names} "
        what += f"exist{'' if several else 's'} already and {'are' if several else 'is'} in no state."
        remedy = f"Take over with `--adopt`, or choose another name in environments/{stack.name}.tfvars."
        why = "What was made outside of this environment's Terraform is never taken over silently."
        refusal = RefusedInput(what, environment=stack.name, why=why, remedy=remedy)
        if strict:
            raise refusal
        stack.say(f"warning: {refusal}")
        return ours
    return (*ours, *foreign)


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
        begun -= stack.state().addresses
    return begun, {address: ids[address] for address in begun & ids.keys()}


def _given_plan(stack: Stack, path: Path) -> Plan:
    bundle = read_bundle(path)
    check_bundle(path, bundle, _manifest(stack, "apply"))
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
    return stack.show(target)


def _same_versions(one: bytes, other: bytes) -> bool:
    from orchestrator.terraform.packages import read_lock

    versions = [{entry.address: entry.version for entry in read_lock(lock.decode("utf-8"))} for lock in (one, other)]
    return versions[0] == versions[1]


def _manifest(stack: Stack, kind: str) -> Manifest:
    return Manifest(
        environment=stack.name,
        account_id=stack.environment.account_id,
        region=stack.environment.aws_region,
        local=stack.workdir.local,
        kind=kind,
        digest=stack.workdir.digest,
        terraform_version=stack.context.terraform.version,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _carry_out(stack: Stack, phase: str) -> None:
    """Apply the plan file. The journal stays when it does not end well: the next apply reads what was in flight."""
    journal = stack.workdir.journal
    _require_room(stack)
    _keep_earlier(stack)
    if stack.workdir.local:
        # Terraform writes a local state in place: a full disk would cut it off.
        state = stack.workdir.local_state
        write_if_changed(stack.workdir.state_before, state.read_bytes() if state.exists() else b"")
    outcome, heard = stack.stream(
        phase, "apply", "-input=false", "-json", str(stack.workdir.plan_file), journal=journal
    )
    if outcome.code != 0:
        with contextlib.suppress(OSError):
            journal.write_text(stack.runner.masker(journal.read_text("utf-8", "replace")), "utf-8")
        raise stack.error(f"terraform {phase}", outcome, heard, applying=True)
    for warning in heard.warnings:
        stack.say(f"warning: {warning}")
    _settle(stack)


def _require_room(stack: Stack) -> None:
    """Refuse to begin on a disk that may not take the state at the end: what was created would then be unknown."""
    folder = stack.workdir.folder
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise OrchestratorError(
            f"the disk is nearly full: {free // 1024} KiB are free in {folder}.",
            environment=stack.name,
            why=f"An apply begins with at least {NEEDED_BYTES // 1024} KiB, so that the state of what it creates can be "
            "saved. Nothing was changed.",
            remedy="Make room, then run the command again.",
        )


def _keep_earlier(stack: Stack) -> None:
    """What earlier applies had in flight stays known until one ends well: this one may be cut off, or refused, too."""
    journal = stack.workdir.journal
    try:
        text = journal.read_text("utf-8", "replace")
    except FileNotFoundError:
        return
    earlier = stack.workdir.earlier_journals
    with contextlib.suppress(FileNotFoundError):
        text = earlier.read_text("utf-8", "replace") + END_OF_JOURNAL + text
    write_if_changed(earlier, text.encode())


def _settle(stack: Stack) -> None:
    """All is as planned: what only an unfinished apply needs can go."""
    stack.workdir.journal.unlink(missing_ok=True)
    stack.workdir.earlier_journals.unlink(missing_ok=True)
    stack.workdir.state_before.unlink(missing_ok=True)
    stack.workdir.plan_file.unlink(missing_ok=True)


def _after(stack: Stack, found: Plan, *, changed: bool) -> Applied:
    values = visible(stack.state().outputs)
    written = _write_idms(stack, values)
    return Applied(found, changed, values, _validate_rules(stack) if changed else (), written)


def _write_idms(stack: Stack, outputs: dict[str, Any]) -> tuple[Path, ...]:
    """Write the mirror set that the outputs carry to the file they name, below the project."""
    name, content = outputs.get("idms_config_path"), outputs.get("idms_config_content")
    if not name or not content:
        return ()
    root = stack.context.project.root.resolve()
    path = (root / str(name)).resolve()
    if not path.is_relative_to(root):
        raise OrchestratorError(f"The output idms_config_path is {name}, which is outside of the project.")
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    with contextlib.suppress(FileNotFoundError):
        if path.read_text("utf-8") == text:
            return (path,)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return (path,)


def _validate_rules(stack: Stack) -> tuple[RuleCheck, ...]:
    environment = stack.environment
    if not environment.owns_registry or not environment.pull_through_cache_rules:
        return ()
    from orchestrator.aws.inventory import validate_rules

    return validate_rules(stack.session(), sorted(environment.pull_through_cache_rules))


def _cached(stack: Stack, managed: Sequence[str]) -> tuple[CachedRepository, ...]:
    """What the rules made AWS create and nobody manages; a question, so that its failure does not fail the destroy."""
    environment = stack.environment
    if not environment.owns_registry or not environment.pull_through_cache_rules:
        return ()
    from orchestrator.aws.inventory import cached_repositories

    try:
        return cached_repositories(stack.session(), tuple(environment.pull_through_cache_rules), managed)
    except OrchestratorError as error:
        stack.say(f"warning: the cached repositories could not be listed: {error}")
        return ()
