"""Needs of a cluster without a way out, a line for each: endpoints, the right to pull, filled mirrors. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.environment.model import Environment


def duties(environment: Environment) -> Iterator[str]:
    """Sentences about what is off here and who must provide it; none where pulls may fall back to their source."""
    if environment.allow_upstream:
        return
    name = environment.name
    if not environment.create_vpc_endpoints:
        yield (
            "endpoints: create_vpc_endpoints is false, so whoever owns the VPC provides the interface endpoints "
            "ecr.api and ecr.dkr."
        )
    if not environment.create_vpc_endpoints or "s3" not in environment.extra_vpc_endpoints:
        yield (
            "layers: no gateway endpoint of S3 is made here, so whoever owns the VPC provides it; "
            'extra_vpc_endpoints = ["s3"] makes one.'
        )
    if not environment.attach_ecr_policy:
        yield "node policy: attach_ecr_policy is false, so whoever owns the nodes' roles lets them pull."
    if environment.mirrors:
        yield f"mirrors: nothing is in them until `orchestrator mirror {name}` ran where both sides are reached."
    if environment.pull_through_cache_rules:
        yield (
            f"caches: the first pull of each tag is made by `orchestrator warm {name}`, from where the internet is reached."
        )
