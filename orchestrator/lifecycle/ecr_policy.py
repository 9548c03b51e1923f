"""Lifecycle policies as Amazon ECR accepts them: text -> a Policy, or all reasons why ECR refuses it.

Sources: ECR user guide, "Lifecycle policy properties" and "Lifecycle policy evaluation rules"; ECR API reference,
PutLifecyclePolicy. Problems of form have AWS's own wording ("object has missing required properties ..."). For those
of meaning AWS's wording is not published, so they quote the user guide's rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

MIN_TEXT, MAX_TEXT = 100, 30_720  # characters
MAX_RULES = 50
MAX_WILDCARDS = 4
MIN_ARCHIVE_DAYS = 90

TagStatus = Literal["tagged", "untagged", "any"]
CountType = Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
StorageClass = Literal["standard", "archive"]
Action = Literal["expire", "transition"]

_TAG_STATUSES = ("any", "tagged", "untagged")
_COUNT_TYPES = ("imageCountMoreThan", "sinceImagePulled", "sinceImagePushed", "sinceImageTransitioned")
_ACTIONS = ("expire", "transition")
_STORAGE_CLASSES = ("archive", "standard")

_RULE = ({"rulePriority", "selection", "action"}, {"description"})
_SELECTION = (
    {"tagStatus", "countType", "countNumber"},
    {"tagPatternList", "tagPrefixList", "countUnit", "storageClass"},
)
_ACTION = ({"type"}, {"targetStorageClass"})
# What a tag may hold, plus the pattern's wildcard.
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9._*-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One reason for a refusal; `path` such as `rules[1].selection.countUnit`, empty for the whole text."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One valid rule. `count_number` is images for imageCountMoreThan and days for the others."""

    priority: int
    description: str
    tag_status: TagStatus
    tag_prefixes: tuple[str, ...]
    tag_patterns: tuple[str, ...]
    count_type: CountType
    count_number: int
    storage_class: StorageClass
    action: Action


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that ECR accepts, its rules by priority, the first to apply first."""

    rules: tuple[PolicyRule, ...]


class InvalidPolicyError(ValueError):
    """ECR would refuse this policy, for each of `problems`."""

    def __init__(self, problems: Sequence[PolicyFault]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, problems)))


def parse_policy(text: str) -> Policy:
    """The policy of `text`; raises InvalidPolicyError with every problem."""
    problems = check_policy(text)
    if problems:
        raise InvalidPolicyError(problems)
    rules = [_rule(rule) for rule in json.loads(text)["rules"]]
    return Policy(tuple(sorted(rules, key=lambda rule: rule.priority)))


def check_policy(text: str) -> tuple[PolicyFault, ...]:
    """Every reason why ECR would refuse the policy `text`; empty when it would accept it."""
    size = _text_size(text)
    if size:
        return (size,)
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except _DoubledKeyError as error:
        return (PolicyFault("", f"object has the property {json.dumps(str(error))} more than once"),)
    except (ValueError, RecursionError):
        return (PolicyFault("", "Could not map policyString into LifecyclePolicy."),)
    return check_document(document)


def check_document(document: object) -> tuple[PolicyFault, ...]:
    """As check_policy, for a policy that is decoded already; the length of its text is not checked."""
    if not isinstance(document, Mapping):
        return (PolicyFault("", "Could not map policyString into LifecyclePolicy."),)
    if "rules" not in document:
        return (PolicyFault("", 'object has missing required properties (["rules"])'),)
    unknown = _unknown(document, {"rules"})
    if unknown:
        return (PolicyFault("", unknown),)
    rules = document["rules"]
    if not isinstance(rules, list):
        return (PolicyFault("rules", _wrong_type(rules, "array")),)
    if not rules:
        return (PolicyFault("rules", "array is too short: must have at least 1 elements but instance has 0 elements"),)
    if len(rules) > MAX_RULES:
        reason = f"array is too long: must have at most {MAX_RULES} elements but instance has {len(rules)} elements"
        return (PolicyFault("rules", reason),)
    form = tuple(problem for index, rule in enumerate(rules) for problem in _check_rule(rule, f"rules[{index}]"))
    # Rules are compared with each other only when each can be read by itself.
    return form or tuple(_check_together([_rule(rule) for rule in rules]))


def _text_size(text: str) -> PolicyFault | None:
    if len(text) < MIN_TEXT:
        return PolicyFault("", f"string is too short (length: {len(text)}, required minimum: {MIN_TEXT})")
    if len(text) > MAX_TEXT:
        return PolicyFault("", f"string is too long (length: {len(text)}, maximum allowed: {MAX_TEXT})")
    return None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


class _DoubledKeyError(ValueError):
    """An object has the key twice."""


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """The object of these members. AWS does not publish which of two ECR would take, so that no key may come twice."""
    found: dict[str, object] = {}
    for key, value in members:
        if key in found:
            raise _DoubledKeyError(key)
        found[key] = value
    return found


def _check_rule(rule: object, path: str) -> Iterator[PolicyFault]:
    shape = _check_object(rule, path, *_RULE)
    if shape:
        yield shape
        return
    members = cast(Mapping[str, object], rule)
    yield from _check_positive(members["rulePriority"], f"{path}.rulePriority")
    if "description" in members and not isinstance(members["description"], str):
        yield PolicyFault(f"{path}.description", _wrong_type(members["description"], "string"))
    selection_shape = _check_object(members["selection"], f"{path}.selection", *_SELECTION)
    action_shape = _check_object(members["action"], f"{path}.action", *_ACTION)
    yield from filter(None, (selection_shape, action_shape))
    if not selection_shape:
        selection = cast(Mapping[str, object], members["selection"])
        yield from _check_selection(selection, f"{path}.selection")
        if not action_shape:
            yield from _check_action(cast(Mapping[str, object], members["action"]), selection, f"{path}.action")


def _check_selection(selection: Mapping[str, object], path: str) -> Iterator[PolicyFault]:
    yield from _check_enum(selection["tagStatus"], _TAG_STATUSES, f"{path}.tagStatus")
    yield from _check_enum(selection["countType"], _COUNT_TYPES, f"{path}.countType")
    yield from _check_positive(selection["countNumber"], f"{path}.countNumber")
    yield from _check_tags(selection, path)
    count_type = selection["countType"]
    if count_type == "imageCountMoreThan":
        if "countUnit" in selection:
            yield PolicyFault(
                f"{path}.countUnit", "countUnit must not be specified when countType is imageCountMoreThan"
            )
    elif "countUnit" not in selection:
        yield PolicyFault(path, f'countUnit is required when countType is {count_type}: it must be "days"')
    elif selection["countUnit"] != "days":
        yield from _check_enum(selection["countUnit"], ("days",), f"{path}.countUnit")
    if "storageClass" in selection:
        yield from _check_enum(selection["storageClass"], _STORAGE_CLASSES, f"{path}.storageClass")
    archive = selection.get("storageClass") == "archive"
    if count_type == "sinceImageTransitioned":
        number = selection["countNumber"]
        if not archive:
            yield PolicyFault(path, 'storageClass must be "archive" when countType is sinceImageTransitioned')
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < MIN_ARCHIVE_DAYS:
            reason = f"countNumber must be at least {MIN_ARCHIVE_DAYS} when countType is sinceImageTransitioned"
            yield PolicyFault(f"{path}.countNumber", f"{reason} (found: {number})")
    elif archive and count_type in _COUNT_TYPES:
        yield PolicyFault(f"{path}.storageClass", f'storageClass "archive" cannot be used with countType {count_type}')


def _check_tags(selection: Mapping[str, object], path: str) -> Iterator[PolicyFault]:
    lists = [name for name in ("tagPrefixList", "tagPatternList") if name in selection]
    status = selection["tagStatus"]
    if status == "tagged" and not lists:
        yield PolicyFault(path, "tagPrefixList or tagPatternList is required when tagStatus is tagged")
    if status in ("untagged", "any"):
        for name in lists:
            yield PolicyFault(f"{path}.{name}", f"{name} must not be specified when tagStatus is {status}")
    if len(lists) == 2:
        yield PolicyFault(path, "a rule may specify either tagPatternList or tagPrefixList, but not both")
    for name in lists:
        yield from _check_tag_list(selection[name], name == "tagPatternList", f"{path}.{name}")


def _check_tag_list(entries: object, patterns: bool, path: str) -> Iterator[PolicyFault]:
    if not isinstance(entries, list):
        yield PolicyFault(path, _wrong_type(entries, "array"))
        return
    if not entries:
        yield PolicyFault(path, "array is too short: must have at least 1 elements but instance has 0 elements")
    for index, entry in enumerate(entries):
        where = f"{path}[{index}]"
        if not isinstance(entry, str):
            yield PolicyFault(where, _wrong_type(entry, "string"))
        elif not (_PATTERN if patterns else _PREFIX).fullmatch(entry):
            what = "tag pattern" if patterns else "tag prefix"
            yield PolicyFault(where, f'"{entry}" is not a valid {what}')
        elif entry.count("*") > MAX_WILDCARDS:
            yield PolicyFault(where, f'"{entry}" has more than {MAX_WILDCARDS} wildcards (*)')


def _check_action(action: Mapping[str, object], selection: Mapping[str, object], path: str) -> Iterator[PolicyFault]:
    kind, count_type = action["type"], selection["countType"]
    wrong = list(_check_enum(kind, _ACTIONS, f"{path}.type"))
    yield from wrong
    if wrong:
        return
    if kind == "transition":
        if "targetStorageClass" not in action:
            yield PolicyFault(
                path, 'targetStorageClass is required when the action is transition: it must be "archive"'
            )
        else:
            yield from _check_enum(action["targetStorageClass"], ("archive",), f"{path}.targetStorageClass")
        if count_type == "sinceImageTransitioned":
            yield PolicyFault(path, "countType sinceImageTransitioned allows the action expire only")
    else:
        if "targetStorageClass" in action:
            yield PolicyFault(path, "targetStorageClass must not be specified when the action is expire")
        if count_type == "sinceImagePulled":
            yield PolicyFault(path, "countType sinceImagePulled allows the action transition only")


def _check_together(rules: Sequence[PolicyRule]) -> Iterator[PolicyFault]:
    """The rules that a policy keeps as a whole."""
    priorities: dict[int, int] = {}
    for index, rule in enumerate(rules):
        first = priorities.setdefault(rule.priority, index)
        if first != index:
            reason = f"rulePriority {rule.priority} is used by rules[{first}] already: priorities must be unique"
            yield PolicyFault(f"rules[{index}].rulePriority", reason)
    for storage_class in ("standard", "archive"):
        yield from _check_class([entry for entry in enumerate(rules) if entry[1].storage_class == storage_class])


def _check_class(rules: Sequence[tuple[int, PolicyRule]]) -> Iterator[PolicyFault]:
    """Within one storage class: one `any` rule, evaluated last; one untagged rule; no two rules for the same tags."""
    seen: dict[object, int] = {}
    highest = max((rule.priority for _, rule in rules), default=0)
    for index, rule in rules:
        path = f"rules[{index}]"
        if rule.tag_status == "any":
            if "any" in seen:
                yield PolicyFault(path, "only one rule with tagStatus any is allowed per storage class")
            elif rule.priority != highest:
                reason = f"a rule with tagStatus any must have the highest rulePriority (found: {rule.priority}"
                yield PolicyFault(f"{path}.rulePriority", f"{reason}, highest: {highest})")
        elif rule.tag_status == "untagged" and "untagged" in seen:
            yield PolicyFault(path, "only one rule is allowed to select untagged images per storage class")
        key: object = rule.tag_status
        if rule.tag_status == "tagged":
            key = (frozenset(rule.tag_prefixes), frozenset(rule.tag_patterns))
            if key in seen:
                reason = f"rules[{seen[key]}] selects the same tags: each rule must select a unique set"
                yield PolicyFault(f"{path}.selection", reason)
        seen.setdefault(key, index)


def _rule(rule: Mapping[str, object]) -> PolicyRule:
    selection = cast(Mapping[str, object], rule["selection"])
    return PolicyRule(
        priority=cast(int, rule["rulePriority"]),
        description=cast(str, rule.get("description", "")),
        tag_status=cast(TagStatus, selection["tagStatus"]),
        tag_prefixes=tuple(cast(list[str], selection.get("tagPrefixList", []))),
        tag_patterns=tuple(cast(list[str], selection.get("tagPatternList", []))),
        count_type=cast(CountType, selection["countType"]),
        count_number=cast(int, selection["countNumber"]),
        storage_class=cast(StorageClass, selection.get("storageClass", "standard")),
        action=cast(Action, cast(Mapping[str, object], rule["action"])["type"]),
    )


def _check_object(value: object, path: str, required: set[str], optional: set[str]) -> PolicyFault | None:
    if not isinstance(value, Mapping):
        return PolicyFault(path, _wrong_type(value, "object"))
    missing = sorted(required - set(value))
    if missing:
        return PolicyFault(path, f"object has missing required properties ({json.dumps(missing)})")
    unknown = _unknown(value, required | optional)
    return PolicyFault(path, unknown) if unknown else None


def _unknown(value: Mapping[str, object], known: set[str]) -> str:
    unknown = sorted(set(value) - known)
    if not unknown:
        return ""
    return f"object instance has properties which are not allowed by the schema: ({json.dumps(unknown)})"


def _check_enum(value: object, allowed: Sequence[str], path: str) -> Iterator[PolicyFault]:
    if not isinstance(value, str):
        yield PolicyFault(path, _wrong_type(value, "string"))
    elif value not in allowed:
        yield PolicyFault(
            path,
            f"instance value ({json.dumps(value)}) not found in enum (possible values: {json.dumps(list(allowed))})",
        )


def _check_positive(value: object, path: str) -> Iterator[PolicyFault]:
    # Draft 4 of JSON schema, in whose words ECR refuses, takes 5.0 and 5e0 for no integers.
    if not isinstance(value, int) or isinstance(value, bool):
        yield PolicyFault(path, _wrong_type(value, "integer"))
    elif value < 1:
        yield PolicyFault(path, f"numeric instance is lower than the required minimum (minimum: 1, found: {value})")


def _wrong_type(value: object, allowed: str) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", type(None): "null"}
    found = names.get(type(value), "object")
    return f'instance type ({found}) does not match any allowed primitive type (allowed: ["{allowed}"])'
