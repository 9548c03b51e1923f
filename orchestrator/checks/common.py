"""Checks that several variables share: account lists, KMS keys, tags, numbers, one-of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.checks.context import Context
from orchestrator.checks.convert import nearest
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import ACCOUNT, TAG_TEXT, Arn, parse_arn
from orchestrator.environment.tfvars import Path, dotted

MAX_TAGS = 50


def check_account(context: Context, path: Path, value: str) -> bool:
    """Is `value` an account ID? Reports it when not."""
    if ACCOUNT.fullmatch(value):
        return True
    digits = value.replace("-", "").replace(" ", "")
    arn = parse_arn(value)
    if arn and ACCOUNT.fullmatch(arn.account):
        digits = arn.account
    context.error(
        path,
        f"{dotted(path)} is {shown(value)}.",
        why="AWS account IDs have 12 digits.",
        remedy=f'Write "{digits}".' if ACCOUNT.fullmatch(digits) else 'Write all 12 digits in quotes: "012345678901".',
        value=value,
    )
    return False


def check_accounts(context: Context, path: Path, values: Sequence[str]) -> None:
    """Account lists: form, repetitions, and the own account, which needs no mention (or must have none)."""
    for index, value in enumerate(values):
        here = (*path, index)
        if not check_account(context, here, value):
            continue
        if value in values[:index]:
            context.error(
                here,
                f"{dotted(path)} names {value} twice.",
                why="Each account stands there once.",
                remedy="Remove one.",
                value=value,
            )
        elif context.usable("account_id") and value == context.environment.account_id:
            report = context.error if path[0] == "registry_consumer_account_ids" else context.warn
            report(
                here,
                f"{dotted(path)} names the environment's own account {value}.",
                why="It has that right anyway.",
                remedy="Remove it.",
                value=value,
            )


def check_one_of(context: Context, path: Path, value: str, allowed: Sequence[str], why: str = "") -> bool:
    """Is `value` one of `allowed`? Reports it when not, with the one it was most likely meant to be."""
    if value in allowed:
        return True
    guess = nearest(value, allowed)
    context.error(
        path,
        f"{dotted(path)} is {shown(value)}.",
        why=why or "It is one of " + ", ".join(word or '"" (none)' for word in allowed) + ".",
        remedy=f'Write "{guess}".' if guess else f"Write {' or '.join(shown(word) for word in allowed)}.",
        value=value,
    )
    return False


def check_tags(context: Context, path: Path, tags: Mapping[str, str], limit: int = MAX_TAGS) -> None:
    """AWS's rules for tags: number, lengths, characters, the reserved prefix, keys that IAM takes for the same."""
    name = dotted(path)
    if len(tags) > limit:
        context.error(
            path,
            f"{name} has {len(tags)} entries.",
            why=f"AWS takes at most {limit} tags on a resource.",
            remedy=f"Remove {len(tags) - limit}.",
            value=len(tags),
        )
    lowered: dict[str, str] = {}
    for key, value in tags.items():
        here = (*path, key)
        if not 1 <= len(key) <= 128:
            _tag(context, here, f"The tag key {shown(key)} has {len(key)} characters.", "AWS takes 1 to 128.", "key")
        elif key.lower().startswith("aws:"):
            _tag(context, here, f'The tag key "{key}" begins with aws:.', "AWS keeps that prefix for itself.", "key")
        elif not TAG_TEXT.fullmatch(key):
            _tag(context, here, f"The tag key {shown(key)} holds a character that AWS refuses.", _TAG_CHARACTERS, "key")
        elif key.lower() in lowered:
            _tag(
                context,
                here,
                f'The tag keys "{lowered[key.lower()]}" and "{key}" differ only in case.',
                "IAM takes them for the same key.",
                "key",
            )
        if len(value) > 256:
            _tag(context, here, f'The tag "{key}" has {len(value)} characters.', "AWS takes at most 256.", "value")
        elif not TAG_TEXT.fullmatch(value):
            _tag(context, here, f'The tag "{key}" is {shown(value)}.', _TAG_CHARACTERS, "value")
        lowered.setdefault(key.lower(), key)


_TAG_CHARACTERS = "Tags hold letters, digits, spaces and _ . : / = + - @."


def _tag(context: Context, path: Path, what: str, why: str, part: str) -> None:
    context.error(path, what, why=why, remedy=f"Write another {part}.", value=str(path[-1]))


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


def check_unique(context: Context, path: Path, values: Sequence[str]) -> None:
    """Lists in which an entry twice is a slip."""
    for index, value in enumerate(values):
        if value in values[:index]:
            context.error(
                (*path, index),
                f"{dotted(path)} names {shown(value)} twice.",
                why="Each entry stands there once.",
                remedy="Remove one.",
                value=value,
            )
