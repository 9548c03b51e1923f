"""A file with four times as many odd characters takes about four times as long: a ratio, never seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import OrchestratorError
from orchestrator.workloads.find import find_images

FEW, MANY = 6_000, 24_000
# Linear is 4, and a square 16.
SQUARE = 9


def image_of_terraform(blanks: str) -> int:
    return len(
        find_images("main.tf", f'resource "docker_container" "a" {{\n  image = {blanks}"quay.io/a/b:1"\n}}\n').places
    )


def name_in_terraform(blanks: str) -> int:
    return len(find_images("main.tf", f'a = {blanks}x\nimage = "quay.io/a/b:1"\n').places)


def image_of_a_devcontainer(blanks: str) -> int:
    return len(
        find_images(".devcontainer/devcontainer.json", f'{{{blanks}"image": "quay.io/a/b:1"}}\n{blanks}x').places
    )


def variable(blanks: str) -> int:
    try:
        parse_tfvars(f"tags = {{\n  {blanks}a = {blanks}1 + 1\n}}\n", "environments/dev.tfvars")
    except OrchestratorError:
        return 1
    return 0


def seconds(read: Callable[[str], int], blanks: str) -> float:
    began = time.process_time()
    assert read(blanks) == 1
    return time.process_time() - began


@pytest.mark.speed
@pytest.mark.parametrize("blank", [" ", "\t", "\r\n"])
@pytest.mark.parametrize("read", [image_of_terraform, name_in_terraform, image_of_a_devcontainer, variable])
def test_many_blanks_take_a_time_that_grows_with_them(read: Callable[[str], int], blank: str) -> None:
    seconds(read, blank)
    # Other processes may take the caches away in one try, hardly in all of them. Less than 20 ms says nothing.
    assert any(seconds(read, blank * MANY) < SQUARE * max(seconds(read, blank * FEW), 0.02) for _ in range(3))


@pytest.mark.speed
@pytest.mark.parametrize("name", ["x.json", "values.yaml"])
def test_brackets_that_nothing_closes_take_a_time_that_grows_with_them(name: str) -> None:
    def read(opened: str) -> int:
        return min(1, len(find_images(name, f'{{"image": {opened}}}\n').places) + 1)

    seconds(read, "<")
    assert any(seconds(read, "<A\n" * MANY) < SQUARE * max(seconds(read, "<A\n" * FEW), 0.02) for _ in range(3))


# What the grammar's recovery takes a square of time for: (one part, around many of them).
NO_HCL = {
    "texts": ('"abc"\n', "%s"),
    "values that miss": ("a = \n", "%s"),
    "texts in a bracket that nothing closes": ('"abc"\n', "{\n%s"),
    "a list without commas": ('"abc"\n', "a = [\n%s]\n"),
    "texts of one line": ('"abc" ', "%s"),
    "heredocs without an end": ("<<E\n", "%s"),
}


@pytest.mark.speed
@pytest.mark.parametrize("form", NO_HCL)
def test_what_is_no_hcl_takes_a_time_that_grows_with_it_and_its_images_are_found(form: str) -> None:
    part, around = NO_HCL[form]

    def read(parts: str) -> int:
        return len(find_images("main.tf", f'{around % parts}\nimage = "quay.io/a/b:1"\n').places)

    seconds(read, part)
    # Few parts are already more than the grammar gets unchecked.
    assert any(seconds(read, part * MANY) < SQUARE * max(seconds(read, part * FEW), 0.05) for _ in range(3))


def test_a_long_file_is_read_by_the_grammar_as_a_short_one_is() -> None:
    chart = 'resource "helm_release" "a" {\n  values = [<<E\n%sweb:\n  image:\n    repository: quay.io/a/b\n    tag: "1"\nE\n  ]\n}\n'
    for text in (chart % "", chart % ("# a line\n" * 5_000), chart % "" + "locals {\n  a = 1\n}\n" * 1_000):
        (place,) = find_images("main.tf", text).places
        assert place.reference == "quay.io/a/b:1"
