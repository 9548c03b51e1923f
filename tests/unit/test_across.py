"""What several environments do to each other: registries, states, prefixes, repositories, endpoints, roles."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.across import check_across
from orchestrator.environment import Environment, build_environment
from orchestrator.errors import Location
from orchestrator.project import find_project
from orchestrator.tfvars import Path, parse_tfvars
from tests.unit.wrong_inputs import file_of

QUAY = 'quay = { upstream_registry_url = "quay.io" }'
K8S = 'k8s = { upstream_registry_url = "registry.k8s.io" }'
USES = "manage_registry = false\n"
ELSEWHERE = 'aws_region = "us-east-1"\n'
CENTRAL = f'{USES}account_id = "999988887777"\nregistry_account_id = "111122223333"\n'


def rules(*entries: str) -> str:
    return f"pull_through_cache_rules = {{\n{chr(10).join(entries)}\n}}\n"


def environments(texts: Mapping[str, str]) -> list[Environment]:
    def read(name: str, text: str) -> Environment:
        own_name = "" if "cluster_name" in text else f'cluster_name = "{name}"\n'
        return build_environment(name, [parse_tfvars(file_of(own_name + text), f"environments/{name}.tfvars")])

    return [read(name, text) for name, text in texts.items()]


GOOD = {
    "one owner, one user of the same rules": {"a": rules(QUAY, K8S), "b": USES + rules(QUAY)},
    "two regions, two owners": {"a": rules(QUAY), "b": ELSEWHERE + rules(QUAY)},
    "two accounts, two owners": {"a": rules(QUAY), "b": 'account_id = "999988887777"\n' + rules(QUAY)},
    "a central registry that admits the account": {
        "a": 'registry_consumer_account_ids = ["999988887777"]\n' + rules(QUAY),
        "b": CENTRAL + rules(QUAY),
    },
    "a central registry that is managed elsewhere": {"a": CENTRAL + rules(QUAY), "b": ELSEWHERE},
    "a user who narrows a rule and needs no credentials of the owner": {
        "a": rules('gh = { upstream_registry_url = "ghcr.io", secret_name = "ecr-pullthroughcache/a" }'),
        "b": USES
        + rules(
            'gh = { upstream_registry_url = "ghcr.io", secret_name = "ecr-pullthroughcache/b", source = "ghcr.io/team" }'
        ),
    },
    "one bucket, a key for each": {"a": 'state = { bucket = "bkt" }', "b": USES + 'state = { bucket = "bkt" }'},
    "one mirror for both": {
        "a": 'mirrors = { gcr = { source = "gcr.io" } }',
        "b": USES + 'mirrors = { gcr = { source = "gcr.io" } }',
    },
    "no routes, no owner": {"a": USES, "b": USES},
    "one VPC, endpoints once": {
        "a": 'create_vpc_endpoints = true\nvpc_id = "vpc-0123456789abcdef1"\nvpc_cidr = "10.0.0.0/16"\n'
        'private_subnet_ids = ["subnet-0123456789abcdef1"]',
        "b": USES + 'vpc_id = "vpc-0123456789abcdef1"',
    },
    "one node role of two clusters": {
        "a": 'attach_ecr_policy = true\nnode_role_names = ["node"]',
        "b": USES + 'attach_ecr_policy = true\nnode_role_names = ["node"]',
    },
    "one repository name in two regions": {
        "a": 'repositories = { "x/y" = {} }',
        "b": ELSEWHERE + 'repositories = { "x/y" = {} }',
    },
}

VPC = (
    'create_vpc_endpoints = true\nvpc_id = "vpc-0123456789abcdef1"\nvpc_cidr = "10.0.0.0/16"\n'
    'private_subnet_ids = ["subnet-0123456789abcdef1"]\n'
)
PUSH = (
    'create_ecr = true\npush_roles = { ROLE = {\nrepositories = ["NAME-registry"]\nsubjects = ["system:serviceaccount:ci:b"]\n'
    'oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A"\n} }\n'
)

BAD = {
    "two owners": (
        {"a": rules(QUAY), "b": rules(QUAY)},
        "b",
        ["manage_registry"],
        ['"b" and "a" both manage the registry of 111122223333 in eu-west-1', "manage_registry = false"],
    ),
    "nobody creates the rules": (
        {"a": USES + rules(QUAY), "b": USES},
        "a",
        ["pull_through_cache_rules"],
        ['Nobody creates the rules of "a"', "manage_registry = true"],
    ),
    "a rule that the owner does not have": (
        {"a": rules(QUAY), "b": USES + rules(QUAY, K8S)},
        "b",
        ["pull_through_cache_rules", "k8s"],
        ['"k8s", which "a" does not have', 'Add the rule to "a"'],
    ),
    "a rule that the owner has otherwise": (
        {"a": rules(QUAY), "b": USES + rules('quay = { upstream_registry_url = "registry.k8s.io" }')},
        "b",
        ["pull_through_cache_rules", "quay"],
        ['define the rule "quay" differently', "upstream_registry_url is registry.k8s.io and quay.io"],
    ),
    "a mirror below the owner's rule": (
        {"a": rules(QUAY), "b": USES + 'mirrors = { "quay/gcr" = { source = "gcr.io" } }'},
        "b",
        ["mirrors", "quay/gcr"],
        ['The mirror "quay/gcr" (gcr.io) of "b" and the rule "quay" (quay.io) of "a" share'],
    ),
    "one mirror prefix for two sources": (
        {"a": 'mirrors = { up = { source = "gcr.io" } }', "b": USES + 'mirrors = { up = { source = "nvcr.io" } }'},
        "b",
        ["mirrors", "up"],
        ['"up" (nvcr.io) of "b"', '"up" (gcr.io) of "a"'],
    ),
    "one state for two": (
        {"a": 'state = { bucket = "bkt", key = "k" }', "b": USES + 'state = { bucket = "bkt", key = "k" }'},
        "b",
        ["state"],
        ["s3://bkt/k", "Remove state.key"],
    ),
    "a key that is another environment's default": (
        {
            "a": 'state = { bucket = "bkt" }',
            "b": USES + 'state = { bucket = "bkt", key = "orchestrator/a/terraform.tfstate" }',
        },
        "b",
        ["state"],
        ["s3://bkt/orchestrator/a/terraform.tfstate"],
    ),
    "one repository twice": (
        {"a": 'repositories = { "x/y" = {} }', "b": USES + 'repositories = { "x/y" = {} }'},
        "b",
        ["repositories", "x/y"],
        ['both create the repository "x/y"', "account 111122223333, eu-west-1"],
    ),
    "one default repository twice": (
        {"a": 'cluster_name = "same"\ncreate_ecr = true', "b": USES + 'cluster_name = "same"\ncreate_ecr = true'},
        "b",
        ["ecr_repository_name"],
        ['"same-registry"'],
    ),
    "endpoints twice in a VPC": (
        {"a": VPC, "b": USES + VPC},
        "b",
        ["vpc_id"],
        ["vpc-0123456789abcdef1", "private DNS"],
    ),
    "a role twice in an account": (
        {
            "a": PUSH.replace("ROLE", "ci").replace("NAME", "a"),
            "b": ELSEWHERE + PUSH.replace("ROLE", "CI").replace("NAME", "b"),
        },
        "b",
        ["push_roles", "CI"],
        ['both create the role "CI"', "unique in an account"],
    ),
    "one node role of one cluster": (
        {
            "a": 'cluster_name = "same"\nattach_ecr_policy = true\nnode_role_names = ["node"]',
            "b": USES + 'cluster_name = "same"\nattach_ecr_policy = true\nnode_role_names = ["other", "node"]',
        },
        "b",
        ["node_role_names", 1],
        ['both give node the policy of the cluster "same"', "attach_ecr_policy = false"],
    ),
    "a central registry that does not admit the account": (
        {"a": rules(QUAY), "b": CENTRAL + rules(QUAY)},
        "b",
        ["registry_account_id"],
        ["does not admit account 999988887777", "registry_consumer_account_ids"],
    ),
}


@pytest.mark.parametrize("texts", GOOD.values(), ids=GOOD)
def test_environments_that_go_together_have_no_problem(texts: Mapping[str, str]) -> None:
    assert [str(problem) for problem in check_across(environments(texts))] == []


@pytest.mark.parametrize(("texts", "name", "path", "parts"), BAD.values(), ids=BAD)
def test_environments_that_disturb_each_other_get_one_problem(
    texts: Mapping[str, str], name: str, path: list[str], parts: list[str]
) -> None:
    asked: list[tuple[str, Path]] = []

    def where(environment: str, variable: Path) -> Location:
        asked.append((environment, variable))
        return Location(f"environments/{environment}.tfvars", 7)

    (problem,) = check_across(environments(texts), where)
    assert problem.where == Location(f"environments/{name}.tfvars", 7)
    assert asked == [(name, tuple(path))]
    for part in parts:
        assert part in str(problem)
    assert problem.why
    assert problem.remedy


@pytest.mark.parametrize(("texts", "name", "path", "parts"), BAD.values(), ids=BAD)
def test_the_order_of_environments_changes_nothing(
    texts: Mapping[str, str], name: str, path: list[str], parts: list[str]
) -> None:
    forward, backward = environments(texts), environments(dict(reversed(texts.items())))
    assert [str(problem) for problem in check_across(forward)] == [str(problem) for problem in check_across(backward)]


def test_three_owners_are_two_problems() -> None:
    assert len(check_across(environments({"a": "", "b": "", "c": ""}))) == 2


def test_the_environments_of_the_repository_go_together() -> None:
    project = find_project()
    assert [
        str(problem) for problem in check_across([project.load(name) for name in project.environment_names()])
    ] == []
