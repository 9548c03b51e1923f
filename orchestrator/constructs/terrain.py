"""Constructs for CDK Terrain over the HCL modules: `PullThroughCache`, `LifecycleManager`, `ClusterImages`.

    environment = Project(Path(".")).load("dev")
    PullThroughCache(stack, "cache", environment=environment)
    ClusterImages(stack, "images", environment=environment).redirect("nginx:1.25")

The extra `terrain` brings cdktn, which runs Node.js. The provider `aws` is the application's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.checks.function_variables import cache_routes, own_below_caches
from orchestrator.constructs.cluster_images import ImageRedirects
from orchestrator.constructs.owned import check_owns_rules, owned_manager
from orchestrator.files.extras import install_command
from orchestrator.functions.package import build_package, write_package
from orchestrator.mirroring.repository import cache_template
from orchestrator.project import packed_sources

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

try:
    from cdktn import App, TerraformHclModule
    from constructs import Construct
except ImportError as error:
    raise ImportError(f"CDK Terrain is not installed. Run `{install_command('terrain')}`.") from error


class PullThroughCache(TerraformHclModule):
    """modules/pull-through-cache with the rules of the environment that owns the registry.

    `modules` is where the modules are, in Terraform's words (`git::https://…//modules`); those of this installation
    unless said. Raises RefusedInput where the environment makes no rules.
    """

    def __init__(self, scope: Construct, id_: str, *, environment: Environment, modules: str | None = None) -> None:
        check_owns_rules(environment)
        variables = {"account_id": environment.account_id, "rules": _rules(environment)}
        super().__init__(scope, id_, source=_source(modules, "pull-through-cache"), variables=variables)


class LifecycleManager(TerraformHclModule):
    """modules/lifecycle-manager with the environment's settings; its zip is written beside what is synthesised.

    Raises RefusedInput where the environment has none.
    """

    def __init__(self, scope: Construct, id_: str, *, environment: Environment, modules: str | None = None) -> None:
        manager = owned_manager(environment)
        package, _ = write_package(
            build_package("lifecycle_manager"), Path(App.of(scope).outdir).absolute() / "functions"
        )
        usage = manager.usage
        variables: dict[str, Any] = {
            "account_id": environment.account_id,
            "environment": environment.name,
            "create_function": True,
            "create_bucket": environment.keeps_records,
            "bucket_name": environment.lifecycle_bucket,
            "package": str(package),
            "settings": _given(manager.model_dump(mode="json", exclude={"usage"})),
            "dry_run": environment.dry_run_mode,
            "prefixes": sorted(environment.pull_through_cache_rules),
            "routes": cache_routes(environment),
            "own_repositories": own_below_caches(environment),
            "inspector": environment.scans_enhanced,
            "tags": dict(environment.tags),
        }
        if usage is not None:
            said = _given(usage.model_dump(mode="json", exclude={"schedule", "image", "env"}))
            variables["usage_role"] = {
                "snapshot_name": environment.cluster_name,
                **said,
                "cluster": environment.cluster_name,
            }
        super().__init__(scope, id_, source=_source(modules, "lifecycle-manager"), variables=variables)


class ClusterImages(Construct):
    """Where the environment's images are pulled from, for the programs that name them."""

    def __init__(self, scope: Construct, id_: str, *, environment: Environment) -> None:
        super().__init__(scope, id_)
        self._redirects = ImageRedirects(environment)

    def redirect(self, image: str) -> str:
        """Where `image` is pulled from; what has no route keeps its name. Raises RefusedInput for what is no image."""
        return self._redirects.redirect(image)


def _source(modules: str | None, name: str) -> str:
    """The doubled slash keeps the modules beside it within reach."""
    return f"{modules}/{name}" if modules is not None else f"{packed_sources('modules')}//{name}"


def _rules(environment: Environment) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for prefix, rule in sorted(environment.pull_through_cache_rules.items()):
        template = cache_template(environment, prefix)
        said = _given(rule.model_dump(mode="json", exclude={"source", "template"}))
        rules[prefix] = {
            **said,
            **({"template": _given(template.model_dump(mode="json"))} if template is not None else {}),
        }
    return rules


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not set: the module has a default for it."""
    return {
        name: _given(value) if isinstance(value, dict) else value for name, value in values.items() if value is not None
    }
