"""What changed behind our back is named on every state: never applied, lost, and with others' parts in shared settings."""

from __future__ import annotations

import json

import pytest

from orchestrator.terraform.surroundings import POLICY, SCANNING
from tests.functional.terraform.conftest import World
from tests.functional.terraform.test_others import put_policy, put_scans, statement

pytestmark = [pytest.mark.terraform, pytest.mark.long]


def test_without_a_state_it_says_so_and_names_what_is_there(world: World) -> None:
    never = world.run("drift", "dev")
    assert (never.code, never.out.splitlines()[-1]) == (3, "Nothing is applied."), never.err

    ecr = world.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository(repositoryName="small-registry")
    lost = world.run("drift", "dev", "--json")
    assert lost.code == 3, lost.err
    assert (lost.json["applied"], lost.json["drift"]) == (False, [])
    assert set(lost.json["existing"]) == {
        'the repository "small-registry"',
        'the pull-through cache rule "quay"',
    }
    assert "terraform.tfstate.backup" in lost.json["advice"]["remedy"]
    assert "orchestrator apply dev --adopt --local" in lost.json["advice"]["remedy"]

    # The remedy works.
    adopted = world.run("apply", "dev", "--yes", "--adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert world.run("drift", "dev").code == 0


def test_what_others_write_into_shared_settings_is_no_drift_and_ours_is(world: World) -> None:
    world.write(
        'registry_scanning = { scan_type = "BASIC", rules = [{ scan_frequency = "SCAN_ON_PUSH", '
        'repository_patterns = ["prod-*"] }] }',
        f"registry_policy_statements = [{json.dumps(statement('Replicate', '777788889999', world))}]",
    )
    applied = world.run("apply", "dev", "--yes")
    assert applied.code == 0, applied.out + applied.err
    put_policy(world, statement("Replicate", "777788889999", world), statement("TeamB", "555566667777", world))
    put_scans(world, "prod-*", "team-b/*")
    theirs = world.run("drift", "dev")
    assert theirs.code == 0, theirs.out

    put_policy(world, statement("TeamB", "555566667777", world))
    put_scans(world, "team-b/*")
    ours = world.run("drift", "dev", "--json")
    assert sorted(change["type"] for change in ours.json["drift"]) == [POLICY, SCANNING]
