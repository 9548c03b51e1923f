"""Checks of ARNs: of any service, and of KMS keys."""

from __future__ import annotations

import re

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import ACCOUNT, Arn, parse_arn
from orchestrator.environment.markers import InAccount
from orchestrator.environment.tfvars import Path, dotted

# The name of one thing: no wildcard of a policy, no variable, no blank.
_ONE_THING = re.compile(r"[^*?$\s]+")


def check_owner(context: Context, path: Path, value: str, arn: Arn, owner: InAccount) -> None:
    """Lies the thing in the account that it has to be in?"""
    environment = context.environment
    own = environment.registry.account if owner.of_registry else environment.account_id
    known = context.usable("account_id") and (not owner.of_registry or context.usable("registry_account_id"))
    if known and arn.account != own:
        context.error(
            path,
            owner.said.format(path=dotted(path), account=arn.account),
            why=owner.why.format(own=own),
            remedy=owner.remedy,
            value=value,
        )


def check_arn(
    context: Context, path: Path, value: str, *, service: str, resource: str, example: str, region: str | None = None
) -> Arn | None:
    """An ARN of `service` whose resource begins with `resource`, in the environment's partition (and `region`).

    Reports one problem and returns None when it is not.
    """
    environment = context.environment
    name = dotted(path)
    account = environment.account_id
    arn = parse_arn(value)
    if arn is None or arn.service != service or not arn.resource.startswith(resource):
        context.error(
            path,
            f"{name} is {shown(value)}.",
            why=f"It must be the ARN of {'an' if example[0] in 'AEIO' else 'a'} {example}.",
            remedy=f'Write it like "arn:{environment.partition}:{service}:{region or ""}:{account}:{resource}…".',
            value=value,
        )
        return None
    if not _ONE_THING.fullmatch(arn.resource.removeprefix(resource)):
        context.error(
            path,
            f"{name} is {shown(value)}.",
            why="In a policy * and ? stand for others' things, and ${…} for what a caller sends.",
            remedy=f"Copy the ARN of one {example}, whole.",
            value=value,
        )
        return None
    if context.usable("aws_region") and arn.partition != environment.partition:
        context.error(
            path,
            f"{name} is {shown(value)}, in the partition {arn.partition}.",
            why=f"The environment is in {environment.aws_region}, which is in {environment.partition}.",
            remedy=f"Name one in {environment.partition}.",
            value=value,
        )
        return None
    if not (ACCOUNT.fullmatch(arn.account) or (service == "iam" and arn.account == "aws")):
        context.error(
            path,
            f"{name} is {shown(value)}, with the account {shown(arn.account)}.",
            why="AWS account IDs have 12 digits.",
            remedy=f"Copy the ARN of the {example}.",
            value=value,
        )
        return None
    if region is not None and context.usable("aws_region") and arn.region != region:
        context.error(
            path,
            f"{name} is {shown(value)}, in the region {shown(arn.region)}.",
            why=f"It must be in {region}, where it is used.",
            remedy=f"Name one of {region}.",
            value=value,
        )
        return None
    return arn


def check_kms_key(context: Context, path: Path, value: str | None, region: str | None = None) -> None:
    """A KMS key by its own ARN, in `region` (default: the environment's)."""
    if value is None:
        return
    arn = parse_arn(value)
    if arn and arn.service == "kms" and arn.resource.startswith("alias/"):
        context.error(
            path,
            f"{dotted(path)} is {shown(value)}, an alias.",
            why="An alias can be moved to another key, and ECR cannot change the key of a repository.",
            remedy="Write the ARN of the key itself (arn:…:key/…).",
            value=value,
        )
        return
    used_in = region or context.environment.aws_region
    key = check_arn(context, path, value, service="kms", resource="key/", example="KMS key", region=used_in)
    if key and context.usable("account_id") and key.account != context.environment.account_id:
        context.warn(
            path,
            f"{dotted(path)} is a key of account {key.account}.",
            why=f"The environment is in {context.environment.account_id}.",
            remedy="See that the key's policy allows that account.",
            value=value,
        )
