"""Runs a Terraform operation for the environments of one call, prints what it says, and makes the exit code."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from orchestrator.checks.across import check_across
from orchestrator.checks.environments import lines_of
from orchestrator.cli import messages
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import embedded_aws
from orchestrator.errors import InvalidEnvironment, OrchestratorError, RefusedInput
from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.fleet import Result, run_all, slots
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.opening import open_stack
from orchestrator.terraform.progress import Progress
from orchestrator.terraform.providers import find_provider_source
from orchestrator.terraform.shared_provider import ProviderPool
from orchestrator.terraform.stack import Stack, Toolset, Turns
from orchestrator.terraform.summary import plan_text
from orchestrator.terraform.workdir import local_state_of, workdir_of

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.environment.tfvars import Tfvars
    from orchestrator.terraform.plan import Plan
    from orchestrator.terraform.plan_comment import PlanComment


@dataclass(frozen=True, slots=True)
class Report:
    """What one environment has to say at its end. That is a document for `--json`, lines for people, a question's answer, and its
    part of a comment."""

    document: dict[str, Any]
    lines: tuple[str, ...] = ()
    changes: bool = False
    comment: PlanComment | None = None


@dataclass(slots=True)
class Questions:
    """Asks the user, one environment at a time; `--yes` answers what a yes may answer."""

    yes: bool
    progress: Progress
    interactive: bool
    several: bool
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def waits(self) -> bool:
        """Does a person look at the plan before it is applied?"""
        return not self.yes

    def confirm(self, environment: str, question: str) -> bool:
        if self.yes:
            return True
        if not self.interactive:
            raise RefusedInput(
                "nobody can be asked here.",
                environment=environment,
                why="Standard input is no terminal.",
                remedy="--yes applies without asking.",
            )
        with self._turn:
            self.progress.pause()
            return click.confirm(self._labelled(environment, question), err=True)

    def name(self, environment: str, question: str) -> str:
        with self._turn:
            self.progress.pause()
            return str(click.prompt(self._labelled(environment, question), err=True, default="", show_default=False))

    def _labelled(self, environment: str, question: str) -> str:
        return f"{environment}: {question}" if self.several else question


@dataclass(slots=True)
class EnvironmentRun:
    """One environment in an operation: its stack, how to talk, how to ask."""

    stack: Stack
    fleet: Fleet
    name: str

    def show(self, plan: Plan) -> None:
        """Print the plan for people."""
        self.fleet.progress.expect(self.name, sum(plan.counts().values()))
        if self.fleet.yes and messages.MANNER.quiet:
            return
        # The person who is asked must see it.
        say = self.stack.say if self.fleet.yes else lambda line: self.fleet.result(self.name, line)
        for line in plan_text(plan, colour=self.fleet.colour).splitlines():
            say(line)


class Fleet:
    """The environments that a call names, and everything they share."""

    def __init__(
        self,
        ctx: click.Context,
        *,
        names: tuple[str, ...],
        everything: bool,
        jobs: int | None,
        local: bool,
        as_json: bool,
        share: bool = False,
        yes: bool = False,
        protected_only: bool = False,
        transitions: bool = True,
        or_local: bool = False,
        bare: bool = False,
        together: bool = False,
        warns: bool = False,
        initialise: bool = True,
        gathers: Callable[[Sequence[Result[Report]]], str] | None = None,
    ) -> None:
        self.project = open_project(ctx)
        self.names = self._chosen(names, everything)
        self.jobs = jobs
        self.together = together and everything
        # What `validate` warns of is said where it would become true: by plan and apply.
        self.warns = warns
        self.local = local
        self.initialise = initialise
        self.as_json = as_json
        # One document of everything at the end, in place of lines as each environment ends.
        self.gathers = _as_json if as_json else gathers
        self.share = share
        self.protected_only = protected_only
        self.transitions = transitions
        self.or_local = or_local
        # With --json standard output belongs to the document, and where an operation prints by itself to that.
        target = self.target = sys.stderr if self.gathers or bare else sys.stdout
        terminal = target.isatty() and sys.stdin.isatty()
        self.colour = target.isatty() and messages.wants_colour()
        self.yes = yes
        self.verbose = bool((ctx.obj or {}).get("verbose"))
        live = terminal and not self.gathers and not messages.MANNER.quiet and not messages.MANNER.as_json
        self.progress = Progress(target, live=live)
        self.ask = Questions(yes, self.progress, sys.stdin.isatty(), len(self.names) > 1)

    def run(self, operation: Callable[..., Report], **settings: Any) -> int:
        """Run the operation for all environments; 0, or 1 when one failed, or 3 when the question's answer is yes."""
        # Every file is read before anything is done: what is wrong in one is said at once.
        environments = self._load()
        if self.or_local and not self.local and all(self._only_local(each) for each in environments.values()):
            self.local = True
            names = ", ".join(environments)
            self._note(f"{names}: no `state` is configured; this is what was applied with --local.")
        with contextlib.ExitStack() as exits:
            exits.enter_context(self.progress)
            interrupts = exits.enter_context(Interrupts(self.progress.write))
            source = find_provider_source()
            for note in source.notes:
                messages.note(note)
            pool = exits.enter_context(ProviderPool(notes=self._note)) if self.share else None
            context = Toolset(
                self.project,
                find_terraform(),
                source,
                interrupts,
                pool,
                embedded_aws(self.project, local=self.local),
                Turns(self.names),
            )
            # Who gives a registry away waits for its new owner, which therefore begins first.
            ordered = sorted(self.names, key=lambda name: not environments[name].owns_registry)
            results = run_all(
                ordered,
                lambda name: self._one(context, environments[name], operation, settings),
                parallel=slots(self.jobs, len(self.names)),
                interrupts=interrupts,
                done=lambda result: self._ended(context, result),
            )
        return self._finish(sorted(results, key=lambda result: self.names.index(result.name)))

    def say(self, name: str, text: str) -> None:
        """Tell how one environment gets on. With `--quiet` only warnings are told, with `--log-format json` as objects."""
        if messages.MANNER.as_json:
            messages.labelled(text, environment=name)
        elif not messages.silences(text):
            if text.startswith("warning: "):
                text = messages.fitted(text, self.target, taken=len(f"{name} | ") if len(self.names) > 1 else 0)
            self.result(name, text)

    def result(self, name: str, text: str) -> None:
        """Print lines of one environment, marked when there are several."""
        for line in text.splitlines() or [""]:
            self.progress.write(f"{name} | {line}" if len(self.names) > 1 else line)

    def _chosen(self, names: tuple[str, ...], everything: bool) -> list[str]:
        if names and everything:
            raise RefusedInput("Names and --all exclude each other.", remedy="Leave one of them out.")
        known = self.project.environment_names()
        chosen = known if everything else list(dict.fromkeys(names))
        if everything:
            for path in self.project.unread_files():
                messages.warn(f"{path} is no environment and left out: those are environments/NAME.tfvars.")
        if not chosen:
            listed = ", ".join(known) or "none yet"
            raise RefusedInput(
                "No environment was named.", remedy=f"Name one or several, or --all. Environments are: {listed}."
            )
        for name in chosen:
            self.project.tfvars_files(name)
        return chosen

    def _load(self) -> dict[str, Environment]:
        loaded: dict[str, Environment] = {}
        read: dict[str, Tfvars | None] = {}
        problems: list[OrchestratorError] = []
        found: list[tuple[str, OrchestratorError]] = []
        for name in self.names:
            try:
                checked = self.project.check(name)
            except OrchestratorError as error:
                problems.append(error)
                continue
            problems.extend(checked.problems)
            if checked.environment is not None:
                loaded[name] = checked.environment
                read[name] = checked.tfvars
                found.extend((name, warning) for warning in checked.warnings)
        if self.together and not problems:
            problems.extend(check_across(list(loaded.values()), lines_of(read)))
        if problems:
            raise InvalidEnvironment(problems)
        for name, warning in found if self.warns else ():
            messages.warn(str(warning), environment=name)
        return loaded

    def _only_local(self, environment: Environment) -> bool:
        folder = workdir_of(self.project, environment.name, local=True)
        return environment.state is None and local_state_of(folder, environment.name).is_file()

    def _note(self, text: str) -> None:
        messages.note(text)

    def _one(
        self, context: Toolset, environment: Environment, operation: Callable[..., Report], settings: dict[str, Any]
    ) -> Report:
        name = environment.name
        try:
            with open_stack(
                context,
                environment,
                say=lambda text: self.say(name, text),
                follow=lambda phase: self.progress.follow(name, phase),
                protected_only=self.protected_only,
                transitions=self.transitions,
                initialise=self.initialise,
            ) as stack:
                return operation(EnvironmentRun(stack, self, name), **settings)
        finally:
            self.progress.forget(name)

    def _ended(self, context: Toolset, result: Result[Report]) -> None:
        context.turns.ended(result.name, well=result.error is None)
        self._done(result)

    def _done(self, result: Result[Report]) -> None:
        if self.gathers:
            return
        if result.value is not None:
            for line in result.value.lines:
                self.result(result.name, line)
        elif result.error is not None and len(self.names) > 1:
            if messages.MANNER.as_json:
                messages.print_problem(result.error)
            else:
                self.result(result.name, f"error: {result.error}")

    def _finish(self, results: list[Result[Report]]) -> int:
        errors = [result.error for result in results if result.error is not None]
        reports = [result.value for result in results if result.value is not None]
        if len(results) == 1 and errors and not self.gathers:
            raise errors[0]
        if self.gathers:
            click.echo(self.gathers(results))
            for error in errors:
                if self.verbose:
                    traceback.print_exception(error)
                messages.print_problem(error)
        elif len(results) > 1:
            failed = [result.name for result in results if result.error is not None]
            click.echo(
                f"{len(reports)} of {len(results)} environments done"
                + (f"; failed: {', '.join(failed)}" if failed else "")
                + "."
            )
        if len(results) == 1 and errors:
            return errors[0].exit_code
        if errors:
            return max(130 if error.exit_code == 130 else 1 for error in errors)
        return 3 if any(report.changes for report in reports) else 0


def _as_json(results: Sequence[Result[Report]]) -> str:
    """One document of all environments; one that failed says why where the others have what they did."""
    documents = [
        result.value.document
        if result.value is not None
        else {"environment": result.name, "errors": [result.error.as_dict() if result.error else {}]}
        for result in results
    ]
    return json.dumps(_one_shape(documents), indent=2, ensure_ascii=False)


def _one_shape(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """{"environments": [...]}, be it one or several. A single one's answer also stands beside it, as it used to."""
    alone = documents[0] if len(documents) == 1 else {}
    return {"environments": documents, **alone}
