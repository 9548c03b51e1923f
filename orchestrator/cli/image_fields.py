"""`--fields FILE`, and the file of that kind that a project keeps beside its environments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.project import Project
from orchestrator.workloads.fields import FIELDS, Fields

F = TypeVar("F", bound=Callable[..., Any])
# Beside the environments, so that everybody who has the project has its fields.
PROJECT_FILE = "image-fields.yaml"


def fields_option() -> Callable[[F], F]:
    """`--fields`, which a command takes as `fields_file`."""
    return click.option(
        "--fields",
        "fields_file",
        metavar="FILE",
        help=f"More fields that hold images (kind, group, path); by default environments/{PROJECT_FILE}.",
    )


def image_fields_of(project: Project, fields_file: str | None) -> Fields:
    """The product's fields with those of the file, or of the project's own where it has one."""
    # The CronJob that writes what a cluster uses has no YAML reader, and reads no files.
    from orchestrator.files.field_specs import read_fields

    own = project.environments_dir / PROJECT_FILE
    if fields_file is not None:
        return read_fields(Path(fields_file))
    return read_fields(own) if own.is_file() else FIELDS
