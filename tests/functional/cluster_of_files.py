"""A cluster whose kubectl answers from files: `kubectl_from_files.py`, and what a test lets it answer."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

KUBECTL = Path(__file__).with_name("kubectl_from_files.py")


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.program = folder / "kubectl"
        self.program.write_text(f"#!{sys.executable}\n{KUBECTL.read_text()}")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def serve(self, path: str, pages: object) -> None:
        (self.folder / (path.strip("/").replace("/", "_") + ".json")).write_text(json.dumps(pages))

    def serve_answer(self, path: str, answer: str) -> None:
        """This text in place of a list."""
        self.serve(path, {"answer": answer})

    def has_kinds(self, kinds: dict[str, dict[str, str]]) -> None:
        """Discovery: {"/apis/<group>/<version>": {kind: plural}}."""
        resources = {
            path: [{"kind": kind, "name": plural, "verbs": ["list"]} for kind, plural in found.items()]
            for path, found in kinds.items()
        }
        (self.folder / "kinds").write_text(json.dumps(resources))

    def has_policy(self, since: str) -> None:
        (self.folder / "policy").write_text(since)

    def is_called(self, uid: str) -> None:
        (self.folder / "uid").write_text(uid)

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()
