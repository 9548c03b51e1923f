"""Says why Terraform did not find a rule's secret: it is absent, or it waits for its deletion, which reads the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.stream import Heard

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment

_NOT_FOUND = re.compile(r"reading Secrets Manager Secret \(([^)\s]+)\): couldn't find resource")


def unusable_secret(
    open_session: Callable[[], AwsSession], environment: Environment, heard: Heard
) -> OrchestratorError | None:
    """The error about the first secret that a plan did not find, None when it failed for another reason.

    AWS is asked, for the provider gives one answer for both. Where AWS does not answer, Terraform's own words stand.
    """
    text = "\n".join(str(one) for one in heard.diagnostics if one.severity == "error")
    named = _NOT_FOUND.search(text)
    if named is None:
        return None
    from orchestrator.aws.upstream_secrets import describe_secret, waits_for_deletion

    try:
        found = describe_secret(open_session(), named[1])
    except OrchestratorError:
        return None
    if found is not None:
        return waits_for_deletion(open_session(), found) if found.deleted else None
    rules = environment.pull_through_cache_rules
    prefix = next((prefix for prefix, rule in rules.items() if rule.secret_name == named[1]), "RULE")
    return OrchestratorError(
        f'secret "{named[1]}" does not exist.',
        environment=environment.name,
        why=f'The rule "{prefix}" reads its credentials there.',
        remedy=f"Store it: `orchestrator secret set {environment.name} {prefix}`.",
    )
