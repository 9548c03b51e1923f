"""Which rules a partition of AWS has: GovCloud those between its own registries, China and isolated ones none."""

from __future__ import annotations

import pytest

from orchestrator.checks.check import check_environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.partitions import has_rules, pulls_through

HEAD = 'cluster_name = "x"\naccount_id = "111122223333"\ncreate_vpc_endpoints = false\n'
SAME = "111122223333"


def said(region: str, upstream: str) -> tuple[list[str], list[str]]:
    """(errors, warnings) of an environment with one rule."""
    text = f'{HEAD}aws_region = "{region}"\npull_through_cache_rules = {{ up = {{ upstream_registry_url = "{upstream}" }} }}\n'
    checked = check_environment("x", [parse_tfvars(text, "x.tfvars")])
    return [str(one) for one in checked.problems], [str(one) for one in checked.warnings]


@pytest.mark.parametrize(
    ("region", "upstream"),
    [
        ("us-gov-west-1", f"{SAME}.dkr.ecr.us-gov-east-1.amazonaws.com"),
        ("us-gov-east-1", f"{SAME}.dkr.ecr.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_rule_within_govcloud_is_allowed_with_a_warning(region: str, upstream: str) -> None:
    errors, warnings = said(region, upstream)
    assert errors == []
    assert any("never tried" in warning and "mirror instead" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("region", "upstream", "piece"),
    [
        ("us-gov-west-1", f"{SAME}.dkr.ecr.us-east-1.amazonaws.com", "in the partition aws"),
        ("us-gov-west-1", "public.ecr.aws", "has no rules for public.ecr.aws"),
        ("us-gov-east-1", "registry-1.docker.io", 'source = "docker.io"'),
        ("cn-north-1", f"{SAME}.dkr.ecr.cn-northwest-1.amazonaws.com.cn", "no pull-through cache in China"),
        ("us-isob-east-1", f"{SAME}.dkr.ecr.us-isob-west-1.sc2s.sgov.gov", "an isolated partition"),
    ],
)
def test_other_rules_outside_of_aws_itself_are_refused(region: str, upstream: str, piece: str) -> None:
    errors, _ = said(region, upstream)
    assert any(piece in error for error in errors), errors


def test_nothing_is_said_of_a_rule_between_registries_elsewhere() -> None:
    errors, warnings = said("eu-west-1", f"{SAME}.dkr.ecr.us-east-1.amazonaws.com")
    assert (errors, [one for one in warnings if "pulls from one ECR registry" in one]) == ([], [])


@pytest.mark.parametrize(
    ("region", "rules", "public", "own"),
    [
        ("eu-west-1", True, True, True),
        ("eusc-de-east-1", True, True, True),
        ("us-gov-west-1", True, False, True),
        ("cn-north-1", False, False, False),
        ("us-isof-south-1", False, False, False),
    ],
)
def test_each_partition_says_which_upstreams_it_has(region: str, rules: bool, public: bool, own: bool) -> None:
    assert (has_rules(region), pulls_through(region, "quay"), pulls_through(region, "ecr")) == (rules, public, own)
