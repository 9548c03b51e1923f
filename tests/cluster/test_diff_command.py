"""`orchestrator diff` against a real API server: missing, the same, changed by somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.manifests import Options, generate
from orchestrator.project import Project
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import binary
from tests.functional.published_schemas import problems
from tests.functional.running import Ran, run

pytestmark = pytest.mark.cluster
PROJECT = Project(Path(__file__).parents[2])


def test_a_difference_is_shown_and_gone_after_the_apply(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PROJECT.tfvars_path("dev").read_text().replace('"1.33"', '"1.36"')
    (tmp_path / "environments").mkdir()
    project = Project(tmp_path)
    project.tfvars_path("dev").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))
    monkeypatch.setenv("ORCHESTRATOR_KUBECTL", str(binary("kubectl")))

    def diff(*arguments: str) -> Ran:
        return run("-C", str(tmp_path), "diff", "dev", "--for", "native", *arguments)

    text = generate(project.load("dev"), ["native"], Options())[0].files["policy.yaml"]
    missing = diff()
    assert missing.code == 3, missing.err
    assert "+kind: MutatingAdmissionPolicy" in missing.out
    try:
        api_server.kubectl("apply", "-f", "-", stdin=text)
        same = diff()
        assert (same.code, same.out) == (0, ""), same.out
        changed = text.replace("failurePolicy: Ignore", "failurePolicy: Fail")
        assert changed != text
        api_server.kubectl("apply", "-f", "-", stdin=changed)
        found = diff("--json")
        assert problems("diff", found.json) == []
        assert found.code == 3
        assert "failurePolicy" in found.json["targets"][0]["diff"]
    finally:
        api_server.kubectl("delete", "-f", "-", stdin=text, check=False)
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert diff().code == 1


def test_files_for_nodes_are_no_documents_of_a_cluster() -> None:
    refused = run("-C", str(PROJECT.root), "diff", "dev", "--for", "containerd")
    assert refused.code == 2
    assert "manifests dev --check FOLDER" in refused.err
