"""The documents of a few environments as they were last looked at: `python -m tests.unit.manifests.golden` writes them anew."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestrator.environment.model import Environment
from orchestrator.manifests import available_targets, folder, generate
from tests.references_table import ENVIRONMENTS, environment

GOLDEN = Path(__file__).with_name("golden")
COMMAND = "python -m tests.unit.manifests.golden"

# On every platform, with and without a way out, with all kinds of routes.
SHOWN: dict[str, Environment] = {
    "eks": environment("standard"),
    "eks-root": environment("rooted"),
    "rosa-classic": environment("gov"),
    "rosa-zero-egress": Environment(
        name="zero", **{**ENVIRONMENTS["zero"], "platform": "rosa-hcp", "kubernetes_version": "1.34"}
    ),
}


def documents(name: str) -> dict[str, str]:
    """`{path: text}` of every target that the cluster of one of SHOWN can use."""
    return folder(generate(SHOWN[name], available_targets(SHOWN[name])))


def main() -> None:
    for name in SHOWN:
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        for path, text in documents(name).items():
            file = GOLDEN / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())


if __name__ == "__main__":
    main()
