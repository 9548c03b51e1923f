"""Checks of what the routes leave at its source against the network that the environment makes."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.routes.source import InvalidSource, parse_source
from orchestrator.routes.upstreams import ecr_registry


def check_reach(context: Context) -> None:
    """An exclude out of reach, a registry whose region the endpoints do not serve, settings without endpoints."""
    environment = context.environment
    if not context.usable("aws_region", "registry_region"):
        return
    if not environment.allow_upstream:
        for index, text in enumerate(environment.exclude):
            _check_exclude(context, ("exclude", index), text)
    if environment.create_vpc_endpoints and environment.registry.region != environment.aws_region:
        context.warn(
            ("registry_region",),
            f"registry_region is {shown(environment.registry.region)}, and the endpoints are in "
            f"{environment.aws_region}.",
            why="An endpoint serves ECR of its own region: pulls from the registry go by the internet"
            + ("." if environment.allow_upstream else ", which allow_upstream = false rules out."),
            remedy="Use a registry of the region, for instance a replica, or set create_vpc_endpoints = false.",
            value=environment.registry_region,
        )
    for variable in ("endpoint_registry_account_ids", "endpoint_s3_bucket_names"):
        values = getattr(environment, variable)
        needed = environment.create_vpc_endpoints and (
            variable == "endpoint_registry_account_ids" or "s3" in environment.extra_vpc_endpoints
        )
        if values and not needed:
            wanted = (
                "create_vpc_endpoints = true"
                if variable == "endpoint_registry_account_ids"
                else '"s3" in extra_vpc_endpoints'
            )
            context.warn(
                (variable,),
                f"{variable} is set, but there is no endpoint whose policy it would widen.",
                why=f"It needs {wanted}.",
                remedy="Remove it, or make the endpoint.",
                value=list(values),
            )


def _check_exclude(context: Context, path: Path, text: str) -> None:
    environment = context.environment
    try:
        registry = parse_source(text).registry
    except InvalidSource:
        return
    ecr = ecr_registry(registry)
    if ecr is not None and ecr.region == environment.aws_region:
        return
    context.warn(
        path,
        f"{dotted(path)} is {shown(text)}, but allow_upstream is false.",
        why=f"Its images stay at {registry}, which the cluster cannot reach.",
        remedy="Remove it, or add a mirror for it.",
        value=text,
    )
