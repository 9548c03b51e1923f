"""Terraform's runs in one environment: arguments, events, and the error of a run that fails."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.failures import failure
from orchestrator.terraform.masking import Masker
from orchestrator.terraform.plan import Plan, parse_plan
from orchestrator.terraform.provider_schema import configured_types
from orchestrator.terraform.runner import Outcome, Runner
from orchestrator.terraform.shared_provider import SharedProvider
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State, parse_state
from orchestrator.terraform.stream import Began, Ended, Event, Heard, Said, heard_of, read_event

_OF_SCHEMAS = re.compile(
    r"schema|invalid (ephemeral )?resource type|invalid data source|does not support (ephemeral )?(resource|data)",
    re.IGNORECASE,
)
FULL_BYTES = 64 * 1024  # less does not hold a state


def current_state(stack: Stack) -> State:
    """The state as it is now; needs an initialised directory unless the backend is local."""
    if stack.workdir.local:
        path = stack.workdir.local_state
        stack.held = path.read_text("utf-8", "replace") if path.exists() else ""
        return parse_state(stack.held, f"The Terraform state {path}")
    outcome = stack.runner.run("state", "pull", quiet_log=True)
    if outcome.code != 0:
        raise failed(stack, "terraform state pull", outcome)
    stack.held = outcome.stdout
    return parse_state(outcome.stdout)


def run_plan(stack: Stack, *options: str, phase: str = "plan", into: Path | None = None) -> tuple[Plan, bool]:
    """Plan into the working directory's plan file, or `into` another: (plan, whether there is anything in it).

    A plan without changes is known from Terraform's stream alone; asking for its description would load the
    provider's schema once more.
    """
    with _provider(stack, cut=True) as provider:
        try:
            return _run_plan(stack, options, phase, provider, into)
        except OrchestratorError as error:
            if provider is None or stack.context.interrupts.asked:
                raise
            if provider.alive and not (provider.is_cut and lacks_schema(error)):
                raise
            if not provider.alive:
                stack.say("The shared provider process died; planning again without it.")
    return _run_plan(stack, options, phase, None, into)


def lacks_schema(error: OrchestratorError) -> bool:
    """May the cause be a type that the part of the schema left out? Asking once more costs seconds."""
    return _OF_SCHEMAS.search(f"{error.what} {error.why}") is not None


def plan_again(stack: Stack, *options: str) -> Plan:
    """What a plan would be now; the plan file that is to be applied stays as it is."""
    path = stack.workdir.plan_file.with_suffix(".again")
    try:
        return run_plan(stack, *options, into=path)[0]
    finally:
        path.unlink(missing_ok=True)


def _run_plan(
    stack: Stack, options: tuple[str, ...], phase: str, provider: SharedProvider | None, into: Path | None
) -> tuple[Plan, bool]:
    extra = dict(provider.variables) if provider else {}
    plan_file = into or stack.workdir.plan_file
    arguments = ("plan", "-input=false", "-json", "-detailed-exitcode", f"-out={plan_file}", *options)
    outcome, heard = stream(stack, phase, *arguments, extra=extra)
    if outcome.code not in (0, 2):
        raise failed(stack, "terraform plan", outcome, heard)
    # Plans hold every value, sensitive ones too.
    with contextlib.suppress(FileNotFoundError):
        plan_file.chmod(0o600)
    for warning in heard.warnings:
        stack.say(f"warning: {warning}")
    # Values that AWS filled in after the last apply are in the stream as drift; they change nothing.
    if outcome.code == 0 and (heard.changes == 0 or phase == "plan"):
        return Plan(terraform_version=stack.context.terraform.version), False
    return _show(stack, plan_file, extra), True


def show_plan(stack: Stack, plan_file: Path) -> Plan:
    """What a plan file would do."""
    with _provider(stack, cut=False) as provider:
        return _show(stack, plan_file, dict(provider.variables) if provider else {})


def _show(stack: Stack, plan_file: Path, extra: Mapping[str, str]) -> Plan:
    shown = stack.runner.run("show", "-json", str(plan_file), quiet_log=True, extra=extra)
    if shown.code != 0:
        raise failed(stack, "terraform show", shown)
    plan = parse_plan(shown.stdout)
    if plan.secrets:
        stack.runner = _with_masker(stack.runner, stack.runner.masker.with_secrets(plan.secrets))
    return plan


def stream(
    stack: Stack, phase: str, *arguments: str, extra: Mapping[str, str] | None = None, journal: Path | None = None
) -> tuple[Outcome, Heard]:
    """Run a command that speaks `-json`: how it ended, and what it told."""
    follow = stack.follow(phase)
    events: list[Event] = []

    def take(line: str) -> None:
        event = read_event(line)
        if event is None:
            return
        if isinstance(event, Began | Ended | Said) and event.text and phase in {"apply", "destroy"}:
            stack.say(stack.runner.masker(event.text))
        events.append(event)
        follow(event)

    # When a run has ended, nothing is taken any more.
    return stack.runner.run(*arguments, on_line=take, extra=extra, journal=journal), heard_of(events)


def failed(
    stack: Stack, what: str, outcome: Outcome, heard: Heard | None = None, *, applying: bool = False
) -> OrchestratorError:
    """The error of a run that failed, without secrets."""
    mask = stack.runner.masker
    clean = Outcome(
        outcome.arguments,
        outcome.code,
        "" if heard is not None else mask(outcome.stdout),
        mask(outcome.stderr),
        outcome.seconds,
        outcome.interrupted,
    )
    found = failure(
        what,
        clean,
        heard.diagnostics if heard else (),
        environment=stack.name,
        log=stack.workdir.log,
        place=f"account {stack.environment.account_id}, {stack.environment.aws_region}",
        applying=applying,
        local=stack.workdir.local,
        disk_full=shutil.disk_usage(stack.workdir.folder).free < FULL_BYTES,
    )
    found.why = mask(found.why)
    return found


@contextlib.contextmanager
def _provider(stack: Stack, *, cut: bool) -> Iterator[SharedProvider | None]:
    """With `cut`, Terraform is told the schema of the types alone that the configuration and the state name."""
    pool = stack.context.pool
    if pool is None:
        yield None
        return
    with pool.lend(stack.workdir.root, stack.runner.variables, explicit=stack.workdir.local) as provider:
        if provider is not None:
            known = cut and stack.held is not None
            provider.needs(configured_types(stack.workdir.root, stack.held or "") if known else None)
        yield provider


def _with_masker(runner: Runner, masker: Masker) -> Runner:
    return Runner(runner.terraform, runner.folder, runner.variables, masker, runner.log, runner.interrupts)
