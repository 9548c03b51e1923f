"""`orchestrator swapper import` prints or writes an environment that validate takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli import main as entry

CONFIG = """\
DryRun: "true"
source:
  filters:
  - jmespath: "obj.metadata.namespace == 'kube-system'"
  - jmespath: "container.name == 'istio-proxy'"
target: {type: aws, aws: {accountId: 123456789012, region: eu-west-1, prefix: /cache}}
"""


def main(words: list[str]) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        entry.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without an environment, as the working directory."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "common.tfvars").write_text("")
    (tmp_path / ".k8s-image-swapper.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_printed_environment_is_valid(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swapper", "import", ".k8s-image-swapper.yaml"]) == 0

    printed = capsys.readouterr()
    assert "note: .k8s-image-swapper.yaml:5: The filter container.name == 'istio-proxy' is not imported." in printed.err
    (project / "environments" / "dev.tfvars").write_text(printed.out)
    assert main(["validate", "dev"]) == 0
    assert main(["route", "dev", "nginx:1.25"]) == 0
    assert "/cache/docker.io/library/nginx:1.25" in capsys.readouterr().out


def test_a_name_writes_the_file_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["swapper", "import", ".k8s-image-swapper.yaml", "--name", "prod", "--registry", "example.com"]
    assert main(words) == 0

    text = (project / "environments" / "prod.tfvars").read_text()
    assert '"cache/example.com"' in text
    assert main(["validate", "prod"]) == 0
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.yaml"], "missing.yaml cannot be read"),
        ([".k8s-image-swapper.yaml", "--name", "../x"], "cannot be called"),
        ([".k8s-image-swapper.yaml", "--registry", "nginx"], "not a registry"),
        (["wrong.yaml"], "wrong.yaml:1: There is no key drurun."),
        (["binary.yaml"], "no UTF-8"),
        (["gcp.yaml"], "target.type 'gcp'"),
    ],
)
def test_what_cannot_be_imported_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (project / "wrong.yaml").write_text("druRun: true\n")
    (project / "binary.yaml").write_bytes(b"\xff\xfe")
    (project / "gcp.yaml").write_text("target: {type: gcp}\n")

    assert main(["swapper", "import", *words]) == 2
    assert said.lower() in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("registry", "why"),
    [
        ("registry.example.com:5000", "no repository of ECR has a colon"),
        ("REGISTRY.example.com", "or capitals in its name"),
        ("quay.io/team", "a path of quay.io"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "where the copies go"),
    ],
)
def test_a_registry_that_no_mirror_can_be_written_for_is_refused(
    registry: str, why: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["swapper", "import", ".k8s-image-swapper.yaml", "--name", "prod", "--registry", registry]
    assert main(words) == 2
    assert why in " ".join(capsys.readouterr().err.split())
    assert not (project / "environments" / "prod.tfvars").exists()
