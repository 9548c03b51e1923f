"""The documentation as a site with strict links, and what it tells people to write, read by the program itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import cli
from orchestrator.files.stage_file import read_stages
from tests.conftest import ProjectFactory
from tests.functional.running import commands

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# ```hcl, then a line that names the file that it is.
_BLOCK = re.compile(
    r"^```(?:hcl|yaml)\n# (environments/[a-z-]+\.tfvars|stages\.yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks() -> Iterator[tuple[str, str, str]]:
    """(page, file, text) of every block that is a whole file."""
    for page in sorted(DOCS.rglob("*.md")):
        for match in _BLOCK.finditer(page.read_text("utf-8")):
            yield str(page.relative_to(DOCS)), match[1], match[2]


BLOCKS = list(blocks())


@pytest.mark.parametrize(("page", "file", "text"), BLOCKS, ids=[f"{page}:{file}" for page, file, _ in BLOCKS])
def test_a_file_that_a_page_shows_is_one_that_can_be_used(
    project: ProjectFactory, tmp_path: Path, page: str, file: str, text: str
) -> None:
    if file == "stages.yaml":
        path = tmp_path / file
        path.write_text(text)
        assert read_stages(path)
        return
    checked = project({Path(file).stem: text}).check(Path(file).stem)
    assert [str(problem) for problem in checked.problems] == []
    assert [str(warning) for warning in checked.warnings] == []


def test_there_are_files_to_use() -> None:
    assert len(BLOCKS) >= 9


def test_the_commands_that_take_local_are_those_that_the_page_names() -> None:
    page = (DOCS / "guide/without-an-account.md").read_text("utf-8")
    listed = page.partition("## The other guides")[2].partition("All others ask no AWS.")[0]
    taking = {name for name, command in commands(cli) if any("--local" in option.opts for option in command.params)}
    named = set(re.findall(r"`([a-z][a-z -]*)`", listed))
    assert {name.replace(" ", "-") for name in named} == taking


def test_the_site_is_built_and_every_link_in_it_leads_somewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    home = (tmp_path / "site/index.html").read_text("utf-8")
    pages = [page for page in DOCS.rglob("*.md") if "decisions" not in page.parts]
    missing = [
        str(page.relative_to(DOCS))
        for page in pages
        if page.name != "index.md" and f'href="{page.relative_to(DOCS).with_suffix(".html")}"' not in home
    ]
    assert missing == []
    assert "fonts.googleapis.com" not in home
