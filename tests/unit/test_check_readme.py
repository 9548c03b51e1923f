"""Documentation is held to the commands that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.check_readme import commands_in, main, make_targets, problem_of

TARGETS = frozenset({"demo", "test"})


def shown(block: str, language: str = "sh") -> list[tuple[str, ...]]:
    return [command.words for command in commands_in(f"Text\n\n```{language}\n{block}\n```\n", "README.md")]


@pytest.mark.parametrize(
    ("block", "language", "commands"),
    [
        ("orchestrator doctor", "sh", [("orchestrator", "doctor")]),
        ("$ orchestrator doctor", "", [("orchestrator", "doctor")]),
        ("$ orchestrator doctor\norchestrator is fine", "console", [("orchestrator", "doctor")]),
        ("orchestrator doctor  # what is wrong?", "bash", [("orchestrator", "doctor")]),
        ("orchestrator doctor \\\n  --json", "sh", [("orchestrator", "doctor", "--json")]),
        ("orchestrator doctor --json | jq . > out.json", "sh", [("orchestrator", "doctor", "--json")]),
        ("make demo && orchestrator doctor", "sh", [("make", "demo"), ("orchestrator", "doctor")]),
        ("cat key | FOO=1 orchestrator doctor", "sh", [("orchestrator", "doctor")]),
        (".venv/bin/python -m orchestrator doctor", "sh", [("orchestrator", "doctor")]),
        (".venv/bin/orchestrator doctor", "sh", [("orchestrator", "doctor")]),
        ("- run: orchestrator doctor --json", "yaml", [("orchestrator", "doctor", "--json")]),
        ("- run: |\n    orchestrator doctor", "yaml", [("orchestrator", "doctor")]),
        ("echo orchestrator doctor", "sh", []),
        ("orchestrator doctor", "hcl", []),
    ],
)
def test_commands_are_found_in_fenced_blocks(block: str, language: str, commands: list[tuple[str, ...]]) -> None:
    assert shown(block, language) == commands


def test_text_outside_a_block_is_prose() -> None:
    assert list(commands_in("orchestrator nonsense\n\n    orchestrator nonsense\n", "README.md")) == []


def test_a_command_knows_its_line() -> None:
    (command,) = commands_in("# Title\n\n```sh\necho\norchestrator \\\n doctor\n```\n", "README.md")
    assert command.line == 5


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("orchestrator doctor", None),
        ("orchestrator doctor dev --local --json", None),
        ("orchestrator --help", None),
        ("orchestrator secret set --help", None),
        ("orchestrator -C /somewhere doctor", None),
        ("orchestrator secret set dev docker-hub --from-file token.txt", None),
        ("make demo PYTHON=python3", None),
        ("orchestrator docter", "has no command docter"),
        ("orchestrator secret put dev docker-hub", "has no command put"),
        ("orchestrator doctor --jason", "--jason"),
        ("orchestrator --jason doctor", "--jason"),
        ("orchestrator secret set dev", "RULE is missing"),
        ("orchestrator secret set dev hub token", "too many arguments (token)"),
        ("orchestrator secret set dev hub --username", "--username"),
        ("make demonstration", "no target demonstration"),
    ],
)
def test_each_command_is_read_as_it_would_be_run(block: str, problem: str | None) -> None:
    (command,) = commands_in(f"```sh\n{block}\n```", "README.md")
    found = problem_of(command, TARGETS)
    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert problem in found


def test_variables_of_a_makefile_are_no_targets() -> None:
    assert make_targets(".PHONY: a\nVENV := x\nNAME = y\nhelp:\n\techo: no\ndemo: help ## text\n") == {"help", "demo"}


def test_the_check_fails_with_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("```sh\norchestrator local up\norchestrator locals\n```\n")
    assert main([str(readme)]) == 1
    printed = capsys.readouterr()
    assert "README.md:3: orchestrator has no command locals" in printed.err
    assert "2 commands in the documentation, 1 wrong." in printed.out
