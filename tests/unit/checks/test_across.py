"""What several environments do to each other: registries, states, prefixes, repositories, endpoints, roles."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.checks.across import check_across, warn_across
from orchestrator.environment.tfvars import Path
from orchestrator.errors import Location
from orchestrator.project import find_project
from tests.unit.checks.several_environments import (
    CENTRAL,
    CLASSIC,
    ELSEWHERE,
    HCP,
    K8S,
    QUAY,
    USES,
    environments,
    lifecycle,
    owner,
    rules,
    usage,
)

GOOD = {
    "two ROSA clusters of which one attaches": {
        "a": CLASSIC,
        "b": USES + "attach_managed_policy = false\n" + CLASSIC,
    },
    "two EKS clusters on one role, which attach nothing": {
        "a": 'attach_ecr_policy = true\nnode_role_names = ["node"]\n',
        "b": USES + 'attach_ecr_policy = true\nnode_role_names = ["node"]\n',
    },
    "two ROSA clusters in two accounts": {"a": CLASSIC, "b": 'account_id = "999988887777"\n' + CLASSIC},
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
    "clusters of one registry that the owner declares": {
        "a": owner("a", "b", more=usage()),
        "b": USES + rules(QUAY) + lifecycle(usage()),
    },
    "clusters of one name with snapshots of their own": {
        "a": 'cluster_name = "prod"\n' + owner("prod", "prod-us", more=usage()),
        "b": 'cluster_name = "prod"\n'
        + CENTRAL.replace("999988887777", "111122223333")
        + 'registry_region = "eu-west-1"\n'
        + ELSEWHERE
        + rules(QUAY)
        + lifecycle(usage('snapshot_name = "prod-us"')),
    },
    "one cluster in two environments, of which one writes": {
        "a": 'cluster_name = "prod"\n' + owner("prod", more=usage()),
        "b": 'cluster_name = "prod"\n' + USES + rules(QUAY),
    },
    "a user of the registry that has no caches": {"a": owner("a", more=usage()), "b": USES},
    "clusters of one name and two registries": {
        "a": 'cluster_name = "prod"\n' + owner("prod", more=usage()),
        "b": 'cluster_name = "prod"\n' + ELSEWHERE + owner("prod", more=usage()),
    },
    "a schedule of which one run may fail": {
        "a": owner("a", "b", more="snapshot_max_age_hours = 48"),
        "b": USES + rules(QUAY) + lifecycle(usage('schedule = "17 2 * * *"')),
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
    "one attachment of two ROSA Classic clusters": (
        {"a": CLASSIC, "b": USES + CLASSIC},
        "b",
        ["worker_role_prefix"],
        ["both attach AmazonEC2ContainerRegistryReadOnly to acme-Worker-Role", "attach_managed_policy = false"],
    ),
    "one attachment of two clusters that share an instance profile": (
        {"a": HCP, "b": USES + HCP},
        "b",
        ["machine_pools", "workers"],
        ["both attach", "attach_managed_policy = false"],
    ),
    "one attachment that an EKS cluster asks for, too": (
        {
            "a": CLASSIC,
            "b": USES
            + 'attach_ecr_policy = true\nattach_managed_policy = true\nnode_role_names = ["acme-Worker-Role"]\n',
        },
        "b",
        ["node_role_names", 0],
        ["both attach", "An attachment has one owner"],
    ),
    "one attachment, whose role is written in capitals": (
        {
            "a": CLASSIC,
            "b": USES
            + 'attach_ecr_policy = true\nattach_managed_policy = true\nnode_role_names = ["ACME-Worker-Role"]\n',
        },
        "b",
        ["node_role_names", 0],
        ["both attach", "An attachment has one owner"],
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
    "a usage role of one name in two regions": (
        {
            "a": lifecycle(usage('role_name = "usage"')),
            "b": ELSEWHERE + lifecycle(usage('role_name = "Usage"')),
        },
        "b",
        ["lifecycle_manager", "usage", "role_name"],
        ['both create the role "Usage"', "Set lifecycle_manager.usage.role_name"],
    ),
    "a push role and a usage role of one name": (
        {
            "a": PUSH.replace("ROLE", "b-ecr-usage-us-east-1").replace("NAME", "a"),
            "b": ELSEWHERE + lifecycle(usage()),
        },
        "b",
        ["lifecycle_manager", "usage"],
        ['both create the role "b-ecr-usage-us-east-1"'],
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
    found = environments(texts)
    assert [str(problem) for problem in (*check_across(found), *warn_across(found))] == []


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
    forward, backward = environments(texts), environments(dict(reversed(list(texts.items()))))
    assert [str(problem) for problem in check_across(forward)] == [str(problem) for problem in check_across(backward)]


def test_three_owners_are_two_problems() -> None:
    assert len(check_across(environments({"a": "", "b": "", "c": ""}))) == 2


def test_the_environments_of_the_repository_go_together() -> None:
    project = find_project()
    assert [
        str(problem) for problem in check_across([project.load(name) for name in project.environment_names()])
    ] == []
