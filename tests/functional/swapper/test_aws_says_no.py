"""The webhook when AWS refuses: it goes on, and `/readyz` and `swapper status` tell why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.project import Project
from tests.functional.aws.scripted import endpoint
from tests.functional.running import run
from tests.functional.swapper.serving_webhook import served
from tests.functional.test_aws_refusals import ACCOUNT, REFUSALS, REGION, Aws
from tests.made_images import make_image
from tests.oci.strict_registry import StrictRegistry
from tests.unit.swapper.reviews import containers, patched, pod, review

UBI = "registry.redhat.io/ubi9/ubi:9.3"
QUAY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/quay/team/app:1"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path / "project")
    found.environments_dir.mkdir(parents=True)
    found.tfvars_path("dev").write_text(
        f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "{REGION}"\ncreate_vpc_endpoints = false\n'
        'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
        'mirrors = { redhat = { source = "registry.redhat.io" } }\n'
    )
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    made = Aws()
    with endpoint(made.answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + ACCOUNT)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield made


@pytest.fixture
def source() -> Iterator[StrictRegistry]:
    with StrictRegistry() as registry:
        image = make_image(1)
        held = registry.repository("ubi9/ubi")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags["9.3"] = image.digest
        yield registry


# A server that starts takes seconds; every refusal is met, half of them after the check of the account.
@pytest.mark.long
@pytest.mark.parametrize(("refused", "grants"), [(refused, at % 2) for at, refused in enumerate(REFUSALS)])
def test_the_webhook_goes_on_and_its_status_says_why(
    refused: str, grants: int, aws: Aws, project: Project, source: StrictRegistry, tmp_path: Path
) -> None:
    aws.refusal, aws.grants = REFUSALS[refused], grants
    via = f"registry.redhat.io=http://{source.host}"
    where = ("-C", str(project.root), "swapper", "status", "dev", "--state-dir", str(tmp_path / "state"))
    with served(project.root, tmp_path, "dev", "--via", via, "--state-dir", str(tmp_path / "state")) as webhook:
        document = review(pod(containers=[*containers("quay.io/team/app:1"), {"name": "ubi", "image": UBI}]))
        for _ in range(2):
            images = [one["image"] for one in patched(document, webhook.review(document))["spec"]["containers"]]
            assert images == [QUAY, UBI]
        assert webhook.ask("GET", "/healthz")[0] == 200
        status, text = webhook.ask("GET", "/readyz")
        # Throttled calls are tried again for longer than the answer waits.
        assert (status, aws.refusal.says in text.decode() or b"did not answer in time" in text) == (200, True), text
        # How long they are tried depends on the machine: adaptive retries slow down while they are throttled.
        until = time.monotonic() + 240
        while "1 failed" not in (ran := run(*where)).err and time.monotonic() < until:
            time.sleep(0.2)
    assert aws.refusal.says in ran.out
    assert aws.refusal.remedy in ran.out
