"""NAME and FILE together: what both say must be the same. Pure.

The environment gives the targets and the settings of repositories; the file gives policies, filters, address and TLS.
A setting that only one of them has holds. A default says nothing: only what somebody wrote can contradict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.environment.model import Environment
from orchestrator.environment.parts import Template
from orchestrator.errors import Location, RefusedInput
from orchestrator.swapper.import_tfvars import pull_accounts
from orchestrator.swapper.swap_config import InvalidSwapSettings
from orchestrator.swapper.swap_settings import SwapSettings, SwapTarget

_OPTIONS = "target.aws.ecrOptions"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A key of the file and a variable of the environment that say different things."""

    key: str
    told: str
    variable: str
    value: str
    where: Location | None

    def as_error(self, name: str) -> RefusedInput:
        """The error, with both places."""
        return RefusedInput(
            f"{self.key} is {self.told}, and {self.variable} of environment {name} is {self.value}.",
            why="A setting that the file and the environment both have must be the same.",
            remedy=f"Remove {self.key} from the file, or correct one of them.",
            where=self.where,
        )


def reconcile(settings: SwapSettings, environment: Environment) -> SwapSettings:
    """The file's settings with the environment's registry as target. Raises InvalidSwapSettings with every contradiction."""
    told = settings.target or SwapTarget()
    found = [*_registry(settings, told, environment), *_repositories(settings, told, environment)]
    if found:
        ordered = sorted(found, key=lambda one: (one.where.line if one.where else 0, one.key))
        raise InvalidSwapSettings([one.as_error(environment.name) for one in ordered])
    own = environment.registry
    return replace(settings, target=replace(told, account=own.account, region=own.region))


def _registry(settings: SwapSettings, told: SwapTarget, environment: Environment) -> Iterator[Contradiction]:
    own = environment.registry
    for key, value, variable, wanted in (
        ("target.aws.accountId", told.account, "account_id", own.account),
        ("target.aws.region", told.region, "aws_region", own.region),
    ):
        if value and value != wanted:
            central = environment.uses_central_registry
            name = {"account_id": "registry_account_id", "aws_region": "registry_region"}[variable]
            yield Contradiction(key, value, name if central else variable, wanted, settings.said.get(key))
    if told.prefix:
        outside = [name for name in environment.mirrors if not f"{name}/".startswith(f"{told.prefix}/")]
        for name in outside[:1]:
            key = "target.aws.prefix"
            yield Contradiction(key, told.prefix, "the prefix of a mirror", name, settings.said.get(key))


def _repositories(settings: SwapSettings, told: SwapTarget, environment: Environment) -> Iterator[Contradiction]:
    for prefix, mirror in environment.mirrors.items():
        yield from _template(settings, told, f'mirrors["{prefix}"].template', mirror.template, environment)
    key = f"{_OPTIONS}.imageScanningConfiguration.imageScanOnPush"
    scans = told.repository.scan_on_push
    if key in settings.said and "scan_on_push" in environment.model_fields_set and scans != environment.scan_on_push:
        yield Contradiction(
            *(key, str(scans).lower(), "scan_on_push", str(environment.scan_on_push).lower()), settings.said[key]
        )


def _template(
    settings: SwapSettings, told: SwapTarget, path: str, template: Template | None, environment: Environment
) -> Iterator[Contradiction]:
    said, repository = settings.said, told.repository
    key, mutability = f"{_OPTIONS}.imageTagMutability", repository.image_tag_mutability
    stated = template is not None and "image_tag_mutability" in template.model_fields_set
    if template and stated and key in said and template.image_tag_mutability != mutability:
        variable = f"{path}.image_tag_mutability"
        yield Contradiction(key, mutability, variable, template.image_tag_mutability, said[key])
    key = f"{_OPTIONS}.encryptionConfiguration.encryptionType"
    wanted = template.kms_key_arn if template else environment.kms_key_arn
    if key in said and wanted is not None and repository.kms_key != wanted:
        variable = f"{path}.kms_key_arn" if template else "kms_key_arn"
        yield Contradiction(key, repository.kms_key or repository.encryption_type, variable, wanted, said[key])
    tags = {**environment.tags, **(template.resource_tags if template else {})}
    for name, value in repository.tags:
        if tags.get(name, value) != value:
            yield Contradiction(
                f"{_OPTIONS}.tags {name}", value, "the tag there", tags[name], said.get(f"{_OPTIONS}.tags")
            )
    key = f"{_OPTIONS}.accessPolicy"
    listed = tuple(sorted(template.pull_account_ids)) if template else ()
    if listed and repository.access_policy and pull_accounts(repository.access_policy) != listed:
        variable = f"{path}.pull_account_ids"
        yield Contradiction(key, "another policy", variable, ", ".join(listed), said.get(key))
