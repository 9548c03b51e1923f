"""Everything that a user can get wrong in a tfvars file, and the message that each mistake gets.

A case is the part of a file that is wrong, added to a good one (whose variables it replaces). The line that the message
must name ends in `#!`; without one the message names the file. Every case has exactly one problem, and the message
holds the value, the reason and the remedy.
"""

from __future__ import annotations

import pytest

from orchestrator.checks import Problem
from orchestrator.checks.check import build_environment, check_environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import InvalidEnvironment, Location
from tests.unit.checks.wrong_inputs import CASES, FILE, KEY, NAMES, Wrong, file_of


def problems_of(text: str) -> list[Problem]:
    return [
        problem
        for problem in check_environment("dev", [parse_tfvars(text, FILE)]).problems
        if isinstance(problem, Problem)
    ]


def test_the_good_file_is_good() -> None:
    checked = check_environment("dev", [parse_tfvars(file_of(""), FILE)])
    assert checked.problems == ()
    assert checked.warnings == ()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_one_mistake_gets_one_message_with_place_value_reason_and_remedy(case: Wrong) -> None:
    text = file_of(case.text)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.endswith("#!")]
    problems = problems_of(text)
    assert [str(problem) for problem in problems[1:]] == []
    (problem,) = problems
    assert problem.where == Location(FILE, lines[0])
    for part in case.says:
        assert part in str(problem)
    assert problem.why
    assert problem.remedy
    assert problem.variable
    assert problem.as_dict()["line"] == lines[0]
    assert "Input should be" not in str(problem), "pydantic's words, not ours"


def test_there_is_one_case_for_each_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 150


@pytest.mark.parametrize(("name", "why"), [(case.name, case.says[0]) for case in NAMES])
def test_a_name_that_cannot_be_an_environment_s_is_said_of_its_file(name: str, why: str) -> None:
    file = f"environments/{name}.tfvars"
    [problem] = check_environment(name, [parse_tfvars(file_of(""), file)]).problems
    assert problem.where == Location(file)
    assert f'is called "{name}"' in str(problem)
    assert why in str(problem)
    assert "Rename its file." in str(problem)


def test_what_is_missing_is_said_of_the_file() -> None:
    problems = problems_of('platform = "eks"\ncreate_vpc_endpoints = false')
    assert [(problem.where, problem.what) for problem in problems] == [
        (Location(FILE), "account_id is missing."),
        (Location(FILE), "aws_region is missing."),
        (Location(FILE), "cluster_name is missing."),
    ]


def test_endpoints_that_are_created_by_default_are_explained() -> None:
    text = "\n".join(line for line in file_of("").split("\n") if not line.startswith("create_vpc_endpoints"))
    (problem,) = problems_of(text)
    assert problem.where == Location(FILE)
    assert "they are created by default" in str(problem)


def test_all_problems_come_at_once_by_file_and_line() -> None:
    common = parse_tfvars('tags = { "aws:x" = "y" }\nunknown = 1', "environments/common.tfvars")
    dev = parse_tfvars(
        file_of(
            'account_id = "1"\naws_region = "nowhere"\nscan_on_push = "yes"\nvpc_id = "x"\n'
            'pull_through_cache_rules = {\n  Quay = { upstream_registry_url = "https://quay.io" }\n}'
        ),
        FILE,
    )
    with pytest.raises(InvalidEnvironment) as caught:
        build_environment("dev", [common, dev])
    places = [problem.where for problem in caught.value.problems]
    assert places == sorted(place for place in places if place)
    assert [f"{place.file.split('/')[1]}:{place.line}" for place in places if place] == [
        "common.tfvars:1", "common.tfvars:2", "dev.tfvars:5", "dev.tfvars:6", "dev.tfvars:7", "dev.tfvars:8", "dev.tfvars:10", "dev.tfvars:10",
    ]  # fmt: skip


def test_a_malformed_account_does_not_make_every_arn_wrong() -> None:
    assert (
        len(
            problems_of(
                file_of(
                    f'account_id = "1"\nkms_key_arn = "{KEY}"\nassume_role_arn = "arn:aws:iam::111122223333:role/x"'
                )
            )
        )
        == 1
    )


def test_a_problem_in_a_common_file_names_that_file() -> None:
    common = parse_tfvars('\nimage_tag_mutability = "x"', "environments/common.tfvars")
    checked = check_environment("dev", [common, parse_tfvars(file_of(""), FILE)])
    assert [problem.where for problem in checked.problems] == [Location("environments/common.tfvars", 2)]


def test_a_mistake_that_a_later_file_replaces_is_none() -> None:
    common = parse_tfvars('image_tag_mutability = "x"', "environments/common.tfvars")
    dev = parse_tfvars(file_of('image_tag_mutability = "MUTABLE"'), FILE)
    assert check_environment("dev", [common, dev]).problems == ()
