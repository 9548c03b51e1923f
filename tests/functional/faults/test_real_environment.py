"""Without --local: the S3 backend with its lock, the account check, profiles and roles, and where no credential may be."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.local.controls import forget_requests, recorded_requests
from tests.functional.faults.conftest import (
    SECRET,
    SESSION_TOKEN,
    RealWorld,
    kill_terraform,
    processes_in,
    repositories,
    wait_for_creation,
    wait_until,
)

pytestmark = [pytest.mark.terraform, pytest.mark.long]

LEFT_LOCK = re.compile(r"its state is locked by \S+@\S+ since 20\d\d-\S+ .*\(apply\)")
UNLOCK = re.compile(r"`TF_WORKSPACE=(\S+) (terraform [^`]+)`")


class Watcher(threading.Thread):
    """Collects the command lines of all processes while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline") if Path("/proc").is_dir() else ():
                try:
                    self.seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue
            if not Path("/proc").is_dir():
                self.seen |= {" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])}

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def contents(data: bytes) -> Iterator[bytes]:
    """The data, and what is packed in it: plan files are archives that hold archives."""
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from contents(archive.read(name))


def places_with(folder: Path, *secrets: str) -> list[str]:
    """Files below `folder` that hold one of these."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(s.encode() in part for part in contents(path.read_bytes()) for s in secrets)
    ]


def test_an_environment_lives_in_s3_and_leaves_no_credential_anywhere(real: RealWorld, tmp_path: Path) -> None:
    plan_file = tmp_path / "live.plan"
    key = real.aws.access_key_for(real.account)
    said = []
    with Watcher() as watcher:
        said.append(real.run("plan", "live", "--out", str(plan_file)))
        said.append(real.run("apply", "live", "--plan", str(plan_file), "--yes", "--json"))
    assert [one.code for one in said] == [0, 0], said[0].err + said[1].err
    assert said[1].json["outputs"]["ecr_repository_name"] == "small-registry"

    assert any("terraform apply" in line or " apply -input=false" in line for line in watcher.seen)
    assert not [line for line in watcher.seen if SECRET in line or SESSION_TOKEN in line or key in line]
    assert not [one for one in said if SECRET in one.out + one.err or SESSION_TOKEN in one.out + one.err]
    assert places_with(tmp_path, "small-registry")
    assert places_with(tmp_path, SECRET, SESSION_TOKEN, key) == []

    # The state is in the bucket and nowhere else; nobody holds its lock.
    s3 = real.client("s3")
    objects = s3.list_objects_v2(Bucket=f"state-{real.account}")["Contents"]
    assert [entry["Key"] for entry in objects] == ["orchestrator/live/terraform.tfstate"]
    assert not list(real.folder.rglob("terraform.tfstate.d"))
    assert not (real.folder / "state").exists()

    real.client("ecr").put_image_tag_mutability(repositoryName="small-registry", imageTagMutability="IMMUTABLE")
    drift = real.run("drift", "live")
    assert drift.code == 3, drift.err
    assert 'image_tag_mutability: "MUTABLE" -> "IMMUTABLE"' in drift.out

    stale = real.run("apply", "live", "--plan", str(plan_file), "--yes")
    assert stale.code == 1
    assert "moved on" in stale.err

    gone = real.run("destroy", "live", "--yes")
    assert gone.code == 0, gone.err
    assert repositories(real.client("ecr")) == []


def test_credentials_of_another_account_are_refused_before_anything(
    real: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", real.aws.access_key_for("999999999999"))
    forget_requests(real.aws)

    for command in (("plan", "live"), ("apply", "live", "--yes"), ("destroy", "live", "--yes"), ("drift", "live")):
        refused = real.run(*command)
        assert refused.code == 2
        assert f"belongs to account {real.account}, but the credentials are of account 999999999999" in refused.err

    mine = [entry for entry in recorded_requests(real.aws) if entry["account_id"] == "999999999999"]
    assert {entry["operation"] for entry in mine} == {"GetCallerIdentity"}
    assert not (real.folder / "root/.terraform").exists()


def test_a_profile_and_a_role_reach_state_and_resources(
    real: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = real.project.tfvars_path("live")
    role = f"arn:aws:iam::{real.account}:role/deployer"
    path.write_text(f'{path.read_text("utf-8")}\naws_profile = "ops"\nassume_role_arn = "{role}"\n', "utf-8")
    key = real.aws.access_key_for("888888888888")
    for name, text in (
        ("AWS_CONFIG_FILE", "[profile ops]\nregion = eu-west-1\n"),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            f"[ops]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n",
        ),
    ):
        (tmp_path / name).write_text(text, "utf-8")
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    forget_requests(real.aws)

    done = real.run("apply", "live", "--yes")

    assert done.code == 0, done.err
    requests = [entry for entry in recorded_requests(real.aws) if entry["account_id"] in (real.account, "888888888888")]
    assert {entry["operation"] for entry in requests if entry["account_id"] == "888888888888"} <= {
        "AssumeRole",
        "GetCallerIdentity",
    }
    principals = {(entry["service"], entry["principal"].rsplit("/", 1)[0]) for entry in requests}
    session = f"arn:aws:sts::{real.account}:assumed-role/deployer"
    assert {("ecr", session), ("s3", session)} <= principals
    assert places_with(real.project.root / ".orchestrator", SECRET, key) == []


def test_a_lock_that_a_killed_apply_left_is_explained_and_never_broken_by_itself(
    real: RealWorld, faults: Callable[..., None]
) -> None:
    # The repository is finished by then, but a state in S3 is saved every 20 seconds only.
    faults({"operations": ["PutLifecyclePolicy"], "latency_ms": 3000})
    process = real.start("apply", "live", "--yes")
    wait_for_creation(real.aws)
    process.kill()
    process.communicate()
    kill_terraform(real.folder)
    wait_until(lambda: processes_in(real.folder) == [], "the end of Terraform")
    assert repositories(real.client("ecr")) == ["small-registry"]
    faults()

    locked = real.run("apply", "live", "--yes")
    assert locked.code == 1
    assert LEFT_LOCK.search(locked.err), locked.err
    assert "never broken by itself" in locked.err
    command = UNLOCK.search(locked.err)
    assert command, locked.err
    assert _force_unlock(command[1], command[2]) == 0

    again = real.run("apply", "live", "--yes")
    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out


def _force_unlock(workspace: str, command: str) -> int:
    from orchestrator.terraform.binary import find_terraform

    program, *arguments = shlex.split(command)
    assert program == "terraform"
    at = arguments.index("force-unlock")
    arguments.insert(at + 1, "-force")
    done = subprocess.run(
        [*find_terraform().command, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "TF_WORKSPACE": workspace},
        check=False,
    )
    return done.returncode
