"""One environment under Terraform: its working directory, its process environment, and the runs in it.

`opening` makes one for the time of a command.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError
from orchestrator.project import Project
from orchestrator.terraform.binary import Terraform
from orchestrator.terraform.failures import failure
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.masking import Masker
from orchestrator.terraform.plan import Plan, parse_plan
from orchestrator.terraform.providers import ProviderSource
from orchestrator.terraform.runner import Outcome, Runner
from orchestrator.terraform.shared_provider import ProviderPool, SharedProvider
from orchestrator.terraform.state import State, parse_state, read_state
from orchestrator.terraform.stream import Began, Ended, Event, Heard, Said, heard_of, read_event
from orchestrator.terraform.transitions import Adoption, blocks, moves
from orchestrator.terraform.workdir import LOCK, PROVIDER, TRANSITIONS, Workdir, dump, keep_lock, write_if_changed

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

Say = Callable[[str], None]
Follow = Callable[[str], Callable[[Event], None]]  # told the phase of a run, it gives who takes the run's events
FULL_BYTES = 64 * 1024  # less does not hold a state


def no_progress(_phase: str) -> Callable[[Event], None]:
    """Nobody follows."""
    return lambda _event: None


@dataclass(frozen=True, slots=True)
class Toolset:
    """What every environment of one command shares. `pool` is None when no provider is to be shared."""

    project: Project
    terraform: Terraform
    source: ProviderSource
    interrupts: Interrupts
    pool: ProviderPool | None = None
    local: LocalAws | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(slots=True)
class Stack:
    """An environment that is ready for Terraform. `session` opens AWS lazily: a plan with nothing to ask does not pay for it."""

    context: Toolset
    environment: Environment
    workdir: Workdir
    runner: Runner
    say: Say
    follow: Follow = no_progress
    _session: AwsSession | None = None

    @property
    def name(self) -> str:
        return self.environment.name

    def session(self) -> AwsSession:
        """Clients for the environment's account, the same ones each time."""
        if self._session is None:
            from orchestrator.aws.session import open_session

            self._session = open_session(self.environment, local=self.context.local)
        return self._session

    def state(self) -> State:
        """The state as it is now; needs an initialised directory unless the backend is local."""
        if self.workdir.local:
            return read_state(self.workdir.local_state)
        outcome = self.runner.run("state", "pull", quiet_log=True)
        if outcome.code != 0:
            raise self.error("terraform state pull", outcome)
        return parse_state(outcome.stdout)

    def write_transitions(self, adopted: tuple[Adoption, ...] = ()) -> None:
        """Write the moved and import blocks that the state asks for; none removes the file."""
        path = self.workdir.root / TRANSITIONS
        document: dict[str, Any] = blocks(
            moves(
                self.state(),
                protect=self.environment.ecr_prevent_destroy,
                declared=self.environment.own_repository_names,
            ),
            adopted,
        )
        if document:
            write_if_changed(path, dump(document))
        else:
            path.unlink(missing_ok=True)

    def plan(self, *options: str, phase: str = "plan") -> tuple[Plan, bool]:
        """Plan into the working directory's plan file: (plan, whether there is anything in it).

        A plan without changes is known from Terraform's stream alone; asking for its description would load the
        provider's schema once more.
        """
        with self._provider() as provider:
            try:
                return self._plan(options, phase, provider)
            except OrchestratorError:
                if provider is None or provider.alive or self.context.interrupts.asked:
                    raise
                self.say("The shared provider process died; planning again without it.")
        return self._plan(options, phase, None)

    def _plan(self, options: tuple[str, ...], phase: str, provider: SharedProvider | None) -> tuple[Plan, bool]:
        extra = dict(provider.variables) if provider else {}
        arguments = ("plan", "-input=false", "-json", "-detailed-exitcode", f"-out={self.workdir.plan_file}", *options)
        outcome, heard = self.stream(phase, *arguments, extra=extra)
        if outcome.code not in (0, 2):
            raise self.error("terraform plan", outcome, heard)
        self._make_private(self.workdir.plan_file)
        for warning in heard.warnings:
            self.say(f"warning: {warning}")
        # Values that AWS filled in after the last apply are in the stream as drift; they change nothing.
        if outcome.code == 0 and (heard.changes == 0 or phase == "plan"):
            return Plan(terraform_version=self.context.terraform.version), False
        return self._show(self.workdir.plan_file, extra), True

    def show(self, plan_file: Path) -> Plan:
        """What a plan file would do."""
        with self._provider() as provider:
            return self._show(plan_file, dict(provider.variables) if provider else {})

    def _show(self, plan_file: Path, extra: Mapping[str, str]) -> Plan:
        shown = self.runner.run("show", "-json", str(plan_file), quiet_log=True, extra=extra)
        if shown.code != 0:
            raise self.error("terraform show", shown)
        plan = parse_plan(shown.stdout)
        if plan.secrets:
            self.runner = _with_masker(self.runner, self.runner.masker.with_secrets(plan.secrets))
        return plan

    def stream(
        self, phase: str, *arguments: str, extra: Mapping[str, str] | None = None, journal: Path | None = None
    ) -> tuple[Outcome, Heard]:
        """Run a command that speaks `-json`: how it ended, and what it told."""
        follow = self.follow(phase)
        events: list[Event] = []

        def take(line: str) -> None:
            event = read_event(line)
            if event is None:
                return
            if isinstance(event, Began | Ended | Said) and event.text and phase in {"apply", "destroy"}:
                self.say(self.runner.masker(event.text))
            events.append(event)
            follow(event)

        # When a run has ended, nothing is taken any more.
        return self.runner.run(*arguments, on_line=take, extra=extra, journal=journal), heard_of(events)

    def error(
        self, what: str, outcome: Outcome, heard: Heard | None = None, *, applying: bool = False
    ) -> OrchestratorError:
        """The error of a run that failed, without secrets."""
        clean = Outcome(
            outcome.arguments,
            outcome.code,
            "" if heard is not None else self.runner.masker(outcome.stdout),
            self.runner.masker(outcome.stderr),
            outcome.seconds,
            outcome.interrupted,
        )
        found = failure(
            what,
            clean,
            heard.diagnostics if heard else (),
            environment=self.name,
            log=self.workdir.log,
            applying=applying,
            local=self.workdir.local,
            disk_full=shutil.disk_usage(self.workdir.folder).free < FULL_BYTES,
        )
        found.why = self.runner.masker(found.why)
        return found

    @contextlib.contextmanager
    def _provider(self) -> Iterator[SharedProvider | None]:
        pool = self.context.pool
        if pool is None:
            yield None
            return
        with pool.lend(self.workdir.root, self.runner.variables, explicit=self.workdir.local) as provider:
            yield provider

    @staticmethod
    def _make_private(path: Path) -> None:
        # Plans hold every value, sensitive ones too.
        with contextlib.suppress(FileNotFoundError):
            path.chmod(0o600)

    def initialise(self) -> None:
        """`terraform init`, when something that matters to it changed since the last one; heals a broken directory."""
        record = self.workdir.folder / "init.json"
        if _recorded(record) == self._fingerprint() and _looks_whole(self.workdir.root):
            return
        record.unlink(missing_ok=True)
        self.say("Initialising the working directory.")
        outcome = self._init()
        if outcome.code != 0 and not outcome.interrupted and outcome.code > 0:
            # Whatever a killed or broken run left behind there can be made again. State is elsewhere.
            _remove(self.workdir.root / ".terraform")
            if not (self.context.project.environments_dir / LOCK).exists():
                (self.workdir.root / LOCK).unlink(missing_ok=True)
            outcome = self._init()
        if outcome.code != 0:
            raise self.error("terraform init", outcome)
        keep_lock(self.context.project, self.workdir)
        write_if_changed(record, dump({"fingerprint": self._fingerprint()}))

    def _init(self) -> Outcome:
        if not _looks_whole(self.workdir.root):
            _remove(self.workdir.root / ".terraform")
        # The backend's configuration is rendered; a changed one is taken as it is, state is never copied by the way.
        return self.runner.run("init", "-input=false", "-no-color", "-reconfigure")

    def _fingerprint(self) -> str:
        """Changes when an init is needed: configuration (not values), lock file, Terraform, provider source."""
        total = hashlib.sha256()
        for text in (
            self.context.terraform.identity,
            self.context.source.configuration or self.context.source.location,
        ):
            total.update(f"{text}\0".encode())
        root = self.workdir.root
        sources = [path for path in root.iterdir() if path.name.endswith((".tf", ".tf.json")) or path.name == LOCK]
        sources += [path for path in (self.workdir.folder / "modules").rglob("*.tf") if path.is_file()]
        for path in sorted(sources):
            if path.name not in (TRANSITIONS, PROVIDER):
                total.update(f"{path.relative_to(self.workdir.folder)}\0".encode() + path.read_bytes() + b"\0")
        return total.hexdigest()


def _with_masker(runner: Runner, masker: Masker) -> Runner:
    return Runner(runner.terraform, runner.folder, runner.variables, masker, runner.log, runner.interrupts)


def _recorded(record: Path) -> str:
    try:
        return str(json.loads(record.read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _looks_whole(root: Path) -> bool:
    """Is there an initialised directory whose own files can be read and whose providers are where they were?"""
    data = root / ".terraform"
    try:
        json.loads((data / "terraform.tfstate").read_text("utf-8"))
        modules = data / "modules" / "modules.json"
        if modules.exists():
            json.loads(modules.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    providers = data / "providers"
    if not providers.is_dir():
        return not (root / LOCK).exists()
    platforms = list(providers.glob("*/*/*/*/*"))
    return bool(platforms) and all(any(platform.glob("terraform-provider-*")) for platform in platforms)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
