"""Modules plan with what the same configuration makes: roles, keys, networks, secrets and topics of yet unknown names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.terraform.conftest import MODULE_NAMES, MODULES, RunTerraform
from tests.terraform.module_sources import declarations

CONFIGURATION = Path(__file__).parent / "known_after_apply"


def calls() -> dict[str, str]:
    """{module: the text of its calls in the configuration}."""
    found: dict[str, str] = {}
    for body in re.findall(r'^module "\w+" \{\n(.*?)^\}', (CONFIGURATION / "main.tf").read_text("utf-8"), re.M | re.S):
        match = re.search(r'"\.\./modules/([a-z-]+)"', body)
        assert match
        found[match[1]] = found.get(match[1], "") + body
    return found


@pytest.mark.terraform
def test_what_the_same_configuration_makes_can_be_handed_to_every_module(
    modules_copy: Path, tmp_path: Path, run_terraform: RunTerraform
) -> None:
    shutil.copytree(modules_copy, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))
    folder = tmp_path / "later"
    shutil.copytree(CONFIGURATION, folder)

    run_terraform(folder, "init", "-backend=false")
    done = run_terraform(folder, "test")

    assert "1 passed, 0 failed" in done.stdout


def test_each_module_is_called_with_something_unknown() -> None:
    assert sorted(calls()) == MODULE_NAMES
    assert [module for module, text in calls().items() if "local.later." not in text] == []


# What says where things are, or who: the kind of value that the same configuration may make.
MADE = re.compile(r"(_id|_ids|_arn|_arns|_roles|_cidr|bucket_name|bucket_names)$")


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_each_input_that_may_be_made_beside_it_is_unknown_there(name: str) -> None:
    inputs = [variable.name for variable in declarations(MODULES / name, "variable") if MADE.search(variable.name)]
    text = calls()[name]
    known = [name for name in inputs if not re.search(rf"^  {name}\s+= .*local\.later", text, re.M)]
    # A map of roles is written over several lines.
    assert [name for name in known if not re.search(rf"^  {name} = \{{", text, re.M)] == []
