"""All checks, and what AWS is known to refuse and the embedded AWS takes."""

from __future__ import annotations

from collections import defaultdict

from orchestrator.local.calls import Call
from orchestrator.local.guards import ec2_guards, function_guards, iam_guards, store_guards
from orchestrator.local.guards.guard import AskedOfAws, Check
from orchestrator.local.protocols import Answer, error_answer

CHECKS: tuple[Check, ...] = (*ec2_guards.CHECKS, *iam_guards.CHECKS, *store_guards.CHECKS, *function_guards.CHECKS)
# Known, and not made.
TAKEN = (
    "SQS: a queue of a name that was deleted less than a minute ago.",
    "EC2: an endpoint of a service that the region does not have.",
    "EKS: a Pod Identity association whose role does not admit `pods.eks.amazonaws.com`.",
    "IAM, S3, SNS, SQS, KMS: a policy that names a role or user which does not exist.",
    "KMS: a window of deletion outside 7 to 30 days.",
    "KMS: use of a key that waits for its deletion. ECR refuses that key.",
    "Logs, Secrets Manager, SNS, SQS: a KMS key that does not exist.",
)

_BY_OPERATION: dict[tuple[str, str], list[Check]] = defaultdict(list)
for _check in CHECKS:
    _BY_OPERATION[_check.service, _check.operation].append(_check)


def refuse(call: Call) -> Answer | None:
    """The refusal that AWS gives to this call; None when moto may have it."""
    checks = _BY_OPERATION.get((call.service, call.operation))
    if not checks:
        return None
    asked = AskedOfAws(call)
    for check in checks:
        message = check.finds(asked)
        if message:
            return error_answer(call.service, check.error, message, status=check.status)
    return None
