"""`orchestrator secret set` from the user's side: where the token may come from, and everything that is refused."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.aws.session import AwsSession, open_session
from orchestrator.local import LocalAws, ensure_running, stop
from orchestrator.project import Project

from .running import Ran, run

TOKEN = "dckr_pat_s3cr3t"

DEV = """
cluster_name         = "dev"
account_id           = "ACCOUNT"
aws_region           = "eu-central-1"
create_vpc_endpoints = false
tags                 = { team = "platform" }

pull_through_cache_rules = {
  docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }
  github     = { upstream_registry_url = "ghcr.io", secret_name = "ecr-pullthroughcache/github" }
  gitlab = {
    upstream_registry_url = "registry.gitlab.com"
    credential_arn        = "arn:aws:secretsmanager:eu-central-1:ACCOUNT:secret:ecr-pullthroughcache/gitlab-AbCdEf"
  }
  quay = { upstream_registry_url = "quay.io" }
}
"""
STAGING = """
cluster_name         = "staging"
account_id           = "ACCOUNT"
aws_region           = "eu-central-1"
create_vpc_endpoints = false
manage_registry      = false

pull_through_cache_rules = {
  docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }
}
"""


@dataclass(frozen=True)
class Place:
    """A project with its own embedded AWS, used with a fresh account in each test."""

    root: Path
    aws: LocalAws
    account_id: str

    def set(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return run("-C", str(self.root), "secret", "set", *arguments, "--local", stdin=stdin)

    @property
    def session(self) -> AwsSession:
        return open_session(Project(self.root).load("dev"), local=self.aws)

    def stored(self, name: str = "ecr-pullthroughcache/hub") -> object:
        return json.loads(self.session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    @property
    def names(self) -> list[str]:
        return [secret["Name"] for secret in self.session.client("secretsmanager").list_secrets()["SecretList"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, LocalAws]]:
    root = tmp_path_factory.mktemp("project")
    state_dir = root / ".orchestrator" / "local-aws"
    try:
        yield root, ensure_running(state_dir)
    finally:
        stop(state_dir)


@pytest.fixture
def place(server: tuple[Path, LocalAws], account_id: str) -> Place:
    root, aws = server
    folder = root / "environments"
    folder.mkdir(exist_ok=True)
    (folder / "dev.tfvars").write_text(DEV.replace("ACCOUNT", account_id))
    (folder / "staging.tfvars").write_text(STAGING.replace("ACCOUNT", account_id))
    return Place(root, aws, account_id)


def test_a_token_from_stdin_is_stored_in_ecrs_shape(place: Place) -> None:
    ran = place.set("dev", "docker-hub", "--username", "me", "--stdin", stdin=f"{TOKEN}\n".encode())
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"Created ecr-pullthroughcache/hub in eu-central-1 of account {place.account_id}.")
    assert place.stored() == {"username": "me", "accessToken": TOKEN}
    assert TOKEN not in ran.out + ran.err
    described = place.session.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")
    assert described["Tags"] == [{"Key": "team", "Value": "platform"}]


def test_a_file_with_json_is_taken_as_it_is(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"username": "me", "accessToken": TOKEN}))
    ran = place.set("dev", "docker-hub", "--from-file", str(file), "--json")
    assert ran.code == 0, ran.err
    assert ran.json["name"] == "ecr-pullthroughcache/hub"
    assert ran.json["created"] is True
    assert ran.json["arn"].startswith(f"arn:aws:secretsmanager:eu-central-1:{place.account_id}:secret:")
    assert place.stored() == {"username": "me", "accessToken": TOKEN}


def test_a_second_time_the_value_is_replaced(place: Place) -> None:
    place.set("dev", "docker-hub", "--username", "me", "--stdin", stdin=b"old")
    ran = place.set("dev", "docker-hub", "--username", "me", "--stdin", "--json", stdin=b"new")
    assert ran.json["created"] is False
    assert place.stored() == {"username": "me", "accessToken": "new"}


def test_a_token_typed_on_a_terminal_is_not_shown(place: Place) -> None:
    """Through a real pseudo-terminal: what it echoes is what a screen would show."""
    parent, child = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "orchestrator",
        "-C",
        str(place.root),
        "secret",
        "set",
        "dev",
        "docker-hub",
        "--local",
    ]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, start_new_session=True) as process:
        os.close(child)
        shown = b""
        for question, answer in ((b"User name: ", b"me\n"), (b"Access token: ", f"{TOKEN}\n".encode())):
            while question not in shown:
                shown += os.read(parent, 1024)
            os.write(parent, answer)
        while process.poll() is None or b"arn:aws" not in shown:
            try:
                chunk = os.read(parent, 1024)
            except OSError:  # Linux: the other side is closed
                break
            if not chunk:
                break
            shown += chunk
        assert process.wait(30) == 0, shown.decode()
    os.close(parent)
    assert TOKEN.encode() not in shown
    assert b"Docker Hub" in shown
    assert place.stored() == {"username": "me", "accessToken": TOKEN}


def test_without_a_terminal_nobody_is_asked(place: Place) -> None:
    ran = place.set("dev", "docker-hub", stdin=b"")
    assert ran.code == 2
    assert "--stdin or --from-file" in ran.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["dev", "quay", "--username", "me"], b"t", "quay.io) takes no credentials"),
        (["dev", "dockerhub", "--username", "me"], b"t", "docker-hub, github, gitlab"),
        (["dev", "gitlab", "--username", "me"], b"t", "credential_arn"),
        (["staging", "docker-hub", "--username", "me"], b"t", "orchestrator secret set dev RULE"),
        (["absent", "docker-hub", "--username", "me"], b"t", "absent"),
        (["dev", "docker-hub"], b"s3cr3t-token", "user name is missing"),
        (["dev", "docker-hub", "--username", " "], b"s3cr3t-token", "user name is empty"),
        (["dev", "docker-hub", "--username", "a b"], b"s3cr3t-token", "user name has white space"),
        (["dev", "docker-hub", "--username", "me"], b"", "access token is empty"),
        (["dev", "docker-hub", "--username", "me"], b"\n\n", "access token is empty"),
        (["dev", "docker-hub", "--username", "me"], b"s3cr3t-token\nsecond line", "line break"),
        (["dev", "docker-hub", "--username", "me"], b"s3cr3t-token\x07", "control character"),
        (["dev", "docker-hub", "--username", "me"], b"\xffs3cr3t-token", "not UTF-8"),
        (["dev", "docker-hub", "--username", "me"], b"x" * 70000, "more than 65536 bytes"),
        (["dev", "docker-hub"], b'{"username": "me", "accessToken": "s3cr3t-token"', "begin like JSON"),
        (["dev", "docker-hub"], b'{"username": "me", "password": "s3cr3t-token"}', "'password' is unknown"),
        (["dev", "docker-hub"], b'{"username": "me", "accessToken": 5}', "is not a text"),
        (["dev", "docker-hub"], b'{"username": "me", "accessToken": ""}', "access token is empty"),
        (
            ["dev", "docker-hub", "--username", "you"],
            b'{"username": "me", "accessToken": "s3cr3t-token"}',
            "Give the name once",
        ),
    ],
)
def test_what_cannot_work_is_refused_without_a_trace_of_the_token(
    place: Place, arguments: list[str], stdin: bytes, says: str
) -> None:
    ran = place.set(*arguments, "--stdin", stdin=stdin)
    assert ran.code in (1, 2), ran.out
    assert says in ran.err
    assert "s3cr3t-token" not in ran.out + ran.err
    assert place.names == []


def test_even_with_tracebacks_the_token_stays_hidden(place: Place) -> None:
    for stdin in (b'{"accessToken": "s3cr3t-token"', b"\xffs3cr3t-token", b"s3cr3t-token "):
        ran = run("-v", "-C", str(place.root), "secret", "set", "dev", "docker-hub", "--stdin", "--local", stdin=stdin)
        assert ran.code == 2
        assert "Traceback" in ran.err
        assert "s3cr3t-token" not in ran.err


def test_an_existing_secret_that_the_rule_names_by_its_arn_is_updated(place: Place) -> None:
    client = place.session.client("secretsmanager")
    arn = client.create_secret(Name="ecr-pullthroughcache/gitlab", SecretString="{}")["ARN"]
    file = place.root / "environments" / "dev.tfvars"
    written = f"arn:aws:secretsmanager:eu-central-1:{place.account_id}:secret:ecr-pullthroughcache/gitlab-AbCdEf"
    file.write_text(file.read_text().replace(written, arn))
    ran = place.set("dev", "gitlab", "--username", "me", "--stdin", stdin=TOKEN.encode())
    assert ran.code == 0, ran.err
    assert place.stored("ecr-pullthroughcache/gitlab") == {"username": "me", "accessToken": TOKEN}


def test_a_token_that_the_upstream_will_hardly_take_gets_a_note(place: Place) -> None:
    ran = place.set("dev", "github", "--username", "me", "--stdin", stdin=b"github_pat_11ABC")
    assert ran.code == 0
    assert "note: This is a fine-grained GitHub token" in ran.err


def test_a_token_is_no_argument() -> None:
    ran = run("secret", "set", "dev", "docker-hub", TOKEN)
    assert ran.code == 2
