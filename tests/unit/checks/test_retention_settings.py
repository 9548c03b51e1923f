"""The lifecycle core reads the retention again in AWS: whatever it refuses there is refused before, at its line."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.checks.check import check_environment
from orchestrator.checks.retention_settings import retention_document
from orchestrator.environment.function_parts import RetentionSettings
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.lifecycle.retention import LIMITS, InvalidRetentionError, read_retention
from tests.unit.checks.wrong_inputs import FILE, file_of

NUMBERS = [{name: value} for name, (least, most) in LIMITS.items() for value in (least - 1, most + 1)]
OTHERS: list[dict[str, Any]] = [
    {"expire_action": "remove"},
    {"protect": {"tags": ["a b"]}},
    {"protect": {"repositories": ["Quay.io:443/*"]}},
    {"overrides": [{"pattern": ""}]},
    {"overrides": [{"pattern": "quay", "keep_at_most": 0}]},
    {"overrides": [{"pattern": "quay", "protect": {"tags": ["ä"], "repositories": ["UPPER"]}}]},
    # What two settings say together.
    {"keep_at_least": 3, "keep_at_most": 2},
    {"overrides": [{"pattern": "quay"}, {"pattern": "quay"}]},
]


def written(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {written(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize("settings", [*NUMBERS, *OTHERS], ids=written)
def test_what_the_core_would_refuse_is_refused_before_as_often(settings: dict[str, Any]) -> None:
    document = retention_document(RetentionSettings.model_validate(settings))
    with pytest.raises(InvalidRetentionError) as refused:
        read_retention(document)

    text = file_of(f"lifecycle_manager = {{ retention = {written(settings)} }}")
    checked = check_environment("dev", [parse_tfvars(text, FILE)])
    assert len(checked.problems) == len(refused.value.faults), [str(problem) for problem in checked.problems]


def test_the_limits_themselves_are_taken_by_both() -> None:
    for name, (least, most) in LIMITS.items():
        for value in (least, most):
            together = {"keep_at_least": 0} if name == "keep_at_most" else {}
            settings = {name: value, **together}
            read_retention(retention_document(RetentionSettings.model_validate(settings)))
            text = file_of(f"lifecycle_manager = {{ retention = {written(settings)} }}")
            assert check_environment("dev", [parse_tfvars(text, FILE)]).problems == ()
