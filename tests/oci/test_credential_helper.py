"""Docker's credential helpers: what their answers mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.oci.auth import Login
from orchestrator.oci.credential_helper import ask_helper
from orchestrator.oci.errors import NotUsable


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return dict(os.environ)


def helper(folder: Path, script: str) -> None:
    program = folder / "docker-credential-vault"
    program.write_text(f"#!/bin/sh\nread server\n{script}\n")
    program.chmod(0o755)


# docker-credential-helpers says it on standard output, helpers written by hand on either.
@pytest.mark.parametrize("where", ["", ">&2"])
def test_a_helper_without_a_login_is_no_failure(where: str, tmp_path: Path, variables: dict[str, str]) -> None:
    helper(tmp_path, f"echo 'credentials not found in native keychain' {where}; exit 1")
    assert ask_helper("vault", "quay.io", variables) is None


def test_a_helper_that_fails_is_named_with_its_exit_code(tmp_path: Path, variables: dict[str, str]) -> None:
    helper(tmp_path, "echo 'the vault is locked' >&2; exit 3")
    with pytest.raises(NotUsable) as refused:
        ask_helper("vault", "quay.io", variables)
    assert "docker-credential-vault failed for quay.io with 3." in str(refused.value)
    assert "docker-credential-vault list" in str(refused.value)


def test_docker_hub_is_asked_for_by_its_old_name(tmp_path: Path, variables: dict[str, str]) -> None:
    helper(tmp_path, 'printf \'{"Username": "u", "Secret": "%s"}\' "$server"')
    # No newline ends what is asked, so that `read` of the shell fails: the name is there all the same.
    assert ask_helper("vault", "docker.io", variables) == Login("u", "https://index.docker.io/v1/")
    assert ask_helper("vault", "quay.io", variables) == Login("u", "quay.io")


def test_a_user_that_is_called_token_is_an_identity_token(tmp_path: Path, variables: dict[str, str]) -> None:
    helper(tmp_path, 'echo \'{"Username": "<token>", "Secret": "t"}\'')
    assert ask_helper("vault", "quay.io", variables) == Login("", "t")
