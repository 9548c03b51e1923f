"""Checks of what belongs to an account and region: ownership, scanning, settings, the ROOT template."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.registry_statements import check_statements
from orchestrator.checks.templates import check_template
from orchestrator.checks.walker import check_one_of
from orchestrator.environment.identifiers import is_region
from orchestrator.environment.parts import RegistryScanning
from orchestrator.environment.tfvars import Path
from orchestrator.environment.value_types import ACCOUNT_SETTINGS
from orchestrator.partitions import partition_of

# ECR API, PutRegistryScanningConfiguration: what each scan type takes. Repositories that no rule names are scanned on request.
SCAN_FREQUENCIES = {"BASIC": ("SCAN_ON_PUSH",), "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")}
_OWNED = (
    "registry_scanning",
    "registry_account_settings",
    "root_template",
    "registry_consumer_account_ids",
    "registry_policy_statements",
)


def check_registry(context: Context) -> None:
    """Whose registry it is first, then what is set for it."""
    environment = context.environment
    _check_central(context)
    if environment.registry_scanning is not None:
        _check_scanning(context, environment.registry_scanning)
    for name, value in environment.registry_account_settings.items():
        if name in ACCOUNT_SETTINGS:
            check_one_of(context, ("registry_account_settings", name), value, ACCOUNT_SETTINGS[name])
    check_statements(context, environment.registry_policy_statements)
    if environment.root_template is not None:
        check_template(context, ("root_template",), environment.root_template)
    if not environment.manage_registry:
        _warn_about_unused(context)


def _check_central(context: Context) -> None:
    environment = context.environment
    region = environment.registry_region
    if (
        region is not None
        and is_region(region)
        and context.usable("aws_region")
        and partition_of(region) != environment.partition
    ):
        context.error(
            ("registry_region",),
            f"registry_region is {shown(region)}, in the partition {partition_of(region)}.",
            why=f"The environment is in {environment.aws_region}, in {environment.partition}; "
            "credentials of one partition are worth nothing in another.",
            remedy=f"Name a region in {environment.partition}.",
            value=region,
        )
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region", "manage_registry")
    if usable and environment.uses_central_registry and environment.manage_registry:
        elsewhere = environment.registry_account_id not in {None, environment.account_id}
        variable = "registry_account_id" if elsewhere else "registry_region"
        context.error(
            ("manage_registry",),
            f"manage_registry is true, but the registry is that of account {environment.registry.account} "
            f"in {environment.registry.region}.",
            why="An environment can only manage the registry of its own account and region"
            + ("." if context.written("manage_registry") else "; it does by default."),
            remedy="Set manage_registry = false; an environment of that account and region is the owner.",
            value=True,
            at=("manage_registry",) if context.written("manage_registry") else (variable,),
        )


def _check_scanning(context: Context, scanning: RegistryScanning) -> None:
    path: Path = ("registry_scanning",)
    if scanning.scan_type not in SCAN_FREQUENCIES:
        return
    frequencies: list[str] = []
    for index, rule in enumerate(scanning.rules):
        here = (*path, "rules", index)
        allowed = SCAN_FREQUENCIES[scanning.scan_type]
        why = f"{scanning.scan_type} scanning takes {' and '.join(allowed)}."
        if check_one_of(context, (*here, "scan_frequency"), rule.scan_frequency, allowed, why):
            if rule.scan_frequency in frequencies and len(scanning.rules) <= 2:
                context.error(
                    (*here, "scan_frequency"),
                    f"registry_scanning has two rules for {rule.scan_frequency}.",
                    why="AWS takes one rule for each frequency.",
                    remedy="Put all patterns into one rule.",
                    value=rule.scan_frequency,
                )
            frequencies.append(rule.scan_frequency)


def _warn_about_unused(context: Context) -> None:
    for variable in _OWNED:
        if context.written(variable) and getattr(context.environment, variable):
            context.warn(
                (variable,),
                f"{variable} is set, but manage_registry is false.",
                why="Only the owner of a registry sets it.",
                remedy="Set it in the owner's environment.",
                value=None,
            )
