"""The variables that modules/lifecycle-manager writes into its function, and whether Lambda takes so many. Pure."""

from __future__ import annotations

import json

from orchestrator.checks.context import Context
from orchestrator.checks.retention_settings import retention_document
from orchestrator.environment.function_parts import LifecycleManager
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import Path
from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.upstream_names import longest_prefix
from orchestrator.routes.build import build_route_table

# modules/lifecycle-manager has the same limit. Lambda takes 4 KB in all, and the queue's URL is not known here.
MAX_CHARACTERS = 3700


def function_variables(environment: Environment, manager: LifecycleManager) -> dict[str, str]:
    """{variable: text}, as the module writes them."""
    return {
        "BUCKET": environment.lifecycle_bucket,
        "CACHE_ONLY": _json(sorted(set(manager.cache_only))),
        "CLUSTERS": _json(sorted(set(manager.clusters))),
        "DRY_RUN": _json(environment.dry_run_mode),
        "ENVIRONMENT": environment.environment or environment.name,
        "INSPECTOR": _json(environment.scans_enhanced),
        "MAX_EXPIRE_FRACTION_ACCOUNT": f"{manager.max_expire_fraction_account:g}",
        "MAX_EXPIRE_FRACTION_REPOSITORY": f"{manager.max_expire_fraction_repository:g}",
        "METRIC_NAMESPACE": "Orchestrator/Lifecycle",
        "NATIVE_POLICY": manager.native_policy,
        "OWN": _json(own_below_caches(environment)),
        "RETENTION": _json(retention_document(manager.retention)),
        "ROUTES": _json(cache_routes(environment)),
        "SNAPSHOT_MAX_AGE_HOURS": str(manager.snapshot_max_age_hours),
        "SNAPSHOT_REQUIRED": _json(bool(manager.clusters)),
    }


def cache_routes(environment: Environment) -> list[dict[str, str]]:
    """`[{prefix, source}]` of the pull-through routes, the prefix of ROOT empty."""
    return [
        {"prefix": route.prefix, "source": str(route.upstream)}
        for route in build_route_table(environment).routes
        if route.kind == "pull-through"
    ]


def own_below_caches(environment: Environment) -> list[str]:
    """Repositories that the environment makes below a rule's prefix: they are no cache."""
    return sorted(name for name in environment.own_repository_names if _below(name, environment))


def _below(name: str, environment: Environment) -> bool:
    """Could a rule's prefix hold the repository? Others need not be told: they are no cache's by their name."""
    return longest_prefix(name, environment.pull_through_cache_rules, ROOT) is not None


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


# {variable: (path below lifecycle_manager or the variable itself, what it is, what to do)}
_LARGE: dict[str, tuple[Path, str, str]] = {
    "RETENTION": (("lifecycle_manager", "retention"), "the retention", "Use fewer overrides, with wider patterns."),
    "CLUSTERS": (("lifecycle_manager", "clusters"), "the names of clusters", "Give clusters shorter snapshot names."),
    "ROUTES": (("pull_through_cache_rules",), "the routes", "Remove rules that nobody uses."),
}


def check_function_variables(context: Context, path: Path, manager: LifecycleManager) -> None:
    """Reports settings that are too long together, at the longest of them. The rest of the file must be right."""
    variables = function_variables(context.environment, manager)
    total = len(_json(variables))
    if total <= MAX_CHARACTERS:
        return
    sizes = {name: len(json.dumps(text)) for name, text in variables.items() if name in _LARGE}
    here, _, remedy = _LARGE[max(sizes, key=lambda name: sizes[name])]
    parts = ", ".join(f"{size} of {_LARGE[name][1]}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
    context.error(
        path,
        f"The settings of lifecycle_manager have {total} characters: {parts}.",
        why=f"Lambda takes 4 KB of environment variables, {MAX_CHARACTERS} characters of them for these.",
        remedy=remedy,
        value=total,
        at=here,
    )
