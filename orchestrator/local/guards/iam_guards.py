"""IAM: what is attached stays, quotas of a role, and the form of a trust policy."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.local.guards.guard import AskedOfAws, Check

REFERENCE = "IAM API reference"
QUOTAS = "IAM user guide, quotas"
# The default quota, which an account can have raised.
MANAGED_POLICIES = 10
# In characters without white space, all inline policies of a role together.
INLINE_POLICIES = 10_240


def role_of(asked: AskedOfAws, name: str) -> Any:
    """moto's role of that name, None when there is none."""
    return next((role for role in asked.iam.roles.values() if role.name == name), None)


def statements_of(text: str) -> list[dict[str, Any]]:
    """The statements of a policy; none when the text is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return []
    found = document.get("Statement") if isinstance(document, dict) else None
    listed = [found] if isinstance(found, dict) else found
    return listed if isinstance(listed, list) and all(isinstance(each, dict) for each in listed) else []


def texts(value: Any) -> list[str]:
    """An element of a policy, which may be one text or several."""
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _policy_attached(asked: AskedOfAws) -> str | None:
    policy = asked.iam.managed_policies.get(asked.form.get("PolicyArn", ""))
    return "Cannot delete a policy attached to entities." if policy is not None and policy.attachment_count else None


def _eleventh_policy(asked: AskedOfAws) -> str | None:
    role, arn = role_of(asked, asked.form.get("RoleName", "")), asked.form.get("PolicyArn")
    if role is None or arn in role.managed_policies or len(role.managed_policies) < MANAGED_POLICIES:
        return None
    return f"Cannot exceed quota for PoliciesPerRole: {MANAGED_POLICIES}"


def _inline_policies_too_long(asked: AskedOfAws) -> str | None:
    role, form = role_of(asked, asked.form.get("RoleName", "")), asked.form
    if role is None:
        return None
    held = {**role.policies, form.get("PolicyName", ""): form.get("PolicyDocument", "")}
    if sum(len("".join(text.split())) for text in held.values()) > INLINE_POLICIES:
        return f"Maximum policy size of {INLINE_POLICIES} bytes exceeded for role {role.name}"
    return None


def _no_trust_policy(asked: AskedOfAws) -> str | None:
    form = asked.form
    statements = statements_of(form.get("AssumeRolePolicyDocument", form.get("PolicyDocument", "")))
    good = statements and all(
        each.get("Effect") in ("Allow", "Deny")
        and ("Principal" in each) != ("NotPrincipal" in each)
        and all(action.lower().startswith("sts:") for action in texts(each.get("Action", "")))
        and "Resource" not in each
        for each in statements
    )
    return None if good else "This policy contains invalid Json or is no trust policy"


CHECKS = (
    Check("iam", "DeletePolicy", "DeleteConflict", "it is attached", REFERENCE, _policy_attached, 409),
    Check(
        "iam", "AttachRolePolicy", "LimitExceeded", f"the role has {MANAGED_POLICIES}", QUOTAS, _eleventh_policy, 409
    ),
    Check(
        "iam",
        "PutRolePolicy",
        "LimitExceeded",
        "the role's inline policies have more than 10,240 characters",
        QUOTAS,
        _inline_policies_too_long,
        409,
    ),
    Check("iam", "CreateRole", "MalformedPolicyDocument", "it is no trust policy", REFERENCE, _no_trust_policy),
    Check(
        "iam",
        "UpdateAssumeRolePolicy",
        "MalformedPolicyDocument",
        "it is no trust policy",
        REFERENCE,
        _no_trust_policy,
    ),
)
