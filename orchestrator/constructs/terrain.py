"""Constructs for CDK Terrain over the HCL modules: `PullThroughCache`, `LifecycleManager`, `ClusterImages`.

    environment = Project(Path(".")).load("dev")
    PullThroughCache(stack, "cache", environment=environment)
    images = ClusterImages(stack, "images", environment=environment)
    images.redirect("nginx:1.25")     # where the environment pulls it from
    images.redirect_everything(app)   # what the resources and modules of every stack below `app` name

The extra `terrain` brings cdktn, which runs Node.js. The provider `aws` is the application's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.checks.function_variables import cache_routes, own_below_caches
from orchestrator.constructs.cluster_images import ImageRedirects
from orchestrator.constructs.nearest_scope import claim, nearest
from orchestrator.constructs.ownership import check_owns_rules, owned_manager
from orchestrator.constructs.terrain_redirects import changed, redirect_stack
from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.functions.package import build_package, write_package
from orchestrator.mirroring.repository import cache_template
from orchestrator.project import packed_sources

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

try:
    import jsii
    from cdktn import Annotations, App, Aspects, IAspect, TerraformHclModule, TerraformStack
    from constructs import Construct, IConstruct, IValidation
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

    def redirect_everything(self, scope: IConstruct) -> None:
        """Redirect every image of resources and modules below `scope` when it is synthesised.

        A construct belongs to the nearest scope that was given, so that two environments can share an app. A stack that
        is made later below `scope` refuses the synthesis. Raises RefusedInput where another environment has `scope`.
        """
        root, path = scope.node.root, scope.node.path
        if not claim(root, path, self._redirects.name):
            return
        if App.is_app(root) and root.hcl_output:
            raise RefusedInput(
                "CDK Terrain writes HCL, and images are redirected in its JSON alone.",
                environment=self._redirects.name,
                remedy="Leave `hcl_output` of the App away.",
            )
        stacks = _stacks(scope) or [TerraformStack.of(scope)]
        aspect = _Redirecting(self._redirects, path)
        for stack in stacks:
            Aspects.of(stack).add(aspect)
        root.node.add_validation(_NoLateStack(scope, {stack.node.path for stack in stacks}))


@jsii.implements(IAspect)
class _Redirecting:
    def __init__(self, redirects: ImageRedirects, scope: str) -> None:
        self._redirects = redirects
        self._scope = scope
        # {path of the last construct of a stack: the stack}
        self._last: dict[str, TerraformStack] = {}
        self._said: set[str] = set()

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for each construct. Raises RefusedInput where overrides of the stack are in the way."""
        path = node.node.path
        if TerraformStack.is_stack(node):
            # Aspects of others may still change what comes after it.
            self._last[node.node.find_all()[-1].node.path] = node
            self._redirect(node)
        elif path in self._last:
            self._redirect(self._last[path])

    def _redirect(self, stack: TerraformStack) -> None:
        root = stack.node.root
        before = stack.to_terraform()
        answer = redirect_stack(
            self._redirects, before, stack.node.path, lambda path: nearest(root, path) == self._scope
        )
        for path, value in answer.values.items():
            stack.add_override(".".join(map(str, path)), value)
        if answer.values and _without_notes(stack.to_terraform()) != _without_notes(changed(before, answer.values)):
            raise RefusedInput(
                f"The images of {stack.node.path} cannot be redirected beside what its add_override says.",
                environment=self._redirects.name,
                why="An override of the stack has a list, or a name with a dot, on the way to an image.",
                remedy="Give the override to the resource itself.",
            )
        for text in answer.unknown:
            if text not in self._said:
                self._said.add(text)
                Annotations.of(stack).add_warning(text)


@jsii.implements(IValidation)
class _NoLateStack:
    def __init__(self, scope: IConstruct, known: set[str]) -> None:
        self._scope = scope
        self._known = known

    def validate(self) -> list[str]:
        """Called by CDK at the end of a synthesis: what came after redirect_everything, in a sentence."""
        late = [stack.node.path for stack in _stacks(self._scope) if stack.node.path not in self._known]
        if not late:
            return []
        return [
            f"The images of {', '.join(late)} are not redirected: it was made after redirect_everything. "
            "Call redirect_everything after the last stack is made."
        ]


def _stacks(scope: IConstruct) -> list[TerraformStack]:
    """`scope`, where it is a stack, and the stacks below it."""
    return [one for one in scope.node.find_all() if TerraformStack.is_stack(one)]


def _without_notes(stack: Any) -> Any:
    """Without CDK's own remarks, which list the overrides."""
    return {key: value for key, value in stack.items() if key != "//"}


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
