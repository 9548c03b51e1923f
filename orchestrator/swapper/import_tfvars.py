"""k8s-image-swapper's configuration -> an environment's tfvars, so that policies and Terraform know the same. Pure.

The file names no source: k8s-image-swapper copies from wherever an image comes. An environment names them. So one mirror
is written for each registry of `registries`, below k8s-image-swapper's prefix.
A setting that the environment cannot say is a note, in the text and for the command's error output.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.environment.identifiers import ACCOUNT
from orchestrator.environment.pods import SHIPPED_SELECTORS
from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.repository import PULL_ACTIONS
from orchestrator.routes.source import parse_source
from orchestrator.routes.upstreams import REGISTRY_ALIASES
from orchestrator.scaffold import aligned, hcl
from orchestrator.swapper.filter_lists import FilterLists, lists_of
from orchestrator.swapper.swap_settings import SwapRepository, SwapSettings, SwapSource, SwapTarget

# Where most images come from; `--registry` adds more.
USUAL_REGISTRIES = (
    "docker.elastic.co",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "mcr.microsoft.com",
    "nvcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.gitlab.com",
    "registry.k8s.io",
)


@dataclass(frozen=True, slots=True)
class ImportNote:
    """What the tfvars do not say, the reason, and what to do."""

    what: str
    why: str
    where: Location | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what} {self.why}"


@dataclass(frozen=True, slots=True)
class ImportedTfvars:
    """The text of `environments/<name>.tfvars`, and what it does not say."""

    text: str
    notes: tuple[ImportNote, ...]


def import_settings(settings: SwapSettings, file: str, name: str, registries: Sequence[str] = ()) -> ImportedTfvars:
    """The tfvars of environment `name`. Raises RefusedInput where the file says no account or region.

    `registries` are sources to write mirrors for, beside the usual ones and those of `source.registries`. One that no
    mirror can be written for is refused.
    """
    target = _target(settings, file)
    for registry in registries:
        _require_mirror(registry, target)
    lists = lists_of(settings.filters)
    template, notes = _template(target.repository, settings.said)
    notes += _filter_notes(lists)
    notes += _left_in_file(settings, target)
    hosts = _sources(() if lists.skips_ecr else settings.source_registries, target, (*USUAL_REGISTRIES, *registries))
    notes += [
        ImportNote(f"Images of {alias} are copied below {canonical}.", "They are one registry to an environment.")
        for alias, canonical in REGISTRY_ALIASES.items()
        if alias != "index.docker.io" and canonical in hosts
    ]
    sections = [
        _head(name, file, notes),
        aligned(0, _identity(name, target)),
        "# Only what the swapper needs is made; describe VPC, node roles and the rest as `orchestrator init` shows them.\n"
        + aligned(0, {"create_vpc_endpoints": False, "attach_ecr_policy": False}),
        _mirrors(hosts, target, template),
        *_lists(lists),
        *_repositories(target.repository),
    ]
    return ImportedTfvars("\n\n".join(sections) + "\n", tuple(notes))


def _target(settings: SwapSettings, file: str) -> SwapTarget:
    target = settings.target
    if target is None or not target.account or not target.region:
        raise RefusedInput(
            f"{file}: target.aws.accountId and target.aws.region are needed.",
            why="An environment is an account and a region.",
            remedy="Write both.",
        )
    if not ACCOUNT.fullmatch(target.account):
        raise RefusedInput(
            f"target.aws.accountId is {target.account!r}.",
            why="An AWS account has twelve digits; a number loses leading zeros where a program writes it.",
            remedy="Write all twelve digits, in quotes.",
            where=settings.said.get("target.aws.accountId"),
        )
    return target


def _head(name: str, file: str, notes: Iterable[ImportNote]) -> str:
    lines = [
        f"# Environment {name}, made of {_comment(file.rsplit('/', 1)[-1])}, a configuration of k8s-image-swapper.",
        "# What it says and an environment does not stays in that file: `orchestrator swapper serve` reads both.",
    ]
    lines += [f"# - {_comment(f'{note.what} {note.why}')}" for note in notes]
    return "\n".join(lines)


def _comment(text: str) -> str:
    """Text in one line: a line break would end the comment."""
    return " ".join(text.split())


def _identity(name: str, target: SwapTarget) -> dict[str, object]:
    return {"cluster_name": name, "platform": "eks", "account_id": target.account, "aws_region": target.region}


def _require_mirror(registry: str, target: SwapTarget) -> None:
    """Raise RefusedInput where k8s-image-swapper's name for a copy, which begins with its registry, is none of ECR's."""
    source, why = parse_source(registry), ""
    if source.path:
        why = f"k8s-image-swapper copies whole registries: this is a path of {source.registry}."
    elif ":" in source.registry or source.registry != source.registry.lower():
        why = "Copies are named after their registry, and no repository of ECR has a colon or capitals in its name."
    elif source.registry in target.registry.hosts:
        why = "It is where the copies go."
    if why:
        raise RefusedInput(
            f"--registry {registry}: no mirror of it can be imported.",
            why=why,
            remedy="Leave it out, and write an entry of `mirrors` with a prefix of your own.",
        )


def _sources(sources: Iterable[SwapSource], target: SwapTarget, registries: Iterable[str]) -> tuple[str, ...]:
    own = target.registry.hosts
    named = [*registries, *(one.host for one in sources)]
    hosts = {parse_source(one).registry for one in named}
    return tuple(sorted(host for host in hosts if host not in own and ":" not in host))


def _template(repository: SwapRepository, said: Mapping[str, Location]) -> tuple[dict[str, object], list[ImportNote]]:
    """(the template of every mirror, notes)."""
    notes = []
    template: dict[str, object] = {}
    if repository.image_tag_mutability != "MUTABLE":
        template["image_tag_mutability"] = repository.image_tag_mutability
    path = "target.aws.ecrOptions"
    if repository.kms_key:
        if repository.kms_key.startswith("arn:"):
            template["kms_key_arn"] = repository.kms_key
        else:
            why = "An environment names the key's ARN; write it as kms_key_arn of the templates."
            where = said.get(f"{path}.encryptionConfiguration.kmsKey")
            notes.append(ImportNote(f"kmsKey {repository.kms_key} is not imported.", why, where))
    accounts = pull_accounts(repository.access_policy) if repository.access_policy else ()
    if accounts:
        template["pull_account_ids"] = accounts
    elif accounts is None:
        why = "An environment lists accounts that may pull (pull_account_ids); the policy says something else."
        notes.append(ImportNote("accessPolicy is not imported.", why, said.get(f"{path}.accessPolicy")))
    if repository.lifecycle_policy:
        why = "Repositories of copies are kept small by lifecycle_manager, which knows what clusters run."
        notes.append(ImportNote("lifecyclePolicy is not imported.", why, said.get(f"{path}.lifecyclePolicy")))
    if repository.tags:
        template["resource_tags"] = dict(repository.tags)
    return template, notes


def pull_accounts(policy: str) -> tuple[str, ...] | None:
    """The accounts that a repository policy lets pull, and nothing else; None where it says anything else."""
    document = json.loads(policy)
    statements = document.get("Statement", [])
    found: set[str] = set()
    for one in statements if isinstance(statements, list) else [statements]:
        if not isinstance(one, dict) or set(one) - {"Sid", "Effect", "Principal", "Action"}:
            return None
        principals, actions = one.get("Principal"), one.get("Action")
        principals = principals.get("AWS") if isinstance(principals, dict) and set(principals) == {"AWS"} else None
        accounts = [_account(principal) for principal in _listed(principals)]
        if one.get("Effect") != "Allow" or set(_listed(actions)) != set(PULL_ACTIONS) or None in accounts:
            return None
        found.update(account for account in accounts if account)
    return tuple(sorted(found)) or None


def _listed(value: object) -> list[Any]:
    listed = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else "" for one in listed]


def _account(principal: str) -> str | None:
    parts = principal.split(":")
    account = parts[4] if len(parts) == 6 and parts[5] == "root" else principal
    return account if ACCOUNT.fullmatch(account) else None


def _filter_notes(lists: FilterLists) -> list[ImportNote]:
    kept = [ImportNote(f"The filter {one.expression} is not imported.", why, one.where) for one, why in lists.kept]
    needless = [
        ImportNote(f"The filter {one.expression} needs no list.", why, one.where) for one, why in lists.needless
    ]
    return kept + needless


def _left_in_file(settings: SwapSettings, target: SwapTarget) -> list[ImportNote]:
    notes = []
    if target.role:
        why = "The swapper assumes it; assume_role_arn of an environment is Terraform's."
        notes.append(ImportNote(f"role {target.role} is not imported.", why, settings.said.get("target.aws.role")))
    if settings.dry_run:
        why = "dry_run_mode of an environment is the lifecycle manager's."
        notes.append(ImportNote("dryRun is not imported.", why, settings.said.get("dryRun")))
    return notes


def _mirrors(hosts: Iterable[str], target: SwapTarget, template: Mapping[str, object]) -> str:
    above = f"{target.prefix}/" if target.prefix else ""
    lines = ["# One line a source. Another registry needs one of its own: what has none keeps its source."]
    lines.append("mirrors = {")
    for host in hosts:
        lines.append(f"  {hcl(above + host)} = {{")
        if template:
            lines += [f'    source = "{host}"', "    template = {", _body(template), "    }"]
        else:
            lines.append(f'    source = "{host}"')
        lines.append("  }")
    return "\n".join([*lines, "}"])


def _body(template: Mapping[str, object]) -> str:
    """The template's attributes, aligned; a map of tags stands after the single values."""
    single = {name: value for name, value in template.items() if not isinstance(value, dict)}
    lines = [aligned(6, single)] if single else []
    for name, value in template.items():
        if isinstance(value, dict):
            lines.append(f"      {name} = {{")
            names = {hcl(one): text for one, text in value.items()}
            lines += [aligned(8, names), "      }"]
    return "\n".join(lines)


def _lists(lists: FilterLists) -> Iterable[str]:
    yield (
        "# The filters on namespaces, and no others: k8s-image-swapper leaves none alone by itself.\n"
        f"exclude_namespaces = {hcl(lists.namespaces)}"
    )
    if lists.pods:
        pods = tuple(dict.fromkeys((*SHIPPED_SELECTORS, *lists.pods)))
        yield "# The filters on labels, after the shipped list of operators that compare images.\n" + "\n".join(
            ["exclude_pods = [", *(f"  {hcl(one)}," for one in pods), "]"]
        )
    if lists.images:
        yield f"# The filters on images.\nexclude = {hcl(tuple(map(str, lists.images)))}"


def _repositories(repository: SwapRepository) -> Iterable[str]:
    if not repository.scan_on_push:
        yield "scan_on_push = false"
