"""The variables of the function of scan findings: what cannot be used is told, with what to do."""

from __future__ import annotations

import pytest

from orchestrator.findings.settings import read_findings_settings
from orchestrator.lifecycle.settings import InvalidSettingsError

VARIABLES = {
    "ACCOUNT_ID": "111122223333",
    "BUCKET": "records",
    "CLUSTERS": '["prod"]',
    "ENVIRONMENT": "prod",
    "ROUTES": '[{"prefix": "docker-hub", "source": "docker.io"}]',
    "SCAN_TYPE": "ENHANCED",
    "SEVERITY": "CRITICAL",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:findings",
}


def test_what_the_module_writes_is_read() -> None:
    settings = read_findings_settings(VARIABLES)
    assert (settings.account, settings.bucket, settings.topic_arn) == (
        "111122223333",
        "records",
        VARIABLES["TOPIC_ARN"],
    )
    assert (settings.enhanced, settings.severity) == (True, "CRITICAL")
    assert (settings.shared.clusters, settings.shared.environment) == (("prod",), "prod")
    assert settings.shared.routes == (("docker-hub", "docker.io"),)


@pytest.mark.parametrize("empty", [{}, {"SCAN_TYPE": "", "SEVERITY": " "}])
def test_what_has_a_default_may_be_missing(empty: dict[str, str]) -> None:
    needed = {name: VARIABLES[name] for name in ("ACCOUNT_ID", "BUCKET", "TOPIC_ARN")}
    settings = read_findings_settings(needed | empty)
    assert (settings.enhanced, settings.severity, settings.shared.clusters) == (False, "HIGH", ())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ACCOUNT_ID", None, 'ACCOUNT_ID is "", not an account'),
        ("ACCOUNT_ID", "", 'ACCOUNT_ID is "", not an account'),
        ("ACCOUNT_ID", "11112222333", 'ACCOUNT_ID is "11112222333"'),
        ("BUCKET", None, 'BUCKET is "", not the name of a bucket'),
        ("BUCKET", "No Bucket", 'BUCKET is "No Bucket"'),
        ("TOPIC_ARN", None, 'TOPIC_ARN is "", not the ARN of an SNS topic'),
        ("TOPIC_ARN", "arn:aws:sqs:eu-west-1:111122223333:findings", 'TOPIC_ARN is "arn:aws:sqs'),
        ("SCAN_TYPE", "enhanced", 'SCAN_TYPE is "enhanced", not one of BASIC, ENHANCED'),
        ("SCAN_TYPE", "CLAIR", 'SCAN_TYPE is "CLAIR"'),
        ("SEVERITY", "high", 'SEVERITY is "high", not one of INFORMATIONAL'),
        ("CLUSTERS", "{", "CLUSTERS is no JSON list"),
        ("ROUTES", '["x"]', "ROUTES[0] has no prefix and source"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_remedy(name: str, value: str | None, told: str) -> None:
    variables = {key: each for key, each in VARIABLES.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(InvalidSettingsError) as caught:
        read_findings_settings(variables)
    assert len(caught.value.problems) == 2
    assert told in str(caught.value)
    assert "apply the environment again" in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        read_findings_settings({"SCAN_TYPE": "x", "CLUSTERS": "{"})
    assert len(caught.value.problems) == 6
