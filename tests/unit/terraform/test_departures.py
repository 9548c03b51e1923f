"""What a plan takes away and must not: what other environments need, and what others wrote beside us.

The other environments are files of a project with local states; nothing runs, and AWS is not asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest

from orchestrator.environment.model import Environment
from orchestrator.errors import RefusedInput
from orchestrator.project import Project
from orchestrator.terraform.departures import Departures, Restore, departures, refuse_waiting
from orchestrator.terraform.foreign_settings import Made, Scanning
from orchestrator.terraform.holders import holders, holds
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State, parse_state
from orchestrator.terraform.surroundings import Surroundings
from orchestrator.terraform.workdir import Workdir, workdir_of
from tests.conftest import ProjectFactory
from tests.unit.terraform.test_foreign_settings import OURS, A
from tests.unit.terraform.test_plan import change, plan_of, resource

ACCOUNT, REGION = "111122223333", "eu-west-1"
COMMON = f'account_id = "{ACCOUNT}"\naws_region = "{REGION}"\ncreate_vpc_endpoints = false\n'
OWNER, USER = "manage_registry = true\n", "manage_registry = false\n"
ROSA = 'platform = "rosa-classic"\nworker_role_prefix = "acme"\n'
RULE = 'module.pull_through_cache[0].aws_ecr_pull_through_cache_rule.this["quay"]'
ATTACHED = 'module.node_access[0].aws_iam_role_policy_attachment.managed["acme-Worker-Role"]'
NODES = 'module.node_access[0].aws_iam_role_policy.this["acme-Worker-Role"]'
REPOSITORY = 'module.ecr[0].aws_ecr_repository.this["a/b"]'
PUSHES = 'module.push_role[0].aws_iam_role_policy.this["ci"]'
HCP = 'platform = "rosa-hcp"\nmachine_pools = { workers = { instance_profile = "acme-1" } }\n'
POLICY = "module.registry[0].aws_ecr_registry_policy.this[0]"
SCANNING = "module.registry[0].aws_ecr_registry_scanning_configuration.this[0]"
OWNED = {"ecr_summary": {"value": {"owns_registry": True}}}


@dataclass
class Others:
    """A project with `dev`, which plans, and others; local states."""

    project: Project

    def stack(self) -> Stack:
        @dataclass
        class Context:
            project: Project

        @dataclass
        class FakeStack:
            context: Context
            environment: Environment
            workdir: Workdir
            name: str = "dev"

            def neighbours(self) -> dict[str, Environment]:
                return self.context.project.neighbours(self.environment)

        workdir = Workdir(workdir_of(self.project, "dev", local=True), "dev", True, "")
        return cast(Stack, FakeStack(Context(self.project), self.project.load("dev"), workdir))

    def state(self, name: str, *held: tuple[str, dict[str, Any]], outputs: dict[str, Any] | None = None) -> State:
        """Write the state of `name`: (address, attributes) of each thing it holds."""
        listed = []
        for address, attributes in held:
            whole, _, key = address.partition('["')
            module, kind, resource_name = whole.removesuffix("[0]").rsplit(".", 2)
            index = key.removesuffix('"]') or 0
            instance = {"index_key": index, "attributes": attributes}
            listed.append(
                {"module": module, "mode": "managed", "type": kind, "name": resource_name, "instances": [instance]}
            )
        text = json.dumps({"version": 4, "serial": 1, "lineage": "l", "resources": listed, "outputs": outputs or {}})
        path = Workdir(workdir_of(self.project, name, local=True), name, True, "").local_state
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
        return parse_state(text)


@pytest.fixture
def others(project: ProjectFactory) -> Any:
    def make(**texts: str) -> Others:
        named = {name: f'cluster_name = "{name}"\n{COMMON}{text}' for name, text in texts.items()}
        return Others(project(named))

    return make


def gone(*addresses: str) -> Any:
    """A plan that deletes these."""
    types = [address.partition('["')[0].removesuffix("[0]").split(".")[-2] for address in addresses]
    return plan_of(
        *(
            resource(address, change(["delete"], {}, None), type=kind)
            for address, kind in zip(addresses, types, strict=True)
        )
    )


def test_a_rule_that_the_new_owner_has_is_forgotten_and_one_that_it_has_not_is_deleted(others: Any) -> None:
    project = others(dev=USER, prod=OWNER)
    project.state("prod", (RULE, {"id": "quay", "registry_id": ACCOUNT}), outputs=OWNED)
    second = RULE.replace("quay", "k8s")
    mine = project.state("dev", (RULE, {"id": "quay"}), (second, {"id": "k8s"}))

    found = departures(project.stack(), gone(RULE, second), mine, Surroundings())

    assert [(each.address, each.why) for each in found.forgets] == [(RULE, 'handed over to "prod"')]
    assert found.waits_for == ""
    shown = found.shown_in(gone(RULE, second))
    assert [each.action for each in shown.changes] == ["forget", "delete"]


@pytest.mark.parametrize("applied", [False, True])
def test_who_gives_the_registry_away_waits_for_an_owner_that_has_not_taken_it(others: Any, applied: bool) -> None:
    project = others(dev=USER, prod=OWNER)
    if applied:
        project.state("prod", outputs={"ecr_summary": {"value": {"owns_registry": False}}})
    mine = project.state("dev", (RULE, {"id": "quay"}))

    found = departures(project.stack(), gone(RULE), mine, Surroundings())

    assert found.waits_for == "prod"
    with pytest.raises(RefusedInput) as refused:
        refuse_waiting(project.stack(), found)
    assert "`orchestrator apply prod dev --local`" in str(refused.value)


def test_an_owner_of_before_has_taken_nothing_until_it_is_applied_again(others: Any) -> None:
    """Its apply was cut off between the two halves of giving the registry away, or an earlier version wrote its state."""
    project = others(dev=USER, prod=OWNER)
    project.state("prod", outputs=OWNED)
    mine = project.state("dev", (RULE, {"id": "quay"}))

    stale = departures(project.stack(), gone(RULE), mine, Surroundings())
    assert (stale.waits_for, [each.address for each in stale.forgets]) == ("prod", [RULE])
    # It owns the registry, and wants no rule.
    assert departures(project.stack(), gone(RULE), mine, Surroundings(), ("prod",)) == Departures()


ALONE = {
    "no other environment": {"dev": USER},
    "none that owns it": {"dev": USER, "prod": USER},
    "its owner plans": {"dev": OWNER, "prod": USER},
}


@pytest.mark.parametrize("name", ALONE)
def test_without_a_new_owner_what_goes_is_deleted(others: Any, name: str) -> None:
    project = others(**ALONE[name])
    mine = project.state("dev", (RULE, {"id": "quay"}))
    assert departures(project.stack(), gone(RULE), mine, Surroundings()) == Departures()


def test_an_owner_of_another_region_is_no_successor(others: Any) -> None:
    project = others(dev=USER, prod=OWNER)
    path = project.project.tfvars_path("prod")
    path.write_text(path.read_text().replace(REGION, "eu-west-2"))
    mine = project.state("dev", (RULE, {"id": "quay"}))
    assert departures(project.stack(), gone(RULE), mine, Surroundings()) == Departures()


NEEDED = {
    "by the same prefix of roles": (ROSA + USER, True),
    "by none": (USER + 'node_role_names = ["other"]\n', False),
    "by its name": (USER + 'node_role_names = ["acme-Worker-Role"]\n', True),
    "but its owner attaches nothing": (ROSA + USER + "attach_ecr_policy = false\n", False),
}


@pytest.mark.parametrize("name", NEEDED)
def test_an_attachment_stays_when_another_environment_needs_it(others: Any, name: str) -> None:
    text, stays = NEEDED[name]
    project = others(dev=ROSA + OWNER, prod=text)
    mine = project.state("dev", (ATTACHED, {"role": "acme-Worker-Role", "id": "x"}))

    found = departures(project.stack(), gone(ATTACHED), mine, Surroundings())

    assert [each.why for each in found.forgets] == (
        ['environment "prod" needs it on acme-Worker-Role'] if stays else []
    )


HELD = {
    "whose instance profile has another name": (HCP + USER, True),
    "whose file no longer says so": (USER, True),
    "in another account": (USER + 'account_id = "999988887777"\n', False),
}


@pytest.mark.parametrize("name", HELD)
def test_an_attachment_stays_when_the_nodes_of_another_state_have_that_role(others: Any, name: str) -> None:
    text, stays = HELD[name]
    project = others(dev=ROSA + OWNER, prod=text, test=USER)
    repository = {"arn": f"arn:aws:ecr:{REGION}:{'111122223333' if stays else '999988887777'}:repository/a/b"}
    project.state("prod", (NODES, {"role": "acme-Worker-Role", "id": "x"}), (REPOSITORY, repository))
    project.state("test", (PUSHES, {"role": "acme-Worker-Role", "id": "x"}))
    mine = project.state("dev", (ATTACHED, {"role": "acme-Worker-Role", "id": "x"}))

    found = departures(project.stack(), gone(ATTACHED), mine, Surroundings())

    assert [each.why for each in found.forgets] == (
        ['environment "prod" needs it on acme-Worker-Role'] if stays else []
    )


def test_statements_of_others_are_put_back_and_the_policy_is_forgotten(others: Any) -> None:
    stack = others(dev=OWNER).stack()
    both = departures(stack, gone(POLICY), State(), Surroundings(statements=(OURS, A)))
    assert both.restores == (Restore(POLICY, statements=(A,)),)
    assert [each.why for each in both.forgets] == ["1 statement of others stay"]
    ours = departures(stack, gone(POLICY), State(), Surroundings(statements=(OURS,)))
    assert ours == Departures()


ONE = frozenset({("SCAN_ON_PUSH", "team-a/*")})
OWN = frozenset({("SCAN_ON_PUSH", "prod-*")})
CONTINUOUS = frozenset({("CONTINUOUS_SCAN", "team-a/*")})
# what AWS has, what we made, what is put back (None: Terraform's own delete gives that)
SCANS: dict[str, tuple[Scanning, Made, Scanning | None]] = {
    "only ours": (Scanning("BASIC", OWN), Made((), OWN, "BASIC"), None),
    "ours, where it was enhanced before": (
        Scanning("ENHANCED", OWN),
        Made((), OWN, "ENHANCED"),
        Scanning("ENHANCED", frozenset()),
    ),
    "another's rule": (Scanning("ENHANCED", ONE | OWN), Made((), OWN, "BASIC"), Scanning("BASIC", ONE)),
    "another's rule that basic scanning cannot": (
        Scanning("ENHANCED", CONTINUOUS | OWN),
        Made((), OWN, "BASIC"),
        Scanning("ENHANCED", CONTINUOUS),
    ),
    "made before it was told what was there": (
        Scanning("ENHANCED", ONE | OWN),
        Made((), OWN, ""),
        Scanning("ENHANCED", ONE),
    ),
}


@pytest.mark.parametrize("name", SCANS)
def test_scanning_goes_back_to_what_others_have(others: Any, name: str) -> None:
    live, made, kept = SCANS[name]
    around = Surroundings(made=made, scanning=live)
    found = departures(others(dev=OWNER).stack(), gone(SCANNING), State(), around)
    assert [each.scanning for each in found.restores] == ([kept] if kept else [])


def test_a_state_whose_file_is_gone_is_found_and_marked(others: Any) -> None:
    project = others(dev=OWNER)
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/a"
    repository = 'module.ecr.aws_ecr_repository.this["a"]'
    project.state("former", (repository, {"id": "a", "arn": arn}))
    project.state("dev", (repository, {"id": "b", "arn": arn}))

    (holder,) = holders(project.stack())

    assert (holder.name, holder.gone, holder.environment) == ("former", True, None)
    assert holds(holder, "aws_ecr_repository", "a", project.stack())
    assert not holds(holder, "aws_ecr_repository", "b", project.stack())
    assert not holds(holder, "aws_iam_role", "a", project.stack())


ELSEWHERE = ["arn:aws:ecr:eu-west-2:111122223333:repository/b", "arn:aws:ecr:eu-west-1:999988887777:repository/b"]


@pytest.mark.parametrize("arn", ELSEWHERE)
@pytest.mark.parametrize("more", [{"arn": True}, {}])
def test_a_namesake_of_another_account_or_region_is_not_it(others: Any, arn: str, more: dict[str, Any]) -> None:
    """Its own ARN tells, or that of what stands beside it in the state."""
    project = others(dev=OWNER)
    one, two = ('module.ecr.aws_ecr_repository.this["a"]', 'module.ecr.aws_ecr_repository.this["b"]')
    project.state("former", (one, {"id": "a", **({"arn": arn} if more else {})}), (two, {"id": "b", "arn": arn}))
    (holder,) = holders(project.stack())
    assert not holds(holder, "aws_ecr_repository", "a", project.stack())


def test_a_role_is_held_by_an_environment_of_another_region_and_a_rule_is_not(others: Any) -> None:
    project = others(dev=OWNER, prod=OWNER)
    path = project.project.tfvars_path("prod")
    path.write_text(path.read_text().replace(REGION, "eu-west-2"))
    role = "module.lifecycle_manager[0].module.function.aws_iam_role.this[0]"
    project.state("prod", (RULE, {"id": "quay", "registry_id": ACCOUNT}), (role, {"id": "manager"}))
    (holder,) = holders(project.stack())
    assert not holds(holder, "aws_ecr_pull_through_cache_rule", "quay", project.stack())
    assert holds(holder, "aws_iam_role", "manager", project.stack())
