"""Each module's own `terraform test` passes, and leaves no constraint unproved."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.terraform.conftest import MODULE_NAMES, MODULES, RunTerraform
from tests.terraform.module_sources import declarations, documented_names, refused_variables, settings


@pytest.mark.terraform
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_the_modules_own_tests_pass(name: str, modules_copy: Path, run_terraform: RunTerraform) -> None:
    assert list((modules_copy / name).glob("tests/*.tftest.hcl")), f"modules/{name} has no tests"
    run_terraform(modules_copy / name, "init", "-backend=false")
    done = run_terraform(modules_copy / name, "test")
    assert "Success!" in done.stdout
    assert " 0 passed" not in done.stdout


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_every_validation_has_a_run_that_it_refuses(name: str) -> None:
    refused = Counter(refused_variables(MODULES / name))
    unproved = {
        variable.name: f"{variable.validations} validations, {refused[variable.name]} failing runs"
        for variable in declarations(MODULES / name, "variable")
        if refused[variable.name] < variable.validations
    }
    assert unproved == {}


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_every_variable_and_output_is_described(name: str) -> None:
    variables, outputs = (declarations(MODULES / name, kind) for kind in ("variable", "output"))
    assert variables
    assert outputs
    assert [variable.name for variable in variables if not (variable.has_description and variable.has_type)] == []
    assert [output.name for output in outputs if not output.has_description] == []


@pytest.mark.parametrize("kind", ["variable", "output"])
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_the_readme_lists_every_input_and_output_once(name: str, kind: str) -> None:
    declared = [declaration.name for declaration in declarations(MODULES / name, kind)]
    assert sorted(documented_names(MODULES / name, kind)) == sorted(declared)


@pytest.mark.parametrize("name", ["lifecycle-manager", "scan-findings", "monitoring"])
def test_the_readme_lists_every_setting_once(name: str) -> None:
    declared = settings(MODULES / name)
    assert len(declared) >= 5
    assert documented_names(MODULES / name, "setting") == declared
