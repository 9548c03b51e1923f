"""The Environment: the same variables as `variables.tf`, Terraform's conversions, derived values, warnings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from orchestrator.checks.check import build_environment, check_environment
from orchestrator.checks.convert import _without_none
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import Location
from orchestrator.project import find_project
from orchestrator.routes.build import build_route_table
from tests.unit.checks.wrong_inputs import file_of

ROOT = Path(__file__).parents[3]
VARIABLES = ROOT / "environments" / "variables.tf"


def load(text: str, name: str = "dev") -> Environment:
    return build_environment(name, [parse_tfvars(file_of(text), f"environments/{name}.tfvars")])


def warnings(text: str, name: str = "dev") -> list[str]:
    checked = check_environment(name, [parse_tfvars(file_of(text), f"environments/{name}.tfvars")])
    assert [str(problem) for problem in checked.problems] == []
    return [str(warning) for warning in checked.warnings]


################################################################################
# Agreement with variables.tf
################################################################################


def declared(file: Path = VARIABLES) -> dict[str, dict[str, str]]:
    """{variable: {"type": text, "default": text}} of a variables.tf, read with tree-sitter; attributes as written."""
    import tree_sitter
    import tree_sitter_hcl

    source = file.read_bytes()
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language())).parse(source)
    assert not tree.root_node.has_error
    variables: dict[str, dict[str, str]] = {}
    body = next(child for child in tree.root_node.named_children if child.type == "body")
    for block in body.named_children:
        if block.type != "block":
            continue
        _, label = block.named_children[:2]
        assert label.text is not None
        inner = next(child for child in block.named_children if child.type == "body")
        attributes = {}
        for attribute in inner.named_children:
            if attribute.type == "attribute":
                name, value = attribute.named_children
                assert name.text is not None
                assert value.text is not None
                attributes[name.text.decode()] = value.text.decode()
        variables[label.text.decode().strip('"')] = attributes
    return variables


def terraform_type(text: str) -> Any:
    """A type constraint as data: "string", ["list", inner], ["map", inner], {attribute: [inner, optional?, default]}."""
    parser = _TypeParser(text)
    result = parser.type()
    parser.blank()
    assert parser.rest == ""
    return result


class _TypeParser:
    def __init__(self, text: str) -> None:
        self.rest = text

    def blank(self) -> None:
        self.rest = self.rest.lstrip(" \n,")

    def take(self, text: str) -> bool:
        self.blank()
        if self.rest.startswith(text):
            self.rest = self.rest[len(text) :]
            return True
        return False

    def type(self) -> Any:
        for word in ("any", "string", "number", "bool"):
            if self.take(word):
                return word
        for word in ("list", "map"):
            if self.take(f"{word}("):
                inner = self.type()
                assert self.take(")")
                return [word, inner]
        assert self.take("object({"), self.rest[:40]
        attributes = {}
        while not self.take("})"):
            name, _, self.rest = self.rest.lstrip(" \n,").partition("=")
            attributes[name.strip()] = self.attribute()
        return attributes

    def attribute(self) -> Any:
        if not self.take("optional("):
            return [self.type(), False, None]
        inner = self.type()
        default = None
        if self.rest.lstrip(" \n").startswith(","):
            self.blank()
            end = self.matching()
            default, self.rest = parse_tfvars(f"d = {self.rest[:end]}", "d").values["d"], self.rest[end:]
        assert self.take(")")
        return [inner, True, default]

    def matching(self) -> int:
        depth = 0
        for index, character in enumerate(self.rest):
            depth += (character in "([{") - (character in ")]}")
            if depth < 0:
                return index
        raise AssertionError(self.rest)


def model_type(annotation: Any) -> Any:
    """The same of an annotation of the model."""
    from typing import get_args, get_origin

    wanted, _ = _without_none(annotation)
    if wanted is Any or _without_none(annotation, []) != _without_none(annotation):
        # One or several, or of any shape, for which Terraform has no type.
        return "any"
    if get_origin(wanted) is tuple:
        return ["list", model_type(get_args(wanted)[0])]
    if get_origin(wanted) is dict:
        return ["map", model_type(get_args(wanted)[1])]
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return {name: attribute_type(field) for name, field in wanted.model_fields.items()}
    return {str: "string", int: "number", float: "number", bool: "bool"}[wanted]


def attribute_type(field: Any) -> list[Any]:
    default = None if field.is_required() else plain(field.get_default(call_default_factory=True))
    return [model_type(field.annotation), not field.is_required(), default]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value.model_dump() if isinstance(value, BaseModel) else value))


# {variable: the module that takes its value whole, as `settings`, and has its defaults}
HANDED_ON = {"lifecycle_manager": "lifecycle-manager", "scan_findings": "scan-findings", "monitoring": "monitoring"}


def with_defaults_of(own: dict[str, Any], module: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an object, with the defaults that the module's attributes of the same name have."""
    return {
        name: _with_default(attribute, module[name]) if name in module else attribute for name, attribute in own.items()
    }


def _with_default(own: list[Any], module: list[Any]) -> list[Any]:
    assert own[2] in (None, module[2]), "a default that the module does not have"
    inner = _inner_with_defaults(own[0], module[0])
    # An object's own default fills it from its attributes' defaults; absent it is None here.
    return [inner, own[1], None if module[2] == {} and isinstance(inner, dict) else module[2]]


def _inner_with_defaults(own: Any, module: Any) -> Any:
    if isinstance(own, dict):
        return with_defaults_of(own, module)
    if isinstance(own, list):
        return [own[0], _inner_with_defaults(own[1], module[1])]
    assert own == module
    return own


def test_the_environment_has_exactly_the_variables_of_variables_tf() -> None:
    assert [name for name in Environment.model_fields if name != "name"] == list(declared())


@pytest.mark.parametrize("variable", list(declared()))
def test_a_field_has_the_type_and_default_of_its_variable(variable: str) -> None:
    field, attributes = Environment.model_fields[variable], declared()[variable]
    wanted = terraform_type(attributes["type"])
    if variable in HANDED_ON:
        module = declared(ROOT / "modules" / HANDED_ON[variable] / "variables.tf")
        wanted = with_defaults_of(wanted, terraform_type(module["settings"]["type"]))
    assert model_type(field.annotation) == wanted
    assert field.is_required() == ("default" not in attributes)
    if "default" in attributes:
        default = parse_tfvars(f"d = {attributes['default']}", "d").values["d"]
        assert plain(field.get_default(call_default_factory=True)) == default
        # What Terraform gives as null must be None here, and nothing else may be.
        assert _without_none(field.annotation)[1] == (default is None)


@pytest.mark.parametrize(("variable", "module"), HANDED_ON.items())
def test_a_module_takes_what_its_variable_says(variable: str, module: str) -> None:
    """Terraform drops what the module's object has not, without a word."""
    ours = terraform_type(declared()[variable]["type"])
    theirs = declared(ROOT / "modules" / module / "variables.tf")
    # What the root module itself decides by, or hands over by another name.
    decided = {"enabled", "usage", "bucket_name"}
    assert set(ours) - decided == set(terraform_type(theirs["settings"]["type"]))


################################################################################
# Conversions: checked against `terraform plan` of 1.11
################################################################################


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        ('create_ecr = "true"', "create_ecr", True),
        ('create_ecr = "1"', "create_ecr", True),
        ('scan_on_push = "0"', "scan_on_push", False),
        ('lifecycle_keep_count = "5"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "5.0"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "+5"', "lifecycle_keep_count", 5),
        ('lifecycle_keep_count = "1e3"', "lifecycle_keep_count", 1000),
        ("lifecycle_keep_count = 5.0", "lifecycle_keep_count", 5),
        ("account_id = 111122223333", "account_id", "111122223333"),
        ("tags = { a = 5, b = true, c = 1.5 }", "tags", {"a": "5", "b": "true", "c": "1.5"}),
        ("vpc_id = null", "vpc_id", None),
        ("kubernetes_version = 1.33", "kubernetes_version", "1.33"),
        ("tags = { 1 = 2 }", "tags", {"1": "2"}),
    ],
)
def test_values_are_converted_as_terraform_does(text: str, variable: str, value: object) -> None:
    assert getattr(load(text), variable) == value


def test_null_in_an_object_gives_the_attributes_default() -> None:
    rules = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io", source = null, template = { image_tag_mutability = null, resource_tags = null } } }'
    template = load(rules).pull_through_cache_rules["quay"].template
    assert template is not None
    assert (template.image_tag_mutability, template.resource_tags) == ("MUTABLE", {})


################################################################################
# The value
################################################################################


def test_every_environment_of_the_repository_is_valid() -> None:
    project = find_project(ROOT)
    assert len(project.environment_names()) >= 5
    for name in project.environment_names():
        assert project.load(name).name == name


def test_what_is_valid_makes_a_route_table() -> None:
    project = find_project(ROOT)
    for name in project.environment_names():
        environment = project.load(name)
        routes = build_route_table(environment).routes
        assert len(routes) == len(environment.pull_through_cache_rules) + len(environment.mirrors)


def test_it_cannot_be_changed() -> None:
    environment = load("")
    with pytest.raises(ValidationError):
        environment.account_id = "999988887777"


@pytest.mark.parametrize(
    ("text", "partition", "host"),
    [
        ("", "aws", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"),
        ('aws_region = "us-gov-west-1"', "aws-us-gov", "111122223333.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ('aws_region = "cn-north-1"', "aws-cn", "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        (
            'manage_registry = false\nregistry_account_id = "999988887777"\nregistry_region = "us-east-1"',
            "aws",
            "999988887777.dkr.ecr.us-east-1.amazonaws.com",
        ),
    ],
)
def test_the_registry_host_follows_account_region_and_partition(text: str, partition: str, host: str) -> None:
    environment = load(text)
    assert (environment.partition, environment.registry_host) == (partition, host)


@pytest.mark.parametrize(
    ("text", "owns"),
    [
        ("", True),
        ("manage_registry = false", False),
        ('registry_account_id = "111122223333"\nregistry_region = "eu-west-1"', True),
        ('manage_registry = false\nregistry_region = "us-east-1"', False),
    ],
)
def test_only_the_own_registry_can_be_owned(text: str, owns: bool) -> None:
    assert load(text).owns_registry is owns


@pytest.mark.parametrize(
    ("text", "effective"),
    [
        ("", "leave"),
        ("allow_upstream = false", "redirect"),
        ('digest_references = "redirect"', "redirect"),
        ('allow_upstream = false\ndigest_references = "leave"', "leave"),
    ],
)
def test_digests_are_redirected_where_nothing_falls_back(text: str, effective: str) -> None:
    assert load(text).effective_digest_references == effective


def test_own_repositories_are_named_once() -> None:
    environment = load('create_ecr = true\ncluster_name = "Dev"\nrepositories = { "dev-registry" = {}, "x/y" = {} }')
    assert environment.own_repository_names == ("dev-registry", "x/y")


@pytest.mark.parametrize(
    ("cluster", "name"),
    [
        ("prod", "prod-ecr-usage-eu-west-1"),
        # 64 characters are IAM's limit; modules/lifecycle-manager cuts in the same way.
        ("c" * 44, f"{'c' * 44}-ecr-usage-eu-west-1"),
        ("c" * 45, f"{'c' * 45}-ecr-usage-e7e0eb38"),
    ],
)
def test_the_usage_role_is_named_after_cluster_and_region(cluster: str, name: str) -> None:
    assert load(f'cluster_name = "{cluster}"').usage_role_name == name
    assert len(name) <= 64


def test_a_snapshot_is_named_after_the_cluster_unless_said() -> None:
    assert load("").snapshot_name == "dev"
    assert load('lifecycle_manager = { usage = { pod_identity = true, snapshot_name = "x" } }').snapshot_name == "x"


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("", False),
        ("lifecycle_manager = { enabled = true }", True),
        ("scan_findings = { enabled = true }", True),
        ("lifecycle_manager = { keep_records = true }", True),
        ("manage_registry = false\nlifecycle_manager = { usage = { pod_identity = true } }", False),
    ],
)
def test_the_bucket_of_records_is_made_for_functions_and_kept_when_asked(text: str, keeps: bool) -> None:
    assert load(text).keeps_records is keeps


def test_variables_are_json_with_the_environments_name() -> None:
    values = load("").variables()
    assert values["environment"] == "dev"
    assert "name" not in values
    assert set(values) == set(declared())
    assert json.loads(json.dumps(values)) == values


################################################################################
# Warnings: allowed, but hardly meant
################################################################################

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


@pytest.mark.parametrize("name", ["default", "common", "terraform", "x.auto", "my env", "-x", "a/b", "é", "a" * 91])
def test_a_name_that_no_workspace_or_file_can_have_is_refused(name: str) -> None:
    checked = check_environment(name, [parse_tfvars(file_of(""), "environments/x.tfvars")])
    (problem,) = checked.problems
    assert problem.where == Location("environments/x.tfvars")
    assert f'called "{name}"' in str(problem)


def test_a_mirror_whose_images_are_named_keeps_its_promise() -> None:
    images = 'mirror_images = { "mcr.microsoft.com/dotnet/aspnet" = { tags = ["8.0"] } }'
    assert warnings('mirrors = { mcr = { source = "mcr.microsoft.com" } }\n' + images) == []


def test_mirroring_is_not_questioned_where_no_rule_can_exist() -> None:
    (warning,) = warnings('aws_region = "us-gov-west-1"\nmirrors = { quay = { source = "quay.io" } }')
    assert "ECR can pull through" not in warning


POLICY = """\
repositories = {
  "team/app" = {
    lifecycle_policy = <<-EOT
      {"rules": [{
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
        "action": {"type": "expire"}
      }]}
    EOT
  }
}
"""


def test_a_lifecycle_policy_in_a_heredoc_reaches_terraform_as_it_stands() -> None:
    text = load(POLICY).variables()["repositories"]["team/app"]["lifecycle_policy"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 7


def test_what_ecr_would_refuse_of_a_policy_is_said_at_its_line_with_ecrs_reason() -> None:
    wrong = POLICY.replace('"countUnit": "days", ', "").replace('"expire"', '"expires"')
    file = file_of(wrong)
    checked = check_environment("dev", [parse_tfvars(file, "environments/dev.tfvars")])
    line = next(number for number, text in enumerate(file.split("\n"), 1) if "lifecycle_policy" in text)
    assert {problem.where for problem in checked.problems} == {Location("environments/dev.tfvars", line)}
    assert [problem.why.split(" (")[0] for problem in checked.problems] == [
        'rules[0].selection: countUnit is required when countType is sinceImagePushed: it must be "days".',
        "rules[0].action.type: instance value",
    ]


################################################################################
# Start-up
################################################################################


def test_help_loads_neither_pydantic_nor_the_parsers() -> None:
    code = (
        "import sys; from orchestrator.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\n"
        "finally: print(sorted(set(sys.modules) & {'pydantic', 'pygohcl', 'tree_sitter', 'jinja2', 'boto3'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


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
