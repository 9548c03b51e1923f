"""Who refused decides what helps: AWS's own words, from the SDK and from Terraform."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.refusal_remedies import remedy_for
from orchestrator.aws.translation import explain
from orchestrator.terraform.failures import failure
from orchestrator.terraform.runner import Outcome
from orchestrator.terraform.stream import Diagnostic

DENIED = "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform: "

# AWS's words as its IAM guide, its API models and reports of the provider's users have them -> a word of the remedy.
REFUSALS = {
    "an organization denies": (
        DENIED + "ecr:CreatePullThroughCacheRule with an explicit deny in a service control policy: "
        "arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
        "organization",
    ),
    "an organization allows nothing": (
        DENIED + "ecr:CreateRepository because no service control policy allows the ecr:CreateRepository action",
        "organization",
    ),
    "of the resource": (DENIED + "s3:PutObject with an explicit deny in a resource control policy", "organization"),
    "a boundary": (DENIED + "iam:CreateRole because no permissions boundary allows the iam:CreateRole action", "widen"),
    "a session": (DENIED + "ecr:PutImage because no session policy allows the ecr:PutImage action", "session"),
    "an endpoint": (DENIED + "ecr:PutImage because no VPC endpoint policy allows the ecr:PutImage action", "endpoint"),
    "a deny of one's own": (DENIED + "ecr:PutImage with an explicit deny in an identity-based policy", "Deny wins"),
    "a key of another account": (
        DENIED + "kms:Decrypt because no resource-based policy allows the kms:Decrypt action",
        "admit this role",
    ),
    "a first use": (DENIED + "iam:CreateServiceLinkedRole on resource: arn", "Allow iam:CreateServiceLinkedRole once"),
    "fifty rules": (
        "creating ECR Pull Through Cache Rule (hub): operation error ECR: CreatePullThroughCacheRule, "
        "LimitExceededException: The registry has the maximum number of rules",
        "50 rules",
    ),
    "ten policies": ("LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10", "attach_ecr_policy"),
    "concurrency": (
        "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [10].",
        "reserved_concurrency",
    ),
    "a key that goes": ("KMSInvalidStateException: arn:aws:kms:us-east-1:1:key/k is pending deletion.", "cancel-key"),
    "a key of a repository that goes": (
        "KmsException: An error occurred in KMS when trying to create repository: key is disabled",
        "enable-key",
    ),
    "a secret that goes": (
        "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
        "restore-secret",
    ),
    "the same name again": (
        "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled "
        "for deletion.",
        "restore-secret",
    ),
    "a tag policy": ("TagPolicyViolation: The tag policy does not allow the specified value", "`tags`"),
    "a region": ("OptInRequired: You are not subscribed to this service", "enable-region"),
    "no region": (
        'https response error StatusCode: 0, request send failed, Post "https://api.ecr.us-esat-1.amazonaws.com/": '
        "dial tcp: lookup api.ecr.us-esat-1.amazonaws.com on 10.0.0.2:53: no such host",
        "aws_region",
    ),
    "a hundred thousand repositories": ("LimitExceededException: The operation failed as the quota", "Service Quotas"),
    "endpoints": ("VpcEndpointLimitExceeded: The maximum number of VPC endpoints has been reached.", "Service Quotas"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_the_remedy_of_who_refused(name: str) -> None:
    text, word = REFUSALS[name]
    assert word in remedy_for(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        DENIED + "ecr:PutImage because no identity-based policy allows the ecr:PutImage action",
        "RequestLimitExceeded: Request limit exceeded.",
        "RepositoryNotFoundException: The repository does not exist",
        "ThrottlingException: Rate exceeded",
        "InvalidParameterException: the lifecycle policy is wrong",
    ],
)
def test_what_is_not_known_gets_no_advice(text: str) -> None:
    assert remedy_for(text) == ""


def test_the_sdk_and_terraform_say_the_same(tmp_path: Path) -> None:
    text, word = REFUSALS["an organization denies"]
    code, _, message = text.partition(": ")
    said = explain(ClientError({"Error": {"Code": code, "Message": message}}, "CreatePullThroughCacheRule"), "dev")
    assert word in said.remedy
    assert "Allow ecr:" not in said.remedy
    outcome = Outcome(("apply",), 1, "", "", 1.0)
    diagnostics = [Diagnostic("error", "creating ECR Pull Through Cache Rule", text)] * 2
    failed = failure("terraform apply", outcome, diagnostics, environment="dev", log=tmp_path / "log", applying=True)
    assert failed.remedy.count("Ask who") == 1
    assert "`orchestrator apply dev` again" in failed.remedy
