"""The check of file lengths: what is too long is named, and so is an exception that nothing needs."""

from __future__ import annotations

from pathlib import Path

from scripts.check_lengths import LONG, MOST, faults, line_counts

ROOT = Path(__file__).parents[2]


def test_a_file_of_one_line_too_many_is_named() -> None:
    [said] = faults({"orchestrator/a.py": MOST, "tests/b.py": MOST + 1}, ())
    assert said.startswith(f"tests/b.py has {MOST + 1} lines")


def test_an_exception_that_nothing_needs_is_named() -> None:
    said = list(faults({"a.py": MOST, "b.py": MOST + 1}, ("a.py", "b.py", "gone.py")))
    assert [line.split()[0] for line in said] == ["a.py", "gone.py"]


def test_python_and_hcl_of_every_folder_are_counted(tmp_path: Path) -> None:
    for name in ("modules/a/main.tf", "tests/a.tftest.hcl", "scripts/a.py", "modules/a/.terraform/x.tf", "docs/a.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one\ntwo\n")
    assert line_counts(tmp_path) == {"modules/a/main.tf": 2, "scripts/a.py": 2, "tests/a.tftest.hcl": 2}


def test_every_file_of_the_repository_is_within_the_limit() -> None:
    assert list(faults(line_counts(ROOT), LONG)) == []
