"""Resource policies of repositories and registries, as far as ECR looks into them when they are put."""

from __future__ import annotations

import json
import re
from typing import Any

from orchestrator.local.ecr.ecr_error import invalid_parameter
from orchestrator.local.ecr.holdings import Document

_VERSIONS = ("2012-10-17", "2008-10-17")
_ACTION = re.compile(r"ecr:[A-Za-z*?]+", re.IGNORECASE)
_ROOT = re.compile(r"[0-9]{12}|arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:.+|\*")


def check_policy_text(text: str, name: str, *, registry: bool = False) -> None:
    """Refuse a resource policy that is not one: JSON with statements that have an effect, a principal and actions.

    A registry's policy names the repositories it is about; a repository's policy is about that repository.
    """
    statements = statements_of(text)
    if not statements or not all(_is_statement(statement, registry=registry) for statement in statements):
        raise invalid_parameter(name, f"Invalid {'registry' if registry else 'repository'} policy provided")


def statements_of(text: str) -> list[Document]:
    """The statements of a policy; none when the text is no policy at all."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict) or document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        return []
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not all(isinstance(statement, dict) for statement in statements):
        return []
    return statements


def _is_statement(statement: Document, *, registry: bool) -> bool:
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    return (
        statement.get("Effect") in ("Allow", "Deny")
        and ("Principal" in statement) != ("NotPrincipal" in statement)
        and ("Action" in statement) != ("NotAction" in statement)
        and bool(actions)
        and all(_ACTION.fullmatch(action) or action == "*" for action in actions)
        and _is_principal(statement.get("Principal", statement.get("NotPrincipal")))
        and (not registry or bool(_texts(statement.get("Resource", statement.get("NotResource")))))
    )


def _is_principal(principal: Any) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict) or not principal:
        return False
    accounts = _texts(principal["AWS"]) if "AWS" in principal else None
    return accounts is None or (bool(accounts) and all(_ROOT.fullmatch(account) for account in accounts))


def _texts(value: Any) -> list[str]:
    """The texts of a policy's element, which may be one or a list; none when it holds anything else."""
    values = value if isinstance(value, list) else [value]
    return values if all(isinstance(item, str) for item in values) else []
