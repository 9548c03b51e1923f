"""docs/guide/zero-egress.md from nothing to images that a node can pull, in a network namespace with loopback alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.zero_egress_walk import ROOT, page_commands

pytestmark = [pytest.mark.cluster, pytest.mark.terraform]

IN_A_NAMESPACE = ["unshare", "--net", "--kill-child"]


@pytest.fixture
def namespace() -> list[str]:
    """The beginning of a command that has no network but loopback."""
    alone = [*IN_A_NAMESPACE, "ip", "link", "set", "lo", "up"]
    if shutil.which("unshare") is None or subprocess.run(alone, capture_output=True, check=False).returncode:
        if os.environ.get("CI") or os.geteuid() == 0:
            pytest.fail("a network namespace must be possible here: unshare --net, and ip (iproute2)")
        pytest.skip("only root can make a network namespace")
    return [*IN_A_NAMESPACE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def test_every_command_of_the_page_works_and_the_pods_images_can_be_pulled(
    namespace: list[str], skopeo: str, tmp_path: Path
) -> None:
    command = [*namespace, sys.executable, "-m", "tests.cluster.zero_egress_walk", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "walked.json").read_text())
    failed = [step for step in found["walked"] if step["code"]]
    assert failed == [], json.dumps(failed, indent=1)
    walked = [step["command"].removesuffix(" --local") for step in found["walked"]]
    assert walked[1:] == page_commands()
    assert len(walked) >= 20
    assert sorted(image.partition("/")[2] for image in found["pulled"]) == ["quay/team/web:1", "redhat/ubi9/app:9.5.0"]
    assert all(found["pulled"].values()), found["pulled"]
    outputs = {step["command"]: step["out"] for step in found["walked"]}
    assert "Applied." in outputs["orchestrator apply rosa-zero-egress --local"]
    assert walked[-1] == "orchestrator verify rosa-zero-egress --cluster --watch"
    assert "0 findings in 2 containers" in "".join(found["walked"][-1][stream] for stream in ("out", "err"))
    assert "0 missing" in outputs["orchestrator mirror rosa-zero-egress --check --local"]
