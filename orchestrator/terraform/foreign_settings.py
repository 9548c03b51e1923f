"""What stands in the registry's shared settings beside ours: statements of the registry policy and scanning rules. Pure.

AWS keeps each of these settings as one document that is put whole. Others' statements are kept in every put; this
environment's are taken away at the end. The statements and rules that it made stand in its output `registry_made`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.checks.registry_statements import OUR_SIDS

Statement = Mapping[str, Any]
Pair = tuple[str, str]
"""A frequency and a pattern of repository names: `("SCAN_ON_PUSH", "prod-*")`."""
BASIC = "BASIC"


@dataclass(frozen=True, slots=True)
class Scanning:
    """How a registry scans: BASIC or ENHANCED, and which repositories how often."""

    scan_type: str = BASIC
    pairs: frozenset[Pair] = frozenset()

    @property
    def rules(self) -> list[dict[str, Any]]:
        """[{"scan_frequency", "repository_patterns"}], sorted."""
        frequencies = sorted({frequency for frequency, _ in self.pairs})
        return [
            {"scan_frequency": each, "repository_patterns": sorted(p for f, p in self.pairs if f == each)}
            for each in frequencies
        ]


@dataclass(frozen=True, slots=True)
class Made:
    """What an environment put there itself; `scan_type_before` is what the registry had before it, "" where unknown."""

    statements: tuple[Statement, ...] = ()
    pairs: frozenset[Pair] = frozenset()
    scan_type_before: str = ""


@dataclass(frozen=True, slots=True)
class Others:
    """What others have: statements, scanning rules, the scope of the policy, roles that have the pull policy already."""

    statements: tuple[Statement, ...] = ()
    pairs: frozenset[Pair] = frozenset()
    scan_type: str = ""
    scope: str = ""
    attached_roles: tuple[str, ...] = field(default=())

    def variable(self) -> dict[str, Any]:
        """The value of the root module's variable `others`."""
        return {
            "registry_policy_statements": json.dumps(list(self.statements), sort_keys=True),
            "registry_policy_scope": self.scope or None,
            "scan_type": self.scan_type or None,
            "scanning_rules": Scanning(pairs=self.pairs).rules,
            "attached_roles": sorted(self.attached_roles),
        }


def pairs_of(rules: Iterable[Mapping[str, Any]]) -> frozenset[Pair]:
    """The pairs of rules as tfvars write them."""
    return frozenset(
        (str(rule["scan_frequency"]), str(pattern)) for rule in rules for pattern in rule["repository_patterns"]
    )


def statements_of(policy: str | None) -> tuple[Statement, ...]:
    """The statements of a policy document; none of no document, and of one that cannot be read."""
    try:
        found = json.loads(policy or "{}").get("Statement", [])
    except (ValueError, AttributeError):
        return ()
    listed = found if isinstance(found, list) else [found]
    return tuple(each for each in listed if isinstance(each, dict))


def foreign_statements(
    live: Sequence[Statement], made: Sequence[Statement], declared: Sequence[Statement] = ()
) -> tuple[Statement, ...]:
    """The statements of `live` that this environment did not make, in their order.

    `declared` are those that its file asks for. One of these that says word for word what stood there before stays
    another's. One that only has the same Sid is replaced.
    """
    mine = {_canonical(each) for each in made}
    sids = OUR_SIDS | {str(each["Sid"]) for each in made if each.get("Sid")}
    wanted = {str(each.get("Sid")): _canonical(each) for each in declared}
    found = []
    for each in live:
        sid, text = str(each.get("Sid") or ""), _canonical(each)
        if text in mine or sid in sids or (sid in wanted and wanted[sid] != text):
            continue
        found.append(each)
    return tuple(found)


def all_there(made: Sequence[Statement], live: Sequence[Statement]) -> bool:
    """Does every statement of `made` still stand in `live`, whatever else does?"""
    return {_canonical(each) for each in made} <= {_canonical(each) for each in live}


def lost_principals(before: str | None, after: str | None) -> tuple[str, ...]:
    """Principals that a policy names and its successor does not, sorted; a successor for everybody loses nobody."""
    kept = _principals(after)
    return () if "*" in kept else tuple(sorted(_principals(before) - kept))


def _principals(policy: str | None) -> frozenset[str]:
    found: set[str] = set()
    for statement in statements_of(policy):
        principal = statement.get("Principal")
        if statement.get("Effect") != "Allow" or principal is None:
            continue
        values = principal.values() if isinstance(principal, Mapping) else [principal]
        for value in values:
            found |= {_arn(str(each)) for each in (value if isinstance(value, list) else [value])}
    return frozenset(found)


def _canonical(statement: Statement) -> str:
    """The statement as text that does not depend on order, or on how AWS writes one value and an account."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in sorted(value.items())}
        values = value if isinstance(value, list) else [value]
        return sorted(_arn(each) if isinstance(each, str) else json.dumps(each, sort_keys=True) for each in values)

    return json.dumps(plain(statement), sort_keys=True)


def _arn(principal: str) -> str:
    """AWS writes an account as the ARN of its root: compared by the account alone."""
    if principal.startswith("arn:") and principal.endswith(":root") and ":iam::" in principal:
        return principal.split(":")[4]
    return principal
