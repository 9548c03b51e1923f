"""What cached repositories are called at their upstream."""

from __future__ import annotations

import pytest

from orchestrator.lifecycle.ports import CacheRule
from orchestrator.lifecycle.upstream_names import cached_names

RULES = (
    CacheRule("hub", "registry-1.docker.io"),
    CacheRule("quay", "quay.io"),
    CacheRule("mine", "111122223333.dkr.ecr.eu-west-1.amazonaws.com", "base"),
    CacheRule("ROOT", "registry.k8s.io", "ROOT"),
)
# As the environment writes them; the last is narrower than its rule, as a module's user may write it.
ROUTES = (("hub", "docker.io"), ("mine", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/base"), ("quay", "quay.io/team"))


@pytest.mark.parametrize(
    ("repository", "upstream"),
    [
        ("hub/library/nginx", "docker.io/library/nginx"),
        ("quay/team/app", "quay.io/team/app"),
        ("mine/app", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/base/app"),
        ("pause", "registry.k8s.io/pause"),
        ("quayside/app", "registry.k8s.io/quayside/app"),
    ],
)
def test_ecr_puts_what_its_rule_says_before_a_name(repository: str, upstream: str) -> None:
    assert cached_names(RULES, ROUTES).upstreams.upstream_of(repository) == upstream


def test_below_no_rule_a_name_has_no_upstream() -> None:
    assert cached_names(RULES[:3], ROUTES).upstreams.upstream_of("team/app") == ""
