"""Sessions: whose credentials, which endpoint, and what a user is told when neither works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import RefreshableCredentials

from orchestrator.aws.caller import caller, check_account
from orchestrator.aws.session import AwsSession, open_session
from orchestrator.aws.token import registry_token
from orchestrator.errors import OrchestratorError, RefusedInput

from .conftest import Target
from .scripted import endpoint, xml_error

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


def test_a_local_session_acts_as_the_account_of_its_environment(session: AwsSession, target: Target) -> None:
    identity = check_account(session, target)
    assert identity.account_id == target.account_id
    assert session.is_local


def test_a_client_is_made_once(session: AwsSession) -> None:
    assert session.client("ecr") is session.client("ecr")
    assert session.client("ecr") is not session.client("ecr", "us-east-1")


def test_environments_share_what_describes_the_services_unless_one_has_its_own(
    target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def models() -> object:
        core = open_session(target, local=None)._boto._session
        return core.get_component("data_loader")

    first = models()
    assert models() is first
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    own = models()
    assert own is not first
    assert str(tmp_path) in own.search_paths  # type: ignore[attr-defined]


def test_a_local_session_reads_nothing_of_the_users_configuration(
    local_aws: LocalAws, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\nnot an ini file")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_PROFILE", "absent")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    # The same profile and role in the environment's file play no part either.
    ours = replace(target, aws_profile="absent", assume_role_arn="arn:aws:iam::999999999999:role/deployer")
    assert caller(open_session(ours, local=local_aws)).account_id == target.account_id


def test_a_companys_own_address_of_ecr_gives_the_tokens(
    local_aws: LocalAws, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local_aws.variables(target.account_id, target.aws_region).items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", local_aws.endpoint)
    session = open_session(target)
    assert not session.is_local
    assert registry_token(session, target.aws_region).user == "AWS"
    assert session.client("ecr").meta.endpoint_url == local_aws.endpoint


def test_credentials_of_another_account_are_refused_with_both_accounts_and_the_principal(
    session: AwsSession, target: Target
) -> None:
    with pytest.raises(RefusedInput) as caught:
        check_account(session, replace(target, account_id="999999999999"))
    text = str(caught.value)
    assert "999999999999" in text
    assert f"arn:aws:iam::{target.account_id}:user/local" in text
    assert "aws_profile" in caught.value.remedy


def test_a_role_is_assumed_with_credentials_that_renew_themselves(
    local_aws: LocalAws, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local_aws.variables("200000000001", target.aws_region).items():
        monkeypatch.setenv(name, value)
    role = f"arn:aws:iam::{target.account_id}:role/deployer"
    session = open_session(replace(target, assume_role_arn=role))
    identity = check_account(session, target)
    assert identity.arn == f"arn:aws:sts::{target.account_id}:assumed-role/deployer/orchestrator-dev"
    assert identity.policy_source_arn == role
    client: Any = session.client("sts")
    assert isinstance(client._request_signer._credentials, RefreshableCredentials)


def test_a_profile_that_is_not_configured_is_named() -> None:
    with pytest.raises(RefusedInput, match='"work" is not configured'):
        open_session(Target("111111111111", aws_profile="work")).client("sts")


def test_a_profile_gives_its_own_credentials(
    local_aws: LocalAws, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    key = local_aws.access_key_for(target.account_id)
    config.write_text(f"[profile work]\naws_access_key_id = {key}\naws_secret_access_key = x\nregion = us-west-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", local_aws.access_key_for("999999999999"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    session = open_session(replace(target, aws_profile="work"))
    assert caller(session).account_id == target.account_id
    assert session.client("sts").meta.region_name == target.aws_region


def test_without_credentials_the_error_says_how_to_get_some() -> None:
    with pytest.raises(OrchestratorError) as caught:
        caller(open_session(Target("111111111111")))
    assert "no usable AWS credentials" in caught.value.what
    assert "aws sso login" in caught.value.remedy


def test_an_sso_session_that_was_never_started_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nsso_session = s\nsso_account_id = 111111111111\nsso_role_name = admin\n"
        "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(OrchestratorError) as caught:
        caller(open_session(Target("111111111111", aws_profile="work")))
    assert "SSO session" in caught.value.what
    assert "aws sso login" in caught.value.remedy


def test_a_denied_call_names_the_missing_action() -> None:
    with endpoint(lambda request: xml_error("AccessDenied", "no")) as aws, pytest.raises(OrchestratorError) as caught:
        caller(open_session(Target("111111111111"), local=aws))
    assert "sts:GetCallerIdentity" in str(caught.value)
    assert "orchestrator docs deployer-policy" in caught.value.remedy


def test_expired_credentials_are_not_called_a_missing_permission() -> None:
    with endpoint(lambda request: xml_error("ExpiredToken", "old")) as aws, pytest.raises(OrchestratorError) as caught:
        caller(open_session(Target("111111111111"), local=aws))
    assert "have expired" in caught.value.what


def test_a_certificate_bundle_that_is_not_there_is_passed_over_with_a_note() -> None:
    session = open_session(Target("111111111111"), variables={"AWS_CA_BUNDLE": "/nowhere/ca.pem"})
    assert len(session.notes) == 1
    assert "/nowhere/ca.pem" in session.notes[0]
    assert open_session(Target("111111111111"), variables={}).notes == ()
