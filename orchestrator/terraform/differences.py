"""What differs between two values of a plan, leaf by leaf, under Terraform's masks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that changes: `path` such as `tags.team` or `policy.Statement[0].Action`.

    `before` and `after` are JSON values, None where sensitive; `unknown` means known only after the apply.
    """

    path: str
    before: Any
    after: Any
    sensitive: bool = False
    unknown: bool = False
    forces_replacement: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "sensitive": self.sensitive,
            "known_after_apply": self.unknown,
            "forces_replacement": self.forces_replacement,
        }


def marked(mask: Any) -> bool:
    """Does a mask of Terraform (true, or nested maps and lists of true) mark anything?"""
    if isinstance(mask, dict):
        return any(marked(value) for value in mask.values())
    if isinstance(mask, list):
        return any(marked(value) for value in mask)
    return bool(mask)


def _part(mask: Any, key: str | int) -> Any:
    if isinstance(mask, dict) and isinstance(key, str):
        return mask.get(key, False)
    if isinstance(mask, list) and isinstance(key, int) and key < len(mask):
        return mask[key]
    return mask is True


def differences(
    path: str, before: Any, after: Any, unknown: Any, hidden_before: Any, hidden_after: Any, secrets: set[str]
) -> Iterator[AttributeChange]:
    """Every leaf that differs between two JSON values, by path.

    `unknown` and `hidden_*` are Terraform's masks: true, or maps and lists of them. Sensitive values go to `secrets`
    and nowhere else.
    """
    if hidden_before is True or hidden_after is True:
        for value in (before, after):
            _note_secret(value, secrets)
        if before != after or unknown is True:
            yield AttributeChange(path, None, None, sensitive=True, unknown=unknown is True)
        return
    if unknown is True:
        yield AttributeChange(path, before, None, unknown=True)
        return
    before, after = _as_document(before, after)
    if isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
        left, right = before or {}, after or {}
        extra = unknown if isinstance(unknown, dict) else {}
        for key in sorted({*left, *right, *extra}):
            yield from differences(
                f"{path}.{key}" if path else key,
                left.get(key),
                right.get(key),
                _part(unknown, key),
                _part(hidden_before, key),
                _part(hidden_after, key),
                secrets,
            )
        return
    if _of_structures(before) or _of_structures(after) or isinstance(unknown, list):
        left_items, right_items = before or [], after or []
        if isinstance(left_items, list) and isinstance(right_items, list):
            length = max(len(left_items), len(right_items), len(unknown) if isinstance(unknown, list) else 0)
            for index in range(length):
                yield from differences(
                    f"{path}[{index}]",
                    left_items[index] if index < len(left_items) else None,
                    right_items[index] if index < len(right_items) else None,
                    _part(unknown, index),
                    _part(hidden_before, index),
                    _part(hidden_after, index),
                    secrets,
                )
            return
    if not _same(before, after):
        if marked(hidden_before) or marked(hidden_after):
            yield AttributeChange(path, None, None, sensitive=True)
        else:
            yield AttributeChange(path, before, after)


def _same(before: Any, after: Any) -> bool:
    """Equal, or both nothing: Terraform tells null, "" and empty collections apart, AWS does not."""
    nothing: tuple[Any, ...] = (None, "", [], {})
    return bool(before == after) or (before in nothing and after in nothing)


def _of_structures(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _as_document(before: Any, after: Any) -> tuple[Any, Any]:
    """Two JSON texts (policies) as documents, so that the difference is found inside; others as they are."""
    decoded: list[Any] = []
    for value in (before, after):
        if value is None:
            decoded.append(None)
            continue
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
            return before, after
        try:
            decoded.append(json.loads(value))
        except ValueError:
            return before, after
    if decoded[0] is None and decoded[1] is None:
        return before, after
    # A document that comes or goes whole is shown whole.
    if decoded[0] is None or decoded[1] is None:
        return before, after
    return decoded[0], decoded[1]


def _note_secret(value: Any, secrets: set[str]) -> None:
    if isinstance(value, str) and value:
        secrets.add(value)
    elif isinstance(value, dict):
        for item in value.values():
            _note_secret(item, secrets)
    elif isinstance(value, list):
        for item in value:
            _note_secret(item, secrets)
