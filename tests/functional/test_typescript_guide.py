"""The TypeScript of the guide for CDK, run by Node.js without its types: what it answers, and what its errors say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ProjectFactory
from tests.references_table import OWN, tfvars

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/cdk.md"
# The few types that the example writes. Node.js reads them by itself from 22.18 on.
TYPES = re.compile(r"^interface .*?^\}\n|: string\[\]|: string\b(?! \|)|: Map<string, string>| as Answer", re.M | re.S)
CALL = """
const [environment, ...references] = process.argv.slice(2);
try {
  console.log(JSON.stringify([...imageRoutes(environment, references, process.env.PROJECT)]));
} catch (error) {
  console.log(JSON.stringify(error.message));
}
"""


def answer(folder: Path, project: Path, path: str, *words: str) -> object:
    blocks: list[str] = re.findall(r"^```typescript\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)
    (example,) = (block for block in blocks if "image-routes.ts" in block)
    (folder / "app.mjs").write_text(TYPES.sub("", example) + CALL, "utf-8")
    node = shutil.which("node")
    assert node is not None, "Install Node.js."
    done = subprocess.run(
        [node, "app.mjs", *words],
        cwd=folder,
        env={**os.environ, "PATH": path, "PROJECT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_the_example_answers_or_says_why_not(project: ProjectFactory, tmp_path: Path) -> None:
    root = project({"standard": tfvars("standard")}).root
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "orchestrator").write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    (programs / "orchestrator").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"

    def routes(*words: str) -> object:
        return answer(tmp_path, root, path, *words)

    assert routes("standard", "nginx:1", "unknown.example/a:1") == [
        ["nginx:1", f"{OWN}/docker-hub/library/nginx:1"],
        ["unknown.example/a:1", "unknown.example/a:1"],
    ]
    assert routes("standard") == []
    assert routes("standard", "nginx:1", "Not An Image", "nginx:") == (
        '"Not An Image" cannot be pulled. It contains white space or a line end. Remove it.\n'
        '"nginx:" cannot be pulled. A tag has 1 to 128 letters, digits, and _ . - and begins with none of the last two. '
        "Correct the tag, or leave it out with its colon."
    )
    assert routes("standard", "nginx:1", "", "a\nb") == 'No image: "", "a\\nb".'
    assert 'There is no environment "absent".' in str(routes("absent", "nginx:1"))
    path = str(tmp_path / "nothing")
    assert str(routes("standard", "nginx:1")).startswith("orchestrator cannot be run: ")
