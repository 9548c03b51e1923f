"""What a refusal of AWS means, and what helps: one table for our SDK's calls and for those of Terraform. Pure.

`translation` brings the errors of our SDK here, `orchestrator.terraform.sentences` those that Terraform prints.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.aws.refusal_remedies import remedy_for
from orchestrator.errors import OrchestratorError

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
# AWS answers the same for an unknown key and for a region that the account has not enabled.
INVALID = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "OptInRequired",
    }
)
# A bucket that lies in another region.
ELSEWHERE = frozenset(
    {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301"}
)
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)

# IAM's name of the action where it is not `service:Operation`.
ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "CreateBucket": "s3:CreateBucket",
    "DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketCors": "s3:GetBucketCORS",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "ListObjectVersions": "s3:ListBucketVersions",
    **dict.fromkeys(("GetBucketLifecycle", "GetBucketLifecycleConfiguration"), "s3:GetLifecycleConfiguration"),
    **dict.fromkeys(
        ("DeleteBucketLifecycle", "PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
        "s3:PutLifecycleConfiguration",
    ),
    **dict.fromkeys(("DeleteBucketEncryption",), "s3:PutEncryptionConfiguration"),
    "Invoke": "lambda:InvokeFunction",
}


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that AWS refused: `ListObjectsV2`, AWS's code and sentence, and the service's IAM prefix, such as `s3`."""

    operation: str
    code: str
    text: str = ""
    service: str = ""

    @property
    def action(self) -> str:
        """The IAM action that the refusal is about: what AWS names in its text, else the operation's own."""
        if named := _NOT_AUTHORIZED.search(self.text):
            return named[1]
        return ACTIONS.get(self.operation, f"{self.service or '*'}:{self.operation}")


# AWS has no field for the action that is missing (IAM user guide, "Troubleshoot access denied error messages").
_NOT_AUTHORIZED = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")


def explain_refusal(refused: RefusedCall) -> OrchestratorError:
    """The error for a refusal: the call, what its code means, AWS's sentence and the remedy; no environment."""
    code, text, called = refused.code, sentence(refused.text), refused.operation
    remedy = advice([refused]) or "Run the command again with --verbose to see where."
    if code in DENIED:
        lacks = f"The credentials lack {refused.action}"
        return OrchestratorError(
            f"{called} was denied.", why=f"{lacks}: {text}" if text else f"{lacks}.", remedy=remedy
        )
    for codes, what, _ in _CODES:
        if code in codes:
            return OrchestratorError(f"{called}: {what.format(code=code)}", why=text, remedy=remedy)
    return OrchestratorError(f"{called} failed with {code}.", why=text, remedy=remedy)


def advice(refusals: Sequence[RefusedCall]) -> str:
    """What helps against all of these: each remedy once, and one sentence for all actions that are to be allowed."""
    remedies: dict[str, None] = {}
    lacking: dict[str, None] = {}
    for refused in refusals:
        particular = remedy_for(f"{refused.operation} {refused.code}: {sentence(refused.text)}")
        if refused.code in DENIED and not particular:
            lacking[refused.action] = None
            continue
        of_code = next((remedy for codes, _, remedy in _CODES if refused.code in codes), "")
        remedies[of_code or particular] = None
    if lacking:
        actions = ", ".join(lacking)
        allow = (
            f"Allow {actions} (`orchestrator docs deployer-policy` lists all that is needed), or use another profile."
        )
        remedies[allow] = None
    return " ".join(filter(None, remedies))


def sentence(error: object) -> str:
    """The text of AWS or its SDK on one line, ending with a full stop; nothing of nothing."""
    text = " ".join(str(error).split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


# {what AWS means by these codes, remedy}.
_CODES: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        EXPIRED,
        "the AWS credentials have expired.",
        "Sign in again (`aws sso login`) or renew the exported keys.",
    ),
    (
        INVALID,
        "AWS does not know these credentials ({code}).",
        "Check the access key, its account's partition and the clock of this machine. A region that the account has "
        "not opted in to answers so, too (`aws account enable-region --region-name REGION`).",
    ),
    (
        ELSEWHERE,
        "the bucket lies in another region ({code}).",
        "Name its region: `aws_region`, or `state.region` for the bucket of states.",
    ),
    (
        frozenset({"NoSuchBucket"}),
        "the bucket does not exist.",
        "Correct its name. `orchestrator init NAME --state-bucket` makes the bucket of states.",
    ),
    (
        THROTTLED,
        "AWS throttled the call ({code}) until the retries were used up.",
        "Run the command again later, or with fewer environments at a time (-j 1).",
    ),
)
