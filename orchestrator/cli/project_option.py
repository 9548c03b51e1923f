"""The project that a command works on: `-C/--project`, else the working directory or the nearest folder above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from orchestrator.project import Project, find_project


def open_project(ctx: click.Context) -> Project:
    """The project of this call, which knows whether it is for the embedded AWS. Raises RefusedInput when there is none."""
    chosen = (ctx.obj or {}).get("project_dir")
    found = find_project(Path(chosen) if chosen else None)
    return replace(found, local=bool(ctx.params.get("local")))
