"""Who may ask: nobody but the owner's clients and the roles they assumed, whatever reaches loopback."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from orchestrator.local import ensure_running, stop
from tests.functional.local.conftest import Clients, make_client

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

TARGET = "AmazonEC2ContainerRegistry_V20150921.CreateRepository"
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(local_aws: LocalAws, account_id: str) -> Ask:
    """Send one request as it stands; `key` signs it as a call of ECR. (status, body)"""

    def send(
        method: str = "POST", path: str = "/", body: str = "{}", *, key: str | None = None, **headers: str
    ) -> tuple[int, str]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            scope = f"{key}/20260701/eu-west-1/ecr/aws4_request"
            given["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        connection = http.client.HTTPConnection("127.0.0.1", local_aws.port, timeout=60)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    return send


@pytest.fixture
def key(local_aws: LocalAws, account_id: str) -> str:
    return local_aws.access_key_for(account_id)


@pytest.fixture
def made(ecr: Any) -> Callable[[], list[str]]:
    """The repositories of the test's account."""
    return lambda: [entry["repositoryName"] for entry in ecr.describe_repositories()["repositories"]]


CREATE = json.dumps({"repositoryName": "made"})


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "local",
        "AKIA{account}",
        "AKIA{account}00000000000000000000000000000000",
        "{key}0",
        "ASIAQWERTYUIOPASDFGH",
        "AKIAQWERTYUIOPASDFGH",
    ],
)
def test_a_call_without_the_key_of_this_start_does_nothing(
    ask: Ask, account_id: str, key: str, made: Callable[[], list[str]], wrong: str | None
) -> None:
    given = wrong and wrong.format(account=account_id, key=key)
    status, text = ask(body=CREATE, key=given, X_Amz_Target=TARGET, Content_Type="application/x-amz-json-1.1")
    assert status == 403
    assert "local up" in text
    assert made() == []


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:{port}",
        "127.0.0.1.attacker.example:{port}",
        "localhost.attacker.example:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "",
        "127.0.0.1:{port}@attacker.example",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com.attacker.example",
    ],
)
def test_a_name_that_a_stranger_points_to_loopback_reaches_nothing(
    ask: Ask, local_aws: LocalAws, key: str, made: Callable[[], list[str]], host: str
) -> None:
    named = host.format(port=local_aws.port)
    assert ask(body=CREATE, key=key, X_Amz_Target=TARGET, Host=named)[0] == 403
    assert ask("GET", "/_orchestrator/status", "", X_Orchestrator_Start_Id=local_aws.start_id, Host=named)[0] == 403
    assert made() == []


@pytest.mark.parametrize("header", ["Origin", "Sec_Fetch_Site", "Sec_Fetch_Mode"])
def test_what_a_browser_sends_for_a_page_is_refused(
    ask: Ask, key: str, made: Callable[[], list[str]], header: str
) -> None:
    for value in ("http://attacker.example", "null", "same-origin", "none"):
        assert ask(body=CREATE, key=key, X_Amz_Target=TARGET, **{header: value})[0] == 403
    assert made() == []


@pytest.mark.parametrize(
    "path", ["/moto-api/reset", "/moto-api/", "/moto-api/data.json", "/moto-api/recorder/start-recording"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_pages_of_moto_are_closed_to_everybody(
    ask: Ask, key: str, ecr: Any, made: Callable[[], list[str]], method: str, path: str
) -> None:
    ecr.create_repository(repositoryName="kept")
    assert ask(method, path)[0] == 403
    assert ask(method, path, key=key)[0] == 403
    assert made() == ["kept"]


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/latest/meta-data/", "/bucket/object", "/2015-03-31/functions"])
def test_no_path_answers_without_credentials(ask: Ask, path: str) -> None:
    assert ask("GET", path, "")[0] == 403


def test_the_registry_asks_for_its_own_password(ask: Ask, key: str) -> None:
    assert ask("GET", "/v2/", "")[0] == 401
    assert ask("GET", "/v2/app/tags/list", "", key=key)[0] == 401
    assert ask("GET", "/_layers/localhost/00/sha256:" + "0" * 64, "")[0] in (403, 404)


def test_calls_that_aws_takes_unsigned_are_refused_too(ask: Ask) -> None:
    body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::111122223333:role/a"
    form = "application/x-www-form-urlencoded"
    assert ask(body=f"{body}&RoleSessionName=x&WebIdentityToken=y", Content_Type=form)[0] == 403


def test_the_keys_of_a_role_come_in_with_their_session_token_only(
    local_aws: LocalAws, clients: Clients, account_id: str
) -> None:
    role = f"arn:aws:iam::{account_id}:role/deployer"
    keys = clients("sts").assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]
    pair = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    good = make_client(local_aws, "sts", account_id, **pair, aws_session_token=keys["SessionToken"])
    assert good.get_caller_identity()["Account"] == account_id
    for token in ({}, {"aws_session_token": "x"}, {"aws_session_token": keys["SessionToken"][:-1]}):
        with pytest.raises(ClientError) as caught:
            make_client(local_aws, "sts", account_id, **pair, **token).get_caller_identity()
        assert caught.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_the_key_that_a_user_was_given_works_until_it_is_deleted(
    local_aws: LocalAws, clients: Clients, account_id: str
) -> None:
    iam = clients("iam")
    iam.create_user(UserName="pusher")
    keys = iam.create_access_key(UserName="pusher")["AccessKey"]
    pair = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    client = make_client(local_aws, "sts", account_id, **pair)
    assert client.get_caller_identity()["Arn"].endswith(":user/pusher")
    iam.delete_access_key(UserName="pusher", AccessKeyId=keys["AccessKeyId"])
    with pytest.raises(ClientError):
        client.get_caller_identity()


def test_a_presigned_url_carries_the_key_and_nothing_without_it_does(
    local_aws: LocalAws, clients: Clients, account_id: str, ask: Ask
) -> None:
    s3, bucket = clients("s3"), f"presigned-{account_id}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"content")
    pair = {"aws_access_key_id": local_aws.access_key_for(account_id), "aws_secret_access_key": "local"}
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    make: Any = boto3.Session().client
    signer = make("s3", region_name="eu-west-1", endpoint_url=local_aws.endpoint, config=config, **pair)
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = url.removeprefix(local_aws.endpoint)
    assert ask("GET", path, "") == (200, "content")
    assert ask("GET", path.replace(pair["aws_access_key_id"], f"AKIA{account_id}"), "")[0] == 403
    assert ask("GET", f"/{bucket}/a", "")[0] == 403


def test_the_server_answers_by_both_names_of_loopback(local_aws: LocalAws, key: str, ask: Ask) -> None:
    request = AWSRequest(
        "POST", f"http://localhost:{local_aws.port}/", data="Action=GetCallerIdentity&Version=2011-06-15"
    )
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    SigV4Auth(Credentials(key, "local"), "sts", "eu-west-1").add_auth(request)
    headers = dict(request.headers.items())
    status, text = ask("POST", "/", request.data, **{**headers, "Host": f"localhost:{local_aws.port}"})
    assert (status, "GetCallerIdentityResult" in text) == (200, True)


def test_no_secret_stands_in_a_command_line(local_aws: LocalAws) -> None:
    line = " ".join(psutil.Process(local_aws.pid).cmdline())
    assert "orchestrator.local.server" in line
    assert local_aws.start_id not in line
    assert local_aws.start_id.upper() not in line


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Path, LocalAws]]:
    state_dir = tmp_path / "state"
    yield state_dir, ensure_running(state_dir)
    stop(state_dir)


def test_the_key_of_an_earlier_start_is_worthless(own: tuple[Path, LocalAws], account_id: str) -> None:
    state_dir, first = own
    old = first.access_key_for(account_id)
    stop(state_dir)
    second = ensure_running(state_dir)
    assert make_client(second, "sts", account_id).get_caller_identity()["Account"] == account_id
    with pytest.raises(ClientError) as caught:
        make_client(
            second, "sts", account_id, aws_access_key_id=old, aws_secret_access_key="local"
        ).get_caller_identity()
    assert "local up" in caught.value.response["Error"]["Message"]


# What another user of the machine can read and try: the command line, the environment, the record, the port.
STRANGER = """
import encodings.idna, http.client, json, os, sys
os.setgroups([]), os.setgid(65534), os.setuid(65534)
pid, port, state, account = sys.argv[1:]
found = {"line": open(f"/proc/{pid}/cmdline").read()}
for name in (f"/proc/{pid}/environ", f"{state}/server.json", f"{state}/server.log"):
    try:
        open(name).read()
        found[name] = "read"
    except OSError as error:
        found[name] = type(error).__name__
tries = []
for path, key in (("/moto-api/reset", ""), ("/", "local"), ("/", "AKIA" + account), ("/_orchestrator/status", "")):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    scope = f"{key}/20260701/eu-west-1/ecr/aws4_request"
    connection.request("POST", path, json.dumps({"repositoryName": "stolen"}), {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.CreateRepository"})
    tries.append(connection.getresponse().status)
found["tries"] = tries
print(json.dumps(found))
"""


def _as_root() -> list[str]:
    """What a command begins with to become another user; CI has sudo without a password."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


@pytest.mark.skipif(bool(_as_root()) and shutil.which("sudo") is None, reason="only root can become another user")
def test_another_user_of_the_machine_gets_nowhere(own: tuple[Path, LocalAws], account_id: str) -> None:
    state_dir, server = own
    # The folders above may be open to everybody; the state directory is what must not be.
    for folder in (state_dir.parent, state_dir.parent.parent, state_dir.parent.parent.parent):
        folder.chmod(0o755)
    ecr = make_client(server, "ecr", account_id)
    ecr.create_repository(repositoryName="mine")

    done = subprocess.run(
        [
            *(*_as_root(), sys.executable, "-I", "-c", STRANGER),
            *(str(server.pid), str(server.port), str(state_dir), account_id),
        ],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    found = json.loads(done.stdout)
    assert found.pop("tries") == [403] * 4
    assert server.start_id not in found.pop("line")
    assert set(found.values()) == {"PermissionError"}
    assert [entry["repositoryName"] for entry in ecr.describe_repositories()["repositories"]] == ["mine"]
