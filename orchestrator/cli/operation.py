"""Runs a Terraform operation for the environments of one call, prints what it says, and makes the exit code."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.checks.across import check_across
from orchestrator.cli import messages
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import embedded_aws
from orchestrator.errors import InvalidEnvironment, OrchestratorError, RefusedInput
from orchestrator.lifecycle.ports import ROOT
from orchestrator.terraform import operations
from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.fleet import Result, run_all, slots
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.opening import open_stack
from orchestrator.terraform.progress import Progress
from orchestrator.terraform.providers import find_provider_source
from orchestrator.terraform.shared_provider import ProviderPool
from orchestrator.terraform.stack import Stack, Toolset, Turns
from orchestrator.terraform.summary import attribute_line, change_line, plan_text
from orchestrator.terraform.workdir import workdir_of

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.terraform.plan import Plan


@dataclass(frozen=True, slots=True)
class Report:
    """What one environment has to say at its end: a document for `--json`, lines for people, and a question's answer."""

    document: dict[str, Any]
    lines: tuple[str, ...] = ()
    changes: bool = False


@dataclass(slots=True)
class Questions:
    """Asks the user, one environment at a time; `--yes` answers what a yes may answer."""

    yes: bool
    progress: Progress
    interactive: bool
    several: bool
    _turn: threading.RLock = field(default_factory=threading.RLock)

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
        # Whoever is asked must see it.
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
    ) -> None:
        self.project = open_project(ctx)
        self.names = self._chosen(names, everything)
        self.jobs = jobs
        self.together = together and everything
        # What `validate` warns of is said where it would become true: by plan and apply.
        self.warns = warns
        self.local = local
        self.as_json = as_json
        self.share = share
        self.protected_only = protected_only
        self.transitions = transitions
        self.or_local = or_local
        # With --json standard output belongs to the document, and where an operation prints by itself to that.
        target = sys.stderr if as_json or bare else sys.stdout
        terminal = target.isatty() and sys.stdin.isatty()
        self.colour = target.isatty() and messages.wants_colour()
        self.yes = yes
        self.verbose = bool((ctx.obj or {}).get("verbose"))
        live = terminal and not as_json and not messages.MANNER.quiet and not messages.MANNER.as_json
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
                found.extend((name, warning) for warning in checked.warnings)
        if self.together and not problems:
            problems.extend(check_across(list(loaded.values())))
        if problems:
            raise InvalidEnvironment(problems)
        for name, warning in found if self.warns else ():
            messages.warn(str(warning), environment=name)
        return loaded

    def _only_local(self, environment: Environment) -> bool:
        folder = workdir_of(self.project, environment.name, local=True)
        return environment.state is None and (folder / "state" / environment.name / "terraform.tfstate").is_file()

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
                initialise=operation is not rendered,
            ) as stack:
                return operation(EnvironmentRun(stack, self, name), **settings)
        finally:
            self.progress.forget(name)

    def _ended(self, context: Toolset, result: Result[Report]) -> None:
        context.turns.ended(result.name, well=result.error is None)
        self._done(result)

    def _done(self, result: Result[Report]) -> None:
        if self.as_json:
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
        if len(results) == 1 and errors and not self.as_json:
            raise errors[0]
        if self.as_json:
            documents = [
                result.value.document
                if result.value is not None
                else {"environment": result.name, "errors": [result.error.as_dict() if result.error else {}]}
                for result in results
            ]
            click.echo(json.dumps(_one_shape(documents), indent=2, ensure_ascii=False))
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


def _one_shape(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """{"environments": [...]}, be it one or several; what is said of a single one also stands beside it, as it used to."""
    alone = documents[0] if len(documents) == 1 else {}
    return {"environments": documents, **alone}


def rendered(unit: EnvironmentRun) -> Report:
    """The working directory is there; say where."""
    workdir = unit.stack.workdir
    document = {"environment": unit.name, "directory": str(workdir.root), "digest": workdir.digest}
    return Report(document, (f"{workdir.root}",))


def planned(unit: EnvironmentRun, *, out: Path | None, adopt: bool, ask_changes: bool) -> Report:
    """Show the plan."""
    plan = operations.plan(unit.stack, out=out, adopt=adopt)
    lines = plan_text(plan, colour=unit.fleet.colour).splitlines()
    if out is not None:
        lines.append(
            f"The plan is in {out}. It holds secrets: keep it as one. `orchestrator apply {unit.name} --plan {out}` applies it."
        )
    return Report(_plan_document(unit, plan), tuple(lines), ask_changes and not plan.is_empty)


def applied(unit: EnvironmentRun, *, plan_file: Path | None, adopt: bool, allow_destroy: tuple[str, ...]) -> Report:
    """Apply and report what AWS says of the rules."""
    done = operations.apply(
        unit.stack,
        show=unit.show,
        ask=unit.fleet.ask,
        adopt=adopt,
        allow_destroy=allow_destroy,
        plan_file=plan_file,
    )
    lines = ["Applied." if done.changed else "Nothing to apply."]
    for rule in done.rules:
        if rule.valid:
            lines.append(
                f"rule {rule.prefix}: valid ({rule.upstream})" if rule.upstream else f"rule {rule.prefix}: valid"
            )
        else:
            state = "invalid" if rule.valid is False else "could not be checked"
            lines.append(f"rule {rule.prefix}: {state}: {rule.failure}")
    root = unit.fleet.project.root.resolve()
    lines += [f"wrote {path.relative_to(root)}" for path in done.written]
    document = {
        **_plan_document(unit, done.plan),
        "applied": done.changed,
        "outputs": done.outputs,
        "rules": [
            {"prefix": r.prefix, "valid": r.valid, "failure": r.failure or None, "upstream": r.upstream or None}
            for r in done.rules
        ],
        "written": [str(path.relative_to(root)) for path in done.written],
    }
    return Report(document, tuple(lines))


def destroyed(unit: EnvironmentRun, *, allow_destroy: tuple[str, ...]) -> Report:
    """Destroy and report what stays."""
    done = operations.destroy(unit.stack, show=unit.show, ask=unit.fleet.ask, allow_destroy=allow_destroy)
    lines = ["Destroyed." if done.changed else "Nothing to destroy."]
    if done.spared:
        lines.append(f"Spared, because protected: {', '.join(done.spared)}.")
    if done.cached:
        total = sum(repository.size for repository in done.cached)
        lines.append(
            f"Left over: {len(done.cached)} cached repositories that AWS made and nobody manages, {total} bytes."
        )
        region = unit.stack.environment.aws_region
        for repository in done.cached:
            doubt = "  (under ROOT: make sure that it is a cache)" if repository.prefix == ROOT else ""
            lines.append(f"  {repository.name}: {repository.images} images, {repository.size} bytes{doubt}")
            lines.append(f"    aws ecr delete-repository --region {region} --force --repository-name {repository.name}")
    document = {
        **_plan_document(unit, done.plan),
        "destroyed": done.changed,
        "spared": list(done.spared),
        "cached": [{"name": c.name, "prefix": c.prefix, "images": c.images, "bytes": c.size} for c in done.cached],
    }
    return Report(document, tuple(lines))


def drifted(unit: EnvironmentRun) -> Report:
    """What changed outside; an environment that is not applied differs from what its file says, too."""
    found = operations.drift(unit.stack)
    document = {"environment": unit.name, **found.as_dict()}
    if not found.applied:
        lines = ["Nothing is applied."]
        if found.existing:
            lines.append(f"In AWS already: {', '.join(found.existing)}.")
        if found.advice:
            lines.append(str(found.advice))
        return Report(document, tuple(lines), True)
    lines = []
    for change in found.changes:
        if change.action == "delete":
            lines.append(f"{change_line(change, colour=unit.fleet.colour)}  was deleted")
            continue
        lines.append(change_line(change, colour=unit.fleet.colour))
        lines += [f"        {attribute_line(attribute)}" for attribute in change.attributes]
    count = len(found.changes)
    lines.append(f"Drift: {count} resource{'' if count == 1 else 's'} changed outside." if count else "No drift.")
    return Report(document, tuple(lines), bool(found.changes))


def _plan_document(unit: EnvironmentRun, plan: Plan) -> dict[str, Any]:
    return {"environment": unit.name, **plan.as_dict()}
