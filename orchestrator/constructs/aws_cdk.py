"""Constructs for AWS CDK: `PullThroughCache`, `LifecycleManager`, `ClusterImages`.

    environment = Project(Path(".")).load("dev")
    PullThroughCache(stack, "Cache", environment=environment)
    images = ClusterImages(stack, "Images", environment=environment)
    images.redirect("nginx:1.25")     # where the environment pulls it from
    images.redirect_everything(app)   # every ECS task definition, Kubernetes manifest and chart's values below `app`

The extra `cdk` brings aws-cdk-lib, which runs Node.js.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.constructs.cache_resources import Resource, cache_resources
from orchestrator.constructs.cdk_redirects import (
    RedirectedProperty,
    redirect_chart_values,
    redirect_containers,
    redirect_images,
    redirect_manifests,
    redirect_patch,
)
from orchestrator.constructs.cluster_images import ImageRedirects
from orchestrator.constructs.manager_resources import manager_resources
from orchestrator.constructs.nearest_scope import claim, nearest
from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.functions.package import build_package, write_package

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.environment.model import Environment

try:
    import aws_cdk
    import jsii
    from aws_cdk import aws_batch, aws_ecs, aws_s3_assets
    from constructs import Construct, IConstruct
except ImportError as error:
    raise ImportError(f"AWS CDK is not installed. Run `{install_command('cdk')}`.") from error

_Redirect = Callable[[ImageRedirects, Any], RedirectedProperty]
# What begins a word of a property's name but the first one.
_SNAKE = re.compile(r"(?<!^)[A-Z]")
_CHART = "Custom::AWSCDK-EKS-HelmChart"
# {type of a resource: {property: what redirects the images in it}}
_OF_KIND: Mapping[str, Mapping[str, _Redirect]] = {
    "AWS::ECS::TaskDefinition": {"ContainerDefinitions": redirect_containers},
    "AWS::Batch::JobDefinition": dict.fromkeys(
        ("ContainerProperties", "EcsProperties", "EksProperties", "NodeProperties"), redirect_images
    ),
    "Custom::AWSCDK-EKS-KubernetesResource": {"Manifest": redirect_manifests},
    "Custom::AWSCDK-EKS-KubernetesPatch": {"ApplyPatchJson": redirect_patch, "RestorePatchJson": redirect_patch},
    _CHART: {"Values": redirect_chart_values},
}


class PullThroughCache(Construct):
    """The environment's pull-through cache rules and their templates.

    `credentials` are ARNs of secrets, by prefix, of rules that name theirs by `secret_name`. Raises RefusedInput as
    `cache_resources` does.
    """

    def __init__(
        self, scope: Construct, id_: str, *, environment: Environment, credentials: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(scope, id_)
        _make(self, cache_resources(environment, credentials))


class LifecycleManager(Construct):
    """The environment's lifecycle manager. Raises RefusedInput as `manager_resources` does."""

    def __init__(self, scope: Construct, id_: str, *, environment: Environment) -> None:
        super().__init__(scope, id_)
        with tempfile.TemporaryDirectory() as folder:
            path, _ = write_package(build_package("lifecycle_manager"), Path(folder))
            # It is copied to where the application is synthesised, by its content.
            package = aws_s3_assets.Asset(self, "Package", path=str(path))
        code = {"S3Bucket": package.s3_bucket_name, "S3Key": package.s3_object_key}
        _make(self, manager_resources(environment, code))


class ClusterImages(Construct):
    """Where the environment's images are pulled from, for the programs that name them."""

    def __init__(self, scope: Construct, id_: str, *, environment: Environment) -> None:
        super().__init__(scope, id_)
        self._redirects = ImageRedirects(environment)

    def redirect(self, image: str) -> str:
        """Where `image` is pulled from; what has no route keeps its name. Raises RefusedInput for what is no image."""
        return self._redirects.redirect(image)

    def redirect_everything(self, scope: IConstruct) -> None:
        """Redirect every image of ECS and Batch definitions, manifests and charts' values below `scope` when it is synthesised.

        A construct belongs to the nearest scope that was given, so that two environments can share an app. CDK lets no
        aspect into a Stage, so that each Stage below gets its own. One that is added later refuses the synthesis.
        Raises RefusedInput where another environment has `scope`.
        """
        if not claim(scope.node.root, scope.node.path, self._redirects.name):
            return
        stages = {scope.node.path, *(stage.node.path for stage in _stages(scope))}
        aspect = _Redirecting(self._redirects, scope.node.path, stages)
        for one in (scope, *_stages(scope)):
            aws_cdk.Aspects.of(one).add(aspect)


@jsii.implements(aws_cdk.IAspect)
class _Redirecting:
    def __init__(self, redirects: ImageRedirects, scope: str, stages: Collection[str]) -> None:
        self._redirects = redirects
        self._scope = scope
        # The paths of all that it was added to.
        self._stages = stages
        self._done: set[str] = set()

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for each construct. Raises RefusedInput for a Stage that came too late."""
        if node.node.path in self._stages:
            late = [stage.node.path for stage in _stages(node) if stage.node.path not in self._stages]
            if late:
                raise RefusedInput(
                    f"The images of {', '.join(late)} are not redirected.",
                    why="CDK lets no aspect into a Stage, and this one was made after redirect_everything.",
                    remedy="Call redirect_everything after the last Stage is made.",
                )
        if node.node.path in self._done or not aws_cdk.CfnResource.is_cfn_resource(node):
            return
        of_kind = _OF_KIND.get(node.cfn_resource_type)
        if of_kind is not None and nearest(node.node.root, node.node.path) == self._scope:
            self._done.add(node.node.path)
            for name, redirect in of_kind.items():
                self._redirect(node, name, redirect)
            if node.cfn_resource_type == _CHART:
                _warn(node, "Images are redirected that its values give. Those that the chart names by itself stay.")

    def _redirect(self, node: Any, name: str, redirect: _Redirect) -> None:
        attribute = _SNAKE.sub(r"_\g<0>", name).lower()
        typed = isinstance(node, aws_ecs.CfnTaskDefinition | aws_batch.CfnJobDefinition)
        given = getattr(node, attribute) if typed else _properties(node).get(name)
        answer = redirect(self._redirects, aws_cdk.Stack.of(node).resolve(given))
        for text in answer.unknown:
            _warn(node, text)
        if given is None:
            return
        if typed:
            # An override of the program's own wins, and what comes to it later is redirected, too.
            setattr(node, attribute, aws_cdk.Lazy.uncached_any(_Later(self._redirects, redirect, lambda: given)))
        elif answer.value != aws_cdk.Stack.of(node).resolve(given):
            later = _Later(self._redirects, redirect, lambda: _properties(node).get(name))
            node.add_property_override(name, aws_cdk.Lazy.uncached_any(later))


@jsii.implements(aws_cdk.IAnyProducer)
class _Later:
    """A property with its images redirected when the template is written: only then CDK knows what other stacks give."""

    def __init__(self, redirects: ImageRedirects, redirect: _Redirect, given: Callable[[], Any]) -> None:
        self._redirects = redirects
        self._redirect = redirect
        self._given = given

    def produce(self, context: aws_cdk.IResolveContext) -> Any:
        """Called by CDK, several times: what it answered before CDK knows other stacks' exports must not be kept."""
        resolved = context.resolve(self._given())
        return self._redirect(self._redirects, resolved).value


def _stages(scope: IConstruct) -> list[IConstruct]:
    """The Stages below `scope`."""
    below = scope.node.find_all()
    return [one for one in below if one.node.path != scope.node.path and aws_cdk.Stage.is_stage(one)]


def _properties(node: Any) -> dict[str, Any]:
    # CDK has no public way to the properties of a resource without a class of its own.
    properties: dict[str, Any] = aws_cdk.Stack.of(node).resolve(node._cfn_properties)
    return properties


def _warn(node: IConstruct, text: str) -> None:
    aws_cdk.Annotations.of(node).add_warning_v2("orchestrator:images", text)


def _make(scope: Construct, resources: Mapping[str, Resource]) -> None:
    """The resources as constructs; what names another by its id gets what CDK calls it."""
    made: dict[str, Any] = {}
    for name in _in_order(resources):
        resource = resources[name]
        made[name] = construct = aws_cdk.CfnResource(
            scope, name, type=resource["Type"], properties=_linked(resource["Properties"], made)
        )
        for other in resource.get("DependsOn", ()):
            construct.node.add_dependency(made[other])
        if "DeletionPolicy" in resource:
            construct.apply_removal_policy(aws_cdk.RemovalPolicy.RETAIN)


def _in_order(resources: Mapping[str, Resource]) -> list[str]:
    """The ids, each after those that it names."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for other in sorted(_named(resources[name])):
            visit(other)
        order.append(name)

    for name in resources:
        visit(name)
    return order


def _named(value: object) -> set[str]:
    if isinstance(value, dict):
        here = {value["Ref"]} if set(value) == {"Ref"} else set()
        here |= {value["Fn::GetAtt"][0]} if set(value) == {"Fn::GetAtt"} else set()
        here |= set(value.get("DependsOn", ()))
        return here.union(*map(_named, value.values()))
    return set[str]().union(*map(_named, value)) if isinstance(value, list) else set()


def _linked(value: Any, made: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return made[value["Ref"]].ref
        if set(value) == {"Fn::GetAtt"}:
            name, attribute = value["Fn::GetAtt"]
            return made[name].get_att(attribute)
        return {key: _linked(one, made) for key, one in value.items()}
    return [_linked(one, made) for one in value] if isinstance(value, list) else value
