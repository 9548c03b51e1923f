"""The wrong inputs: a table of every mistake that a user can make in a tfvars file (see test_wrong_inputs)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

GOOD = {
    "cluster_name": '"dev"',
    "platform": '"eks"',
    "account_id": '"111122223333"',
    "aws_region": '"eu-west-1"',
    "create_vpc_endpoints": "false",
    "attach_ecr_policy": "false",
}
FILE = "environments/dev.tfvars"
QUAY = 'quay = { upstream_registry_url = "quay.io" }'
OIDC = 'oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"'
SUBJECTS = 'subjects = ["system:serviceaccount:ci:builder"]'
KEY = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"


@dataclass(frozen=True)
class Wrong:
    """`text` is wrong at the line that ends in `#!`; `says` are parts of the one message."""

    name: str
    text: str
    says: tuple[str, ...]


def rules(*lines: str) -> str:
    return "pull_through_cache_rules = {\n" + "\n".join(lines) + "\n}"


def rule(name: str, *attributes: str) -> str:
    return f"pull_through_cache_rules = {{\n  {name} = {{\n" + "\n".join(attributes) + "\n  }\n}"


def push(*attributes: str, name: str = "ci") -> str:
    return f"create_ecr = true\npush_roles = {{\n  {name} = {{\n" + "\n".join(attributes) + "\n  }\n}"


def policy(status: str, count_type: str) -> str:
    """A lifecycle policy of one rule as a tfvars file has it on one line."""
    selection = {"tagStatus": status, "countType": count_type, "countUnit": "days", "countNumber": 30}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    return json.dumps(json.dumps({"rules": [rule]}))


def wrong(name: str, text: str, *says: str) -> Wrong:
    return Wrong(name, text, says)


# {name of the file: why}: `text` is the good file.
NAMES = [
    wrong("local", "", "--local keeps the working directories"),
    wrong("Local", "", "--local keeps the working directories"),
    wrong("local-aws", "", "the embedded AWS keeps its record"),
    wrong("default", "", "Terraform's workspace of that name"),
    wrong("terraform", "", "Plain Terraform reads terraform.tfvars"),
    wrong("dev.auto", "", "*.auto.tfvars"),
    wrong("my env", "", "letters, digits"),
    wrong("-dev", "", "letters, digits"),
    wrong("x" * 91, "", "letters, digits"),
]

UNKNOWN_AND_MISSING = [
    wrong("a misspelt variable", 'cluster_nmae = "x" #!', "no variable cluster_nmae", 'Did you mean "cluster_name"?'),
    wrong("a variable in other case", "Tags = {} #!", "no variable Tags", 'Did you mean "tags"?'),
    wrong("a variable of something else", "instance_count = 3 #!", "no variable instance_count", "variables.tf"),
    wrong("the orchestrator's own field", 'name = "dev" #!', "no variable name"),
    wrong(
        "a misspelt attribute",
        rule("quay", '    upstream_registry_url = "quay.io"', '    secret_nmae = "x" #!'),
        "pull_through_cache_rules.quay has no attribute secret_nmae",
        "ignore",
        '"secret_name"',
    ),
    wrong(
        "a misspelt attribute deeper down",
        rule("quay", '    upstream_registry_url = "quay.io"', "    template = {", '      descripton = "x" #!', "    }"),
        "pull_through_cache_rules.quay.template has no attribute descripton",
        '"description"',
    ),
    wrong(
        "an unknown attribute of a mirror",
        'mirrors = {\n  gcr = {\n source = "gcr.io"\n tag = "x" #!\n }\n}',
        "mirrors.gcr has no attribute tag",
        "It has source",
    ),
    wrong(
        "a rule without upstream",
        "pull_through_cache_rules = {\n  quay = {} #!\n}",
        "pull_through_cache_rules.quay has no upstream_registry_url",
        'Add upstream_registry_url = "…"',
    ),
    wrong(
        "a misspelt required attribute's neighbour",
        "machine_pools = {\n  a = {} #!\n}",
        "machine_pools.a has no instance_profile",
    ),
    wrong("state without bucket", "state = {} #!", "state has no bucket"),
]

TYPES = [
    wrong("a list for a string", 'cluster_name = ["dev"] #!', 'cluster_name is ["dev"]', "A string is wanted"),
    wrong("yes for true", 'create_ecr = "yes" #!', 'create_ecr is "yes"', "Write true or false"),
    wrong("True for true", 'create_ecr = "True" #!', 'create_ecr is "True"', "Write true or false"),
    wrong("a number for a bool", "create_ecr = 1 #!", "create_ecr is 1", "true or false"),
    wrong(
        "a word for a number",
        'lifecycle_keep_count = "many" #!',
        'lifecycle_keep_count is "many"',
        "A number is wanted",
    ),
    wrong(
        "a blank before a number",
        'lifecycle_keep_count = " 5" #!',
        'lifecycle_keep_count is " 5"',
        "A number is wanted",
    ),
    wrong("a broken number", "lifecycle_keep_count = 2.5 #!", "lifecycle_keep_count is 2.5", "Write 2 or 3"),
    wrong(
        "a bool for a number", "lifecycle_keep_count = true #!", "lifecycle_keep_count is true", "A number is wanted"
    ),
    wrong("a string for a list", 'exclude = "quay.io" #!', 'exclude is "quay.io"', 'Write ["quay.io"]'),
    wrong("a map for a list", "exclude = {} #!", "exclude is {}", "A list is wanted"),
    wrong("a list for a map", 'pull_through_cache_rules = ["quay.io"] #!', 'is ["quay.io"]', "A map is wanted"),
    wrong(
        "a string for an object",
        'pull_through_cache_rules = {\n  quay = "quay.io" #!\n}',
        'pull_through_cache_rules.quay is "quay.io"',
        "An object is wanted",
        "upstream_registry_url",
    ),
    wrong("a list in a list", 'exclude = [\n  ["quay.io"] #!\n]', 'exclude[0] is ["quay.io"]', "A string is wanted"),
    wrong("null for what has a default", "create_ecr = null #!", "create_ecr is null", "Leave it out"),
    wrong("null for what is required", "cluster_name = null #!", "cluster_name is null"),
    wrong("a null rule", "pull_through_cache_rules = {\n  quay = null #!\n}", "pull_through_cache_rules.quay is null"),
    wrong("a null tag", "tags = {\n  a = null #!\n}", "tags.a is null"),
    wrong("an empty string for nothing", 'vpc_id = "" #!', 'vpc_id is ""', "Remove the line"),
    wrong(
        "a version that loses its zero", "kubernetes_version = 1.30 #!", "1.30 without quotes", '"1.3"', 'Write "1.30"'
    ),
    wrong(
        "an account that loses its zero",
        "account_id = 012345678901 #!",
        "012345678901 without quotes",
        'Write "012345678901"',
    ),
    wrong(
        "a number that no line holds",
        f"account_id = {'0' * 89}1 #!",
        "without quotes",
        "Put its digits in quotes.",
    ),
]

IDENTITY = [
    wrong("a short account", 'account_id = "12345" #!', 'account_id is "12345"', "12 digits"),
    wrong("an account with dashes", 'account_id = "1111-2222-3333" #!', '"1111-2222-3333"', 'Write "111122223333"'),
    wrong("an ARN for an account", 'account_id = "arn:aws:iam::111122223333:root" #!', 'Write "111122223333"'),
    wrong("other digits", 'account_id = "١١١١٢٢٢٢٣٣٣٣" #!', "12 digits"),
    wrong(
        "a zone for a region",
        'aws_region = "eu-west-1a" #!',
        'aws_region is "eu-west-1a"',
        "availability zone",
        'Write "eu-west-1"',
    ),
    wrong("a misspelt region", 'aws_region = "eu-wst-1" #!', 'aws_region is "eu-wst-1"', 'Write "eu-west-1"'),
    wrong("a region in other case", 'aws_region = "EU-WEST-1" #!', 'aws_region is "EU-WEST-1"', 'Write "eu-west-1"'),
    wrong("a region's other name", 'aws_region = "Ireland" #!', 'aws_region is "Ireland"', "partition"),
    wrong("an unknown platform", 'platform = "openshift" #!', 'platform is "openshift"', "eks, rosa-classic, rosa-hcp"),
    wrong("a platform in other case", 'platform = "EKS" #!', 'platform is "EKS"', 'Write "eks"'),
    wrong("the platform's short name", 'platform = "hcp" #!', 'platform is "hcp"', "rosa-hcp"),
    wrong("a version with patch", 'kubernetes_version = "1.33.2" #!', '"1.33.2"', 'Write "1.33"'),
    wrong("a version with v", 'kubernetes_version = "v1.33" #!', '"v1.33"', 'Write "1.33"'),
    wrong(
        "OpenShift's version",
        'kubernetes_version = "4.16" #!',
        '"4.16"',
        "OpenShift 4.16 is Kubernetes 1.29",
        'write "1.29"',
    ),
    wrong("latest", 'kubernetes_version = "latest" #!', '"latest"', "minor version"),
    wrong(
        "a cluster's ARN",
        'cluster_name = "arn:aws:eks:eu-west-1:111122223333:cluster/dev" #!',
        "cluster_name is",
        "not its ARN",
    ),
    wrong(
        "a ROSA cluster in capitals",
        'platform = "rosa-hcp"\ncluster_name = "Dev" #!',
        'cluster_name is "Dev"',
        "lower case",
    ),
    wrong("another environment's name", 'environment = "prod" #!', 'environment is "prod"', '"dev"', "prod.tfvars"),
    wrong("a blank profile", 'aws_profile = " " #!', "aws_profile is empty", "Remove it"),
    wrong(
        "a role's name for its ARN",
        'assume_role_arn = "deployer" #!',
        'assume_role_arn is "deployer"',
        "ARN of an IAM role",
    ),
    wrong(
        "a role of another account",
        'assume_role_arn = "arn:aws:iam::999988887777:role/deployer" #!',
        "role of account 999988887777",
        "111122223333",
    ),
    wrong(
        "a role of another partition",
        'assume_role_arn = "arn:aws-us-gov:iam::111122223333:role/deployer" #!',
        "partition aws-us-gov",
        "eu-west-1",
    ),
    wrong("others", 'others = { attached_roles = ["node"] } #!', "others is set in a file", "orchestrator plan"),
    wrong("protected_only", "protected_only = true #!", "protected_only is set in a file", "orchestrator destroy"),
    wrong("a reserved tag", 'tags = {\n  "aws:x" = "y" #!\n}', '"aws:x"', "for itself"),
    wrong("tags that IAM takes for one", 'tags = {\n  Env = "a"\n  env = "b" #!\n}', '"Env" and "env"', "IAM"),
    wrong(
        "a tag with a refused character",
        'tags = {\n  owner = "a;b" #!\n}',
        'The tag "owner" is "a;b"',
        "letters, digits",
    ),
    wrong("a long tag key", f'tags = {{\n  "{"k" * 129}" = "y" #!\n}}', "129 characters", "1 to 128"),
    wrong("a long tag", f'tags = {{\n  k = "{"v" * 257}" #!\n}}', 'The tag "k" has 257 characters', "at most 256"),
    wrong(
        "too many tags",
        "tags = { #!\n" + "\n".join(f'k{n} = "v"' for n in range(50)) + "\n}",
        "tags has 50 entries",
        "49",
        "Remove 1",
    ),
    wrong(
        "a bucket in capitals", 'state = {\n  bucket = "My_Bucket" #!\n}', 'state.bucket is "My_Bucket"', "lower case"
    ),
    wrong("a bucket's URL", 'state = {\n  bucket = "s3://my-bucket/x" #!\n}', 'Write "my-bucket"'),
    wrong(
        "a bucket like an address", 'state = {\n  bucket = "10.0.0.1" #!\n}', 'state.bucket is "10.0.0.1"', "IP address"
    ),
    wrong(
        "a state key that begins with a slash",
        'state = {\n  bucket = "bkt"\n  key = "/a/b" #!\n}',
        'state.key is "/a/b"',
        'Write "a/b"',
    ),
    wrong("a state in no region", 'state = {\n  bucket = "bkt"\n  region = "west" #!\n}', 'state.region is "west"'),
    wrong(
        "a state key of another region",
        f'state = {{\n  bucket = "bkt"\n  region = "us-east-1"\n  kms_key_arn = "{KEY}" #!\n}}',
        "in the region",
        "us-east-1",
    ),
]

REPOSITORIES = [
    wrong(
        "a repository in capitals",
        'create_ecr = true\necr_repository_name = "Team/App" #!',
        '"Team/App"',
        'Write "team/app"',
    ),
    wrong("a repository with a tag", 'repositories = {\n  "team/app:v1" = {} #!\n}', '"team/app:v1"', "lower case"),
    wrong("a repository with a final slash", 'repositories = {\n  "team/" = {} #!\n}', '"team/"', 'Write "team"'),
    wrong("a short repository", "repositories = {\n  a = {} #!\n}", '"a"', "2 to 256"),
    wrong("a long repository", f'repositories = {{\n  "{"a" * 257}" = {{}} #!\n}}', "257 characters", "2 to 256"),
    wrong("mutability in other case", 'image_tag_mutability = "immutable" #!', '"immutable"', 'Write "IMMUTABLE"'),
    wrong(
        "mutability of one repository",
        'repositories = {\n  "x/y" = {\n    image_tag_mutability = "NEVER" #!\n  }\n}',
        'repositories["x/y"].image_tag_mutability is "NEVER"',
        "MUTABLE, IMMUTABLE",
    ),
    wrong("zero days", "lifecycle_untagged_days = 0 #!", "lifecycle_untagged_days is 0", "Write 1 or more"),
    wrong(
        "a negative count",
        'repositories = {\n  "x/y" = {\n    lifecycle_keep_count = -1 #!\n  }\n}',
        'repositories["x/y"].lifecycle_keep_count is -1',
        "Write 1 or more",
    ),
    wrong(
        "a policy that expires by the last pull",
        f'repositories = {{\n  "x/y" = {{\n    lifecycle_policy = {policy("any", "sinceImagePulled")} #!\n  }}\n}}',
        'repositories["x/y"].lifecycle_policy is no lifecycle policy',
        "rules[0].action: countType sinceImagePulled allows the action transition only",
        "Lifecycle policy properties",
    ),
    wrong(
        "a policy that says when twice",
        "repositories = {\n  x1 = {\n    lifecycle_policy = "
        + policy("untagged", "sinceImagePushed").replace("countUnit", "countType")
        + " #!\n  }\n}",
        'object has the property "countType" more than once',
    ),
    wrong(
        "a policy that is no JSON",
        "lifecycle_policy = " + policy("any", "sinceImagePushed").replace("}]}", "},]}") + " #!",
        "lifecycle_policy is no lifecycle policy",
        "Could not map policyString into LifecyclePolicy.",
        "line 1, column",
    ),
    wrong("a policy by its name", 'lifecycle_policy = "keep-30" #!', "string is too short (length: 7"),
    wrong(
        "protection and force",
        "ecr_prevent_destroy = true\nforce_delete = true #!",
        "force_delete is true",
        "ecr_prevent_destroy",
    ),
    wrong(
        "protection and force in one repository",
        'ecr_prevent_destroy = true\nrepositories = {\n  "x/y" = {\n    force_delete = true #!\n  }\n}',
        'repositories["x/y"].force_delete',
    ),
    wrong("a key by its ID", 'kms_key_arn = "12345678-1234-1234-1234-123456789012" #!', "ARN of a KMS key", ":key/"),
    *(
        wrong(
            f"all keys by {text}",
            f'kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/{text}" #!',
            "kms_key_arn is",
            "Copy the ARN of one KMS key",
        )
        for text in ("*", "1234????", "$${aws:userid}", "", "a b")
    ),
    wrong("a key by an alias", 'kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/ecr" #!', "an alias", ":key/"),
    wrong(
        "a key of another region",
        f'kms_key_arn = "{KEY.replace("eu-west-1", "us-east-1")}" #!',
        '"us-east-1"',
        "eu-west-1",
    ),
    wrong("a key of another partition", f'kms_key_arn = "{KEY.replace("arn:aws:", "arn:aws-cn:")}" #!', "aws-cn"),
    wrong(
        "a puller that is no account",
        'pull_account_ids = [\n  "999988887777",\n  "prod", #!\n]',
        'pull_account_ids[1] is "prod"',
        "12 digits",
    ),
    wrong("a puller twice", 'pull_account_ids = ["999988887777",\n "999988887777"] #!', "names 999988887777 twice"),
]

NETWORK = [
    wrong(
        "endpoints without anything",
        "create_vpc_endpoints = true #!",
        "vpc_id, private_subnet_ids and vpc_cidr are missing",
        'vpc_id = "vpc-…"',
        "create_vpc_endpoints = false",
    ),
    wrong(
        "endpoints without subnets",
        'create_vpc_endpoints = true #!\nvpc_id = "vpc-0123456789abcdef1"\nvpc_cidr = "10.0.0.0/16"',
        "private_subnet_ids is missing",
    ),
    wrong(
        "endpoints without security",
        'create_vpc_endpoints = true #!\nvpc_id = "vpc-0123456789abcdef1"\nprivate_subnet_ids = ["subnet-0123456789abcdef1"]',
        "vpc_cidr is missing",
        "endpoint_security_group_ids",
    ),
    wrong("a subnet for a VPC", 'vpc_id = "subnet-0123456789abcdef1" #!', 'vpc_id is "subnet-', "vpc-"),
    wrong(
        "a VPC's ARN",
        'vpc_id = "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef1" #!',
        'Write "vpc-0123456789abcdef1"',
    ),
    wrong(
        "a subnet's name",
        'private_subnet_ids = [\n  "private-a" #!\n]',
        'private_subnet_ids[0] is "private-a"',
        "subnet-",
    ),
    wrong(
        "a subnet twice",
        'private_subnet_ids = ["subnet-0123456789abcdef1",\n  "subnet-0123456789abcdef1"] #!',
        "twice",
        "Remove one",
    ),
    wrong(
        "a security group's name",
        'endpoint_security_group_ids = ["default"] #!',
        'endpoint_security_group_ids[0] is "default"',
        "sg-",
    ),
    wrong(
        "a route table's name", 'private_route_table_ids = ["main"] #!', 'private_route_table_ids[0] is "main"', "rtb-"
    ),
    wrong("an address for a CIDR", 'vpc_cidr = "10.0.0.0" #!', 'vpc_cidr is "10.0.0.0"', '"10.0.0.0/16"'),
    wrong("a CIDR with host bits", 'vpc_cidr = "10.0.1.5/16" #!', 'vpc_cidr is "10.0.1.5/16"', 'Write "10.0.0.0/16"'),
    wrong("a CIDR out of range", 'vpc_cidr = "10.0.0.0/33" #!', 'vpc_cidr is "10.0.0.0/33"', "CIDR"),
    wrong("a block twice", 'vpc_cidr = ["10.0.0.0/16", "10.0.0.0/16"] #!', "vpc_cidr names", "twice"),
    wrong(
        "a secondary block with host bits", 'vpc_cidr = ["10.0.0.0/16", "100.64.1.0/16"] #!', 'Write "100.64.0.0/16"'
    ),
    wrong("an IPv6 block with host bits", 'vpc_cidr = ["10.0.0.0/16", "2001:db8::1/56"] #!', 'Write "2001:db8::/56"'),
    wrong("a block that is none", 'vpc_cidr = ["10.0.0.0/16", 7] #!', 'vpc_cidr[1] is "7"'),
    wrong("an account of the endpoints", 'endpoint_registry_account_ids = ["7098"] #!', "12 digits"),
    wrong("a bucket by its ARN", 'endpoint_s3_bucket_names = ["arn:aws:s3:::logs"] #!', 'Write "logs"'),
    wrong("an IPv6 CIDR", 'vpc_cidr = "fd00::/8" #!', 'vpc_cidr is "fd00::/8"', "IPv4"),
    wrong(
        "an unknown endpoint", 'extra_vpc_endpoints = ["ec2"] #!', 'extra_vpc_endpoints[0] is "ec2"', "s3, sts, logs"
    ),
    wrong("an endpoint that is always there", 'extra_vpc_endpoints = ["ecr.api"] #!', '"ecr.api"', "always created"),
    wrong(
        "S3 without route tables",
        'create_vpc_endpoints = true\nvpc_id = "vpc-0123456789abcdef1"\nvpc_cidr = "10.0.0.0/16"\n'
        'private_subnet_ids = ["subnet-0123456789abcdef1"]\nextra_vpc_endpoints = ["s3"] #!',
        '"s3"',
        "private_route_table_ids",
    ),
]

RULES = [
    wrong(
        "a prefix in capitals",
        'pull_through_cache_rules = {\n  Quay = { upstream_registry_url = "quay.io" } #!\n}',
        'rule "Quay"',
        "lower case",
        'Write "quay"',
    ),
    wrong(
        "ROOT in lower case letters",
        'pull_through_cache_rules = {\n  Root = { upstream_registry_url = "quay.io" } #!\n}',
        'Write "ROOT"',
    ),
    wrong(
        "a prefix with a slash at its end",
        rules('"quay/" = { upstream_registry_url = "quay.io" } #!'),
        'rule "quay/"',
        'Write "quay"',
    ),
    wrong("a prefix of one letter", rules('q = { upstream_registry_url = "quay.io" } #!'), 'rule "q"', "2 to 30"),
    wrong(
        "a prefix of 31 letters",
        rules(f'{"q" * 31} = {{ upstream_registry_url = "quay.io" }} #!'),
        "31 characters",
        "2 to 30",
    ),
    wrong(
        "a prefix with two hyphens",
        rules('a--b = { upstream_registry_url = "quay.io" } #!'),
        'rule "a--b"',
        'Write "a-b"',
    ),
    wrong(
        "Docker Hub by its usual name",
        rule("hub", '    upstream_registry_url = "docker.io" #!', '    secret_name = "ecr-pullthroughcache/hub"'),
        '"docker.io"',
        'Write "registry-1.docker.io"',
    ),
    wrong(
        "an upstream with scheme",
        rule("quay", '    upstream_registry_url = "https://quay.io" #!'),
        '"https://quay.io"',
        'Write "quay.io"',
    ),
    wrong(
        "an upstream with path",
        rule("quay", '    upstream_registry_url = "quay.io/prometheus" #!'),
        "without a path",
        'Write "quay.io" and source = "quay.io/prometheus"',
    ),
    wrong("an upstream in capitals", rule("quay", '    upstream_registry_url = "Quay.io" #!'), 'Write "quay.io"'),
    wrong("an upstream with port", rule("quay", '    upstream_registry_url = "quay.io:443" #!'), 'Write "quay.io"'),
    wrong(
        "Kubernetes' old registry",
        rule("k8s", '    upstream_registry_url = "k8s.gcr.io" #!'),
        'Write "registry.k8s.io"',
    ),
    *(
        wrong(
            f"{host}, which ECR cannot pull through",
            rule("up", f'    upstream_registry_url = "{host}" #!'),
            f'"{host}"',
            "nine upstreams",
            f'mirrors = {{ up = {{ source = "{host}" }} }}',
        )
        for host in (
            "gcr.io",
            "mcr.microsoft.com",
            "registry.access.redhat.com",
            "registry.redhat.io",
            "nvcr.io",
            "harbor.example.com",
        )
    ),
    wrong(
        "an ECR host of no partition",
        rule("up", '    upstream_registry_url = "999988887777.dkr.ecr.cn-north-1.amazonaws.com" #!'),
        "nine upstreams",
    ),
    wrong(
        "Docker Hub without secret",
        'pull_through_cache_rules = {\n  docker-hub = { #!\n    upstream_registry_url = "registry-1.docker.io"\n  }\n}',
        "needs credentials",
        'secret_name = "ecr-pullthroughcache/docker-hub"',
        "orchestrator secret set dev docker-hub",
    ),
    *(
        wrong(
            f"{host} without secret",
            f'pull_through_cache_rules = {{\n  up = {{ upstream_registry_url = "{host}" }} #!\n}}',
            "needs credentials",
        )
        for host in ("ghcr.io", "registry.gitlab.com", "team1.azurecr.io", "cgr.dev")
    ),
    *(
        wrong(
            f"{host} with secret",
            rule("up", f'    upstream_registry_url = "{host}"', '    secret_name = "ecr-pullthroughcache/x" #!'),
            "takes no credentials",
            "Remove it",
        )
        for host in ("quay.io", "registry.k8s.io", "public.ecr.aws", "111122223333.dkr.ecr.us-east-1.amazonaws.com")
    ),
    wrong(
        "a secret named twice",
        rule(
            "gh",
            '    upstream_registry_url = "ghcr.io"',
            '    secret_name = "ecr-pullthroughcache/gh"',
            '    credential_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/gh-AbCdEf" #!',
        ),
        "both set",
    ),
    wrong(
        "a secret of another name",
        rule("gh", '    upstream_registry_url = "ghcr.io"', '    secret_name = "github" #!'),
        'secret_name is "github"',
        'Write "ecr-pullthroughcache/github"',
    ),
    wrong(
        "an ARN for a secret's name",
        rule(
            "gh",
            '    upstream_registry_url = "ghcr.io"',
            '    secret_name = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/gh-AbCdEf" #!',
        ),
        "credential_arn =",
    ),
    *(
        wrong(
            f"a secret in another {what}",
            rule("gh", '    upstream_registry_url = "ghcr.io"', f'    credential_arn = "{arn}" #!'),
            *says,
        )
        for what, arn, says in (
            (
                "region",
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/gh-AbCdEf",
                ('"us-east-1"', "eu-west-1"),
            ),
            (
                "account",
                "arn:aws:secretsmanager:eu-west-1:999988887777:secret:ecr-pullthroughcache/gh-AbCdEf",
                ("999988887777", "111122223333"),
            ),
            (
                "service",
                "arn:aws:ssm:eu-west-1:111122223333:secret:ecr-pullthroughcache/gh-AbCdEf",
                ("ARN of a Secrets Manager secret",),
            ),
            (
                "folder",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:github-AbCdEf",
                ("ecr-pullthroughcache/",),
            ),
            (
                "partition",
                "arn:aws-cn:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/gh-AbCdEf",
                ("aws-cn",),
            ),
        )
    ),
    wrong(
        "another account's ECR without role",
        'pull_through_cache_rules = {\n  up = { upstream_registry_url = "999988887777.dkr.ecr.eu-west-1.amazonaws.com" } #!\n}',
        "999988887777",
        "custom_role_arn is missing",
    ),
    wrong(
        "the own account's ECR with role",
        rule(
            "up",
            '    upstream_registry_url = "111122223333.dkr.ecr.us-east-1.amazonaws.com"',
            '    custom_role_arn = "arn:aws:iam::111122223333:role/x" #!',
        ),
        "same account",
        "Remove it",
    ),
    wrong(
        "a role of the upstream's account",
        rule(
            "up",
            '    upstream_registry_url = "999988887777.dkr.ecr.eu-west-1.amazonaws.com"',
            '    custom_role_arn = "arn:aws:iam::999988887777:role/x" #!',
        ),
        "999988887777",
        "111122223333",
    ),
    wrong(
        "the own registry as upstream",
        rule("up", '    upstream_registry_url = "111122223333.dkr.ecr.eu-west-1.amazonaws.com" #!'),
        "own registry",
        "itself",
    ),
    wrong(
        "another partition's ECR",
        rule("up", '    upstream_registry_url = "999988887777.dkr.ecr.us-gov-west-1.amazonaws.com" #!'),
        "aws-us-gov",
    ),
    wrong(
        "a role for a public upstream",
        rule(
            "quay",
            '    upstream_registry_url = "quay.io"',
            '    custom_role_arn = "arn:aws:iam::111122223333:role/x" #!',
        ),
        "custom_role_arn is set",
        "quay.io",
    ),
    wrong(
        "an upstream prefix for a public upstream",
        rule("quay", '    upstream_registry_url = "quay.io"', '    upstream_repository_prefix = "prometheus" #!'),
        "upstream_repository_prefix is set",
        'source = "quay.io/prometheus"',
    ),
    wrong(
        "an upstream prefix with ROOT",
        rule(
            "ROOT",
            '    upstream_registry_url = "111122223333.dkr.ecr.us-east-1.amazonaws.com"',
            '    upstream_repository_prefix = "team" #!',
        ),
        "ROOT",
    ),
    wrong(
        "an upstream prefix in capitals",
        rule(
            "up",
            '    upstream_registry_url = "111122223333.dkr.ecr.us-east-1.amazonaws.com"',
            '    upstream_repository_prefix = "Team" #!',
        ),
        'Write "team"',
    ),
    wrong(
        "a source without its registry",
        rule("quay", '    upstream_registry_url = "quay.io"', '    source = "prometheus" #!'),
        'Write "quay.io/prometheus"',
    ),
    wrong(
        "an empty upstream", rule("quay", '    upstream_registry_url = "" #!'), 'upstream_registry_url is ""', "such as"
    ),
    wrong("a netmask", 'vpc_cidr = "10.0.0.0/255.255.0.0" #!', '"10.0.0.0/16"'),
    wrong(
        "a source elsewhere",
        rule("quay", '    upstream_registry_url = "quay.io"', '    source = "ghcr.io/prometheus" #!'),
        '"ghcr.io/prometheus"',
        "can only narrow",
    ),
    wrong(
        "a template with key and without role",
        rule(
            "quay",
            '    upstream_registry_url = "quay.io"',
            "    template = {",
            f'      kms_key_arn = "{KEY}" #!',
            "    }",
        ),
        "no custom_role_arn",
        "pulls fail",
    ),
    wrong(
        "a template with tags and without role",
        rule(
            "quay",
            '    upstream_registry_url = "quay.io"',
            "    template = {",
            '      resource_tags = { a = "b" } #!',
            "    }",
        ),
        "resource_tags",
        "no custom_role_arn",
    ),
    wrong(
        "a ROOT template with key and without role",
        f'root_template = {{\n  kms_key_arn = "{KEY}" #!\n}}',
        "root_template has kms_key_arn",
    ),
    wrong(
        "a template's mutability",
        rule(
            "quay",
            '    upstream_registry_url = "quay.io"',
            "    template = {",
            '      image_tag_mutability = "mutable" #!',
            "    }",
        ),
        'Write "MUTABLE"',
    ),
    wrong(
        "51 rules",
        "pull_through_cache_rules = { #!\n"
        + "\n".join(
            f'p{n:02} = {{\n upstream_registry_url = "quay.io"\n source = "quay.io/o{n}"\n}}' for n in range(51)
        )
        + "\n}",
        "51 rules",
        "50",
        "Remove 1",
    ),
    wrong(
        "a rule for another's registry in GovCloud",
        'aws_region = "us-gov-west-1"\npull_through_cache_rules = {\nquay = {\nupstream_registry_url = "quay.io" #!\n}\n}',
        "us-gov-west-1",
        "GovCloud",
        "mirrors",
    ),
    wrong(
        "a rule in an isolated partition",
        f'aws_region = "us-iso-east-1"\npull_through_cache_rules = {{ #!\n{QUAY}\n}}',
        "us-iso-east-1",
        "isolated partition",
        "mirrors",
    ),
    wrong(
        "a rule in China",
        f'aws_region = "cn-north-1"\npull_through_cache_rules = {{ #!\n{QUAY}\n}}',
        "cn-north-1",
        "China",
        "mirrors",
    ),
]

ROUTES = [
    wrong(
        "two rules for one upstream",
        rules('aa = { upstream_registry_url = "quay.io" }', 'bb = { upstream_registry_url = "quay.io" } #!'),
        'rule "bb" claims quay.io',
        'rule "aa"',
        "narrow",
    ),
    wrong(
        "a rule and a mirror for one source",
        rules(QUAY) + '\nmirrors = {\n  other = { source = "quay.io" } #!\n}',
        'mirror "other" claims quay.io',
        'rule "quay"',
    ),
    wrong(
        "two names of one source",
        'mirrors = {\n  aa = { source = "docker.io/library" }\n  bb = { source = "index.docker.io/library" } #!\n}',
        "docker.io/library",
        'mirror "aa"',
    ),
    wrong(
        "one prefix for a rule and a mirror",
        rules(QUAY) + '\nmirrors = {\n  quay = { source = "gcr.io" } #!\n}',
        "same prefix",
    ),
    wrong(
        "a prefix below another",
        rules(QUAY) + '\nmirrors = {\n  "quay/gcr" = { source = "gcr.io" } #!\n}',
        '"quay/gcr"',
        '"quay"',
        "below",
    ),
    wrong(
        "a rule's prefix below another's",
        rules(QUAY, '"quay/k8s" = { upstream_registry_url = "registry.k8s.io" } #!'),
        '"quay/k8s"',
        "below",
    ),
    wrong(
        "a mirror without prefix",
        'mirrors = {\n  ROOT = { source = "gcr.io" } #!\n}',
        'mirror "ROOT"',
        "prefix of their own",
    ),
    wrong(
        "a mirror's prefix in capitals",
        'mirrors = {\n  GCR = { source = "gcr.io" } #!\n}',
        'mirror "GCR"',
        'Write "gcr"',
    ),
    wrong(
        "a mirror of the own registry",
        'mirrors = {\n  own = {\n    source = "111122223333.dkr.ecr.eu-west-1.amazonaws.com" #!\n  }\n}',
        "own registry",
    ),
    wrong(
        "a source with scheme",
        'mirrors = {\n  gcr = {\n    source = "https://gcr.io" #!\n  }\n}',
        '"https://gcr.io"',
        'Write "gcr.io"',
    ),
    wrong(
        "a source with tag",
        'mirrors = {\n  gcr = {\n    source = "gcr.io/a/b:v1" #!\n  }\n}',
        "no tag",
        'Write "gcr.io/a/b"',
    ),
    wrong(
        "a source with digest",
        f'mirrors = {{\n  gcr = {{\n    source = "gcr.io/a@sha256:{"0" * 64}" #!\n  }}\n}}',
        "no digest",
        'Write "gcr.io/a"',
    ),
    wrong(
        "a source with wildcard",
        'mirrors = {\n  gcr = {\n    source = "gcr.io/team/*" #!\n  }\n}',
        "wildcard",
        'Write "gcr.io/team"',
    ),
    wrong(
        "a source without registry",
        'mirrors = {\n  nginx = {\n    source = "nginx" #!\n  }\n}',
        '"nginx"',
        'Write "docker.io/library/nginx"',
    ),
    wrong(
        "a source that is a path",
        'mirrors = {\n  bb = {\n    source = "bitnami/redis" #!\n  }\n}',
        'Write "docker.io/bitnami/redis"',
    ),
    wrong("a source with a final slash", 'mirrors = {\n  gcr = {\n    source = "gcr.io/" #!\n  }\n}', 'Write "gcr.io"'),
    wrong(
        "a source in capitals", 'mirrors = {\n  gcr = {\n    source = "gcr.io/Team" #!\n  }\n}', 'Write "gcr.io/team"'
    ),
    wrong("an empty source", 'mirrors = {\n  gcr = {\n    source = "" #!\n  }\n}', "empty", "registry[/path]"),
    wrong(
        "an exclude with a tag",
        rules(QUAY) + '\nexclude = [\n  "quay.io/a/b:latest" #!\n]',
        'exclude[0] is "quay.io/a/b:latest"',
        'Write "quay.io/a/b"',
    ),
    wrong("an exclude twice", rules(QUAY) + '\nexclude = ["quay.io/a",\n "quay.io/a"] #!', "exclude names", "twice"),
    wrong(
        "an include that is a wildcard",
        rules(QUAY) + '\ninclude = ["*.quay.io"] #!',
        'include[0] is "*.quay.io"',
        "wildcards",
    ),
    wrong(
        "one source included and excluded",
        rules(QUAY) + '\ninclude = ["quay.io/a"] #!\nexclude = ["quay.io/a"]',
        "include[0]",
        "exclude names, too",
    ),
    wrong(
        "an unknown way with digests", 'digest_references = "keep" #!', 'digest_references is "keep"', "leave, redirect"
    ),
    wrong("a failure policy in other case", 'failure_policy = "fail" #!', 'failure_policy is "fail"', 'Write "Fail"'),
    wrong(
        "a failure policy of another product",
        'failure_policy = "audit" #!',
        'failure_policy is "audit"',
        "Ignore, Fail",
    ),
    wrong(
        "a namespace in capitals",
        'exclude_namespaces = [\n  "Kube-System" #!\n]',
        'exclude_namespaces[0] is "Kube-System"',
        "lower case",
    ),
    wrong(
        "a namespace as regular expression",
        'exclude_namespaces = ["^openshift-.*$"] #!',
        '"^openshift-.*$"',
        "stands for any characters",
    ),
    wrong(
        "a selector of Pods with a wildcard",
        'exclude_pods = [\n  "cnpg.io/*" #!\n]',
        'exclude_pods[0] is "cnpg.io/*"',
        "kubectl get pods -l",
    ),
    wrong(
        "a selector of Pods as a label with a colon",
        'exclude_pods = ["app: web"] #!',
        '"app: web"',
        "app=web",
    ),
    wrong(
        "a selector of Pods twice",
        'exclude_pods = ["app=web", "app=web"] #!',
        "twice",
        "Remove",
    ),
]

MIRRORED = 'mirrors = { redhat = { source = "registry.redhat.io" } }\n'


def mirror_image(*attributes: str, name: str = "registry.redhat.io/ubi9/ubi", at: str = "") -> str:
    return f'{MIRRORED}mirror_images = {{\n  "{name}" = {{ {at}\n' + "\n".join(attributes) + "\n  }\n}"


MIRROR_IMAGES = [
    wrong("an image of which no tag is chosen", mirror_image('platforms = ["linux/amd64"]', at="#!"), "chooses no tag"),
    wrong("newest of named tags", mirror_image('tags = ["9.4"]', "newest = 2 #!"), "names its tags"),
    wrong("newest of none", mirror_image('versions = ">=9"', "newest = 0 #!"), "nothing to copy"),
    wrong("a tag with a colon", mirror_image('tags = ["9:4"] #!'), "A tag has"),
    wrong("a tag pattern that is none", mirror_image('tag_patterns = ["("] #!'), "regular expression"),
    wrong("a tag pattern that looks ahead", mirror_image('tag_patterns = ["(?!rc).*"] #!'), "look-ahead"),
    wrong("a range that is none", mirror_image('versions = "new" #!'), "range"),
    wrong(
        "a platform without architecture", mirror_image('tags = ["9"]', 'platforms = ["amd64"] #!'), "os/architecture"
    ),
    wrong("an image with a tag", mirror_image('tags = ["9"]', name="registry.redhat.io/ubi9/ubi:9", at="#!"), "tag"),
    wrong("an image without a route", mirror_image('tags = ["9"]', name="gcr.io/a/b", at="#!"), "No route", "mirrors"),
    wrong("an image that is no name", mirror_image('tags = ["9"]', name="Registry/UBI", at="#!"), "lower case"),
]

REGISTRY = [
    wrong(
        "managing another account's registry",
        'registry_account_id = "999988887777" #!',
        "999988887777",
        "manage_registry = false",
    ),
    wrong(
        "managing another region's registry, said aloud",
        'manage_registry = true #!\nregistry_region = "us-east-1"',
        "us-east-1",
        "manage_registry = false",
    ),
    wrong(
        "a registry of no account",
        'manage_registry = false\nregistry_account_id = "central" #!',
        'registry_account_id is "central"',
        "12 digits",
    ),
    wrong(
        "a registry in another partition", 'manage_registry = false\nregistry_region = "us-gov-west-1" #!', "aws-us-gov"
    ),
    wrong(
        "a registry in no region",
        'manage_registry = false\nregistry_region = "central" #!',
        'registry_region is "central"',
    ),
    wrong(
        "a consumer that is no account",
        'registry_consumer_account_ids = ["1234"] #!',
        'registry_consumer_account_ids[0] is "1234"',
    ),
    wrong(
        "statements that are no list",
        'registry_policy_statements = { Sid = "A" } #!',
        "registry_policy_statements is no list",
        "Write [{ Sid",
    ),
    wrong(
        "a statement with a misspelt part",
        'registry_policy_statements = [\n  { Sid = "A", Effect = "Allow", principal = "*", Action = ["ecr:ReplicateImage"], Resource = ["*"] }, #!\n]',
        'has "principal"',
        'Did you mean "Principal"?',
    ),
    wrong(
        "a statement without a Sid",
        'registry_policy_statements = [\n  { Effect = "Allow", Principal = "*", Action = ["ecr:ReplicateImage"], Resource = ["*"] }, #!\n]',
        "has no Sid",
        "tells it from those of others",
    ),
    wrong(
        "a statement with a Sid of the module's",
        'registry_policy_statements = [\n  { Sid = "ConsumersPull", Effect = "Deny", Principal = "*", Action = ["ecr:*"], Resource = ["*"] }, #!\n]',
        'is "ConsumersPull"',
        "The registry module writes",
    ),
    wrong(
        "a statement with an unknown effect",
        'registry_policy_statements = [\n  { Sid = "A", Effect = "allow", Principal = "*", Action = ["ecr:*"], Resource = ["*"] }, #!\n]',
        'is "allow"',
        "Allow",
    ),
    wrong(
        "an unknown scan type",
        'registry_scanning = {\n  scan_type = "ADVANCED" #!\n}',
        'registry_scanning.scan_type is "ADVANCED"',
        "BASIC, ENHANCED",
    ),
    wrong(
        "continuous basic scanning",
        'registry_scanning = {\n  scan_type = "BASIC"\n  rules = [{\n    scan_frequency = "CONTINUOUS_SCAN" #!\n    repository_patterns = ["*"]\n  }]\n}',
        '"CONTINUOUS_SCAN"',
        "BASIC scanning takes SCAN_ON_PUSH",
    ),
    wrong(
        "manual enhanced scanning",
        'registry_scanning = {\n  scan_type = "ENHANCED"\n  rules = [{\n    scan_frequency = "MANUAL" #!\n    repository_patterns = ["*"]\n  }]\n}',
        '"MANUAL"',
        "ENHANCED",
    ),
    wrong(
        "two rules of one frequency",
        'registry_scanning = {\n  scan_type = "BASIC"\n  rules = [\n    { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["aa"] },\n'
        '    { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["bb"] }, #!\n  ]\n}',
        "two rules for SCAN_ON_PUSH",
    ),
    wrong(
        "a scanning rule without patterns",
        'registry_scanning = {\n  scan_type = "BASIC"\n  rules = [{\n    scan_frequency = "SCAN_ON_PUSH"\n    repository_patterns = [] #!\n  }]\n}',
        "0 entries",
        '["*"]',
    ),
    wrong(
        "a scanning pattern in capitals",
        'registry_scanning = {\n  scan_type = "BASIC"\n  rules = [{\n    scan_frequency = "SCAN_ON_PUSH"\n    repository_patterns = ["Team/*"] #!\n  }]\n}',
        '"Team/*"',
    ),
    wrong(
        "an unknown setting",
        'registry_account_settings = {\n  SCAN_VERSION = "V2" #!\n}',
        '"SCAN_VERSION"',
        "BASIC_SCAN_TYPE_VERSION",
    ),
    wrong(
        "a setting's wrong value",
        'registry_account_settings = {\n  REGISTRY_POLICY_SCOPE = "AWS_NATIVE" #!\n}',
        '"AWS_NATIVE"',
        "V1, V2",
    ),
]

ACCESS = [
    wrong(
        "a node role's ARN",
        'node_role_names = ["arn:aws:iam::111122223333:role/path/node"] #!',
        "That is an ARN",
        'Write "node"',
    ),
    wrong("a node role with a blank", 'node_role_names = ["my node"] #!', 'node_role_names[0] is "my node"'),
    wrong("a node role twice", 'node_role_names = ["node",\n "node"] #!', 'node_role_names names "node" twice'),
    wrong(
        "a Fargate role's ARN",
        'fargate_execution_role_names = ["arn:aws:iam::111122223333:role/fargate"] #!',
        'Write "fargate"',
    ),
    wrong(
        "machine pools on EKS",
        'machine_pools = { #!\n  a = { instance_profile = "x" }\n}',
        "machine_pools is set, but platform is eks",
        "rosa-hcp",
        "node_role_names",
    ),
    wrong(
        "node roles on ROSA",
        'platform = "rosa-hcp"\nnode_role_names = ["node"] #!',
        "node_role_names is set, but platform is rosa-hcp",
        "machine_pools",
    ),
    wrong(
        "a worker prefix on HCP",
        'platform = "rosa-hcp"\nworker_role_prefix = "x" #!',
        "worker_role_prefix is set",
        "rosa-classic",
    ),
    wrong(
        "a worker role for its prefix",
        'platform = "rosa-classic"\nworker_role_prefix = "Managed-Worker-Role" #!',
        'Write "Managed"',
    ),
    wrong(
        "a worker role's ARN",
        'platform = "rosa-classic"\nworker_role_prefix = "arn:aws:iam::111122223333:role/Managed-Worker-Role" #!',
        'Write "Managed"',
    ),
    wrong(
        "an instance profile's ARN",
        'platform = "rosa-hcp"\nmachine_pools = {\n  a = {\n    instance_profile = "arn:aws:iam::111122223333:instance-profile/x" #!\n  }\n}',
        'Write "x"',
    ),
    wrong(
        "a machine pool in capitals",
        'platform = "rosa-hcp"\nmachine_pools = {\n  Workers = { instance_profile = "x" } #!\n}',
        '"Workers"',
        "lower case",
    ),
    wrong(
        "a push role that nobody can assume",
        'create_ecr = true\npush_roles = {\n  ci = { #!\n    repositories = ["dev-registry"]\n  }\n}',
        "neither oidc_provider_arn nor pod_identity",
    ),
    wrong(
        "a push role with both",
        f'create_ecr = true\npush_roles = {{\n  ci = {{ #!\n    repositories = ["dev-registry"]\n    {OIDC}\n    {SUBJECTS}\n'
        '    pod_identity = { namespace = "ci", service_account = "b" }\n  }\n}',
        "both oidc_provider_arn and pod_identity",
    ),
    wrong(
        "a push role without subjects",
        push('    repositories = ["dev-registry"]', f"    {OIDC} #!"),
        "no subjects",
        "system:serviceaccount:",
    ),
    wrong(
        "a subject without prefix",
        push('    repositories = ["dev-registry"]', f"    {OIDC}", '    subjects = ["ci:builder"] #!'),
        '"ci:builder"',
        'Write "system:serviceaccount:ci:builder"',
    ),
    wrong(
        "a subject for everybody",
        push('    repositories = ["dev-registry"]', f"    {OIDC}", '    subjects = ["system:serviceaccount:*:*"] #!'),
        "admits strangers",
    ),
    wrong(
        "an OIDC provider's URL",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC" #!',
            f"    {SUBJECTS}",
        ),
        "ARN of an OIDC provider",
    ),
    wrong(
        "an OIDC provider of another account",
        push(
            '    repositories = ["dev-registry"]',
            f"    {OIDC.replace('111122223333', '999988887777')} #!",
            f"    {SUBJECTS}",
        ),
        "999988887777",
        "111122223333",
    ),
    wrong(
        "no audience",
        push('    repositories = ["dev-registry"]', f"    {OIDC}", f"    {SUBJECTS}", "    audiences = [] #!"),
        "any other service",
    ),
    wrong(
        "Pod Identity on ROSA",
        'platform = "rosa-hcp"\n'
        + push(
            '    repositories = ["dev-registry"]', '    pod_identity = { namespace = "ci", service_account = "b" } #!'
        ),
        "Only EKS has Pod Identity",
    ),
    wrong(
        "Pod Identity with wildcard",
        push('    repositories = ["dev-registry"]', '    pod_identity = { namespace = "*", service_account = "b" } #!'),
        "no wildcards",
    ),
    wrong(
        "Pod Identity with subjects",
        push(
            '    repositories = ["dev-registry"]',
            '    pod_identity = { namespace = "ci", service_account = "b" }',
            f"    {SUBJECTS} #!",
        ),
        "pod_identity and subjects",
    ),
    wrong(
        "a push to nowhere",
        push("    repositories = [] #!", f"    {OIDC}", f"    {SUBJECTS}"),
        "empty",
        "Name at least one",
    ),
    wrong(
        "a push to an unknown repository",
        push('    repositories = ["dev-registri"] #!', f"    {OIDC}", f"    {SUBJECTS}"),
        '"dev-registri"',
        'Write "dev-registry"',
    ),
    wrong(
        "a push to a pattern",
        push('    repositories = ["dev-*"] #!', f"    {OIDC}", f"    {SUBJECTS}"),
        'repositories[0] is "dev-*"',
        "Name each repository",
    ),
    wrong(
        "a subject of any namespace",
        push(
            '    repositories = ["dev-registry"]',
            f"    {OIDC}",
            '    subjects = ["system:serviceaccount:*:builder"] #!',
        ),
        "admits strangers",
    ),
    wrong(
        "a subject of every namespace that begins so",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE"',
            '    subjects = ["system:serviceaccount:c*:b"] #!',
        ),
        "admits strangers",
    ),
    wrong(
        "a subject of every owner that begins so",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"',
            '    subjects = ["repo:m*"] #!',
        ),
        "admits strangers",
    ),
    wrong(
        "a subject with a variable of IAM",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"',
            '    subjects = ["repo:$${aws:RequestTag/owner}/app:x"] #!',
        ),
        "a value of the request",
    ),
    wrong(
        "a subject of owners that end so",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"',
            '    subjects = ["repo:*corp/app:*"] #!',
        ),
        "admits strangers",
    ),
    wrong(
        "a subject of a group that begins so",
        push(
            '    repositories = ["dev-registry"]',
            '    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/gitlab.com"',
            '    subjects = ["project_path:plat*/app:ref_type:branch"] #!',
        ),
        "admits strangers",
    ),
    wrong(
        "the own account as consumer",
        'registry_consumer_account_ids = ["111122223333"] #!',
        "own account 111122223333",
        "Remove it",
    ),
    wrong(
        "manual basic scanning",
        'registry_scanning = {\n  scan_type = "BASIC"\n  rules = [{\n    scan_frequency = "MANUAL" #!\n'
        '    repository_patterns = ["*"]\n  }]\n}',
        '"MANUAL"',
        "SCAN_ON_PUSH",
    ),
    wrong(
        "an audience with wildcard",
        push('    repositories = ["dev-registry"]', f"    {OIDC}", f"    {SUBJECTS}", '    audiences = ["*"] #!'),
        'audiences[0] is "*"',
        'Write "sts.amazonaws.com"',
    ),
    wrong(
        "an ARN without account",
        f'kms_key_arn = "{KEY.replace("111122223333", "")}" #!',
        'with the account ""',
        "12 digits",
    ),
    wrong(
        "17 security groups",
        "endpoint_security_group_ids = [ #!\n" + ",\n".join(f'"sg-000000{n:02}"' for n in range(17)) + "]",
        "17 entries",
        "at most 16",
    ),
    wrong(
        "three rules of scanning",
        'registry_scanning = {\n  scan_type = "ENHANCED"\n  rules = [ #!\n'
        + ",\n".join('{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["*"] }' for _ in range(3))
        + "\n]\n}",
        "registry_scanning.rules has 3 entries",
        "at most two",
    ),
    wrong(
        "a cluster whose name makes no repository",
        'create_ecr = true\ncluster_name = "my___x" #!',
        '"my___x-registry"',
        "Set ecr_repository_name",
    ),
    wrong(
        "a long description",
        f'root_template = {{\n  description = "{"d" * 256}" #!\n}}',
        "256 characters",
        "at most 255",
    ),
    wrong(
        "a push role's ARN",
        f'create_ecr = true\npush_roles = {{\n  "arn:aws:iam::111122223333:role/ci" = {{ #!\n    repositories = ["dev-registry"]\n    {OIDC}\n    {SUBJECTS}\n  }}\n}}',
        'Write "ci"',
    ),
    wrong(
        "a boundary that is a role",
        push(
            '    repositories = ["dev-registry"]',
            f"    {OIDC}",
            f"    {SUBJECTS}",
            '    permissions_boundary_arn = "arn:aws:iam::111122223333:role/x" #!',
        ),
        "IAM policy",
    ),
]


def manager(*attributes: str) -> str:
    return "\n".join([rules(f"  {QUAY}"), "lifecycle_manager = {", *attributes, "}"])


def usage(*attributes: str) -> str:
    return manager("  usage = {", *attributes, "  }")


def retention(*attributes: str) -> str:
    return manager("  retention = {", *attributes, "  }")


MANY = [f'{{ pattern = "quay/team-{number}/*", never = true }}' for number in range(60)]

FUNCTIONS = [
    wrong("packages in a file", "lambda_packages = {} #!", "lambda_packages is set in a file", "-var"),
    wrong(
        "a lifecycle manager where the registry is another's",
        "manage_registry = false\n" + manager("  enabled = true #!"),
        "lifecycle_manager is enabled",
        "does not manage its registry",
        "usage",
    ),
    wrong(
        "scan findings where the registry is another's",
        "manage_registry = false\nscan_findings = {\n  enabled = true #!\n}",
        "scan_findings is enabled",
        "account and region of the registry",
    ),
    wrong(
        "a misspelt setting", manager("  shedule = 1 #!"), "lifecycle_manager has no attribute shedule", '"schedule"'
    ),
    wrong("a long function name", manager(f'  name = "{"a" * 41}" #!'), "lifecycle_manager.name is", "1 to 40"),
    wrong("Docker's name of a processor", manager('  architecture = "amd64" #!'), '"amd64"', 'Write "x86_64"'),
    wrong("an unknown processor", manager('  architecture = "arm" #!'), '"arm"', 'Write "arm64"'),
    wrong("little memory", manager("  memory_mb = 64 #!"), "memory_mb is 64", "128 to 10240"),
    wrong(
        "60,000 digits in quotes", manager(f'  memory_mb = "{"1" * 60_000}" #!'), "memory_mb is", "more than 100 digits"
    ),
    wrong("an exponent in quotes", 'lifecycle_keep_count = "1e999" #!', "keep_count is", "an exponent beyond 300"),
    wrong(
        "60,000 digits and a letter",
        manager(f'  max_expire_fraction_account = "{"0" * 60_000}x" #!'),
        "fraction_account is",
        "A number is wanted",
    ),
    wrong(
        "a fraction of 60,000 digits",
        manager(f'  max_expire_fraction_account = "0.{"1" * 60_000}" #!'),
        "fraction_account is",
        "more than 100 digits",
    ),
    wrong("a long timeout", manager("  timeout_seconds = 3600 #!"), "timeout_seconds is 3600", "60 to 900"),
    wrong("no concurrency", manager("  max_concurrency = 1 #!"), "max_concurrency is 1", "2 to 1000"),
    wrong("a log kept for a week and a day", manager("  log_retention_days = 8 #!"), "is 8", "Write 7."),
    wrong(
        "a crontab of Unix",
        manager('  schedule = "0 2 * * *" #!'),
        '"0 2 * * *"',
        "six fields",
        'Write "cron(0 2 * * ? *)"',
    ),
    wrong("a schedule in words", manager('  schedule = "daily" #!'), '"daily"', "cron(0 2 * * ? *)"),
    wrong("one days", manager('  schedule = "rate(1 days)" #!'), "singular for 1", 'Write "rate(1 day)"'),
    wrong("two day", manager('  schedule = "rate(2 day)" #!'), "plural for more", 'Write "rate(2 days)"'),
    wrong("a rate of nothing", manager('  schedule = "rate(0 days)" #!'), "from 1 on", 'like "rate(1 day)"'),
    wrong("cron with both days", manager('  schedule = "cron(0 2 * * * *)" #!'), "question mark, and only one"),
    wrong("cron with no day", manager('  schedule = "cron(0 2 ? * ? *)" #!'), "question mark, and only one"),
    wrong("cron at 25", manager('  schedule = "cron(0 25 * * ? *)" #!'), '"25" is no hours', "from 0 to 23"),
    wrong("cron on Unix's Sunday", manager('  schedule = "cron(0 2 ? * 0 *)" #!'), '"0" is no day of week', "1 to 7"),
    wrong(
        "cron in the last century", manager('  schedule = "cron(0 2 * * ? 69)" #!'), '"69" is no year', "1970 to 2199"
    ),
    wrong("a silence of two weeks", manager("  silence_days = 14 #!"), "is 14", "1 to 7, or 0"),
    wrong(
        "a silence shorter than the time between two runs",
        manager('  schedule = "rate(4 days)"', "  silence_days = 3 #!"),
        "silence_days is 3",
        "between two runs",
        "Write 4 or more",
    ),
    wrong(
        "a schedule rarer than the default silence",
        manager('  schedule = "rate(9 days)" #!'),
        "silence_days is 2",
        "Write 0",
    ),
    wrong("fewer failures than none", manager("  upstream_sync_failures = -1 #!"), "is -1", "Write 0 or more"),
    wrong(
        "as much concurrency as pages",
        manager("  max_concurrency = 7", "  reserved_concurrency = 7 #!"),
        "reserved_concurrency is 7",
        "Write 8 or more",
    ),
    wrong("a key's services without a key", manager("  kms_key_admits_services = true #!"), "no kms_key_arn"),
    wrong(
        "records that are kept and destroyed",
        manager("  keep_records = true", "  force_destroy_records = true #!"),
        "keep_records and force_destroy_records",
        "Remove one of them",
    ),
    wrong(
        "records kept where the registry is another's",
        "manage_registry = false\n" + manager("  keep_records = true #!"),
        "keep_records is set",
        "does not manage its registry",
    ),
    wrong(
        "one name for both functions",
        manager("  enabled = true", '  name = "ecr"')
        + '\nregistry_scanning = { scan_type = "BASIC" }\nscan_findings = {\n  enabled = true\n  name = "ecr" #!\n}',
        'Both functions are called "ecr"',
        "Rename one",
    ),
    wrong("an unknown native policy", manager('  native_policy = "all" #!'), 'native_policy is "all"', "untagged"),
    wrong("a misspelt native policy", manager('  native_policy = "bogus" #!'), '"" (none), untagged, count'),
    wrong("a percentage", manager("  max_expire_fraction_account = 25 #!"), "is 25", "Write 0.25."),
    wrong("a fraction of nothing", manager("  max_expire_fraction_repository = 0 #!"), "is 0", "Write 0.5"),
    wrong("a fraction in words", manager('  max_expire_fraction_account = "half" #!'), '"half"', "such as 0.5"),
    wrong("a snapshot of two months", manager("  snapshot_max_age_hours = 1440 #!"), "is 1440", "1 to 720"),
    wrong("an audit log of a week", manager("  audit_retention_days = 7 #!"), "is 7", "30 or more"),
    wrong(
        "a cache without a rule",
        manager('  cache_only = [\n    "elsewhere", #!\n  ]'),
        '"elsewhere"',
        "a prefix of pull_through_cache_rules",
    ),
    wrong("a cluster's path", manager('  clusters = ["a/b"] #!'), '"a/b"', "not its ARN"),
    wrong("a cluster twice", manager('  clusters = ["a", "a"] #!'), 'names "a" twice'),
    wrong(
        "an account that writes snapshots",
        manager('  snapshot_writers = {\n    far = "arn:aws:iam::222233334444:root" #!\n  }'),
        "snapshot_writers.far",
        "IAM role",
    ),
    wrong("a records bucket like an address", manager('  bucket_name = "10.0.0.1" #!'), '"10.0.0.1"', "no IP address"),
    wrong("a records bucket with two dots", manager('  bucket_name = "a..b" #!'), '"a..b"', "Bucket names"),
    wrong("a records bucket of S3's own", manager('  bucket_name = "audit-s3alias" #!'), "S3 keeps some"),
    wrong("a records bucket in capitals", manager('  bucket_name = "Audit" #!'), '"Audit"', "lower case"),
    wrong(
        "roles that write a snapshot",
        manager('  snapshot_writers = { far = "arn:aws:iam::444455556666:role/*" } #!'),
        "snapshot_writers.far is",
        "others' things",
    ),
    wrong(
        "a boundary by a pattern",
        manager('  permissions_boundary_arn = "arn:aws:iam::111122223333:policy/b*" #!'),
        "one IAM policy",
    ),
    wrong("a key's alias", manager(f'  kms_key_arn = "{KEY.replace("key/", "alias/")}" #!'), "an alias"),
    wrong("a queue for a topic", manager('  topic_arn = "arn:aws:sqs:eu-west-1:111122223333:x" #!'), "SNS topic"),
    wrong(
        "a topic of another region",
        manager('  topic_arn = "arn:aws:sns:eu-west-2:111122223333:x" #!'),
        '"eu-west-2"',
        "eu-west-1",
    ),
    wrong("no address", 'monitoring = {\n  emails = ["ops"] #!\n}', 'emails[0] is "ops"', "platform@example.com"),
    wrong(
        "addresses for a topic of others",
        'monitoring = {\n  topic_arn = "arn:aws:sns:eu-west-1:111122223333:x"\n  emails = ["a@b.example"] #!\n}',
        "emails and topic_arn",
    ),
    wrong("a retention of no days", retention("    expire_unpulled_days = 0 #!"), "is 0", "from 1 to 36500"),
    wrong("a negative floor", retention("    keep_at_least = -1 #!"), "is -1", "from 0"),
    wrong(
        "a ceiling below the floor",
        retention("    keep_at_least = 3", "    keep_at_most = 2 #!"),
        "keep_at_most is 2",
        "less than keep_at_least (3)",
    ),
    wrong("an unknown way to expire", retention('    expire_action = "remove" #!'), '"remove"', '"archive"'),
    wrong(
        "a pattern with its registry",
        retention('    overrides = [{\n      pattern = "Quay.io:443/*" #!\n    }]'),
        "overrides[0].pattern",
        "without registry",
    ),
    wrong(
        "a pattern twice",
        retention('    overrides = [{ pattern = "quay/*" }, {\n      pattern = "quay/*" #!\n    }]'),
        "overrides[1].pattern",
        "the same pattern",
    ),
    wrong("an override without pattern", retention("    overrides = [{}] #!"), "overrides[0] has no pattern"),
    wrong(
        "a protected tag with a space",
        retention('    protect = {\n      tags = ["a b"] #!\n    }'),
        "protect.tags[0]",
        "no pattern",
    ),
    wrong(
        "more overrides than Lambda holds",
        manager("  retention = { #!", f"    overrides = [{', '.join(MANY)}]", "  }"),
        "characters as JSON",
        "4 KB",
    ),
    wrong(
        "settings that are too long together",
        manager(
            "  clusters = [ #!",
            *(f'    "production-cluster-of-the-{number}th-department",' for number in range(90)),
            "  ]",
        ),
        "of the names of clusters",
        "of the routes",
        "4 KB",
        "shorter snapshot names",
    ),
    wrong("a usage role that nobody can take", manager("  usage = {} #!"), "neither oidc_provider_arn nor"),
    wrong(
        "a usage role with two ways",
        manager(f"  usage = {{ #!\n    pod_identity = true\n    {OIDC}\n  }}"),
        "both oidc_provider_arn and pod_identity",
    ),
    wrong("a usage role with a URL", usage('    oidc_provider_arn = "https://oidc.example.com" #!'), "OIDC provider"),
    wrong(
        "a usage role with another account's provider",
        usage(f"    {OIDC.replace('111122223333', '999988887777')} #!"),
        "in account 999988887777",
    ),
    wrong(
        "pod identity on ROSA",
        'platform = "rosa-classic"\n' + usage("    pod_identity = true #!"),
        "Only EKS has Pod Identity",
    ),
    wrong(
        "a usage namespace with a wildcard",
        usage(f"    {OIDC}", '    namespace = "*" #!'),
        'usage.namespace is "*"',
    ),
    wrong("a usage role's ARN", usage(f"    {OIDC}", '    role_name = "arn:aws:iam::1:role/x" #!'), "not its ARN"),
    wrong(
        "EventBridge's schedule for a CronJob", usage(f"    {OIDC}", '    schedule = "rate(1 hour)" #!'), "five fields"
    ),
    wrong("a CronJob at 24 o'clock", usage(f"    {OIDC}", '    schedule = "0 24 * * *" #!'), '"24" is no hours'),
    wrong("a CronJob on EventBridge's Saturday", usage(f"    {OIDC}", '    schedule = "0 2 * * 7" #!'), "0 to 6"),
    wrong("a CronJob on no day", usage(f"    {OIDC}", '    schedule = "0 2 30 2 *" #!'), "no such day"),
    wrong(
        "a snapshot that is stale before the next one",
        manager(
            "  enabled = true",
            '  clusters = ["dev"]',
            "  usage = {",
            f"    {OIDC}",
            '    schedule = "0 2 * * 1" #!',
            "  }",
        ),
        "up to 168 hours between two snapshots",
        "snapshot_max_age_hours (48)",
    ),
    wrong(
        "a snapshot's file", usage(f"    {OIDC}", '    snapshot_name = "dev.json" #!'), '"dev.json"', "without .json"
    ),
    wrong("a usage image with a scheme", usage(f"    {OIDC}", '    image = "https://a/b" #!'), '"https://a/b"'),
    wrong(
        "a variable with a hyphen",
        usage(f"    {OIDC}", "    env = {", '      "NO-PROXY" = "x" #!', "    }"),
        '"NO-PROXY"',
    ),
    wrong(
        "the region again", usage(f"    {OIDC}", "    env = {", '      AWS_REGION = "x" #!', "    }"), "sets it itself"
    ),
    wrong(
        "a key in a file",
        usage(f"    {OIDC}", "    env = {", '      AWS_SECRET_ACCESS_KEY = "x" #!', "    }"),
        "would have the key",
        "has a role",
    ),
    wrong(
        "no concurrency for scan findings",
        "scan_findings = {\n  reserved_concurrency = 0 #!\n}",
        "scan_findings.reserved_concurrency is 0",
        "Write 1 or more",
    ),
    wrong("a severity in lower case", 'scan_findings = {\n  severity = "high" #!\n}', 'Write "HIGH"'),
    wrong("a dashboard with a dot", 'monitoring = {\n  name = "a.b" #!\n}', '"a.b"', "ecr-<environment>"),
    wrong("an alarm that is always on", "monitoring = {\n  storage_alarm_gib = 0 #!\n}", "is 0", "Write 1 or more"),
    wrong("a word for dry_run_mode", 'dry_run_mode = "on" #!', 'dry_run_mode is "on"', "true or false"),
]

CASES = [
    *UNKNOWN_AND_MISSING,
    *TYPES,
    *IDENTITY,
    *REPOSITORIES,
    *NETWORK,
    *RULES,
    *ROUTES,
    *MIRROR_IMAGES,
    *REGISTRY,
    *ACCESS,
    *FUNCTIONS,
]


def file_of(text: str) -> str:
    """The good file with `text` in place of the variables that it sets."""
    own = set(re.findall(r"(?m)^(\w+) *=", text))
    kept = "\n".join(f"{name} = {value}" for name, value in GOOD.items() if name not in own)
    return f"{kept}\n{text}\n"
