"""`make demo`: the main job on the embedded AWS, with real Terraform and the real AWS provider.

Runs the commands that a reader would type, in this checkout, and leaves the environment up for the commands that it
names at the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ENVIRONMENT = "dev"
IMAGES = (
    "nginx:1.27",
    "bitnami/redis:7.4",
    "quay.io/prometheus/node-exporter:v1.8.2",
    "registry.k8s.io/ingress-nginx/controller:v1.11.2",
    "mcr.microsoft.com/dotnet/aspnet:8.0",
    "gcr.io/distroless/static:nonroot",
)
NEXT = (
    f"orchestrator output {ENVIRONMENT} --local",
    f"orchestrator plan {ENVIRONMENT} --local",
    f"orchestrator drift {ENVIRONMENT} --local",
    f"orchestrator route {ENVIRONMENT} nginx:1.27 ghcr.io/org/app:1",
    f"orchestrator manifests {ENVIRONMENT} --for native",
    f"orchestrator destroy {ENVIRONMENT} --local",
    "orchestrator local down",
)


def say(text: str) -> None:
    print(text, flush=True)


def orchestrator(*arguments: str, capture: bool = False) -> str:
    """Run the command as a user would; stop the demo where it fails."""
    say(f"\n$ orchestrator {' '.join(arguments)}")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(f"The demo stops: the command ended with exit code {done.returncode}.")
        sys.exit(done.returncode)
    return done.stdout or ""


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def created(applied: dict[str, Any]) -> list[tuple[str, ...]]:
    """What exists after the apply: number and addresses by resource type, from the plan that was applied."""
    kept = Counter(change["type"] for change in applied["changes"] if change["action"] in ("create", "replace"))
    return [("resource", "created"), *sorted((kind, str(count)) for kind, count in kept.items())]


def main() -> None:
    orchestrator("validate", "--all")
    # What is left of an earlier demo would leave nothing to create.
    orchestrator("destroy", ENVIRONMENT, "--local", "--yes", capture=True)
    applied = json.loads(orchestrator("apply", ENVIRONMENT, "--local", "--yes", "--json", capture=True))
    orchestrator("drift", ENVIRONMENT, "--local")
    orchestrator("route", ENVIRONMENT, *IMAGES)
    documents = Path(tempfile.gettempdir()) / f"orchestrator-{ENVIRONMENT}-manifests"
    orchestrator("manifests", ENVIRONMENT, "--for", "native", "--for", "containerd", "--out", str(documents))
    rows = created(applied)
    say(f"\nCreated in the embedded AWS ({sum(int(count) for _, count in rows[1:])} resources):")
    table(rows)
    say("\nNext (activate the environment first: . .venv/bin/activate):")
    for command in NEXT:
        say(f"  {command}")


if __name__ == "__main__":
    main()
