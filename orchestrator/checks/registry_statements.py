"""Checks of the statements that an environment adds to its registry's policy."""

from __future__ import annotations

import re

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.walker import check_one_of
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.spelling import nearest

_SID = re.compile(r"[A-Za-z0-9]+")
# modules/registry writes these.
OUR_SIDS = frozenset({"ConsumersImport", "ConsumersPull"})
STATEMENT_PARTS = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


def check_statements(context: Context, statements: object) -> None:
    """Statements of the registry policy, as IAM writes them; AWS judges what they grant."""
    path: Path = ("registry_policy_statements",)
    example = '{ Sid = "Replicate", Effect = "Allow", Principal = { AWS = "…" }, Action = ["ecr:ReplicateImage"], '
    example += 'Resource = ["*"] }'
    if not isinstance(statements, list | tuple):
        context.error(
            path,
            "registry_policy_statements is no list.",
            why="A policy has a list of statements.",
            remedy=f"Write [{example}].",
            value=None,
        )
        return
    seen: set[str] = set()
    for index, statement in enumerate(statements):
        here: Path = (*path, index)
        if not isinstance(statement, dict):
            context.error(
                here,
                f"{dotted(here)} is {shown(statement)}.",
                why="A statement is an object.",
                remedy=f"Write {example}.",
                value=statement,
            )
            continue
        for key in statement:
            if key not in STATEMENT_PARTS:
                guess = nearest(key, STATEMENT_PARTS)
                context.error(
                    (*here, key),
                    f"{dotted(here)} has {shown(key)}.",
                    why=f"A statement has {', '.join(STATEMENT_PARTS)}; IAM tells upper from lower case.",
                    remedy=f'Did you mean "{guess}"?' if guess else "Remove it.",
                    value=key,
                )
        missing = [key for key in STATEMENT_PARTS if key != "Condition" and not statement.get(key)]
        if missing and not any(key not in STATEMENT_PARTS for key in statement):
            context.error(
                here,
                f"{dotted(here)} has no {missing[0]}.",
                why="The policy of a registry says for each statement who may do what to which repositories. The Sid "
                "tells it from those of others.",
                remedy=f"Write it like {example}.",
                value=missing[0],
            )
        if statement.get("Effect"):
            check_one_of(context, (*here, "Effect"), str(statement["Effect"]), ("Allow", "Deny"))
        sid = str(statement.get("Sid") or "")
        if not sid:
            continue
        why = ""
        if not _SID.fullmatch(sid):
            why = "AWS takes letters and digits."
        elif sid in OUR_SIDS:
            why = "The registry module writes statements of that name."
        elif sid in seen:
            why = "Another statement has it."
        if why:
            context.error(
                (*here, "Sid"),
                f"{dotted((*here, 'Sid'))} is {shown(sid)}.",
                why=why,
                remedy="Choose another.",
                value=sid,
            )
        seen.add(sid)
