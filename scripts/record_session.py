"""`python -m scripts.record_session [--write]`: the terminal session in the README, from a real run on the embedded AWS.

Real Terraform and the real AWS provider work in an empty folder, as a reader's would. Without `--write` the README is
compared with what the commands print now; exit code 1 when it differs.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN = "<!-- session: written by scripts/record_session.py -->\n"
END = "<!-- end of session -->\n"
COMMANDS = (
    "orchestrator init dev --platform eks --region us-east-1 --account-id 111122223333 --upstream quay --yes",
    "orchestrator apply dev --local --yes --quiet",
    "orchestrator route dev quay.io/prometheus/prometheus:v3.1.0 mcr.microsoft.com/dotnet/aspnet:8.0",
    "orchestrator local fill dev",
    "orchestrator local age dev --days 100",
    "orchestrator lifecycle preview dev --local --quiet",
    "orchestrator drift dev --local --quiet",
)
LAST = "orchestrator local down"
WIDTH = 100


def session(folder: Path) -> str:
    """What a terminal shows of the commands, in `folder`, which is shown as /home/me/example. Raises RuntimeError."""
    try:
        return "\n".join(_shown(folder))
    finally:
        _run(LAST, folder)


def _shown(folder: Path) -> Iterator[str]:
    for command in COMMANDS:
        done = _run(command, folder)
        if done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}")
        yield f"$ {command}"
        said = done.stdout.replace(str(folder), "/home/me/example").rstrip("\n")
        yield "\n".join(line.rstrip() for line in said.split("\n"))
        yield ""


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # A configuration of this machine's Terraform would be noted in the middle of the session.
    kept = {name: value for name, value in os.environ.items() if name not in {"TF_CLI_CONFIG_FILE", "FORCE_COLOR"}}
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *shlex.split(command)[1:]],
        cwd=folder,
        env=kept | {"COLUMNS": str(WIDTH), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def with_session(readme: str, shown: str) -> str:
    """The README with this session between its marks."""
    before, found, rest = readme.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise RuntimeError(f"README.md has no lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n```console\n{shown.rstrip()}\n```\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """0 when the README shows what the commands print, or was written."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        now = with_session(text, session(Path(folder).resolve()))
    if "--write" in arguments:
        README.write_text(now, encoding="utf-8")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(text.splitlines(keepends=True), now.splitlines(keepends=True), "README.md", "now")
    )
    if now != text:
        print("README.md is stale: python -m scripts.record_session --write", file=sys.stderr)
    return int(now != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
