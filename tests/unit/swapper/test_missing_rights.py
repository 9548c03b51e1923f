"""Rights of the webhook's role that its settings want are named where the environment does not give them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.cli.swapper.deciding import missing_rights
from orchestrator.environment.parts import ImageSwapper
from orchestrator.swapper.swap_settings import SwapRepository, SwapSettings, SwapTarget
from tests.references_table import environment

LIFECYCLE = SwapTarget(repository=SwapRepository(lifecycle_policy="{}"))
WARMS = SwapSettings(pull_through_policy="exists-or-warm", target=LIFECYCLE)


@pytest.mark.parametrize(
    ("given", "settings", "named"),
    [
        ({}, WARMS, ["first_pulls", "lifecycle_policies"]),
        ({"first_pulls": True}, WARMS, ["lifecycle_policies"]),
        ({"first_pulls": True, "lifecycle_policies": True}, WARMS, []),
        ({}, SwapSettings(), []),
        ({"pods": None}, WARMS, []),
    ],
)
def test_rights_that_are_wanted_and_not_given_are_named(given: Any, settings: SwapSettings, named: list[str]) -> None:
    swapper = ImageSwapper.model_validate({"enabled": True, "pods": {"pod_identity": True}, **given})
    found = missing_rights(environment("standard").model_copy(update={"image_swapper": swapper}), settings)
    assert [
        text.partition("image_swapper.pods")[2].partition("image_swapper.")[2].split()[0] for text in found
    ] == named
