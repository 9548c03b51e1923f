"""`orchestrator validate` from the user's side: exit codes, text, JSON, and which environments are looked at."""

from __future__ import annotations

import pytest

from orchestrator.project import Project
from tests.conftest import ProjectFactory

from .running import Ran, run

DEV = """cluster_name         = "dev"
account_id           = "111122223333"
aws_region           = "eu-west-1"
create_vpc_endpoints = false
attach_ecr_policy    = false
"""
OTHER = DEV.replace('"dev"', '"other"') + "manage_registry = false\n"


def validate(project: Project, *arguments: str) -> Ran:
    return run("-C", str(project.root), "validate", *arguments)


def test_a_good_environment_is_ok(project: ProjectFactory) -> None:
    ran = validate(project(dev=DEV), "dev")
    assert (ran.code, ran.out, ran.err) == (0, "dev: ok\n", "")


def test_common_values_count(project: ProjectFactory) -> None:
    common = 'account_id = "111122223333"\naws_region = "eu-west-1"\ncreate_vpc_endpoints = false\n'
    ran = validate(project(common=common, dev='cluster_name = "dev"\nattach_ecr_policy = false\n'))
    assert (ran.code, ran.out) == (0, "dev: ok\n")


def test_all_errors_are_printed_with_their_lines_and_the_exit_code_is_2(project: ProjectFactory) -> None:
    ran = validate(project(dev=DEV + 'vpc_id = "x"\nplatfrom = "eks"\nscan_on_push = "yes"\n'), "dev")
    assert ran.code == 2
    lines = ran.out.splitlines()
    assert lines[0] == "dev: 3 errors"
    assert [line.split(": ")[1] for line in lines[1:]] == [f"environments/dev.tfvars:{number}" for number in (6, 7, 8)]
    assert 'Did you mean "platform"?' in ran.out


def test_warnings_do_not_fail(project: ProjectFactory) -> None:
    ran = validate(project(dev=DEV + 'vpc_cidr = "0.0.0.0/0"\n'))
    assert ran.code == 0
    assert ran.out.startswith("dev: ok, 1 warning\n  warning: environments/dev.tfvars:6: ")


def test_a_syntax_error_in_one_leaves_the_others_checked(project: ProjectFactory) -> None:
    ran = validate(project(dev=DEV, other="a = [\n", third=OTHER.replace("other", "third")), "--all")
    assert ran.code == 2
    assert "dev: ok" in ran.out
    assert "error: environments/other.tfvars:1: " in ran.out
    assert "third: ok" in ran.out
    assert "Not checked against the others: other." in ran.out


def test_bytes_that_are_no_utf_8_are_found(project: ProjectFactory) -> None:
    place = project(dev=DEV)
    place.tfvars_path("dev").write_bytes(DEV.encode() + b'tags = { a = "caf\xe9" }\n')
    ran = validate(place)
    assert ran.code == 2
    assert "environments/dev.tfvars:6: The byte 0xe9 is no UTF-8." in ran.out


def test_several_environments_are_checked_against_each_other(project: ProjectFactory) -> None:
    place = project(dev=DEV, other=OTHER.replace("manage_registry = false\n", "manage_registry = true\n"))
    ran = validate(place, "dev", "other")
    assert ran.code == 2
    assert "dev: ok\nother: ok\nacross environments: 1 error\n" in ran.out
    assert "environments/other.tfvars:6: " in ran.out
    assert validate(place, "dev").code == 0, "one alone is fine"
    assert validate(place).code == 2, "without names all are checked"


def test_json_has_every_part_of_every_message(project: ProjectFactory) -> None:
    place = project(
        dev=DEV + 'vpc_id = "x"\nvpc_cidr = "0.0.0.0/0"\n',
        other=OTHER,
        third=OTHER.replace("false\n", "true\n"),
        bad="a = b",
    )
    ran = validate(place, "--all", "--json")
    assert ran.code == 2
    document = ran.json
    assert {entry["name"]: entry["valid"] for entry in document["environments"]} == {
        "bad": False,
        "dev": False,
        "other": True,
        "third": False,
    }
    dev = document["environments"][1]
    (error,) = dev["errors"]
    assert set(error) == {"file", "line", "variable", "value", "what", "why", "remedy"}
    assert (error["file"], error["line"], error["variable"], error["value"]) == (
        "environments/dev.tfvars",
        6,
        "vpc_id",
        "x",
    )
    assert [warning["line"] for warning in dev["warnings"]] == [7]
    (syntax,) = document["environments"][0]["errors"]
    assert (syntax["line"], syntax["variable"]) == (1, None)
    assert document["across"] == []


def test_json_names_problems_across_environments(project: ProjectFactory) -> None:
    ran = validate(project(dev=DEV, other=DEV.replace('"dev"', '"other"')), "--json")
    (problem,) = ran.json["across"]
    assert (problem["file"], problem["variable"]) == ("environments/other.tfvars", "manage_registry")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("dve", ['no environment "dve"', "dev, other", 'Did you mean "dev"?']),
        ("staging", ["dev, other", "orchestrator init staging"]),
        ("common", ['"common" is no environment', "dev, other"]),
        ("../dev", ['no environment "../dev"']),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(project: ProjectFactory, name: str, parts: list[str]) -> None:
    ran = validate(project(dev=DEV, other=OTHER, common=""), "dev", name)
    assert (ran.code, ran.out) == (2, "")
    for part in parts:
        assert part in ran.err


def test_names_and_all_exclude_each_other(project: ProjectFactory) -> None:
    assert validate(project(dev=DEV), "dev", "--all").code == 2


def test_a_folder_without_environments_says_how_to_make_one(project: ProjectFactory) -> None:
    ran = validate(project())
    assert ran.code == 2
    assert "orchestrator init NAME" in ran.err


def test_a_name_twice_is_checked_once(project: ProjectFactory) -> None:
    assert validate(project(dev=DEV), "dev", "dev").out == "dev: ok\n"
