"""What only the owner of a registry makes, or a refusal that says so. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.environment.function_parts import LifecycleManager
    from orchestrator.environment.model import Environment


def check_owns_rules(environment: Environment) -> None:
    """Raises RefusedInput where the environment makes no pull-through cache rules."""
    if not environment.owns_registry:
        raise RefusedInput(
            "the environment makes no pull-through cache rules.",
            environment=environment.name,
            why="It pulls from another account's or region's registry, or manage_registry is false.",
            remedy="Use PullThroughCache with the environment that owns the registry.",
        )


def owned_manager(environment: Environment) -> LifecycleManager:
    """The lifecycle manager that the environment makes. Raises RefusedInput where it makes none."""
    manager = environment.lifecycle_manager
    if manager is None or not manager.enabled or not environment.owns_registry:
        raise RefusedInput(
            "the environment has no lifecycle manager.",
            environment=environment.name,
            remedy="Write `lifecycle_manager = { enabled = true }` into the environment that owns the registry.",
        )
    return manager
