"""Entry point: a group whose commands are imported only when they are called, and the one place that prints errors."""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from orchestrator import __version__
from orchestrator.cli import messages
from orchestrator.errors import InvalidEnvironment, OrchestratorError, RefusedInput
from orchestrator.plain_text import PlainStream

# {command: (module:attribute, one line of help)}. The line is repeated here so that `--help` imports no command.
COMMANDS = {
    "init": ("orchestrator.cli.init:init", "Scaffold environments/NAME.tfvars, or create the bucket for its state."),
    "validate": ("orchestrator.cli.validate:validate", "Check environments without Terraform and without AWS."),
    "render": ("orchestrator.cli.terraform:render", "Write the working directory of an environment."),
    "plan": ("orchestrator.cli.terraform:plan", "Show what an apply would change."),
    "apply": ("orchestrator.cli.terraform:apply", "Plan, ask, and apply exactly that plan."),
    "destroy": ("orchestrator.cli.terraform:destroy", "Destroy what is not protected."),
    "output": ("orchestrator.cli.terraform:output", "Print the outputs of an environment."),
    "drift": ("orchestrator.cli.terraform:drift", "Show what changed behind our back."),
    "manifests": ("orchestrator.cli.manifests:manifests", "Policies, mirror sets and node configuration of a cluster."),
    "diff": ("orchestrator.cli.diff_command:diff", "The documents of an environment against the live cluster."),
    "route": ("orchestrator.cli.route:route", "Say where image references are pulled from, and why."),
    "images": (
        "orchestrator.cli.images:images",
        "Images that files or a cluster use, where, and where they are pulled from.",
    ),
    "rewrite": ("orchestrator.cli.rewrite:rewrite", "Send the images of files to ECR, in place."),
    "mirror": ("orchestrator.cli.mirror.mirror_command:mirror", "Copy images into ECR that no rule can pull through."),
    "operators": (
        "orchestrator.cli.mirror.operators_command:operators",
        "The content of a catalog of operators, and how a cluster finds its copy.",
    ),
    "pull-secret": (
        "orchestrator.cli.pull_secret:pull_secret",
        "Put a token of ECR into the pull secret of an OpenShift cluster.",
    ),
    "verify": (
        "orchestrator.cli.verify:verify",
        "Images that are still pulled from elsewhere or fail to pull, and why.",
    ),
    "warm": ("orchestrator.cli.mirror.warm_command:warm", "Make ECR pull images through its rules ahead of time."),
    "state": (
        "orchestrator.cli.state:state",
        "Look after Terraform states: an environment that was renamed keeps its own.",
    ),
    "secret": ("orchestrator.cli.secret:secret", "Store upstream credentials in the shape that ECR wants."),
    "cache": (
        "orchestrator.cli.cache:cache",
        "Give cached repositories the settings that their template has now.",
    ),
    "lifecycle": (
        "orchestrator.cli.lifecycle.commands:lifecycle",
        "Keep the cache small: preview, run, restore, invoke.",
    ),
    "swapper": ("orchestrator.cli.swapper.swapper_commands:swapper", "The admission webhook that redirects Pods."),
    "lambda": ("orchestrator.cli.lambda_:lambda_", "Build the functions' packages."),
    "local": ("orchestrator.cli.local:local", "The embedded AWS: up, status, fill, age, down."),
    "list": ("orchestrator.cli.list_:list_", "The environments of the project, and what is known of them."),
    "report": (
        "orchestrator.cli.report_command:report",
        "One page: routes, images, cache, money, scan findings, drift.",
    ),
    "affected": ("orchestrator.cli.affected:affected", "The environments that a change touches, also as a matrix."),
    "deployer-policy": (
        "orchestrator.cli.deployer_policy_command:deployer_policy",
        "The least IAM policy with which an environment can be applied.",
    ),
    "command-image": (
        "orchestrator.cli.program_image.command_image:command_image",
        "A container image of this command, made without Docker.",
    ),
    "version": ("orchestrator.cli.version:version", "Versions of this program, Python and Terraform."),
    "completion": ("orchestrator.cli.completion:completion", "Completion for bash, zsh and fish."),
    "docs": ("orchestrator.cli.docs:docs", "The documents that come with this program."),
    "doctor": (
        "orchestrator.cli.doctor:doctor",
        "Programs, folders, networks and rights of this machine, each with its remedy.",
    ),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        take_common_options(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completion of a command's name imports none of them."""
        found = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from orchestrator.spelling import nearest

            guess = nearest(args[0], COMMANDS)
            if guess and not args[0].startswith("-"):
                raise click.UsageError(f'{error.format_message()} Did you mean "{guess}"?', ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def take_common_options(command: click.Command) -> None:
    """Let a command, and those below it, take what stands before commands otherwise: --verbose, --quiet, --log-format."""
    taken = {option for parameter in command.params for option in parameter.opts}
    verbose = click.Option(["-v", "--verbose"], is_flag=True, expose_value=False, hidden=True)
    # A server's own --log-format stays its own.
    new = [option for option in (verbose, *messages.options(hidden=True)) if not taken & set(option.opts)]
    command.params = [*command.params, *new]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            take_common_options(below)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orchestrator")
@click.option("-v", "--verbose", is_flag=True, envvar="ORCHESTRATOR_VERBOSE", help="Show tracebacks with errors.")
@click.option(
    "-C",
    "--project",
    "project_dir",
    type=click.Path(file_okay=False),
    envvar="ORCHESTRATOR_PROJECT",
    help="Folder that holds environments/ (default: here or the nearest folder above).",
)
@click.pass_context
def cli(ctx: click.Context, verbose: bool, project_dir: str | None) -> None:
    """Send a cluster's image pulls to Amazon ECR, from one route table per environment."""
    ctx.obj = {"verbose": verbose, "project_dir": project_dir}
    if not messages.wants_colour():
        ctx.color = False


cli.params += messages.options(hidden=False)


def print_error(error: OrchestratorError, *, as_json: bool) -> None:
    """Print `error` once to stderr; with `as_json` also {"errors": [...]} to stdout, so that a consumer can parse it."""
    problems = error.problems if isinstance(error, InvalidEnvironment) else (error,)
    if as_json:
        click.echo(json.dumps({"errors": [problem.as_dict() for problem in problems]}))
    for problem in problems:
        messages.print_problem(problem)


def _refused_by_the_system(error: OSError) -> OrchestratorError:
    """What the operating system refused, with the file and a remedy."""
    where = f"{error.filename}: " if error.filename else ""
    remedies = {
        errno.EACCES: "Let this user read and write there, or work in a copy of the project that it may write to.",
        errno.EPERM: "Let this user read and write there, or work in a copy of the project that it may write to.",
        errno.EROFS: "The disk is mounted read-only: work in a copy of the project elsewhere.",
        errno.ENOSPC: "The disk is full: make room, then run the command again.",
        errno.EDQUOT: "The quota is used up: make room, then run the command again.",
    }
    return OrchestratorError(
        f"{where}{error.strerror or error}.",
        remedy=remedies.get(error.errno or 0, "Look at that file; `orchestrator --verbose …` shows where it happened."),
    )


def _take_any_text() -> None:
    """Let the streams print what has no bytes in the terminal's encoding, as `\\udcff`.

    Names of files, and half of a pair that JSON wrote, are such text. A terminal gets plain text alone.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            if stream.isatty():
                setattr(sys, name, PlainStream(stream))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 usage or refused input, 3 changes found where that is the question."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    _take_any_text()
    messages.MANNER.follow(args, os.environ)
    verbose = bool(os.environ.get("ORCHESTRATOR_VERBOSE")) or "-v" in args or "--verbose" in args
    try:
        result = cli.main(args=args, prog_name="orchestrator", standalone_mode=False)
    except OrchestratorError as error:
        if verbose:
            traceback.print_exc()
        print_error(error, as_json="--json" in args)
        sys.exit(error.exit_code)
    except OSError as error:
        # What no command foresaw, such as a project folder that nobody may write to.
        if verbose:
            traceback.print_exc()
        refused = _refused_by_the_system(error)
        print_error(refused, as_json="--json" in args)
        sys.exit(refused.exit_code)
    except click.ClickException as error:
        refusal = RefusedInput(error.format_message(), remedy="`--help` after the command lists what it takes.")
        if "--json" in args:
            click.echo(json.dumps({"errors": [refusal.as_dict()]}))
        if messages.MANNER.as_json:
            messages.print_problem(refusal)
        else:
            error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        messages.stop("Aborted.")
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
