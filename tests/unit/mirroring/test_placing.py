"""Where wishes go: the table decides; what is not copied is told why."""

from __future__ import annotations

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.mirroring.placing import NotCopied, Placed, place
from orchestrator.mirroring.tag_selection import select_tags
from orchestrator.mirroring.wishes import Wish, read_reference, wish
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import RouteTable

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


ENVIRONMENT = """
cluster_name             = "dev"
account_id               = "111122223333"
aws_region               = "eu-west-1"
create_vpc_endpoints     = false
attach_ecr_policy        = false
pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
exclude                  = ["docker.io/secret"]
mirrors = {
  redhat = { source = "registry.redhat.io" }
  hub    = { source = "docker.io" }
  k8s    = { source = "registry.k8s.io" }
}
"""


@pytest.fixture
def table() -> RouteTable:
    return build_route_table(build_environment("dev", [parse_tfvars(ENVIRONMENT, "dev.tfvars")]))


def targets(found: Placed | NotCopied, *tags: str) -> list[tuple[str, str]]:
    assert isinstance(found, Placed)
    return [(str(source), str(target)) for source, target in found.pairs(tags)]


@pytest.mark.parametrize(
    ("reference", "source", "target"),
    [
        ("nginx:1.25", "docker.io/library/nginx:1.25", f"{HOST}/hub/library/nginx:1.25"),
        ("nginx", "docker.io/library/nginx", f"{HOST}/hub/library/nginx:latest"),
        (f"nginx:1@{DIGEST}", f"docker.io/library/nginx:1@{DIGEST}", f"{HOST}/hub/library/nginx:1"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}", f"{HOST}/hub/library/nginx:digest-{'a' * 64}"),
        ("k8s.gcr.io/pause:3", "registry.k8s.io/pause:3", f"{HOST}/k8s/pause:3"),
        (f"{HOST}/redhat/ubi9/ubi:9", "registry.redhat.io/ubi9/ubi:9", f"{HOST}/redhat/ubi9/ubi:9"),
    ],
)
def test_a_wish_goes_where_the_table_redirects_it(table: RouteTable, reference: str, source: str, target: str) -> None:
    assert targets(place(table, wish(reference))) == [(source, target)]


@pytest.mark.parametrize(
    ("reference", "reason", "says"),
    [
        ("quay.io/a/b:1", "pull-through", "warm"),
        ("gcr.io/a/b:1", "no route", "mirrors"),
        ("docker.io/secret/x:1", "excluded", "exclude"),
        (f"{HOST}/own/app:1", "own", "Push"),
        (f"docker.io/{'a/' * 127}b:1", "name", "prefix"),
    ],
)
def test_what_is_not_copied_is_told_why(table: RouteTable, reference: str, reason: str, says: str) -> None:
    found = place(table, wish(reference))
    assert isinstance(found, NotCopied)
    assert found.reason == reason
    assert says in found.remedy


def test_warming_takes_what_mirroring_leaves(table: RouteTable) -> None:
    assert isinstance(place(table, wish("quay.io/a/b:1"), "pull-through"), Placed)
    left = place(table, wish("nginx:1"), "pull-through")
    assert isinstance(left, NotCopied)
    assert "orchestrator mirror" in left.remedy


def test_chosen_tags_make_one_copy_each_and_a_missing_name_stays_in(table: RouteTable) -> None:
    found = place(table, Wish(read_reference("nginx"), tags=select_tags(("gone",), ranges=("1.x",))))
    assert [target.rpartition(":")[2] for _, target in targets(found, "1.2", "1.3", "2.0")] == ["1.3", "1.2", "gone"]


def test_another_tools_target_is_taken_as_it_is(table: RouteTable) -> None:
    found = place(table, Wish(read_reference("nginx:1"), target="registry.example.com/x/nginx"))
    assert targets(found) == [("docker.io/library/nginx:1", "registry.example.com/x/nginx:1")]
