"""How repositories that exist differ from what their template says now, and what can still be set. Pure.

A creation template acts when ECR makes a repository, never later. Policy, mutability, tags and scanning can be set
afterwards; the encryption stays as it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.mirroring.repository import CROSS_ACCOUNT_SID, RepositorySettings

Document = dict[str, Any]
ENCRYPTION, MUTABILITY, POLICY, SCANNING, TAGS = "encryption", "mutability", "policy", "scanning", "tags"


@dataclass(frozen=True, slots=True)
class StandingRepository:
    """A repository as AWS describes it. `prefix` is that of its rule or mirror; `policy` and `tags` are None where not read."""

    name: str
    prefix: str
    mutability: str = "MUTABLE"
    scan_on_push: bool = False
    kms_key_arn: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One setting, as it is and as the template says; `settable` is False for what only a new repository can have."""

    setting: str
    before: str
    after: str
    settable: bool = True


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one repository lacks. `policy` is the whole document to put, None to delete it; used where POLICY differs.

    `tags` are those to set: others stay as they are.
    """

    name: str
    prefix: str
    differences: tuple[SettingDifference, ...]
    policy: Document | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    wanted: RepositorySettings = field(default_factory=RepositorySettings)

    @property
    def settable(self) -> tuple[str, ...]:
        """The settings that can be set now."""
        return tuple(each.setting for each in self.differences if each.settable)

    def as_dict(self) -> Document:
        """For `--json`: {repository, prefix, differences: [{setting, before, after, settable}]}."""
        return {
            "repository": self.name,
            "prefix": self.prefix,
            "differences": [
                {"setting": each.setting, "before": each.before, "after": each.after, "settable": each.settable}
                for each in self.differences
            ],
        }


def reconcile(found: StandingRepository, wanted: RepositorySettings, *, scanned_here: bool) -> Reconciliation | None:
    """What `found` lacks of `wanted`; None when nothing. `scanned_here` is whether scanning is the repository's setting.

    Where the registry has scanning rules, and for what a rule made, AWS takes no setting of the repository.
    """
    differences: list[SettingDifference] = []
    if found.mutability != wanted.mutability:
        differences.append(SettingDifference(MUTABILITY, found.mutability, wanted.mutability))
    if scanned_here and found.scan_on_push != wanted.scan_on_push:
        differences.append(SettingDifference(SCANNING, _scanned(found.scan_on_push), _scanned(wanted.scan_on_push)))
    policy = _policy_with(found.policy, wanted.policy) if found.policy is not None else None
    if found.policy is not None and not _same_grants(found.policy, wanted.policy):
        differences.append(SettingDifference(POLICY, _pullers(found.policy), _pullers(wanted.policy)))
    tags = {key: value for key, value in sorted(wanted.tags.items()) if (found.tags or {}).get(key) != value}
    if found.tags is not None and tags:
        before = {key: found.tags[key] for key in tags if key in found.tags}
        differences.append(SettingDifference(TAGS, _listed(before), _listed(tags)))
    if not _same_key(found.kms_key_arn, wanted.kms_key_arn):
        differences.append(
            SettingDifference(ENCRYPTION, found.kms_key_arn or "AES256", wanted.kms_key_arn or "AES256", settable=False)
        )
    if not differences:
        return None
    return Reconciliation(
        found.name, found.prefix, tuple(differences), policy, tags if found.tags is not None else {}, wanted
    )


def _policy_with(found: str, wanted: str) -> Document | None:
    """The found policy with the wanted statement in place of the one with its Sid. None when nothing is left."""
    document = _document(found)
    others = [each for each in _statements(found) if each.get("Sid") != CROSS_ACCOUNT_SID]
    statements = [*others, *_statements(wanted)]
    if not statements:
        return None
    return {**document, "Version": document.get("Version", "2012-10-17"), "Statement": statements}


def _same_grants(found: str, wanted: str) -> bool:
    """Is the statement that is ours the same? Tags that others wrote beside it say nothing."""
    ours = [each for each in _statements(found) if each.get("Sid") == CROSS_ACCOUNT_SID]
    return [_plain(each) for each in ours] == [_plain(each) for each in _statements(wanted)]


def _plain(statement: Document) -> Document:
    """The statement without AWS's own spellings: one value for a list, an account for its root's ARN, order."""
    actions = statement.get("Action") or []
    plain = {"Action": sorted([actions] if isinstance(actions, str) else actions), "Principal": _accounts(statement)}
    return {**{key: value for key, value in statement.items() if key not in plain}, **plain}


def _accounts(statement: Document) -> list[str]:
    principal = statement.get("Principal")
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    values = [named] if isinstance(named, str) else (named or [])
    return sorted(
        value.split(":")[4] if value.startswith("arn:") and value.endswith(":root") else value for value in values
    )


def _pullers(policy: str) -> str:
    """Who may pull by the statement that is ours, for people."""
    ours = [each for each in _statements(policy) if each.get("Sid") == CROSS_ACCOUNT_SID]
    return ", ".join(account for each in ours for account in _accounts(each)) or "nobody else pulls"


def _document(policy: str) -> Document:
    try:
        found = json.loads(policy or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _statements(policy: str) -> list[Document]:
    found = _document(policy).get("Statement", [])
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def _same_key(found: str | None, wanted: str | None) -> bool:
    """AWS answers with a key's ARN: an alias can only be compared by whether there is a key at all."""
    if found and wanted and (":alias/" in wanted or wanted.startswith("alias/")):
        return True
    return found == wanted


def _scanned(on_push: bool) -> str:
    return "on push" if on_push else "not on push"


def _listed(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "none"
