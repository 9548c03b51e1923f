"""Who asks: the account and principal behind an access key, and `sts:GetCallerIdentity` for the account keys."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from orchestrator.local.calls import Call
from orchestrator.local.protocols import Answer

USER = "local"
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Principal:
    """A principal: `arn` is an IAM user's, or an assumed role's session."""

    account_id: str
    arn: str
    user_id: str


def partition_of(region: str) -> str:
    """The AWS partition of a region, such as `aws-us-gov` of us-gov-west-1."""
    from moto.utilities.utils import get_partition

    return str(get_partition(region or DEFAULT_REGION))


def identify(call: Call) -> Principal:
    """The principal behind the call's access key. Keys that nobody handed out do not come in."""
    if call.account_id:
        arn = f"arn:{partition_of(call.region)}:iam::{call.account_id}:user/{USER}"
        return Principal(call.account_id, arn, "AIDA" + call.account_id.rjust(17, "A"))
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.sts.models import sts_backends

    account_id = account_of(call) or DEFAULT_ACCOUNT_ID
    backend = sts_backends[account_id][partition_of(call.region)]
    user_id, arn, _ = backend.get_caller_identity(call.access_key, call.region or DEFAULT_REGION)
    return Principal(account_id, str(arn), str(user_id))


def account_of(call: Call) -> str:
    """The account of the call's access key, "" for a key that nobody handed out."""
    return call.account_id or _giver(call.access_key)[0]


def is_handed_out(access_key: str, session_token: str) -> bool:
    """Did moto hand out this key, to a role with this session token or to a user? An unknown key is nobody's."""
    from moto.sts.models import sts_backends

    account_id, partition = _giver(access_key)
    if not account_id:
        return False
    role = sts_backends[account_id][partition].get_assumed_role_from_access_key(access_key)
    return role is None or hmac.compare_digest(str(role.session_token).encode(), session_token.encode())


def _giver(access_key: str) -> tuple[str, str]:
    """The account and partition that handed out the key, ("", "") for none."""
    from moto.iam.models import iam_backends

    for account_id, account in list(iam_backends.items()):
        # Only the partitions in use: moto's own search makes all, each with every policy that AWS manages.
        for partition, backend in list(account.items()):
            if access_key in backend.access_keys:
                return str(account_id), str(partition)
    return "", ""


def handle_sts(call: Call) -> Answer | None:
    """Answer GetCallerIdentity for the account keys, for which moto invents a user ARN that AWS would not."""
    if call.operation != "GetCallerIdentity" or not call.account_id:
        return None
    who = identify(call)
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{who.arn}</Arn><UserId>{who.user_id}</UserId><Account>{who.account_id}</Account>"
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return Answer(200, body.encode(), (("Content-Type", "text/xml"),))
