"""Which word was most likely meant."""

from __future__ import annotations

import time

import pytest

from orchestrator.environment.identifiers import REGIONS
from orchestrator.spelling import nearest

COMMANDS = ["plan", "apply", "destroy", "validate", "render", "route", "rewrite", "mirror", "warm", "manifests"]


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("us-esat-1", REGIONS, "us-east-1"),
        ("us-eats-1", REGIONS, "us-east-1"),
        ("su-west-2", REGIONS, "us-west-2"),
        ("eu-wset-3", REGIONS, "eu-west-3"),
        ("eu-centrl-1", REGIONS, "eu-central-1"),
        ("ap-souhteast-2", REGIONS, "ap-southeast-2"),
        ("us-east1", REGIONS, "us-east-1"),
        ("US-EAST-1", REGIONS, "us-east-1"),
        ("us-gov-wset-1", REGIONS, "us-gov-west-1"),
        ("paln", COMMANDS, "plan"),
        ("aplly", COMMANDS, "apply"),
        ("mirorr", COMMANDS, "mirror"),
        ("validte", COMMANDS, "validate"),
        ("dve", ["dev", "dve1x", "prod"], "dev"),
        ("rosa", ["eks", "rosa-hcp"], "rosa-hcp"),
        ("dockerhub", ["ecr-public", "docker-hub"], "docker-hub"),
        ("logLevle", ["logFormat", "logLevel"], "logLevel"),
    ],
)
def test_the_word_with_the_fewest_slips_is_meant(typed: str, known: list[str], meant: str | None) -> None:
    assert nearest(typed, known) == meant


@pytest.mark.parametrize("typed", ["", "zzzzzzzz", "x", "x" * 100_000])
def test_what_is_like_nothing_has_no_guess(typed: str) -> None:
    assert nearest(typed, REGIONS) is None


def test_of_equals_the_one_that_begins_alike_is_meant() -> None:
    assert nearest("quey", ["juey", "quay"]) == "quay"


@pytest.mark.speed
def test_thousands_of_known_words_take_no_time() -> None:
    started = time.process_time()
    nearest("team-registry-4711x", [f"team-registry-{number}" for number in range(5_000)])
    assert time.process_time() - started < 2
