"""Looks at what stands in AWS beside an environment's own settings, before anything is planned. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TypeVar

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.foreign_settings import Made, Others, Scanning, foreign_statements, pairs_of, statements_of
from orchestrator.terraform.holders import owns_registry, same_registry, state_of
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State
from orchestrator.terraform.workdir import OTHERS, dump, write_if_changed

POLICY = "aws_ecr_registry_policy"
SCANNING = "aws_ecr_registry_scanning_configuration"
ATTACHMENT = "aws_iam_role_policy_attachment"
PULL_POLICY = "AmazonEC2ContainerRegistryReadOnly"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What others have, what this environment made before, and what AWS did not let us see (`unseen`)."""

    others: Others = field(default_factory=Others)
    made: Made = field(default_factory=Made)
    statements: tuple[dict[str, object], ...] = ()
    scanning: Scanning | None = None
    unseen: tuple[OrchestratorError, ...] = ()


def look_around(stack: Stack, state: State, *, begun: Collection[str] = ()) -> Surroundings:
    """What the shared settings hold that this environment touches. `begun` are addresses of an apply that was cut off."""
    environment = stack.environment
    unseen: list[OrchestratorError] = []

    def seen(ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except OrchestratorError as error:
            unseen.append(error)
            return None

    made = seen(lambda: _made(stack, state)) or Made()
    found = Others()
    live: tuple[dict[str, object], ...] = ()
    scans: Scanning | None = None
    declared = [dict(each) for each in environment.registry_policy_statements or ()]
    if state.of_type(POLICY) or (environment.owns_registry and (declared or environment.registry_consumer_account_ids)):
        from orchestrator.aws.shared_settings import registry_policy, registry_policy_scope

        live = tuple(dict(each) for each in statements_of(seen(lambda: registry_policy(stack.session()))))
        found = replace(
            found,
            statements=foreign_statements(live, made.statements, declared),
            scope=seen(lambda: registry_policy_scope(stack.session())) or "",
        )
    if state.of_type(SCANNING) or (environment.owns_registry and environment.registry_scanning is not None):
        from orchestrator.aws.shared_settings import scanning

        answer = seen(lambda: scanning(stack.session()))
        if answer is not None:
            scans = Scanning(answer[0], frozenset(answer[1]))
            before = made.scan_type_before if made.pairs or state.of_type(SCANNING) else scans.scan_type
            found = replace(found, pairs=scans.pairs - made.pairs, scan_type=before)
    roles = _roles(stack, state, begun)
    if roles:
        from orchestrator.aws.shared_settings import roles_with

        attached = seen(lambda: roles_with(stack.session(), roles, PULL_POLICY))
        found = replace(found, attached_roles=attached or ())
    return Surroundings(found, made, live, scans, tuple(unseen))


def write_others(stack: Stack, found: Others) -> None:
    """Tell the root module what others have, so that a put keeps it."""
    write_if_changed(stack.workdir.root / OTHERS, dump({"others": found.variable()}))


def _made(stack: Stack, state: State) -> Made:
    """What this environment made, or the one that hands the registry over to it."""
    environment = stack.environment
    if environment.owns_registry and not owns_registry(state):
        for other in stack.neighbours().values():
            if same_registry(other, environment) and not other.owns_registry:
                theirs = state_of(stack, other)
                if owns_registry(theirs):
                    return made_before(theirs)
    return made_before(state)


def made_before(state: State) -> Made:
    """What the last apply says that it made; where it did not say so yet, all that its state holds."""
    output = state.outputs.get("registry_made", {}).get("value")
    if isinstance(output, dict):
        return Made(
            statements_of(f'{{"Statement": {output.get("statements") or "[]"}}}'),
            pairs_of(output.get("scanning_rules") or ()),
            str(output.get("scan_type_before") or ""),
        )
    statements = tuple(each for held in state.of_type(POLICY) for each in statements_of(held.attributes.get("policy")))
    pairs = {
        (str(rule["scan_frequency"]), str(each["filter"]))
        for held in state.of_type(SCANNING)
        for rule in held.attributes.get("rule") or ()
        for each in rule.get("repository_filter") or ()
    }
    return Made(statements, frozenset(pairs))


def _roles(stack: Stack, state: State, begun: Collection[str]) -> tuple[str, ...]:
    """Roles that the plan would give AWS's pull policy and that the state does not say we gave it to."""
    environment = stack.environment
    if not environment.attaches_managed_policy:
        return ()
    known = state.outputs.get("node_role_names", {}).get("value")
    named = [*environment.node_role_names, *environment.fargate_execution_role_names]
    if environment.worker_role_prefix is not None:
        named.append(f"{environment.worker_role_prefix}-Worker-Role")
    named += [str(each) for each in known] if isinstance(known, list) else []
    ours = {str(held.attributes.get("role")) for held in state.of_type(ATTACHMENT)}
    at_work = {role for role in named if any(f'managed["{role}"]' in address for address in begun)}
    return tuple(role for role in dict.fromkeys(named) if role not in ours | at_work)
