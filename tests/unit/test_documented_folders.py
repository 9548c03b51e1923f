"""What guides apply is where `manifests --out FOLDER` puts it: one folder a target below FOLDER."""

import re
from pathlib import Path

from orchestrator.manifests.targets import GENERATORS

DOCS = Path(__file__).parents[2] / "docs"


def test_guides_apply_a_folder_that_manifests_writes() -> None:
    found = [
        (page.name, folder)
        for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md")
        for folder in re.findall(r"^(?:kubectl|oc) apply -k (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert found
    assert [place for place in found if place[1].rstrip("/").rpartition("/")[2] not in GENERATORS] == []
