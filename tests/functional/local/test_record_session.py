"""The session in the README against the commands as they are now."""

import pytest

from scripts.record_session import BEGIN, COMMANDS, END, README, main, with_session


def test_the_readme_shows_every_command_of_the_session() -> None:
    shown = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert [line for line in shown.splitlines() if line.startswith("$ ")] == [f"$ {command}" for command in COMMANDS]


def test_a_session_takes_the_place_of_the_one_before() -> None:
    before = f"a\n{BEGIN}old\n{END}b\n"
    after = with_session(before, "$ new\n")
    assert after == f"a\n{BEGIN}\n```console\n$ new\n```\n\n{END}b\n"
    assert with_session(after, "$ new\n") == after


@pytest.mark.long
def test_the_readme_shows_what_the_commands_print_now() -> None:
    assert main([]) == 0
