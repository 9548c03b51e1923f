"""The check of sentences: what is counted, where a sentence ends, and what is no sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_sentences
from scripts.check_sentences import sentences, split

FIRST = "This sentence goes on and on and on until nobody who"
SECOND = "began to read it knows any more what it was that it began with."
LONG = f"{FIRST} {SECOND}"
SHORT = "A rule serves it."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One thing. Another thing!", ["One thing.", "Another thing!"]),
        ('He says "no." Then he goes.', ['He says "no."', "Then he goes."]),
        ("A setting of {environment.name} in `a. b. c`.", ["A setting of code in code."]),
        ('Found: ${join(", ", [for key in keys(var.a) : key])}.', ["Found: code."]),
        ("See [the guide](https://docs.example.com/a. b) first.", ["See the guide first."]),
        ("Names such as registry.k8s.io stay, e.g. this one.", ["Names such as registry.k8s.io stay, e.g. this one."]),
    ],
)
def test_sentences_end_where_a_reader_stops(text: str, found: list[str]) -> None:
    assert list(split(text)) == found


@pytest.mark.parametrize(
    ("file", "text", "kind", "line"),
    [
        ("orchestrator/a.py", f'"""{SHORT}\n\n{LONG}\n"""\n', "docstring", 3),
        ("orchestrator/a.py", f'def run(a):\n    fail(f"{{a}}. "\n        "{LONG}")\n', "message", 2),
        ("orchestrator/a.py", f"x = 1  # {FIRST}\n# {SECOND}\n", "comment", 1),
        ("modules/a/variables.tf", f'variable "a" {{\n  description = "{SHORT} {LONG}"\n}}\n', "hcl", 2),
        ("modules/a/main.tf", f"# {FIRST}\n# {SECOND}\n", "comment", 1),
        ("docs/a.md", f"# Title\n\n- {SHORT}\n- {FIRST}\n{SECOND}\n", "docs", 4),
        ("README.md", f"| {SHORT} | {LONG} |\n", "docs", 1),
    ],
)
def test_a_long_sentence_is_found_wherever_people_read(
    file: str, text: str, kind: str, line: int, tmp_path: Path
) -> None:
    _write(tmp_path, file, text)
    [found] = [sentence for sentence in sentences(tmp_path) if sentence.words > 20]
    assert (found.kind, found.place, found.words) == (kind, f"{file}:{line}", 25)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("docs/a.md", f"Run:\n\n```sh\n{LONG}\n```\n"),
        ("docs/a.md", f"<!-- Made by a script -->\n{LONG}\n"),
        ("docs/a.md", "".join(f"- item {number} of a list\n" for number in range(20))),
        ("orchestrator/a.py", f'TABLE = """\n{LONG}\nnext\n"""\n'),
        ("orchestrator/a.py", f'def run():\n    """Do it.\n\n        {LONG}\n    """\n'),
        ("tests/a.py", f"# {LONG}\n"),
    ],
)
def test_code_tables_and_what_is_made_are_no_sentences(file: str, text: str, tmp_path: Path) -> None:
    _write(tmp_path, file, text)
    assert [sentence for sentence in sentences(tmp_path) if sentence.words > 20] == []


@pytest.mark.parametrize(
    ("text", "late"),
    [
        ("With a dot begins what a killed command had not finished.", True),
        ("Beside a local state lies `terraform.tfstate.backup`.", True),
        ("Who keeps nothing gets nothing back.", True),
        ("What KMS says is asked first.", True),
        ("What for", False),
        ("Who asked for this image?", False),
        ("In a cluster every Pod has its own.", False),
        ("The backup lies beside a local state.", False),
    ],
)
def test_a_message_whose_subject_comes_late_is_found(text: str, late: bool, tmp_path: Path) -> None:
    _write(tmp_path, "orchestrator/a.py", f"print({text!r})\n")
    _write(tmp_path, "docs/a.md", f"{text}\n")
    found = {sentence.kind: sentence.begins_late for sentence in sentences(tmp_path)}
    assert found == {"message": late, "docs": False}


def _write(root: Path, file: str, text: str) -> None:
    for name in check_sentences.FILES:
        (root / name).write_text("", "utf-8")
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text, "utf-8")
