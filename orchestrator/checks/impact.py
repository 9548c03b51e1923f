"""Which environments a change of files touches, judged by what they really read. Pure: texts of both sides are handed in.

A comment, another order, or a common variable that every environment sets for itself touches nobody. A file touches
everybody where its readers cannot be told: the root module, shared modules, the lock of the providers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.checks.check import Checked
from orchestrator.environment.model import Environment

# {module: does the root module make it for this environment?}; the others are part of every one.
USES: Mapping[str, Callable[[Environment], bool]] = {
    "registry": lambda environment: environment.owns_registry,
    "pull-through-cache": lambda environment: environment.owns_registry,
    "vpc-endpoints": lambda environment: environment.create_vpc_endpoints,
    "node-access": lambda environment: environment.attach_ecr_policy,
    "push-role": lambda environment: bool(environment.push_roles),
    "lifecycle-manager": lambda environment: (
        environment.keeps_records
        or bool(environment.lifecycle_manager and environment.lifecycle_manager.usage is not None)
    ),
    # The webhook's part is made of it.
    "mirror-queue": lambda environment: environment.shares_copies or environment.shares_swaps,
    "image-swapper": lambda environment: environment.shares_swaps,
    "scan-findings": lambda environment: "scan_findings" in environment.functions,
    "monitoring": lambda environment: bool(environment.monitoring and environment.monitoring.enabled),
}
# Part of a module's folder, but of no plan.
_BESIDE = frozenset({"tests", "mocks", "examples"})
_TERRAFORM = (".tf", ".tf.json", ".tftpl", ".json")
LOCK = ".terraform.lock.hcl"


@dataclass(frozen=True, slots=True)
class AffectedEnvironment:
    """An environment and why it is touched: files and variables, in words for people."""

    name: str
    reasons: tuple[str, ...]


def affected_environments(
    changed: Sequence[str],
    before: Mapping[str, Checked],
    after: Mapping[str, Checked],
    *,
    own_root_module: bool,
) -> tuple[AffectedEnvironment, ...]:
    """The environments that exist afterwards and that the change touches, by name.

    `changed` are paths below the project's folder; `before` and `after` are the environments as the files of either
    side give them. With `own_root_module` nobody knows which modules the root module makes for whom.
    """
    files = [path for path in sorted(changed) if _counts(path)]
    found = []
    for name in sorted(after):
        reasons = [*_own(name, before.get(name), after[name])]
        environment = after[name].environment
        reasons += [path for path in files if _touches(path, environment, own_root_module)]
        if reasons:
            found.append(AffectedEnvironment(name, tuple(reasons)))
    return tuple(found)


def _own(name: str, before: Checked | None, after: Checked) -> Iterator[str]:
    """What the environment's own values say."""
    if before is None:
        yield f"environments/{name}.tfvars is new"
        return
    old, new = _values(before), _values(after)
    for variable in sorted(old.keys() | new.keys()):
        if old.get(variable) != new.get(variable):
            yield f"variable {variable}"
    if not after.tfvars and not before.tfvars:
        # Neither side can be read; whoever repairs one of them will see.
        yield f"environments/{name}.tfvars cannot be read"


def _values(checked: Checked) -> Mapping[str, object]:
    """What Terraform is told; where the environment is wrong, what its files say."""
    if checked.environment is not None:
        return checked.environment.variables()
    return checked.tfvars.values if checked.tfvars else {}


def _counts(path: str) -> bool:
    *folders, name = path.split("/")
    if folders == ["environments"]:
        return name == LOCK or name.endswith((".tf", ".tf.json"))
    if folders[:1] == ["modules"]:
        return not _BESIDE & set(folders) and name.endswith(_TERRAFORM)
    return _is_packed(path)


def _touches(path: str, environment: Environment | None, own_root_module: bool) -> bool:
    if environment is None:
        return True
    if _is_packed(path):
        return bool(environment.functions)
    if path.startswith("modules/") and not own_root_module:
        return USES.get(path.split("/")[1], _always)(environment)
    return True


def _is_packed(path: str) -> bool:
    """Is the source part of a function's zip?"""
    packed = ("lambda_src/", "orchestrator/lifecycle/", "orchestrator/findings/", "orchestrator/aws/ports/")
    return path.endswith(".py") and (path.startswith(packed) or path == "orchestrator/partitions.py")


def _always(_: Environment) -> bool:
    return True
