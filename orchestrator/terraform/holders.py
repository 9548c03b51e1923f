"""Who holds what exists already? The states of the project's other environments, and those whose file is gone. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State, StateResource, parse_state, read_state
from orchestrator.terraform.workdir import STATE_FILE, local_state_of, workdir_of

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


@dataclass(frozen=True, slots=True)
class Holder:
    """A state of the project. `gone` is whether its file is: the environment was renamed or removed.

    `environment` is None then, and where the file cannot be read as one.
    """

    name: str
    state: State
    environment: Environment | None = None
    gone: bool = False


def same_registry(one: Environment, other: Environment) -> bool:
    """Do both live in one account and region, whose registry has one owner?"""
    return (one.account_id, one.aws_region) == (other.account_id, other.aws_region)


def holders(stack: Stack) -> tuple[Holder, ...]:
    """Every other state of the project that can be found. Raises what AWS refuses."""
    return tuple(_local(stack) if stack.workdir.local else _remote(stack))


def state_of(stack: Stack, environment: Environment) -> State:
    """The state of another environment, empty when it has none yet."""
    if stack.workdir.local:
        folder = workdir_of(stack.context.project, environment.name, local=True)
        return read_state(local_state_of(folder, environment.name))
    if environment.state is None:
        return State()
    from orchestrator.aws.state_objects import read_state_object

    place = environment.state
    region = place.region or environment.aws_region
    text = read_state_object(stack.session(), place.bucket, environment.state_key, region)
    return parse_state(text or "", f"s3://{place.bucket}/{environment.state_key}")


def holds(holder: Holder, kind: str, id_: str, stack: Stack) -> bool:
    """Has the holder this thing of our account and region in its state? Roles are the account's, whatever the region."""
    found = any(_is(each, id_, stack) for each in holder.state.of_type(kind))
    return found and not elsewhere(holder, stack, whatever_region=kind.startswith("aws_iam_"))


def owns_registry(state: State) -> bool:
    """Was the environment applied as the owner of its registry?"""
    summary = state.outputs.get("ecr_summary", {}).get("value")
    return isinstance(summary, dict) and bool(summary.get("owns_registry"))


def elsewhere(holder: Holder, stack: Stack, *, whatever_region: bool) -> bool:
    """Is the state of another account or region? Its file tells; without one, ARNs that name a place."""
    environment = stack.environment
    if holder.environment is not None:
        places = {(holder.environment.account_id, holder.environment.aws_region)}
    else:
        arns = (str(each.attributes.get("arn") or "").split(":") for each in holder.state.resources)
        places = {(arn[4], arn[3]) for arn in arns if len(arn) > 5 and arn[3] and arn[4]}
    if not places:
        return False
    if whatever_region:
        return environment.account_id not in {account for account, _ in places}
    return (environment.account_id, environment.aws_region) not in places


def _is(resource: StateResource, id_: str, stack: Stack) -> bool:
    attributes = resource.attributes
    arn = str(attributes.get("arn") or "").split(":")
    if len(arn) > 5 and not (
        arn[3] in ("", stack.environment.aws_region) and arn[4] in ("", stack.environment.account_id)
    ):
        return False
    registry = attributes.get("registry_id")
    if registry and registry != stack.environment.account_id:
        return False
    known = str(attributes.get("id") or "")
    # A Pod Identity association is imported with its cluster before its id.
    return id_ == known or id_.endswith(f",{known}")


def _local(stack: Stack) -> Iterator[Holder]:
    project = stack.context.project
    named = stack.neighbours()
    for path in sorted(project.own_folder(local=True).glob(f"*/state/*/{STATE_FILE}")):
        name = path.parent.name
        if name == stack.name or path.parents[2].name != name:
            continue
        yield Holder(name, read_state(path), named.get(name), gone=not project.tfvars_path(name).is_file())


def _remote(stack: Stack) -> Iterator[Holder]:
    from orchestrator.aws.state_objects import read_state_object, state_names

    named = stack.neighbours()
    for environment in named.values():
        yield Holder(environment.name, state_of(stack, environment), environment)
    place = stack.environment.state
    before, found, after = stack.environment.state_key.partition(f"/{stack.name}/")
    if place is None or not found:
        return
    region = place.region or stack.environment.aws_region
    for name in state_names(stack.session(), place.bucket, f"{before}/", f"/{after}", region):
        if name != stack.name and name not in named:
            key = f"{before}/{name}/{after}"
            text = read_state_object(stack.session(), place.bucket, key, region)
            gone = not stack.context.project.tfvars_path(name).is_file()
            yield Holder(name, parse_state(text or "", f"s3://{place.bucket}/{key}"), gone=gone)
