"""What Terraform's failures are turned into."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.failures import _locked, failure
from orchestrator.terraform.runner import Outcome
from orchestrator.terraform.stream import Diagnostic

S3_LOCK = """Error message: operation error S3: PutObject, https response error StatusCode: 412, api error PreconditionFailed
Lock Info:
  ID:        6e8a5f62-7a1c-0f8e-1b7f-2f3ef2d8d3a1
  Path:      bucket/orchestrator/dev/terraform.tfstate
  Operation: OperationTypeApply
  Who:       ci@runner-7
  Version:   1.11.4
  Created:   2026-01-02 03:04:05.678 +0000 UTC
  Info:

Terraform acquires a state lock to protect the state from being written by multiple users at the same time."""


def explained(
    detail: str, *, code: int = 1, summary: str = "", interrupted: bool = False, applying: bool = True
) -> OrchestratorError:
    return failure(
        "terraform apply",
        Outcome(("apply",), code, "", "", 1.0, interrupted),
        [Diagnostic("error", summary, detail)],
        environment="dev",
        log=Path("/w/terraform.log"),
        applying=applying,
    )


def test_a_lock_says_who_and_since_when_and_how_to_remove_it() -> None:
    text = str(explained(S3_LOCK, summary="Error acquiring the state lock"))

    assert "locked by ci@runner-7 since 2026-01-02 03:04:05.678 +0000 UTC (apply)" in text
    assert "never broken by itself" in text
    assert "`TF_WORKSPACE=dev terraform -chdir=/w/root force-unlock 6e8a5f62-7a1c-0f8e-1b7f-2f3ef2d8d3a1`" in text


def test_a_lock_that_could_not_be_asked_for_is_nobody_s() -> None:
    text = str(explained("operation error S3: PutObject, 403 Forbidden", summary="Error acquiring the state lock"))

    assert "locked by" not in text
    assert "403 Forbidden" in text


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("Saved plan is stale", "moved on"),
        ("RepositoryAlreadyExistsException: The repository with name 'a/b' already exists", '"a/b" exists already'),
        ("RepositoryNotEmptyException: not empty", "force_delete = true"),
        ("write terraform.tfstate: no space left on device", "the disk is full"),
        ("No valid credential sources found", "orchestrator doctor"),
        ("Failed to query available provider packages", "ORCHESTRATOR_PROVIDER_MIRROR"),
        ("Failed to save state: AccessDenied", "do not remove the working directory"),
        ("something else", "something else"),
    ],
)
def test_a_known_cause_is_named(detail: str, said: str) -> None:
    assert said in str(explained(detail))


def test_the_command_to_run_again_is_the_one_that_failed() -> None:
    outcome = Outcome(("apply",), 1, "", "dial tcp 127.0.0.1:1: connect: connection refused", 1.0, False)

    def text(what: str, *, local: bool, disk_full: bool = False) -> str:
        log = Path("/w/terraform.log")
        return str(
            failure(what, outcome, [], environment="dev", log=log, applying=True, local=local, disk_full=disk_full)
        )

    assert "`orchestrator destroy dev`" in text("terraform destroy", local=False)
    assert "the embedded AWS has ended" in text("terraform apply", local=True)
    assert "`orchestrator apply dev --local`" in text("terraform apply", local=True)
    assert "because the disk is full" in text("terraform apply", local=False, disk_full=True)


def test_an_interrupt_says_whether_something_may_be_lost() -> None:
    assert "nothing is lost" in str(explained("", interrupted=True))
    assert "killed (SIGKILL)" in str(explained("", code=-9, interrupted=True))
    assert "Nothing was changed" in str(explained("", interrupted=True, applying=False))
    assert explained("", interrupted=True).exit_code == 130


def test_a_death_by_signal_is_no_success() -> None:
    assert "ended by SIGKILL" in str(explained("", code=-9))


def test_nobody_is_told_to_break_the_lock_of_a_terraform_that_still_lives(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=root) as child:
        living = str(_locked("dev", "  ID:        abc\n  Who:       me@here\n", root))
        child.kill()
    gone = str(_locked("dev", "  ID:        abc\n  Who:       me@here\n", root))
    assert f"process {child.pid}" in living
    assert "force-unlock" not in living
    assert "force-unlock abc" in gone
