"""Opens an environment for one command: `Stack` with everything that has to stand before Terraform runs.

The directory is locked against other commands, rendered, checked against the account, and initialised when something
that matters changed. A state that an earlier apply could not save is saved first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.exclusive import exclusive
from orchestrator.terraform.initialise import ensure_initialised
from orchestrator.terraform.masking import masker_for
from orchestrator.terraform.recovery import restore_local_state, save_unsaved_state
from orchestrator.terraform.runner import Runner, terraform_environment
from orchestrator.terraform.runs import current_state
from orchestrator.terraform.stack import Follow, Say, Stack, Toolset, no_progress
from orchestrator.terraform.workdir import Workdir, dump, render, write_if_changed

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws


@contextlib.contextmanager
def open_stack(
    context: Toolset,
    environment: Environment,
    *,
    say: Say,
    follow: Follow = no_progress,
    protected_only: bool = False,
    transitions: bool = True,
    initialise: bool = True,
) -> Iterator[Stack]:
    """The environment, ready for Terraform, for the time of the context; no other command works on it meanwhile.

    Without `initialise` it is rendered only: no credentials are looked for. Raises what `render`, the account check and
    `terraform init` raise, and OrchestratorError for a full disk.
    """
    with (
        _disk_errors(environment.name),
        _opened(context, environment, say, follow, protected_only, transitions, initialise) as stack,
    ):
        yield stack


@contextlib.contextmanager
def _disk_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OrchestratorError(
            f"{error.filename or 'a file'} cannot be written or read: {error.strerror or error}.",
            environment=name,
            remedy="Make room or correct its permissions, then run the command again.",
        ) from error


@contextlib.contextmanager
def _opened(
    context: Toolset,
    environment: Environment,
    say: Say,
    follow: Follow,
    protected_only: bool,
    transitions: bool,
    initialise: bool,
) -> Iterator[Stack]:
    local = context.local is not None
    with exclusive(context.project, environment.name, local, say):
        key = context.local.access_key_for(environment.account_id) if context.local is not None else None
        workdir = render(context.project, environment, local_key=key, protected_only=protected_only)
        variables = _variables(context, environment, workdir)
        runner = Runner(
            context.terraform, workdir.root, variables, masker_for(variables), workdir.log, context.interrupts
        )
        stack = Stack(context, environment, workdir, runner, say, follow)
        if initialise:
            if context.local is not None:
                _placeholders(stack, context.local)
            else:
                from orchestrator.aws.caller import check_account

                check_account(stack.session(), environment)
            if local:
                restore_local_state(stack)
                # One that cannot be read is said here, and not by an init that reads it, too.
                current_state(stack)
            # An old import block must not disturb; what is needed is written anew.
            ensure_initialised(stack)
            if transitions:
                save_unsaved_state(stack)
        yield stack


def _variables(context: Toolset, environment: Environment, workdir: Workdir) -> dict[str, str]:
    base = dict(context.variables)
    if context.local is not None:
        base = context.local.process_environment(environment.account_id, environment.aws_region, base)
    else:
        bundle = base.get("AWS_CA_BUNDLE", "")
        if bundle and not Path(bundle).is_file():
            del base["AWS_CA_BUNDLE"]
    return {**terraform_environment(base, environment.name), **context.source.variables(workdir.folder)}


def _placeholders(stack: Stack, local: LocalAws) -> None:
    """Make in the embedded AWS what the environment expects to exist (VPC, roles, secrets), once for each start of it."""
    record = stack.workdir.folder / "placeholders.json"
    made = dump({"start": local.start_id, "inputs": stack.workdir.digest})
    with contextlib.suppress(OSError):
        if record.read_bytes() == made:
            return
    from orchestrator.local.placeholders import ensure_placeholders

    ensure_placeholders(local, stack.environment)
    write_if_changed(record, made)
