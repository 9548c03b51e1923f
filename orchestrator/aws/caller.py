"""The check that comes before anything else: do the credentials belong to the environment's account?"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.aws.session import AwsSession, Target
from orchestrator.aws.translation import explained
from orchestrator.errors import RefusedInput


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials are: account (12 digits), ARN of the principal, partition."""

    account_id: str
    arn: str

    @property
    def partition(self) -> str:
        """Second part of the ARN: `aws`, `aws-us-gov`, ..."""
        return self.arn.split(":")[1] if self.arn.count(":") >= 5 else ""

    @property
    def policy_source_arn(self) -> str:
        """The ARN that holds the permissions: of an assumed role's session its role, else the principal itself.

        A role below a path loses it in the session's ARN; then this is not the role's exact ARN.
        """
        head, _, rest = self.arn.partition(":assumed-role/")
        if not rest:
            return self.arn
        return f"{head.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"


def caller(session: AwsSession) -> Caller:
    """Who the session's credentials are (`sts:GetCallerIdentity`, which no policy can deny to a valid principal)."""
    with explained(session, "sts"):
        answer = session.client("sts").get_caller_identity()
    return Caller(account_id=answer["Account"], arn=answer["Arn"])


def check_account(session: AwsSession, environment: Target) -> Caller:
    """The caller's identity, when it belongs to the environment's account.

    Raises `RefusedInput` when the credentials belong to another account: nothing may be planned with them.
    """
    identity = caller(session)
    if identity.account_id != environment.account_id:
        remedy = (
            f"Use credentials of account {environment.account_id}: set `aws_profile` or `assume_role_arn`, or "
            "AWS_PROFILE; or correct `account_id` in the environment's file."
        )
        raise RefusedInput(
            f'environment "{environment.name}" belongs to account {environment.account_id}, '
            f"but the credentials are of account {identity.account_id} ({identity.arn}).",
            why="Nothing is planned or applied with credentials of another account.",
            remedy=remedy,
        )
    return identity
