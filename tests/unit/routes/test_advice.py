"""What is said about an answer: what can go wrong with a pull, and what to do about an image without a route."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.routes.advice import is_local, remedy_for, warnings_about
from orchestrator.routes.aws_registries import BOTTLEROCKET, EKS, GUARDDUTY, aws_registry
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import parse_reference
from orchestrator.routes.table import Refused, RouteTable, Unchanged
from orchestrator.routes.upstreams import ecr_registry
from tests.references_table import OWN, S256
from tests.unit.routes.test_table import TABLES, Mirror, Rule, Settings

POLICIES = Path(__file__).parents[3] / "modules" / "vpc-endpoints" / "policies.tf"
OTHER = "444455556666"


def warnings_of(table: RouteTable, text: str) -> tuple[str, ...]:
    answer = table.redirect(text)
    if isinstance(answer, Refused):
        return ()
    return warnings_about(table, parse_reference(text), answer)


def remedy_of(table: RouteTable, text: str) -> str | None:
    assert table.redirect(text) == Unchanged("no route")
    return remedy_for(table, parse_reference(text))


WARNINGS = [
    ("a digest through a rule", "zero", f"quay.io/a/b@{S256}", "first pull by digest"),
    ("a digest that is left", "standard", f"quay.io/a/b@{S256}", "still comes from its source"),
    ("no tag", "standard", "quay.io/a/b", "No tag means latest"),
    ("latest", "standard", "quay.io/a/b:latest", "The tag latest is another image tomorrow"),
    ("a host in another case", "standard", "Quay.io/a:1", "is another registry than quay.io"),
    ("a default port", "standard", f"{OWN}:443/a:1", f"is another registry than {OWN}"),
    ("out of reach", "zero", "ghcr.io/a/b:1", "cannot reach ghcr.io"),
    ("excluded and out of reach", "zero", "quay.io/private/a:1", "cannot reach quay.io"),
    (
        "a mirror by tag",
        "zero",
        "gcr.io/distroless/static:1",
        "copies the image there first, and makes",
    ),
    ("a mirror by digest", "zero", f"gcr.io/distroless/a@{S256}", "copies the image there first"),
]


@pytest.mark.parametrize(
    ("environment_name", "text", "piece"), [row[1:] for row in WARNINGS], ids=[r[0] for r in WARNINGS]
)
def test_a_warning_is_given_for(environment_name: str, text: str, piece: str) -> None:
    assert any(piece in warning for warning in warnings_of(TABLES[environment_name], text))


@pytest.mark.parametrize("text", ["quay.io/a/b:1", f"{OWN}/a:1", "registry.example.org/a:1", "quay.io/Org/a"])
def test_nothing_is_said_where_nothing_is_wrong(text: str) -> None:
    assert warnings_of(TABLES["standard"], text) == ()


def test_a_rule_without_the_credentials_that_its_upstream_needs_is_warned_about() -> None:
    table = build_route_table(
        Settings({"ghcr": Rule("ghcr.io"), "far": Rule("210987654321.dkr.ecr.us-east-1.amazonaws.com")})
    )
    assert 'the rule "ghcr" has none' in warnings_of(table, "ghcr.io/a:1")[0]
    assert "custom_role_arn" in warnings_of(table, "210987654321.dkr.ecr.us-east-1.amazonaws.com/a:1")[0]


def test_a_digest_that_is_left_to_a_source_out_of_reach_is_warned_about() -> None:
    table = build_route_table(Settings({"quay": Rule("quay.io")}, allow_upstream=False, digest_references="leave"))
    assert "cannot reach quay.io" in warnings_of(table, f"quay.io/a/b@{S256}")[-1]


def test_a_repository_of_one_character_is_warned_about() -> None:
    table = build_route_table(Settings({"ROOT": Rule("quay.io")}))
    assert "two characters" in warnings_of(table, "quay.io/a:1")[0]
    assert warnings_of(table, "quay.io/ab:1") == ()


# Endpoints ----------------------------------------------------------------------------------------------------------

ENDPOINTS = Settings(
    {"quay": Rule("quay.io"), "shared": Rule(f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com", custom_role_arn="arn")},
    {"vendor": Mirror("777788889999.dkr.ecr.us-east-1.amazonaws.com")},
    exclude=("111100002222.dkr.ecr.us-east-1.amazonaws.com/legacy",),
    create_vpc_endpoints=True,
    endpoint_registry_account_ids=("709825985650",),
)


@pytest.mark.parametrize(
    "account",
    [
        "602401143452",  # EKS add-ons
        "328549459982",  # Bottlerocket
        "031903291036",  # GuardDuty
        "709825985650",  # named
        OTHER,  # a rule's upstream, by digest
        "111100002222",  # excluded
    ],
)
def test_what_the_endpoints_admit_is_pulled_without_a_word(account: str) -> None:
    table = build_route_table(ENDPOINTS)
    text = f"{account}.dkr.ecr.us-east-1.amazonaws.com/legacy/a:1@{S256}"
    assert not any("endpoint" in warning for warning in warnings_of(table, text))


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("039403964562.dkr.ecr.us-east-1.amazonaws.com/agent:1", 'add "039403964562" to endpoint_registry_account_ids'),
        ("602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/pause:1", "serve us-east-1 only"),
        ("602401143452.dkr-ecr.us-east-1.on.aws/eks/pause:1", "Write 602401143452.dkr.ecr.us-east-1.amazonaws.com."),
        ("123456789012.dkr-ecr.us-east-1.on.aws/app:1", "Write 123456789012.dkr.ecr.us-east-1.amazonaws.com."),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws/app:1", "reached by the internet"),
    ],
)
def test_what_the_endpoints_stop_or_do_not_serve_is_said(text: str, piece: str) -> None:
    table = build_route_table(ENDPOINTS)
    assert any(piece in warning for warning in warnings_of(table, text))
    elsewhere = build_route_table(replace(ENDPOINTS, create_vpc_endpoints=False))
    assert warnings_of(elsewhere, text) == ()


def test_on_hosted_control_planes_any_account_passes() -> None:
    table = build_route_table(replace(ENDPOINTS, platform="rosa-hcp"))
    assert warnings_of(table, "039403964562.dkr.ecr.us-east-1.amazonaws.com/agent:1") == ()


def test_a_registry_of_the_region_is_in_reach_without_a_way_out() -> None:
    table = build_route_table(replace(ENDPOINTS, allow_upstream=False))
    assert warnings_of(table, "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/pause:1") == ()
    assert "cannot reach" in warnings_of(table, "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/pause:1")[0]
    assert warnings_of(table, "localhost:5000/app:1") == ()


def test_terraform_and_python_know_the_same_accounts_of_aws() -> None:
    text = POLICIES.read_text("utf-8")
    for name, accounts in (
        ("eks_registries", EKS),
        ("bottlerocket_registries", BOTTLEROCKET),
        ("guardduty_registries", GUARDDUTY),
    ):
        (block,) = re.findall(rf"{name} = {{(.*?)}}", text, re.DOTALL)
        assert dict(re.findall(r'(\S+)\s+= "(\d+)"', block)) == accounts


# Remedies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("ghcr.io/a/b:1", 'pull_through_cache_rules with upstream_registry_url = "ghcr.io", and secret_name'),
        ("nginx:1", 'upstream_registry_url = "registry-1.docker.io"'),
        ("registry.example.org/a:1", 'mirrors with source = "registry.example.org"'),
        ("Quay.io/a:1", 'Write "quay.io".'),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", "pull_through_cache_rules"),
    ],
)
def test_a_route_is_named_where_one_helps(text: str, remedy: str) -> None:
    assert remedy in str(remedy_of(build_route_table(Settings({"quay": Rule("quay.io")})), text))


@pytest.mark.parametrize(
    ("environment_name", "text", "remedy"),
    [
        ("gov", "k8s.gcr.io/pause:3", 'mirrors with source = "registry.k8s.io"'),
        ("gov", "444455556666.dkr.ecr.us-east-1.amazonaws.com/app:1", 'mirrors with source = "444455556666.dkr'),
        ("gov", "444455556666.dkr.ecr.us-gov-east-1.amazonaws.com/app:1", "pull_through_cache_rules"),
        ("china", "public.ecr.aws/a/b:1", 'mirrors with source = "public.ecr.aws"'),
        ("china", "555566667777.dkr.ecr.cn-northwest-1.amazonaws.com.cn/app:1", "mirrors with source"),
    ],
)
def test_no_rule_is_advised_where_ecr_has_none(environment_name: str, text: str, remedy: str) -> None:
    assert remedy in str(remedy_of(TABLES[environment_name], text))


@pytest.mark.parametrize(
    "text",
    [
        "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/coredns:v1",
        "013241004608.dkr.ecr.us-gov-west-1.amazonaws.com/eks/coredns:v1",
        "328549459982.dkr.ecr.us-west-2.amazonaws.com/bottlerocket-admin:v1",
        "709825985650.dkr.ecr.us-east-1.amazonaws.com/vendor/app:1",
        "222233334444.dkr.ecr.us-east-1.amazonaws.com/vendor/app:1",
        "localhost/app:1",
        "localhost:5000/app:1",
        "127.0.0.1:5000/app:1",
        "[::1]:5000/app:1",
        "image-registry.openshift-image-registry.svc:5000/team/app:1",
        "registry.kube-system.svc.cluster.local/app:1",
        "host.docker.internal:5000/app:1",
        "0.0.0.0:5000/app:1",
    ],
)
def test_nothing_is_advised_that_makes_things_worse(text: str) -> None:
    table = build_route_table(Settings({"quay": Rule("quay.io")}))
    assert remedy_of(table, text) is None
    assert warnings_of(table, text) == ()


def test_a_registry_in_the_network_is_not_local() -> None:
    assert not any(
        is_local(host) for host in ("registry:5000", "10.0.0.5:5000", "harbor.local", "localhost.example.com")
    )


def test_accounts_of_aws_are_known_by_their_region() -> None:
    registries = {
        "877085696533.dkr.ecr.af-south-1.amazonaws.com": "Amazon EKS",
        "602401143452.dkr.ecr.af-south-1.amazonaws.com": "",
        "602401143452.dkr.ecr.eu-west-3.amazonaws.com": "Amazon EKS",
        "763104351884.dkr.ecr.us-east-1.amazonaws.com": "AWS Deep Learning Containers",
    }
    found = {host: aws_registry(registry) for host in registries if (registry := ecr_registry(host))}
    assert found == registries


@pytest.mark.parametrize("host", ["public.ecr.aws", "ecr-public.aws.com"])
def test_ecr_public_has_two_names(host: str) -> None:
    table = build_route_table(Settings({"public": Rule("public.ecr.aws")}))
    answer = table.redirect(f"{host}/docker/library/nginx:1")
    assert getattr(answer, "target", "") == "123456789012.dkr.ecr.us-east-1.amazonaws.com/public/docker/library/nginx:1"
