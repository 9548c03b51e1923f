"""Takes a state along when an environment was renamed. Its resources go on under the new name; nothing is made twice.

The state is written under the new name before it goes under the old one. A command that is cut off between can be run
again.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError, RefusedInput, local_flag
from orchestrator.project import Project
from orchestrator.terraform.exclusive import exclusive
from orchestrator.terraform.stack import Say
from orchestrator.terraform.state import State, parse_state
from orchestrator.terraform.workdir import Workdir, workdir_of, write_if_changed

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment


def move_state(
    project: Project, old: str, environment: Environment, *, session: AwsSession | None, say: Say
) -> tuple[str, int]:
    """Move the state of `old`, whose file is gone, to `environment`: (where it is now, resources in it).

    Without `session` the states are local ones. Raises RefusedInput when `old` has its file still or no state, or the
    new name's state is not empty.
    """
    local = session is None
    if old == environment.name:
        raise RefusedInput(f'"{old}" is both names.', remedy="Name the old one first, then the new one.")
    if project.tfvars_path(old).is_file():
        raise RefusedInput(
            f'"{old}" has its file environments/{old}.tfvars.',
            why="A state goes along with an environment that was renamed; what is in it would be made again here.",
            remedy=f"Rename the file first (`mv environments/{old}.tfvars environments/{environment.name}.tfvars`).",
        )
    with exclusive(project, old, local, say), exclusive(project, environment.name, local, say):
        _refuse_unfinished(project, old, local)
        if session is None:
            return _move_file(project, old, environment)
        return _move_object(session, old, environment)


def _refuse_unfinished(project: Project, old: str, local: bool) -> None:
    """An apply that was cut off left a journal: only the old environment knows what to do with it."""
    workdir = Workdir(workdir_of(project, old, local=local), old, local, "")
    left = [path for path in (workdir.journal, workdir.earlier_journals, workdir.unsaved_state) if path.exists()]
    if left:
        raise RefusedInput(
            f'the last apply of "{old}" did not end well: {left[0]} is left of it.',
            why="Resources that it made and could not save are known there alone.",
            remedy=f"Bring environments/{old}.tfvars back, run `orchestrator apply {old}{local_flag(local)}` to its end, then rename it.",
        )


def _move_file(project: Project, old: str, environment: Environment) -> tuple[str, int]:
    source, target = (
        Workdir(workdir_of(project, name, local=True), name, True, "").local_state for name in (old, environment.name)
    )
    text = _text(source)
    state = _movable(old, environment.name, text, _text(target), str(target), local_flag(True))
    if state is not None:
        write_if_changed(target, text.encode())
    source.unlink(missing_ok=True)
    # A copy of what was there before would bring it back under the old name.
    with contextlib.suppress(FileNotFoundError):
        source.with_name(f"{source.name}.backup").unlink()
    return str(target), _count(text)


def _move_object(session: AwsSession, old: str, environment: Environment) -> tuple[str, int]:
    from orchestrator.aws.state_objects import move_state_object, read_state_object

    place = environment.state
    if place is None:
        raise RefusedInput(
            f'environment "{environment.name}" has no `state`, so that there is no place to move one to.',
            remedy="Set `state = { bucket = ... }`, or use --local.",
        )
    key = environment.state_key
    before, found, after = key.partition(f"/{environment.name}/")
    source = f"{before}/{old}/{after}" if found else key
    region = place.region or environment.aws_region
    where = f"s3://{place.bucket}/{key}"
    if source == key:
        raise RefusedInput(
            f'the key of the state is "{key}", which does not name the environment.',
            why="It is the same under every name: nothing has to be moved.",
            remedy=f"`orchestrator plan {environment.name}{session.flag}` shows what it holds.",
        )
    for name in (source, key):
        if read_state_object(session, place.bucket, f"{name}.tflock", region) is not None:
            raise OrchestratorError(
                f"s3://{place.bucket}/{name} is locked.",
                why="Another run is at work, or one was killed and left its lock.",
                remedy="Wait for it, then run the command again.",
            )
    text = read_state_object(session, place.bucket, source, region) or ""
    target = read_state_object(session, place.bucket, key, region) or ""
    state = _movable(old, environment.name, text, target, where, session.flag)
    move_state_object(session, place.bucket, source, key, region, copy=state is not None)
    return where, _count(text)


def _movable(old: str, new: str, source: str, target: str, where: str, flag: str) -> State | None:
    """The state to move, None when it was written under the new name already. Raises RefusedInput when it cannot be."""
    if not source.strip():
        raise RefusedInput(
            f'"{old}" has no state.', why="Nothing was applied under that name.", remedy="Correct the name."
        )
    state = parse_state(source, f'The Terraform state of "{old}"')
    if source == target:
        return None
    held = parse_state(target, f"The Terraform state {where}").resources
    if held:
        raise RefusedInput(
            f'"{new}" has a state of its own with {len(held)} resources ({where}).',
            why="One of the two would be lost.",
            remedy=f"Destroy what it holds first (`orchestrator destroy {new}{flag}`), or choose another name.",
        )
    return state


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _count(text: str) -> int:
    return len(parse_state(text).resources)
