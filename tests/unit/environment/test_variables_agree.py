"""The model, the root module and the modules that take a value whole have the same variables, types and defaults."""

from __future__ import annotations

import pytest

from orchestrator.checks.convert import _without_none
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from tests.unit.environment.declared_variables import (
    HANDED_ON,
    ROOT,
    declared,
    model_type,
    plain,
    terraform_type,
    with_defaults_of,
)


def test_the_environment_has_exactly_the_variables_of_variables_tf() -> None:
    assert [name for name in Environment.model_fields if name != "name"] == list(declared())


@pytest.mark.parametrize("variable", list(declared()))
def test_a_field_has_the_type_and_default_of_its_variable(variable: str) -> None:
    field, attributes = Environment.model_fields[variable], declared()[variable]
    wanted = terraform_type(attributes["type"])
    if variable in HANDED_ON:
        module = declared(ROOT / "modules" / HANDED_ON[variable] / "variables.tf")
        wanted = with_defaults_of(wanted, terraform_type(module["settings"]["type"]))
    assert model_type(field.annotation) == wanted
    assert field.is_required() == ("default" not in attributes)
    if "default" in attributes:
        default = parse_tfvars(f"d = {attributes['default']}", "d").values["d"]
        assert plain(field.get_default(call_default_factory=True)) == default
        # What Terraform gives as null must be None here, and nothing else may be.
        assert _without_none(field.annotation)[1] == (default is None)


@pytest.mark.parametrize(("variable", "module"), HANDED_ON.items())
def test_a_module_takes_what_its_variable_says(variable: str, module: str) -> None:
    """Terraform drops what the module's object has not, without a word."""
    ours = terraform_type(declared()[variable]["type"])
    theirs = declared(ROOT / "modules" / module / "variables.tf")
    # What the root module itself decides by, or hands over by another name.
    decided = {"enabled", "usage", "bucket_name"}
    assert set(ours) - decided == set(terraform_type(theirs["settings"]["type"]))
