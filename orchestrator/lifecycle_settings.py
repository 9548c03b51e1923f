"""The lifecycle manager's settings of an environment: what `modules/lifecycle-manager` would write into the function.

The same variables are made here and read by the same parser, so that a run from here and one of the function judge
alike.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.settings import InvalidSettingsError, Settings, read_settings
from orchestrator.routes import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment import Environment


def bucket_of(environment: Environment) -> str | None:
    """The bucket of snapshots and audit; None when the environment makes none."""
    manager = environment.lifecycle_manager
    scans = environment.scan_findings
    if not (manager and manager.enabled) and not (scans and scans.enabled):
        return None
    name = manager.bucket_name if manager else None
    return name or f"ecr-lifecycle-{environment.registry_account}-{environment.registry_region_name}"


def settings_from_environment(environment: Environment) -> Settings:
    """The settings, those of an environment without `lifecycle_manager` the defaults. Raises RefusedInput."""
    manager = environment.lifecycle_manager
    variables = {
        "ENVIRONMENT": environment.environment or environment.name,
        "DRY_RUN": json.dumps(environment.dry_run_mode),
        "ROUTES": json.dumps(
            [
                {"prefix": route.prefix, "source": str(route.source)}
                for route in build_route_table(environment).routes
                if route.kind == "pull-through"
            ]
        ),
    }
    if manager:
        variables |= {
            "RETENTION": json.dumps(_retention(manager.retention)),
            "NATIVE_POLICY": manager.native_policy,
            "CLUSTERS": json.dumps(list(manager.clusters)),
            "SNAPSHOT_REQUIRED": json.dumps(bool(manager.clusters)),
            "SNAPSHOT_MAX_AGE_HOURS": str(manager.snapshot_max_age_hours),
            "MAX_EXPIRE_FRACTION_REPOSITORY": str(manager.max_expire_fraction_repository),
            "MAX_EXPIRE_FRACTION_ACCOUNT": str(manager.max_expire_fraction_account),
            "INSPECTOR": json.dumps(
                bool(environment.registry_scanning and _is_enhanced(environment.registry_scanning))
            ),
        }
    try:
        return read_settings(variables)
    except InvalidSettingsError as error:
        raise RefusedInput(
            f'environment "{environment.name}": the lifecycle manager cannot use its settings.',
            why="; ".join(error.problems),
            remedy="Correct `lifecycle_manager`.",
        ) from error


def _is_enhanced(scanning: Any) -> bool:
    return bool(scanning.scan_type == "ENHANCED")


def _retention(retention: Any) -> dict[str, Any]:
    if retention is None:
        return {}
    document: dict[str, Any] = retention.model_dump(mode="json")
    overrides = document.pop("overrides", None) or []
    return {"default": document, "overrides": overrides}
