"""The project that a command works on: `-C/--project`, else the working directory or the nearest folder above it."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.project import Project, find_project


def open_project(ctx: click.Context) -> Project:
    """The project of this call. Raises RefusedInput when there is none."""
    chosen = (ctx.obj or {}).get("project_dir")
    return find_project(Path(chosen) if chosen else None)
