"""`orchestrator docs`: what errors name can be read where only the wheel is installed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from orchestrator.cli.docs import docs
from orchestrator.errors import RefusedInput
from orchestrator.files.shipped_documents import find_document, shipped_documents


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("limits", "limits.md"),
        ("limits.md", "limits.md"),
        ("docs/limits.md", "limits.md"),
        ("deployer-policy", "deployer-policy.md"),
        ("deployer-policy.json", "deployer-policy.json"),
        ("zero-egress", "guide/zero-egress.md"),
        ("guide/zero-egress", "guide/zero-egress.md"),
    ],
)
def test_a_document_is_found_by_what_people_call_it(asked: str, name: str) -> None:
    assert find_document(asked).name == name


def test_a_name_that_nobody_has_is_guessed() -> None:
    with pytest.raises(RefusedInput, match=r'no document deployer-polcy\. Did you mean "deployer-policy\.'):
        find_document("deployer-polcy")
    with pytest.raises(RefusedInput, match="`orchestrator docs` lists them"):
        find_document("zzz")


def test_the_list_has_titles_and_the_document_is_printed_as_it_is() -> None:
    listed = CliRunner().invoke(docs, [], catch_exceptions=False).output
    assert [line.split()[0] for line in listed.splitlines()] == [one.name for one in shipped_documents()]
    assert "Limits, case by case" in listed
    printed = CliRunner().invoke(docs, ["mirror-policy.json"], catch_exceptions=False).output
    assert json.loads(printed)["Version"] == "2012-10-17"
    as_json = json.loads(CliRunner().invoke(docs, ["limits", "--json"], catch_exceptions=False).output)
    assert as_json["title"] == "Limits"
    assert as_json["text"] == find_document("limits").path.read_text("utf-8")
