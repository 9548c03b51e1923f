"""What `--target` names, as Terraform's addresses: a module of the environment, one of its repositories, or an address.

Pure. Terraform takes along what the targets need, and warns by itself that the rest is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator.errors import RefusedInput
from orchestrator.spelling import nearest

_MODULE = re.compile(r'^module "([a-z_]+)" \{', re.MULTILINE)
_ADDRESS = re.compile(r"module\.[a-z_]+(\[[^\]]+\])?(\.[a-z_]+)*(\.[a-z0-9_]+(\[[^\]]+\])?)*", re.ASCII)
# Everything that modules/ecr keeps for one repository, by its name.
_OF_REPOSITORY = (
    "aws_ecr_repository.this",
    "aws_ecr_repository.protected",
    "aws_ecr_lifecycle_policy.this",
    "aws_ecr_repository_policy.this",
)


def modules_of(root_module: Path) -> tuple[str, ...]:
    """Names of the modules that a folder's main.tf calls, in its order."""
    return tuple(_MODULE.findall((root_module / "main.tf").read_text("utf-8")))


def target_options(
    targets: Sequence[str], modules: Sequence[str], repositories: Iterable[str], *, environment: str, flag: str
) -> tuple[str, ...]:
    """The `-target=…` of Terraform. Raises RefusedInput for what the environment does not have; `flag` goes into its remedy.

    `ecr` or `module.ecr` -> `-target=module.ecr`; `dev/web` -> that repository with its policies;
    `module.registry[0].aws_ecr_registry_policy.this[0]` -> itself.
    """
    known = tuple(repositories)
    addresses: list[str] = []
    for target in targets:
        if target in known:
            addresses += [f"module.ecr.{kind}[{json.dumps(target)}]" for kind in _OF_REPOSITORY]
        elif target.removeprefix("module.") in modules:
            addresses.append(f"module.{target.removeprefix('module.')}")
        elif _is_address(target, modules):
            addresses.append(target)
        else:
            raise _unknown(target, modules, known, environment, flag)
    return tuple(f"-target={address}" for address in dict.fromkeys(addresses))


def _is_address(target: str, modules: Sequence[str]) -> bool:
    match = _ADDRESS.fullmatch(target)
    return match is not None and re.split(r"[.\[]", target)[1] in modules


def _unknown(
    target: str, modules: Sequence[str], repositories: Sequence[str], environment: str, flag: str
) -> RefusedInput:
    near = nearest(target.removeprefix("module."), [*repositories, *modules])
    return RefusedInput(
        f'--target "{target}" is nothing that can be planned alone.',
        environment=environment,
        why=f"Modules: {', '.join(modules)}. Repositories: {', '.join(repositories) or 'none'}.",
        remedy=f"orchestrator plan {environment} --target {near}{flag}"
        if near
        else f"Name a module, a repository, or an address that `orchestrator plan {environment}{flag}` shows.",
    )
