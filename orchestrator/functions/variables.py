"""The lifecycle manager's settings of an environment: what `modules/lifecycle-manager` would write into the function.

The same variables are made here and read by the same parser. So a run from here and one of the function judge
alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.settings import InvalidSettingsError, Settings, read_settings

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


def bucket_of(environment: Environment) -> str | None:
    """The bucket of snapshots and audit; None when the environment makes none."""
    return environment.lifecycle_bucket if environment.keeps_records else None


def settings_from_environment(environment: Environment) -> Settings:
    """The settings, those of an environment without `lifecycle_manager` the defaults. Raises RefusedInput."""
    from orchestrator.checks.function_variables import function_variables
    from orchestrator.environment.function_parts import LifecycleManager

    variables = function_variables(environment, environment.lifecycle_manager or LifecycleManager())
    # Where records are is asked of `bucket_of`, and they may be in a folder here.
    del variables["BUCKET"]
    try:
        return read_settings(variables)
    except InvalidSettingsError as error:
        raise RefusedInput(
            "the lifecycle manager cannot use its settings.",
            environment=environment.name,
            why="; ".join(error.problems),
            remedy="Correct `lifecycle_manager`.",
        ) from error
