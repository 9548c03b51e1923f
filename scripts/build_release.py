"""Builds a release: `python -m scripts.build_release [FOLDER]` (dist/ unless said).

Wheel and sdist, the same bytes from the same tree. Beside them stand a bill of materials of the locked dependencies (CycloneDX 1.6),
the provenance of both (in-toto, SLSA 1.0) and SHA256SUMS. The publisher signs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator import __version__

ROOT = Path(__file__).resolve().parents[1]
# 2020-02-02, as hatchling takes it when nobody says another: zip knows no time before 1980.
EPOCH = "1580601600"
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;]+)(?P<rest>.*)$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> Iterator[dict[str, Any]]:
    """The locked dependencies as components of a bill of materials, with the hashes of their files."""
    for match in _PINNED.finditer(lock.replace("\\\n", " ")):
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        yield {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{match['version']}",
            "name": name,
            "version": match["version"],
            "purl": f"pkg:pypi/{name}@{match['version']}",
            "properties": [
                {"name": "orchestrator:sha256", "value": digest} for digest in sorted(_HASH.findall(match["rest"]))
            ],
        }


def bill_of_materials(lock: str) -> dict[str, Any]:
    """CycloneDX 1.6, without a serial number and a time: the same lock gives the same bytes."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "orchestrator", "version": __version__}},
        "components": list(components(lock)),
    }


def provenance(digests: dict[str, str], revision: str, lock: str) -> dict[str, Any]:
    """An in-toto statement: these files were made from this commit and this lock by this script."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "scripts/build_release.py",
                "externalParameters": {"version": __version__, "SOURCE_DATE_EPOCH": EPOCH},
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": revision}},
                    {"name": "requirements/dev.txt", "digest": {"sha256": hashlib.sha256(lock.encode()).hexdigest()}},
                ],
            },
            "runDetails": {"builder": {"id": "scripts/build_release.py"}},
        },
    }


def main(arguments: Sequence[str]) -> int:
    """Build into the folder; the names of what is there are printed with their digests."""
    folder = Path(arguments[0]) if arguments else ROOT / "dist"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve())]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = [f"orchestrator-{__version__}-py3-none-any.whl", f"orchestrator-{__version__}.tar.gz"]
    digests = {name: _digest(folder / name) for name in names}
    bom = folder / f"orchestrator-{__version__}.cdx.json"
    _write(bom, bill_of_materials((ROOT / "requirements/runtime.txt").read_text("utf-8")))
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    statement = folder / f"orchestrator-{__version__}.intoto.json"
    _write(statement, provenance(digests, revision, (ROOT / "requirements/dev.txt").read_text("utf-8")))
    digests |= {path.name: _digest(path) for path in (bom, statement)}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    (folder / "SHA256SUMS").write_text(lines, "utf-8")
    print(lines, end="")
    return 0


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
