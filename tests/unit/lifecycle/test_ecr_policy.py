"""Which lifecycle policies ECR accepts, and the reason for each refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.lifecycle.ecr_policy import (
    MAX_TEXT,
    InvalidPolicyError,
    check_document,
    check_policy,
    parse_policy,
)

Document = dict[str, Any]


def rule(priority: int = 1, *, action: Document | None = None, **selection: Any) -> Document:
    """A rule that expires untagged images after 14 days, changed by `selection`; None takes a member away."""
    members = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
    kept = {name: value for name, value in {**members, **selection}.items() if value is not None}
    return {"rulePriority": priority, "selection": kept, "action": action or {"type": "expire"}}


def count(priority: int = 1, number: int = 30, **selection: Any) -> Document:
    """A rule that keeps `number` of all images."""
    return rule(
        priority,
        **{
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countUnit": None,
            "countNumber": number,
            **selection,
        },
    )


TRANSITION = {"type": "transition", "targetStorageClass": "archive"}


def reasons(*rules: Document) -> list[str]:
    return [str(problem) for problem in check_document({"rules": list(rules)})]


ACCEPTED: dict[str, list[Document]] = {
    "untagged by age": [rule()],
    "untagged by count": [count(tagStatus="untagged")],
    "all by count, after untagged by age": [rule(1), count(2)],
    "tag prefixes": [rule(tagStatus="tagged", tagPrefixList=["v", "release-"])],
    "tag patterns": [rule(tagStatus="tagged", tagPatternList=["*test*1*2*3", "prod*"])],
    "prefixes in one rule and patterns in another": [
        rule(1, tagStatus="tagged", tagPrefixList=["v"]),
        rule(2, tagStatus="tagged", tagPatternList=["v"]),
    ],
    "archive what was not pulled": [rule(countType="sinceImagePulled", action=TRANSITION)],
    "archive by age": [rule(action=TRANSITION)],
    "archive by count": [count(action=TRANSITION)],
    "expire from the archive": [rule(countType="sinceImageTransitioned", storageClass="archive", countNumber=90)],
    "an any rule for each storage class": [
        count(1, action=TRANSITION),
        rule(2, tagStatus="any", countType="sinceImageTransitioned", storageClass="archive", countNumber=90),
    ],
    "priorities with gaps and out of order": [count(70), rule(3)],
    "an explicit standard storage class": [rule(storageClass="standard")],
    "fifty rules": [rule(n, tagStatus="tagged", tagPrefixList=[f"v{n}-"]) for n in range(1, 51)],
}


@pytest.mark.parametrize("rules", ACCEPTED.values(), ids=ACCEPTED)
def test_a_policy_that_ecr_accepts_has_no_problems(rules: list[Document]) -> None:
    assert reasons(*rules) == []


def changed(change: Callable[[Document], object], base: Document | None = None) -> Document:
    document: Document = json.loads(json.dumps(base or rule()))
    change(document)
    return document


REFUSED: dict[str, tuple[list[Any], str]] = {
    "no rule": ([], "array is too short"),
    "more than fifty rules": (
        [rule(n, tagStatus="tagged", tagPrefixList=[f"v{n}-"]) for n in range(1, 52)],
        "at most 50 elements but instance has 51",
    ),
    "a rule that is no object": (["expire"], "rules[0]: instance type (string) does not match any allowed primitive"),
    "no priority": ([changed(lambda r: r.pop("rulePriority"))], 'missing required properties (["rulePriority"])'),
    "no selection and no action": (
        [{"rulePriority": 1}],
        'rules[0]: object has missing required properties (["action", "selection"])',
    ),
    "an unknown member of a rule": ([changed(lambda r: r.update(name="x"))], 'not allowed by the schema: (["name"])'),
    "priority zero": ([rule(0)], "rules[0].rulePriority: numeric instance is lower than the required minimum"),
    "a priority that is no integer": ([changed(lambda r: r.update(rulePriority=1.0))], "instance type (number)"),
    "a priority that is a boolean": ([changed(lambda r: r.update(rulePriority=True))], "instance type (boolean)"),
    "a description that is no text": ([changed(lambda r: r.update(description=3))], "rules[0].description"),
    "a null member": ([changed(lambda r: r["selection"].update(tagPrefixList=None))], "tagPrefixList"),
    "no tag status": ([rule(tagStatus=None)], 'missing required properties (["tagStatus"])'),
    "an unknown tag status": ([rule(tagStatus="all")], 'instance value ("all") not found in enum'),
    "a tag status in capitals": ([rule(tagStatus="ANY")], 'instance value ("ANY") not found in enum'),
    "an unknown count type": ([rule(countType="sinceImageCreated")], "rules[0].selection.countType"),
    "count zero": ([count(number=0)], "minimum: 1, found: 0"),
    "a count in quotes": ([rule(countNumber="14")], "countNumber: instance type (string)"),
    "days without a unit": ([rule(countUnit=None)], "countUnit is required when countType is sinceImagePushed"),
    "hours": ([rule(countUnit="hours")], 'instance value ("hours") not found in enum'),
    "a unit with a count of images": ([count(countUnit="days")], "countUnit must not be specified when countType is"),
    "tagged without tags": ([rule(tagStatus="tagged")], "tagPrefixList or tagPatternList is required"),
    "tagged with no prefix": ([rule(tagStatus="tagged", tagPrefixList=[])], "array is too short"),
    "untagged with prefixes": ([rule(tagPrefixList=["v"])], "must not be specified when tagStatus is untagged"),
    "any with patterns": (
        [rule(tagStatus="any", tagPatternList=["v*"])],
        "must not be specified when tagStatus is any",
    ),
    "prefixes and patterns in one rule": (
        [rule(tagStatus="tagged", tagPrefixList=["v"], tagPatternList=["v*"])],
        "either tagPatternList or tagPrefixList, but not both",
    ),
    "a prefix with a wildcard": ([rule(tagStatus="tagged", tagPrefixList=["v*"])], '"v*" is not a valid tag prefix'),
    "five wildcards": ([rule(tagStatus="tagged", tagPatternList=["*1*2*3*4*"])], "more than 4 wildcards"),
    "a prefix that is a number": ([rule(tagStatus="tagged", tagPrefixList=[1])], "tagPrefixList[0]: instance type"),
    "prefixes as text": ([rule(tagStatus="tagged", tagPrefixList="v")], "tagPrefixList: instance type (string)"),
    "an unknown action": ([rule(action={"type": "delete"})], 'instance value ("delete") not found in enum'),
    "an action as text": ([changed(lambda r: r.update(action="expire"))], "rules[0].action: instance type (string)"),
    "expiry with a target": (
        [rule(action={"type": "expire", "targetStorageClass": "archive"})],
        "targetStorageClass must not be specified when the action is expire",
    ),
    "a transition without a target": ([rule(action={"type": "transition"})], "targetStorageClass is required"),
    "a transition to glacier": (
        [rule(action={"type": "transition", "targetStorageClass": "glacier"})],
        'instance value ("glacier") not found in enum',
    ),
    "expiry by last pull": (
        [rule(countType="sinceImagePulled")],
        "countType sinceImagePulled allows the action transition only",
    ),
    "a transition of what is in the archive": (
        [rule(countType="sinceImageTransitioned", storageClass="archive", countNumber=90, action=TRANSITION)],
        "countType sinceImageTransitioned allows the action expire only",
    ),
    "expiry from the archive without its storage class": (
        [rule(countType="sinceImageTransitioned", countNumber=90)],
        'storageClass must be "archive" when countType is sinceImageTransitioned',
    ),
    "expiry from the archive before 90 days": (
        [rule(countType="sinceImageTransitioned", storageClass="archive", countNumber=89)],
        "countNumber must be at least 90",
    ),
    "age since push in the archive": ([rule(storageClass="archive")], 'storageClass "archive" cannot be used with'),
    "one priority twice": ([rule(5), count(5)], "rulePriority 5 is used by rules[0] already"),
    "any before others": ([count(1), rule(2)], "a rule with tagStatus any must have the highest rulePriority"),
    "two any rules": (
        [count(1), rule(2, tagStatus="any")],
        "only one rule with tagStatus any is allowed per storage class",
    ),
    "two rules for untagged images": ([rule(1), count(2, tagStatus="untagged")], "only one rule is allowed to select"),
    "the same prefixes in another order": (
        [
            rule(1, tagStatus="tagged", tagPrefixList=["a", "b"]),
            count(2, tagStatus="tagged", tagPrefixList=["b", "a"]),
        ],
        "rules[0] selects the same tags",
    ),
}


@pytest.mark.parametrize(("rules", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_policy_that_ecr_refuses_says_why(rules: list[Any], reason: str) -> None:
    assert reason in "\n".join(reasons(*rules))


def test_every_problem_of_every_rule_is_reported_at_once() -> None:
    found = reasons(rule(0, countUnit="hours"), rule(2, tagStatus="all"))
    assert [problem.split(":")[0] for problem in found] == [
        "rules[0].rulePriority",
        "rules[0].selection.countUnit",
        "rules[1].selection.tagStatus",
    ]


# A policy that circulates on the web: "expire what was not pulled for 30 days, and keep one image".
PULLED_30_DAYS = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Expire images not pulled in 30 days",
            "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30},
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "Keep at least 1 image",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "expire"},
        },
    ]
}


def test_expiring_by_last_pull_is_refused_for_its_action_and_then_for_its_second_any_rule() -> None:
    (first,) = check_policy(json.dumps(PULLED_30_DAYS))
    assert "sinceImagePulled allows the action transition only" in str(first)
    archived = json.loads(json.dumps(PULLED_30_DAYS))
    archived["rules"][0]["action"] = TRANSITION
    found = [str(problem) for problem in check_policy(json.dumps(archived))]
    assert "only one rule with tagStatus any is allowed per storage class" in " ".join(found)
    assert "must have the highest rulePriority" in " ".join(found)


TEXTS = {
    "no JSON": ("{" * 120, "Could not map policyString into LifecyclePolicy."),
    "a list": (json.dumps([rule(), rule(2)]), "Could not map policyString"),
    "NaN": (json.dumps({"rules": [rule()]}).replace("14", "NaN"), "Could not map policyString"),
    "a key twice, with one value": (
        json.dumps({"rules": [rule()]}).replace('"countUnit"', '"countUnit": "days", "countUnit"'),
        'object has the property "countUnit" more than once',
    ),
    "a key twice, with a list and a text": (
        json.dumps({"rules": [rule()]})[:-1] + ', "rules": "none"}',
        'object has the property "rules" more than once',
    ),
    "a whole number with a fraction": (json.dumps({"rules": [rule()]}).replace("14", "14.0"), "instance type (number)"),
    "a whole number with an exponent": (
        json.dumps({"rules": [rule()]}).replace("14", "14e0"),
        "instance type (number)",
    ),
    "deeply nested": ("[" * 20_000, "Could not map policyString"),
    "no rules": (json.dumps({"rule": [rule()] * 2}), 'object has missing required properties (["rules"])'),
    "more than rules": (
        json.dumps({"rules": [rule()], "version": 1}),
        "properties which are not allowed by the schema",
    ),
    "rules as object": (json.dumps({"rules": {"1": rule()}}), "rules: instance type (object)"),
    "short": ('{"rules": []}', "string is too short (length: 13, required minimum: 100)"),
    "long": (json.dumps({"rules": [rule()]}) + " " * MAX_TEXT, "string is too long"),
}


@pytest.mark.parametrize(("text", "reason"), TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_no_policy_is_refused(text: str, reason: str) -> None:
    (problem,) = check_policy(text)
    assert reason in str(problem)


def test_a_parsed_policy_has_its_rules_by_priority() -> None:
    text = json.dumps({"rules": [count(9), rule(4, tagStatus="tagged", tagPrefixList=["v"])]})
    policy = parse_policy(text)
    assert [(r.priority, r.tag_status, r.tag_prefixes, r.count_number) for r in policy.rules] == [
        (4, "tagged", ("v",), 14),
        (9, "any", (), 30),
    ]


def test_parsing_a_refused_policy_raises_with_all_problems() -> None:
    with pytest.raises(InvalidPolicyError, match="lower than the required minimum") as caught:
        parse_policy(json.dumps({"rules": [rule(0), count(2, number=0)]}))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, True, 1.5])
@pytest.mark.parametrize("member", ["rulePriority", "selection", "action", "description"])
def test_no_value_of_any_type_breaks_the_check_of_a_rule(member: str, value: object) -> None:
    document = rule()
    document[member] = value
    accepted = (member, value) in [("rulePriority", 1), ("description", "x")] and value is not True
    assert bool(reasons(document)) is not accepted


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, True, 1.5])
@pytest.mark.parametrize(
    "member", ["tagStatus", "countType", "countUnit", "countNumber", "tagPatternList", "storageClass"]
)
def test_no_value_of_any_type_breaks_the_check_of_a_selection(member: str, value: object) -> None:
    document = rule()
    document["selection"][member] = value
    assert bool(reasons(document)) is not ((member, value) == ("countNumber", 1) and value is not True)
