"""The root module with plain Terraform: each environment's files, workspaces, one owner of a registry, mirror sets.

AWS is the embedded one, except where `terraform test` mocks the provider.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.local.placeholders import ensure_placeholders
from orchestrator.manifests.mirror_sets import mirror_entries, mirror_set
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from tests.terraform.conftest import ENVIRONMENTS, MODULES, REPOSITORY, Root, var_files
from tests.terraform.module_sources import declarations, refused_variables

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

NAMES = sorted(path.stem for path in ENVIRONMENTS.glob("*.tfvars") if path.stem != "common")

# Of the module that the root module grew from: people's scripts read these.
OUTPUTS = {
    "ecr_repository_url",
    "ecr_repository_arn",
    "ecr_repository_name",
    "ecr_registry_id",
    "ecr_registry_url",
    "ecr_prevent_destroy",
    "ecr_summary",
    "idms_config_path",
    "idms_config_content",
    "ecr_api_endpoint_id",
    "ecr_dkr_endpoint_id",
    "endpoint_security_group_id",
    "vpc_endpoints_enabled",
    "cluster_summary",
}


def created(plan: Mapping[str, Any]) -> list[str]:
    return [change["address"] for change in plan["resource_changes"] if change["change"]["actions"] == ["create"]]


def digest_mirror_set(environment: Environment) -> dict[str, Any]:
    entries, _ = mirror_entries(build_route_table(environment), environment.platform)
    return mirror_set(environment, entries, kind="ImageDigestMirrorSet")


@pytest.mark.terraform
@pytest.mark.parametrize("name", NAMES)
def test_plain_terraform_plans_each_environment(name: str, root: Root, local_aws: LocalAws) -> None:
    environment = Project(REPOSITORY).load(name)
    ensure_placeholders(local_aws, environment)

    plan = root.plan(environment, *var_files(name))

    made = created(plan)
    outputs = {key: value.get("value") for key, value in plan["planned_values"]["outputs"].items()}
    assert set(outputs) >= OUTPUTS
    rules = [address for address in made if ".aws_ecr_pull_through_cache_rule." in address]
    assert len(rules) == len(environment.pull_through_cache_rules)
    kind = "protected" if environment.ecr_prevent_destroy else "this"
    assert any(f"module.ecr.aws_ecr_repository.{kind}[" in address for address in made)
    if name == "dev":
        assert len(made) >= 30
    if environment.generate_idms:
        assert outputs["idms_config_path"] == f"generated/{name}/idms.yaml"
        assert yaml.safe_load(outputs["idms_config_content"]) == digest_mirror_set(environment)
    else:
        assert outputs["idms_config_content"] is None


@pytest.mark.terraform
def test_a_missing_package_names_the_command_that_makes_it(root: Root, local_aws: LocalAws) -> None:
    environment = Project(REPOSITORY).load("prod")
    ensure_placeholders(local_aws, environment)
    absent = '-var=lambda_packages={lifecycle_manager="absent.zip"}'

    done = root.run(
        "plan",
        *var_files("prod"),
        absent,
        workspace="prod",
        account=environment.account_id,
        region=environment.aws_region,
    )

    assert done.returncode == 1
    assert "There is no absent.zip. Make it with: orchestrator lambda package" in done.stdout


SMALL = """
environment          = "small"
cluster_name         = "small"
account_id           = "888800003333"
aws_region           = "us-east-1"
create_vpc_endpoints = false
create_ecr           = true
"""


@pytest.mark.long
@pytest.mark.terraform
def test_nothing_is_planned_in_another_environments_workspace(root: Root, tmp_path: Path) -> None:
    file = tmp_path / "small.tfvars"
    file.write_text(SMALL, "utf-8")
    states = root.folder / "terraform.tfstate.d"
    done = root.run("apply", "-auto-approve", f"-var-file={file}", workspace="small", account="888800003333")
    assert done.returncode == 0, done.stdout
    shutil.copytree(states / "small", states / "other")
    tries = {
        "default": [(), ("-var=environment=null",)],
        "other": [(), ("-destroy",), ("-destroy", "-refresh=false"), ("-refresh-only",), ("-var=protected_only=true",)],
    }
    for workspace, all_arguments in tries.items():
        for arguments in all_arguments:
            done = root.run("plan", f"-var-file={file}", *arguments, workspace=workspace, account="888800003333")
            words = " ".join(done.stdout.split())
            assert (done.returncode, f'Workspace "{workspace}" holds another state' in words) == (1, True), done.stdout


@pytest.mark.terraform
def test_the_root_modules_own_tests_pass(root: Root) -> None:
    done = root.run("test", workspace="test")

    assert done.returncode == 0, done.stdout
    assert "Success!" in done.stdout


def test_every_validation_has_a_run_that_it_refuses() -> None:
    refused = Counter(refused_variables(ENVIRONMENTS))
    unproved = [
        variable.name
        for variable in declarations(ENVIRONMENTS, "variable")
        if refused[variable.name] < variable.validations
    ]
    assert unproved == []


def test_every_variable_and_output_is_described() -> None:
    variables, outputs = (declarations(ENVIRONMENTS, kind) for kind in ("variable", "output"))
    assert [variable.name for variable in variables if not (variable.has_description and variable.has_type)] == []
    assert [output.name for output in outputs if not output.has_description] == []


OWNER = """
cluster_name                  = "owner"
account_id                    = "888800001111"
aws_region                    = "eu-west-1"
create_vpc_endpoints          = false
node_role_names               = ["owner-node"]
registry_consumer_account_ids = ["888800002222"]
registry_account_settings     = { REGISTRY_POLICY_SCOPE = "V2" }
pull_through_cache_rules = {
  quay = { upstream_registry_url = "quay.io" }
}
"""
NEIGHBOUR = """
cluster_name         = "neighbour"
account_id           = "888800001111"
aws_region           = "eu-west-1"
create_vpc_endpoints = false
manage_registry      = false
node_role_names      = ["neighbour-node"]
pull_through_cache_rules = {
  quay = { upstream_registry_url = "quay.io" }
}
"""
CONSUMER = """
cluster_name         = "consumer"
account_id           = "888800002222"
aws_region           = "us-east-1"
create_vpc_endpoints = false
manage_registry      = false
registry_account_id  = "888800001111"
registry_region      = "eu-west-1"
node_role_names      = ["consumer-node"]
pull_through_cache_rules = {
  quay = { upstream_registry_url = "quay.io" }
}
"""


@pytest.mark.long
@pytest.mark.terraform
def test_a_registry_serves_two_environments_of_its_account_and_a_cluster_of_another(
    root: Root, local_aws: LocalAws, project: Any
) -> None:
    ours = project(owner=OWNER, neighbour=NEIGHBOUR, consumer=CONSUMER)
    made = {}
    policies = {}
    for name in ("owner", "neighbour", "consumer"):
        environment = ours.load(name)
        ensure_placeholders(local_aws, environment)
        place = {"workspace": name, "account": environment.account_id, "region": environment.aws_region}
        files = f"-var-file={ours.environments_dir / name}.tfvars"
        done = root.run("apply", "-auto-approve", files, f"-var=environment={name}", **place)
        assert done.returncode == 0, done.stdout
        made[name] = [line for line in root.run("state", "list", **place).stdout.split() if ".data." not in line]
        outputs = json.loads(root.run("output", "-json", **place).stdout)
        policies[name] = json.loads(outputs["node_pull_policy"]["value"])
        assert outputs["ecr_registry_url"]["value"] == "888800001111.dkr.ecr.eu-west-1.amazonaws.com"

    assert 'module.pull_through_cache[0].aws_ecr_pull_through_cache_rule.this["quay"]' in made["owner"]
    assert "module.registry[0].aws_ecr_registry_policy.this[0]" in made["owner"]
    for name in ("neighbour", "consumer"):
        assert [a for a in made[name] if a.startswith("module.")] == [
            f'module.node_access[0].aws_iam_role_policy.this["{name}-node"]'
        ]
    first_pull = {name: policy["Statement"][-1]["Resource"] for name, policy in policies.items()}
    assert set(map(tuple, first_pull.values())) == {("arn:aws:ecr:eu-west-1:888800001111:repository/quay/*",)}


FUNCTIONS = """
cluster_name         = "functions"
account_id           = "888800004444"
aws_region           = "us-east-1"
create_vpc_endpoints = false
attach_ecr_policy    = false
registry_scanning    = { scan_type = "BASIC" }
lifecycle_manager    = { enabled = true, native_policy = "untagged", emails = ["a@example.com"] }
scan_findings        = { enabled = true, emails = ["b@example.com"] }
monitoring           = { enabled = true, emails = ["c@example.com"], storage_alarm_gib = 1 }
pull_through_cache_rules = {
  quay = { upstream_registry_url = "quay.io" }
}
"""
_MOVED = re.compile(r"moved \{\s*from\s*=\s*(\S+)\s*to\s*=\s*(\S+)\s*\}")
_STEP = re.compile(r'([^.\[\]]+)(?:\[("?)([^"\]]*)"?\])?')


def steps(address: str) -> list[tuple[str, int | str | None]]:
    """`module.function[0].aws_iam_role.this["a"]` -> its names, each with its index."""
    return [
        (name, int(index) if index and not quoted else index or None)
        for name, quoted, index in (match.groups() for match in _STEP.finditer(address))
    ]


def move_back(state: dict[str, Any], module: str, old: str, new: str) -> int:
    """Give what the state has at `new` in `module` its `old` address; how many instances that were."""
    *folder, (kind, _), (name, key) = steps(new)
    (old_kind, _), (old_name, old_key) = steps(old)
    inside = ".".join([module, *(part if index is None else f"{part}[{index}]" for part, index in folder)])
    found = next(
        (one for one in state["resources"] if (one.get("module"), one["type"], one["name"]) == (inside, kind, name)),
        None,
    )
    instances = [one for one in (found or {"instances": []})["instances"] if key is None or one.get("index_key") == key]
    for instance in instances:
        found["instances"].remove(instance)  # type: ignore[index]
        if old_key is not None:
            instance["index_key"] = old_key
    if instances:
        entry = {**found, "module": module, "type": old_kind, "name": old_name, "instances": instances}  # type: ignore[dict-item]
        state["resources"].append(entry)
    return len(instances)


@pytest.mark.long
@pytest.mark.terraform
def test_a_state_from_before_the_functions_had_modules_plans_moves_and_nothing_else(
    root: Root, local_aws: LocalAws, tmp_path: Path
) -> None:
    file = tmp_path / "functions.tfvars"
    file.write_text(FUNCTIONS, "utf-8")
    place: dict[str, Any] = {"workspace": "functions", "account": "888800004444", "region": "us-east-1"}
    arguments = (f"-var-file={file}", "-var=environment=functions")
    done = root.run("apply", "-auto-approve", *arguments, **place)
    assert done.returncode == 0, done.stdout

    path = root.folder / "terraform.tfstate.d" / "functions" / "terraform.tfstate"
    state = json.loads(path.read_text("utf-8"))
    moved = {}
    for source in sorted(MODULES.glob("*/moved.tf")):
        module = f"module.{source.parent.name.replace('-', '_')}[0]"
        for old, new in _MOVED.findall(source.read_text("utf-8")):
            moved[f"{module}.{old}"] = move_back(state, module, old, new)
    assert [block for block, count in moved.items() if not count] == [], "no instance shows what this block does"
    state["resources"] = [one for one in state["resources"] if one["instances"]]
    path.write_text(json.dumps({**state, "serial": state["serial"] + 1}), "utf-8")

    done = root.run("plan", "-refresh=false", *arguments, "-out=functions.plan", **place)
    assert done.returncode == 0, done.stdout
    plan = json.loads(root.run("show", "-json", "functions.plan", **place).stdout)
    changed = [
        one["address"] for one in plan["resource_changes"] if one["change"]["actions"] not in (["no-op"], ["read"])
    ]
    assert changed == []
    came = [one["previous_address"] for one in plan["resource_changes"] if "previous_address" in one]
    assert len(came) == sum(moved.values())
