"""Scan findings' settings: what modules/scan-findings writes into the function's variables -> FindingsSettings.

    ACCOUNT_ID     whose registry it is: events of other accounts' images are ignored
    SCAN_TYPE      BASIC (unless said) or ENHANCED: with BASIC scans of newly cached images are started
    SEVERITY       the least severity that is worth a message, HIGH unless said
    TOPIC_ARN      where messages go
    BUCKET         snapshots/ of clusters, and findings/ with what was reported
    CLUSTERS       JSON list: whose snapshots must be there to say that nobody uses an image
    ROUTES         JSON list of {"prefix", "source"}: names upstreams
    ENVIRONMENT    for messages
    AWS_REGION     written by the runtime: where the registry is, unless the event says

Pure: the variables are an argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.findings.event import SEVERITIES
from orchestrator.lifecycle.settings import InvalidSettingsError, Settings, read_settings

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z._-]+", re.ASCII)
_SCAN_TYPES = ("BASIC", "ENHANCED")
REMEDY = "modules/scan-findings writes the function's variables: apply the environment again, or put right what was changed by hand"


@dataclass(frozen=True, slots=True)
class FindingsSettings:
    """What the function works by. `shared` has what the lifecycle manager reads too: clusters, routes, environment."""

    account: str
    topic_arn: str
    bucket: str
    enhanced: bool = False
    severity: str = "HIGH"
    region: str = ""
    shared: Settings = field(default_factory=Settings)


def read_findings_settings(variables: Mapping[str, str]) -> FindingsSettings:
    """The settings of these variables. Raises InvalidSettingsError with every problem, and what to do."""
    problems: list[str] = []

    def checked(name: str, form: re.Pattern[str], what: str) -> str:
        value = variables.get(name, "").strip()
        if not form.fullmatch(value):
            problems.append(f'{name} is "{value}", not {what}')
        return value

    def chosen(name: str, choices: tuple[str, ...], default: str) -> str:
        value = variables.get(name, "").strip() or default
        if value not in choices:
            problems.append(f'{name} is "{value}", not one of {", ".join(choices)}')
        return value

    names = ("BUCKET", "CLUSTERS", "ENVIRONMENT", "ROUTES")
    try:
        shared = read_settings({name: variables.get(name, "") for name in names})
    except InvalidSettingsError as error:
        problems += error.problems
        shared = Settings()
    settings = FindingsSettings(
        account=checked("ACCOUNT_ID", _ACCOUNT, "an account's 12 digits"),
        topic_arn=checked("TOPIC_ARN", _TOPIC, "the ARN of an SNS topic"),
        bucket=checked("BUCKET", _BUCKET, "the name of a bucket"),
        enhanced=chosen("SCAN_TYPE", _SCAN_TYPES, "BASIC") == "ENHANCED",
        severity=chosen("SEVERITY", SEVERITIES, "HIGH"),
        region=variables.get("AWS_REGION", ""),
        shared=shared,
    )
    if problems:
        raise InvalidSettingsError([*problems, REMEDY])
    return settings
