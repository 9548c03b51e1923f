"""The message about an image's findings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from orchestrator.findings.event import Finding, Scanned
from orchestrator.findings.message import MESSAGE_BYTES, ImageUser, Message, message

DIGEST = "sha256:" + "a" * 64
IMAGE = Scanned("docker-hub/library/nginx", DIGEST, ("1.27",))


def made(
    *findings: Finding,
    image: Scanned = IMAGE,
    usage: ImageUser | None = None,
    why: Mapping[str, str] = MappingProxyType({}),
) -> Message:
    return message(
        image,
        findings,
        why,
        least="HIGH",
        registry="111122223333.dkr.ecr.eu-west-1.amazonaws.com",
        environment="prod",
        upstream="docker.io/library/nginx:1.27",
        usage=usage or ImageUser(""),
    )


def entries(message: Message) -> list[dict[str, Any]]:
    listed = message.document["findings"]
    assert isinstance(listed, list)
    return listed


def test_numbers_and_severities_read_as_people_say_them() -> None:
    one = made(Finding("CVE-1", "HIGH"))
    assert one.subject == "HIGH: 1 finding in docker-hub/library/nginx:1.27 (not in use)"
    assert one.text.startswith("1 finding at or above HIGH, the worst HIGH, in 111122223333")
    two = made(Finding("CVE-2", "CRITICAL"), Finding("CVE-1", "HIGH"))
    assert two.subject.startswith("CRITICAL: 2 findings in ")
    assert two.text.startswith("2 findings at or above HIGH, the worst CRITICAL, in ")


@pytest.mark.parametrize(
    ("fixed", "text", "fix"),
    [
        ("3.0.9", "fixed in 3.0.9", "available"),
        ("", "no fix known", "none"),
        (None, "fix not told by basic scanning", "not told"),
    ],
)
def test_a_fix_that_is_not_told_is_not_a_fix_that_there_is_not(fixed: str | None, text: str, fix: str) -> None:
    told = made(Finding("CVE-1", "HIGH", "zlib", "1.2", fixed))
    assert f"HIGH      CVE-1  zlib 1.2  {text}\n" in told.text
    assert entries(told)[0]["fix"] == fix


def test_what_is_new_about_a_finding_stands_beside_it() -> None:
    told = made(
        Finding("CVE-1", "HIGH", fixed="2"), Finding("CVE-2", "HIGH", fixed="2"), why={"CVE-1": "a fix has appeared"}
    )
    assert "CVE-1  -  fixed in 2  (a fix has appeared)\n" in told.text
    assert "CVE-2  -  fixed in 2\n" in told.text
    assert [entry["why"] for entry in entries(told)] == ["a fix has appeared", "new"]


def test_that_use_is_not_known_comes_with_the_reason() -> None:
    told = made(Finding("CVE-1", "HIGH"), usage=ImageUser(None, unknown="no cluster is declared"))
    assert "in use: not known: no cluster is declared\n" in told.text
    assert told.document["in_use"] is None
    assert told.subject.endswith("(not known whether in use)")


def test_an_image_without_a_tag_is_called_by_its_index() -> None:
    untagged = Scanned(IMAGE.repository, DIGEST)
    usage = ImageUser("", ("docker-hub/library/other:9", "docker-hub/library/nginx:1.27"))
    assert " in docker-hub/library/nginx:1.27 (" in made(Finding("CVE-1", "HIGH"), image=untagged, usage=usage).subject
    assert f" in {IMAGE.repository}@{DIGEST[:19]} (" in made(Finding("CVE-1", "HIGH"), image=untagged).subject


@pytest.mark.parametrize("letters", ["u" * 1500, '"' * 1500, "\u00fc" * 1500, "u" * 300_000])
def test_a_message_has_no_more_findings_than_sns_takes(letters: str) -> None:
    told = made(*(Finding(f"CVE-{number}", "HIGH", uri=letters) for number in range(400)))
    shown = len(entries(told))
    assert len(told.structure().encode()) <= MESSAGE_BYTES
    assert shown < 100
    assert told.document["count"] == 400
    assert told.text.endswith(f"and {400 - shown} more\n")


def test_a_message_of_short_findings_lists_a_hundred() -> None:
    told = made(*(Finding(f"CVE-{number}", "HIGH") for number in range(101)))
    assert len(entries(told)) == 100
    assert told.text.endswith("and 1 more\n")
