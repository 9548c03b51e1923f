"""`orchestrator mirror worker`: copy what `mirror --queue` put into the queue, beside any number of other workers."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import local_option, registry_option
from orchestrator.cli.project_option import open_project

LEAST_LEASE = 3


class WithWorker(click.Group):
    """A command that takes an environment's name, where `worker` in its place is another command."""

    allow_extra_args = False
    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return click.Command.parse_args(self, ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return click.Command.collect_usage_pieces(self, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        return click.Command.invoke(self, ctx)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command()
@NAME
@click.option("--until-empty", is_flag=True, help="End when nothing is left to copy.")
@click.option(
    "--images",
    "slots",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Images that are copied at once.",
)
@click.option(
    "--lease",
    type=click.IntRange(LEAST_LEASE, 43200),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="After this time without a sign of life another worker takes over.",
)
@click.option(
    "--pull-secret",
    "secrets",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Log in to sources as this Secret of Kubernetes does.",
)
@registry_option()
@local_option("Copy into the embedded AWS on this machine.")
@click.pass_context
def worker(
    ctx: click.Context,
    name: str,
    until_empty: bool,
    slots: int,
    lease: int,
    secrets: tuple[Path, ...],
    via: dict[str, str],
    local: bool,
) -> int:
    """Copy images that `mirror NAME --queue` put into the queue of environment NAME, until SIGTERM or Ctrl-C.

    Any number of workers share a queue. One that is killed loses nothing: when its lease ends, another goes on.
    """
    from orchestrator.aws.queue_worker import QueueWorker
    from orchestrator.cli import messages
    from orchestrator.cli.mirror.preconditions import require_own_registry
    from orchestrator.cli.mirror.pull_secrets import source_logins
    from orchestrator.cli.mirror.worker_run import WorkerRun

    project = open_project(ctx)
    environment = project.load(name)
    require_own_registry(environment)
    with WorkerRun(project, environment, via=via, local=local, logins=source_logins(secrets)) as run:
        found = QueueWorker(run.queue(lease), run.copy, slots=slots, lease=lease, tell=messages.tell)

        def end(_number: int, _frame: object) -> None:
            found.stop()
            # The second one ends it at once: what was held goes to another worker when its lease ends.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        found.run(until_empty=until_empty)
    return 0
