"""The audit log and the snapshots outlive the lifecycle manager and a destroy. Minutes of waiting for S3."""

from __future__ import annotations

import pytest

from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]


def test_records_outlive_the_manager_and_a_destroy_when_asked(world: World) -> None:
    bucket, key = f"ecr-lifecycle-{world.account}-us-east-1", "audit/2026/07/01/run.jsonl"

    def manager(*settings: str) -> None:
        world.write("lifecycle_manager = {", *settings, "}")

    manager("enabled = true")
    assert world.run("apply", "dev", "--yes").code == 0
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=b"{}")

    manager("enabled = false")
    refused = world.run("apply", "dev", "--yes", "--allow-destroy", bucket)
    assert refused.code == 2
    assert f'the bucket "{bucket}" would be destroyed' in refused.err
    assert "keep_records = true" in refused.err

    manager("enabled = false", "keep_records = true")
    assert world.run("apply", "dev", "--yes").code == 0
    spared = world.run("destroy", "dev", "--yes", "--json")
    assert spared.code == 0, spared.err
    assert spared.json["spared"] == [bucket]
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"{}"
    assert world.client("lambda").list_functions()["Functions"] == []
