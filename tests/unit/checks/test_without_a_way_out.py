"""Each thing that somebody else must provide has its line, and only where it is off here."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.checks.without_a_way_out import duties
from orchestrator.environment.model import Environment

WHOLE: dict[str, Any] = {
    "name": "zero",
    "cluster_name": "zero",
    "account_id": "111122223333",
    "aws_region": "us-east-1",
    "allow_upstream": False,
    "extra_vpc_endpoints": ["s3"],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"allow_upstream": True, "create_vpc_endpoints": False}, []),
        ({"create_vpc_endpoints": False}, ["endpoints", "layers"]),
        ({"extra_vpc_endpoints": []}, ["layers"]),
        ({"attach_ecr_policy": False}, ["node policy"]),
        ({"mirrors": {"mcr": {"source": "mcr.microsoft.com"}}}, ["mirrors"]),
        ({"pull_through_cache_rules": {"quay": {"upstream_registry_url": "quay.io"}}}, ["caches"]),
    ],
)
def test_what_is_off_is_said_in_one_line_with_who_provides_it(change: dict[str, Any], said: list[str]) -> None:
    lines = list(duties(Environment.model_validate({**WHOLE, **change})))
    assert [line.partition(":")[0] for line in lines] == said
    assert all("\n" not in line and line.endswith(".") for line in lines)
