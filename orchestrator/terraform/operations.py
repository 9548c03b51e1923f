"""What the commands do with one environment: read (`planner`), judge (`judge`), run (`execute`), look at the result.

No printing but through `Stack.say`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.bundle import PlanFile, write_bundle
from orchestrator.terraform.drift import Drift, find_drift
from orchestrator.terraform.execute import execute, settle
from orchestrator.terraform.judge import Ask, judge, refusal
from orchestrator.terraform.last_runs import forget_runs, remember_apply, remember_drift
from orchestrator.terraform.losses import BUCKET
from orchestrator.terraform.part_of_plan import modules_of, target_options
from orchestrator.terraform.plan import PROTECTED, REPOSITORY, Plan
from orchestrator.terraform.planner import manifest, plan_apply, plan_destroy, plan_given
from orchestrator.terraform.planner_result import Planned
from orchestrator.terraform.runs import current_state
from orchestrator.terraform.second_look import refuse_lost
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import LOCK

if TYPE_CHECKING:
    from orchestrator.aws.inventory import CachedRepository, RuleCheck

ShowPlan = Callable[[Plan], None]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did: its plan, outputs by name (no sensitive ones), and AWS's word on the rules.

    `written` are files that were written from outputs, `cached` repositories that AWS made and nobody manages.
    `spared` are those, and the bucket of records, that a destroy left because they are protected.
    """

    plan: Plan
    changed: bool
    outputs: dict[str, Any]
    rules: tuple[RuleCheck, ...] = ()
    written: tuple[Path, ...] = ()
    cached: tuple[CachedRepository, ...] = ()
    spared: tuple[str, ...] = ()


def plan(stack: Stack, *, out: Path | None = None, adopt: bool = False, targets: Sequence[str] = ()) -> Plan:
    """What an apply would change; with `out` also written there for `apply --plan`."""
    planned = plan_apply(stack, adopt=adopt, weigh=False, targets=_target_options(stack, targets))
    _tell(stack, planned)
    refused = refusal(planned)
    if refused and out is not None:
        raise refused
    if refused:
        stack.say(f"warning: {refused}")
    if out is not None and planned.departing.forgets:
        raise RefusedInput(
            "a plan file cannot keep what leaves the state and stays in AWS.",
            environment=stack.name,
            why="It can only be applied as it is.",
            remedy=f"`orchestrator apply {stack.name}{stack.workdir.flag}` plans and applies it at once.",
        )
    if out is not None:
        lock = stack.workdir.root / LOCK
        content = lock.read_bytes() if lock.is_file() else b""
        write_bundle(out, PlanFile(manifest(stack, "apply"), stack.workdir.plan_file.read_bytes(), content))
    stack.workdir.plan_file.unlink(missing_ok=True)
    return planned.plan


def apply(
    stack: Stack,
    *,
    show: ShowPlan,
    ask: Ask,
    adopt: bool = False,
    allow_destroy: Sequence[str] = (),
    plan_file: Path | None = None,
    targets: Sequence[str] = (),
) -> Applied:
    """Plan, show, ask, and apply exactly that plan; with `plan_file` the one that another job made.

    With `targets` (a module, a repository or an address each) everything else is left as it is.

    Raises RefusedInput for what may not happen (a repository that holds images, another's plan), and what Terraform's
    failure means otherwise.
    """
    if plan_file is None:
        planned = plan_apply(stack, adopt=adopt, targets=_target_options(stack, targets))
    else:
        planned = plan_given(stack, plan_file)
    _tell(stack, planned)
    show(planned.plan)
    if planned.something:
        judge(planned, ask, allow_destroy, question="Apply this plan?", refused="applied")
        refuse_lost(stack, planned, "apply", waited=ask.waits or plan_file is not None)
        execute(stack, planned, "apply")
    elif not planned.partial:
        settle(stack)
    if not planned.partial:
        remember_apply(stack.workdir.folder)
    outputs = visible(current_state(stack).outputs)
    written = _write_idms(stack, outputs)
    rules = _validate_rules(stack) if planned.something and not planned.partial else ()
    return Applied(planned.plan, planned.something, outputs, rules, written)


def destroy(stack: Stack, *, show: ShowPlan, ask: Ask, allow_destroy: Sequence[str] = ()) -> Applied:
    """Destroy what is not protected. `stack` was opened with `protected_only`."""
    managed = [entry.attributes.get("name", "") for entry in current_state(stack).of_type(REPOSITORY)]
    planned = plan_destroy(stack)
    show(planned.plan)
    if planned.something:
        question = "Destroy what is not protected?" if planned.spares else "Destroy everything in this environment?"
        judge(planned, ask, allow_destroy, question=question, refused="destroyed")
        refuse_lost(stack, planned, "destroy", waited=ask.waits)
        execute(stack, planned, "destroy")
    forget_runs(stack.workdir.folder)
    after = current_state(stack)
    spared = [entry.attributes.get("name", "") for entry in after.of_type(REPOSITORY) if entry.name == PROTECTED]
    spared += [entry.attributes.get("bucket", "") for entry in after.of_type(BUCKET)]
    return Applied(
        planned.plan,
        planned.something,
        {},
        cached=_cached(stack, managed),
        spared=tuple(sorted(map(str, spared))),
    )


def drift(stack: Stack) -> Drift:
    """What was changed outside since the last apply; nothing is changed, not even the state."""
    found = find_drift(stack)
    stack.workdir.plan_file.unlink(missing_ok=True)
    if found.applied:
        remember_drift(stack.workdir.folder, len(found.changes))
    return found


def output(stack: Stack) -> dict[str, dict[str, Any]]:
    """The outputs in the state: {name: {"value", "sensitive", "type"}}."""
    return current_state(stack).outputs


def visible(outputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values of the outputs that are not sensitive, by name."""
    return {name: entry.get("value") for name, entry in sorted(outputs.items()) if not entry.get("sensitive")}


def _target_options(stack: Stack, targets: Sequence[str]) -> tuple[str, ...]:
    if not targets:
        return ()
    repositories = stack.environment.own_repository_names
    modules = modules_of(stack.workdir.root)
    return target_options(targets, modules, repositories, environment=stack.name, flag=stack.workdir.flag)


def _tell(stack: Stack, planned: Planned) -> None:
    for adoption in planned.continued:
        stack.say(
            f'The last apply was cut off while it created {adoption.address}: "{adoption.id}" exists and is taken over.'
        )


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
        if path.read_text("utf-8", "replace") == text:
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
