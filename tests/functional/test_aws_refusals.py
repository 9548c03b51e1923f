"""Every command that calls AWS, and every way in which AWS or its SDK says no: one message, the same everywhere.

The SDK is the real one, with a server on loopback in AWS's place. It refuses the first call, or the one after the check of
the account.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from orchestrator.aws import session as aws_session
from orchestrator.cli.main import cli
from orchestrator.cli.mirror.worker_command import WithWorker
from orchestrator.lifecycle.audit import AuditRecord, dump_records
from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.aws.scripted import Answer, Request, Scripted, endpoint, json_error, xml_error
from tests.functional.cluster_of_files import Cluster
from tests.functional.running import Ran, run

ACCOUNT, REGION = "111122223333", "eu-central-1"
TEXT = f"""
cluster_name             = "c"
account_id               = "{ACCOUNT}"
aws_region               = "{REGION}"
platform                 = "rosa-classic"
create_vpc_endpoints     = false
worker_role_prefix       = "c"
pull_through_cache_rules = {{
  hub = {{ upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }}
}}
mirrors           = {{ redhat = {{ source = "registry.access.redhat.com", template = {{}} }} }}
mirror_queue      = {{ enabled = true }}
lifecycle_manager = {{ enabled = true }}
state             = {{ bucket = "states" }}
"""
POD = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
EXPIRED = AuditRecord(
    stage="done",
    outcome="deleted",
    action="expire",
    run="r",
    environment="dev",
    at="2026-07-01T02:00:00Z",
    repository="hub/library/nginx",
    digest="sha256:" + "a" * 64,
    tags=("1",),
    media_type="application/vnd.oci.image.manifest.v1+json",
    size=1,
    pushed_at="2026-01-01T02:00:00Z",
    pulled_at=None,
    reason="old",
    root="sha256:" + "a" * 64,
    upstream="docker.io/library/nginx:1",
)

# What stands after each command that calls AWS. `{folder}` holds a token, a run's record and a list of images.
CALLS_AWS = {
    "init": "other --platform eks --region eu-central-1 --account-id 111122223333 --cluster-name other --from-aws --yes --no-input",
    "plan": "dev",
    "apply": "dev --yes",
    "destroy": "dev --yes",
    "output": "dev",
    "drift": "dev",
    "mirror": "dev registry.access.redhat.com/ubi9/ubi:latest",
    "mirror worker": "dev",
    "warm": "dev nginx:1.27",
    "state mv": "old dev",
    "secret set": "dev hub --username u --from-file {folder}/token",
    "cache reconcile": "dev --check",
    "lifecycle invoke": "dev",
    "lifecycle preview": "dev",
    "lifecycle restore": "dev --from {folder}/audit.jsonl",
    "lifecycle run": "dev --yes",
    "pull-secret": "dev",
    "images": "dev --cluster --snapshot s3://records/snapshots/c.json",
    "swapper image": "dev --push",
    "command-image": "dev --push",
}
TERRAFORM = ("plan", "apply", "destroy", "output", "drift")
# These go on, and say in a line of their answer what they were refused.
GO_ON = {"report": "dev --out {folder}/report.html", "doctor": "dev"}
# These work on files, clusters and registries, or on the embedded AWS alone; the webhook asks AWS when a Pod is to start.
WITHOUT_AWS = frozenset(
    (
        *[
            "affected",
            "completion",
            "deployer-policy",
            "diff",
            "docs",
            "list",
            "manifests",
            "operators",
            "render",
            "rewrite",
            "route",
        ],
        *["validate", "verify", "version"],
        *(f"local {name}" for name in ("age", "down", "fill", "status", "up")),
        *(f"swapper {name}" for name in ("chart", "explain", "import", "serve", "status")),
        "lambda package",
    )
)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The whole name of every command that can be called."""
    if not isinstance(command, click.Group) or isinstance(command, WithWorker):
        yield " ".join(path)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


@dataclass(frozen=True)
class Refusal:
    """What is wrong, what the message says of it, and what it advises."""

    code: str
    text: str
    says: str
    remedy: str

    def answer(self, request: Request) -> Answer:
        """The refusal as the service that is asked writes it."""
        if "x-amz-target" in request.headers:
            return json_error(self.code, self.text)
        if "Action=" in request.body:
            return xml_error(self.code, self.text)
        if request.path.startswith("/2015-03-31/functions"):
            answer = json_error(self.code, self.text, 403)
            return Answer(answer.status, answer.body, {**answer.headers, "x-amzn-ErrorType": self.code})
        return s3_error(self.code, self.text)


REFUSALS = {
    "expired token": Refusal(
        "ExpiredTokenException",
        "The security token included in the request is expired",
        "have expired",
        "aws sso login",
    ),
    "access denied": Refusal("AccessDeniedException", "No identity-based policy allows it", "was denied", "Allow "),
    "throttled": Refusal("ThrottlingException", "Rate exceeded", "throttled the call", "-j 1"),
    "wrong region": Refusal(
        "UnrecognizedClientException",
        "The security token is invalid",
        "does not know these credentials",
        "enable-region",
    ),
}
SDK = {
    "no credentials": ("there are no usable AWS credentials", "aws sso login"),
    "SSO expired": ("the SSO session has expired or was never started", "aws sso login"),
    "unreachable": ("AWS could not be reached", "HTTPS_PROXY"),
}
SSO = """
[default]
sso_session    = s
sso_account_id = 111122223333
sso_role_name  = admin
[sso-session s]
sso_region    = us-east-1
sso_start_url = https://example.com/start
"""


class Aws:
    """A server in AWS's place: so many calls are answered for the account, then `refusal` is."""

    def __init__(self) -> None:
        self.refusal = REFUSALS["access denied"]
        self.grants = 0
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        return granted() if request.operation == "GetCallerIdentity" and self.grants else self.refusal.answer(request)


def granted() -> Answer:
    arn = f"arn:aws:iam::{ACCOUNT}:user/u"
    fields = f"<Arn>{arn}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>"
    result = f"<GetCallerIdentityResult>{fields}</GetCallerIdentityResult>"
    return Answer(200, f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>", {"Content-Type": "text/xml"})


def s3_error(code: str, message: str) -> Answer:
    return Answer(403, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", {"Content-Type": "text/xml"})


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[Aws, Scripted]]:
    aws = Aws()
    with endpoint(aws.answer) as server:
        yield aws, server


@pytest.fixture
def at_work(project: ProjectFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project, the files that the commands read, and a cluster."""
    (tmp_path / "token").write_text("dckr_pat_abc")
    (tmp_path / "audit.jsonl").write_bytes(dump_records([EXPIRED]))
    cluster = Cluster(tmp_path / "bin")
    cluster.is_called("uid")
    cluster.serve("/api/v1/pods", [[POD]])
    monkeypatch.setenv("PATH", f"{cluster.folder}{os.pathsep}{os.environ['PATH']}")
    # Adaptive retries of eight attempts take half a minute.
    monkeypatch.setattr(aws_session, "ATTEMPTS", 1)
    return project(dev=TEXT)


@pytest.fixture
def aws(scripted: tuple[Aws, Scripted], monkeypatch: pytest.MonkeyPatch) -> Aws:
    made, server = scripted
    made.asked.clear()
    made.grants = 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return made


def called(project: Project, command: str) -> Ran:
    words = (CALLS_AWS | GO_ON)[command].format(folder=project.root)
    return run("-C", str(project.root), *command.split(), *words.split())


def test_every_command_is_looked_at() -> None:
    looked_at = [*CALLS_AWS, *GO_ON, *WITHOUT_AWS]
    assert sorted(commands(cli)) == sorted(looked_at)


# Every command meets one of the failures here and every failure is met; the others' turn is in the long test.
TURNS = list(zip(CALLS_AWS, itertools.cycle([*REFUSALS, *SDK])))


@pytest.mark.parametrize(("command", "failure"), TURNS)
def test_what_fails_at_first_is_one_message(
    command: str, failure: str, aws: Aws, at_work: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells_the_failure(command, failure, aws, at_work, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("command", CALLS_AWS)
def test_every_failure_at_first_is_one_message(
    command: str, aws: Aws, at_work: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for failure in [*REFUSALS, *SDK]:
        if (command, failure) not in TURNS:
            with monkeypatch.context() as only_here:
                tells_the_failure(command, failure, aws, at_work, only_here)


def tells_the_failure(command: str, failure: str, aws: Aws, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.asked.clear()
    if failure in REFUSALS:
        aws.refusal = REFUSALS[failure]
        ran = called(project, command)
        is_told_once(command, ran, aws.refusal.says, aws.refusal.remedy)
        assert aws.refusal.text in ran.err
    else:
        break_the_sdk(failure, project.root, monkeypatch)
        is_told_once(command, called(project, command), *SDK[failure])
    assert bool(aws.asked) is (failure in REFUSALS)


def break_the_sdk(failure: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if failure == "unreachable":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        return
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    if failure == "SSO expired":
        (folder / "config").write_text(SSO)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        monkeypatch.setenv("HOME", str(folder))


# Terraform itself asks next; `mirror` and `warm` name each image with what became of it; `images` was refused above.
@pytest.mark.parametrize("command", sorted(CALLS_AWS.keys() - {*TERRAFORM, "mirror", "warm", "images"}))
def test_what_aws_refuses_after_the_account_is_one_message(command: str, aws: Aws, at_work: Project) -> None:
    aws.grants, aws.refusal = 1, REFUSALS["access denied"]
    ran = called(at_work, command)
    is_told_once(command, ran, aws.refusal.says, aws.refusal.remedy)


NO_BUCKET = Refusal("NoSuchBucket", "No such bucket", "the bucket does not exist", "--state-bucket")


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "refusal"),
    [("output", REFUSALS["expired token"]), ("plan", REFUSALS["access denied"]), ("drift", NO_BUCKET)],
    ids=["expired in between", "denied", "no bucket"],
)
def test_what_terraform_s_backend_is_refused_is_the_same_message(
    command: str, refusal: Refusal, aws: Aws, at_work: Project
) -> None:
    aws.grants, aws.refusal = 1, refusal
    ran = called(at_work, command)
    is_told_once(command, ran, refusal.says, refusal.remedy)
    assert "`terraform init` asked; its log is " in ran.err
    # An init that AWS refused is not tried again, as a broken folder's is.
    assert [request.path for request in aws.asked if request.path.startswith("/states")] == [STATES]


STATES = "/states?list-type=2&max-keys=1000&prefix=orchestrator%2F"


@pytest.mark.parametrize(("command", "refused"), [("report", "expired token"), ("doctor", "throttled")])
def test_who_goes_on_says_what_was_refused(command: str, refused: str, aws: Aws, at_work: Project) -> None:
    aws.refusal = REFUSALS[refused]
    ran = called(at_work, command)
    page = at_work.root / "report.html"
    text = ran.out + ran.err + (page.read_text() if page.exists() else "")
    assert text.count(aws.refusal.says) == 1, text
    assert aws.refusal.remedy in text
    assert "Traceback" not in text


def is_told_once(command: str, ran: Ran, says: str, remedy: str) -> None:
    """One message on stderr, with environment, account, region, call and remedy; exit code 1 and no traceback."""
    assert ran.code == 1, ran
    assert "Traceback" not in ran.err
    told = [line for line in ran.err.splitlines() if says in line]
    assert len(told) == 1, f"{says!r} stands {len(told)} times:\n{ran.out}{ran.err}"
    name = "other" if command == "init" else "dev"
    assert f'environment "{name}" (account {ACCOUNT}, {REGION}): ' in told[0]
    assert CALL.search(told[0]), told[0]
    assert remedy in told[0]
    # A small letter or a full stop stands before every sentence but the first: none runs into the next.
    assert not GLUED.search(told[0]), told[0]


CALL = re.compile(r"\): [A-Z][A-Za-z0-9]+(:| was)")
GLUED = re.compile(r"[a-z] (Sign in|Run|Check|Allow|Set) |\.\.|\. [a-z]")
