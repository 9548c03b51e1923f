"""Checks of account IDs, one by one and in lists."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import ACCOUNT, parse_arn
from orchestrator.environment.tfvars import Path, dotted


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


def check_accounts(context: Context, path: Path, values: Sequence[str], *, cannot_be_own: bool) -> None:
    """Account lists: form, repetitions, and the own account, which needs no mention (or must have none)."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        here = (*path, index)
        if not check_account(context, here, value):
            continue
        if value in seen:
            context.error(
                here,
                f"{dotted(path)} names {value} twice.",
                why="Each account stands there once.",
                remedy="Remove one.",
                value=value,
            )
        elif context.usable("account_id") and value == context.environment.account_id:
            report = context.error if cannot_be_own else context.warn
            report(
                here,
                f"{dotted(path)} names the environment's own account {value}.",
                why="It has that right anyway.",
                remedy="Remove it.",
                value=value,
            )
        seen.add(value)
