"""The check of tests: one that checks nothing is named, and a helper counts only where it says what must hold."""

from __future__ import annotations

from scripts.check_tests import silent_tests

HELPERS = (
    "import pytest\ndef refused():\n    with pytest.raises(ValueError):\n        yield\ndef made():\n    return 1\n"
)
FILE = "tests/unit/test_one.py"


def silent(text: str) -> list[str]:
    return [name for _, name in silent_tests({"tests/helpers.py": HELPERS, FILE: text})]


def test_a_test_that_only_runs_code_is_named_with_its_line() -> None:
    assert silent_tests({FILE: "\n\ndef test_runs():\n    print(1)\n"}) == [(f"{FILE}:3", "test_runs")]


def test_an_assertion_and_an_expected_error_are_checks() -> None:
    assert silent("def test_a():\n    assert made()\n") == []
    assert silent("import pytest\ndef test_a():\n    with pytest.raises(ValueError):\n        made()\n") == []
    assert silent("class TestA:\n    def test_a(self):\n        pass\n") == ["test_a"]


def test_a_helper_counts_where_it_checks_also_by_another_name_and_over_several_steps() -> None:
    use = "from tests.helpers import {} as thing\ndef step():\n    thing()\ndef test_a():\n    step()\n"
    assert silent(use.format("refused")) == []
    assert silent(use.format("made")) == ["test_a"]
    # Only a function of the tests counts: a method of that name may be anybody's.
    assert silent("def test_a(x):\n    x.refused()\n") == ["test_a"]
    assert silent("def test_a():\n    test_a()\n") == ["test_a"]
