"""What is allowed in an environment, but hardly meant, is warned about."""

from __future__ import annotations

import pytest

from tests.unit.environment.environment_of_text import warnings

RULE = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('ecr_repository_name = "x/y"', ["create_ecr is false"]),
        ('aws_region = "eu-west-9"', ['"eu-west-9"', "not known here", "Did you mean"]),
        ("attach_ecr_policy = true", ["node_role_names", "No node gets"]),
        ('mirrors = { quay = { source = "quay.io" } }', ["ECR can pull through"]),
        (RULE + 'include = ["quay.io", "ghcr.io"]', ["include[1]", '"ghcr.io"', "No rule and no mirror"]),
        (RULE + 'exclude = ["111122223333.dkr.ecr.eu-west-1.amazonaws.com"]', ["exclude[0]", "never redirected"]),
        (RULE + 'exclude = ["quay.io"]', ['rule "quay" is never used', "exclude[0]"]),
        ('allow_upstream = false\ndigest_references = "leave"', ["digest_references", "cannot reach"]),
        ("generate_idms = true", ["generate_idms", "Only OpenShift"]),
        ('platform = "rosa-hcp"\ngenerate_idms = true', ["deny an ImageDigestMirrorSet"]),
        ('platform = "rosa-classic"\ngenerate_idms = true\n' + RULE, ["quay.io cannot stand", "ROSA Classic"]),
        ('root_template = { image_tag_mutability = "IMMUTABLE" }', ["IMMUTABLE", "goes stale"]),
        ('kms_key_arn = "arn:aws:kms:eu-west-1:999988887777:key/x"', ["a key of account 999988887777"]),
        ('pull_account_ids = ["111122223333"]', ["own account 111122223333"]),
        ("manage_registry = false\nroot_template = {}", ["root_template is set", "Only the owner"]),
        ('exclude = ["ghcr.io/private"]', ["ghcr.io/private", "No rule and no mirror"]),
        (
            RULE + 'allow_upstream = false\nexclude = ["quay.io/private"]',
            ["quay.io/private", "allow_upstream is false"],
        ),
        ('mirrors = { mcr = { source = "mcr.microsoft.com" } }', ["mcr/", "ECR cannot pull them through"]),
        ('endpoint_registry_account_ids = ["709825985650"]\ncreate_vpc_endpoints = false', ["create_vpc_endpoints"]),
        ('endpoint_s3_bucket_names = ["logs-bucket"]\ncreate_vpc_endpoints = false', ['"s3"']),
        ('vpc_cidr = "0.0.0.0/0"', ["0.0.0.0/0", "every address"]),
        ('extra_vpc_endpoints = ["sts"]', ["create_vpc_endpoints is false"]),
        ('exclude_namespaces = ["*"]', ["Every namespace"]),
        (
            'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" }, '
            'k8s = { upstream_registry_url = "registry.k8s.io" } }\ninclude = ["quay.io"]',
            ['rule "k8s" is never used', "include names nothing"],
        ),
        (
            'create_vpc_endpoints = true\nvpc_id = "vpc-12345678"\nvpc_cidr = "10.0.0.0/16"\n'
            'private_subnet_ids = ["subnet-12345678"]\nprivate_route_table_ids = ["rtb-12345678"]',
            ["private_route_table_ids is set", '"s3"'],
        ),
        (
            RULE + 'include = ["quay.io/a/b"]\nexclude = ["quay.io/a"]',
            ["include[0]", "exclude[0] leaves all of it alone"],
        ),
        ('failure_policy = "Fail"\nexclude_namespaces = ["openshift-*"]', ['failure_policy is "Fail"', "kube-system"]),
        (RULE + 'repositories = { "quay/app" = {} }', ["quay/app", "below the prefix"]),
    ],
)
def test_what_is_hardly_meant_is_warned_about(text: str, parts: list[str]) -> None:
    (warning,) = warnings(text)
    for part in parts:
        assert part in warning


def test_failing_closed_is_not_questioned_where_the_cluster_can_still_start() -> None:
    assert warnings('failure_policy = "Fail"') == []
    (warning,) = warnings('exclude_pods = ["app=web", "cnpg.io/cluster"]')
    assert "olm.catalogSource" in warning
    assert "lacks cnpg.io" not in warning
    assert "Aerospike" in warning
    assert warnings('failure_policy = "Fail"\nexclude_namespaces = ["kube-*"]') == []


def test_a_mirror_whose_images_are_named_keeps_its_promise() -> None:
    images = 'mirror_images = { "mcr.microsoft.com/dotnet/aspnet" = { tags = ["8.0"] } }'
    assert warnings('mirrors = { mcr = { source = "mcr.microsoft.com" } }\n' + images) == []


def test_mirroring_is_not_questioned_where_no_rule_can_exist() -> None:
    (warning,) = warnings('aws_region = "us-gov-west-1"\nmirrors = { quay = { source = "quay.io" } }')
    assert "ECR can pull through" not in warning


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('clusters = ["dev"]', "nothing lets that cluster write its snapshot"),
        ('clusters = ["devv"]', 'does not name this environment\'s own cluster, "dev"'),
        ('retention = { overrides = [{ pattern = "docker-hub/*", never = true }] }', "holds no cached repository"),
        ('native_policy = "count"\n  retention = { keep_at_most = 3 }', "does not know what runs"),
        (
            'native_policy = "count"\n  retention = { overrides = [{ pattern = "quay/*", keep_at_most = 3 }] }',
            "does not know what runs",
        ),
        ('native_policy = "count"', "there is nothing to count"),
        (
            'native_policy = "untagged"\n  retention = { keep_at_most = 3, expire_action = "archive" }',
            "no repository gets such a policy",
        ),
        (
            'native_policy = "count"\n  retention = { keep_at_most = 3, protect = { tags = ["v*"] } }',
            "there is nothing to count",
        ),
        (
            'clusters = ["dev"]\n  usage = { pod_identity = true }\n  snapshot_max_age_hours = 1',
            "snapshot_max_age_hours is 1, and the next snapshot may come after 1 hour",
        ),
        (
            'clusters = ["dev"]\n  usage = {\n pod_identity = true\n schedule = "30 */5 * * *"\n}\n'
            "  snapshot_max_age_hours = 9",
            "Write 10 or more",
        ),
    ],
)
def test_a_lifecycle_manager_that_does_not_do_what_was_meant_is_warned_of(settings: str, says: str) -> None:
    rules = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
    (warning,) = [
        warning
        for warning in warnings(f"{rules}lifecycle_manager = {{\n  enabled = true\n  {settings}\n}}")
        if "pull time alone" not in warning
    ]
    assert says in warning


def test_a_lifecycle_manager_without_clusters_is_warned_of() -> None:
    rules = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
    (warning,) = warnings(f"{rules}lifecycle_manager = {{ enabled = true }}")
    assert "judged by pull time alone" in warning
    assert warnings(f"{rules}lifecycle_manager = {{ enabled = false }}") == []


@pytest.mark.parametrize(
    "settings",
    [
        'clusters = ["dev"]\n  usage = { pod_identity = true }',
        'clusters = ["dev"]\n  snapshot_writers = { dev = "arn:aws:iam::111122223333:role/mine" }',
        'clusters = ["dev"]\n  usage = { pod_identity = true }\n  snapshot_max_age_hours = 2',
        'clusters = ["dev"]\n  usage = { pod_identity = true, schedule = "0 3 * * *" }',
        'clusters = ["dev"]\n  usage = { pod_identity = true }\n  native_policy = "untagged"\n'
        '  retention = { expire_action = "archive", overrides = [{ pattern = "quay/a", expire_action = "delete" }] }',
        'clusters = ["dev"]\n  usage = { pod_identity = true }\n'
        'retention = { overrides = [{ pattern = "quay", never = true }, { pattern = "quay/a*", never = true }, '
        '{ pattern = "*", never = true }, { pattern = "qu*", never = true }] }',
    ],
)
def test_what_was_meant_is_not_warned_of(settings: str) -> None:
    rules = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
    assert warnings(f"{rules}lifecycle_manager = {{\n  enabled = true\n  {settings}\n}}") == []
