"""What both commands that make an image of this program take and do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli.environment_name import ENVIRONMENT
from orchestrator.cli.messages import note
from orchestrator.cli.options import json_option, local_option, registry_option
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.oci.archive_writer import ArchiveFiles
    from orchestrator.oci.copies import CopyReport
    from orchestrator.program_image.derived_program import ProgramImage
    from orchestrator.program_image.programs import Program
    from orchestrator.routes.reference import ImageReference

BASE = "docker.io/library/python:3.12-slim"
F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("name", metavar="[NAME]", required=False, type=ENVIRONMENT),
    click.option(
        "--push",
        metavar="[REF]",
        is_flag=False,
        flag_value="",
        help="Push it; without REF to the registry of NAME.",
    ),
    click.option(
        "--to", metavar="FILE.tar", type=click.Path(dir_okay=False, path_type=Path), help="Write an OCI archive."
    ),
    click.option(
        "--base",
        metavar="REF",
        default=BASE,
        show_default=True,
        help="An image with Python and glibc, by its tag or digest.",
    ),
    click.option(
        "--platform",
        "platforms",
        metavar="PLATFORM",
        multiple=True,
        help="Only this one, such as linux/arm64 (default: linux/amd64 and linux/arm64).",
    ),
    click.option(
        "--python", metavar="VERSION", default="", help="The base's Python, where the base does not say it: 3.12."
    ),
    click.option(
        "--wheels",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Take the packages from this folder of wheels, and nothing from the network.",
    ),
    registry_option(),
    local_option("Push to the embedded AWS on this machine."),
    json_option(),
)


def image_options(function: F) -> F:
    """The argument and the options of a command that makes an image; it hands them on to `make_program_image`."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), function)


@dataclass(frozen=True, slots=True)
class ImageWishes:
    """What the command line says, by its options' names."""

    name: str | None
    push: str | None
    to: Path | None
    base: str
    platforms: tuple[str, ...]
    python: str
    wheels: Path | None
    via: dict[str, str]
    local: bool
    as_json: bool


def make_program_image(ctx: click.Context, program: Program, wishes: ImageWishes) -> None:
    """Make the image, push or write it, and print what it is. Raises OrchestratorError."""
    if (wishes.push is None) == (wishes.to is None):
        raise RefusedInput("The image goes to one place.", remedy="Give --push [REF] or --to FILE.tar.")
    python, name = wishes.python, wishes.name
    if python and not python.replace(".", "", 1).isdigit():
        raise RefusedInput(f"{python[:40]!a} is no version of Python.", remedy="Write it like --python 3.12.")
    from orchestrator.cli.program_image import image_build
    from orchestrator.cli.project_option import open_project
    from orchestrator.mirroring.wishes import read_platforms
    from orchestrator.oci.manifest import parse_platform
    from orchestrator.program_image.derived_program import PLATFORMS, ImageRecipe

    if wishes.local and name is None:
        raise RefusedInput("--local needs an environment.", why="The embedded AWS is a project's.", remedy="Name it.")
    project = open_project(ctx) if name else None
    environment = project.load(name) if project and name else None
    reference = image_build.wanted_name(program, environment, wishes.push)
    recipe = ImageRecipe(
        program=program,
        base=image_build.base_of(environment, wishes.base, wishes.via),
        base_name=wishes.base,
        lock=program.lock_file(),
        platforms=[parse_platform(one) for one in read_platforms(wishes.platforms or PLATFORMS)],
        wheels=wishes.wheels,
        python=python,
    )
    made: ProgramImage
    done: ArchiveFiles | CopyReport
    with image_build.open_registries(project, environment, wishes.via, local=wishes.local) as registries:
        if wishes.to is not None:
            made, done = image_build.archive_image(registries, recipe, reference, wishes.to)
        else:
            made, done = image_build.push_image(registries, recipe, reference)
    _tell(reference, made, done, as_json=wishes.as_json)
    for platform in recipe.platforms:
        for package in sorted(program.without.get(platform.architecture, ())):
            note(
                f"{platform} is without {package}, which has no wheel for it. A base that has `terraform` can plan there."
            )


def _tell(name: ImageReference, made: ProgramImage, done: ArchiveFiles | CopyReport, *, as_json: bool) -> None:
    from orchestrator.cli.mirror.words import size
    from orchestrator.oci.copies import CopyReport, CopyState

    pushed = isinstance(done, CopyReport)
    files = [] if isinstance(done, CopyReport) else [str(path) for path in done.paths]
    if as_json:
        document = {
            "image": str(name),
            "digest": made.manifest.digest,
            "platforms": made.platforms,
            "python": made.python,
            "base_digest": made.base_digest,
            "pushed": pushed,
            "files": files,
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{name}@{made.manifest.digest}")
    click.echo(f"  {', '.join(made.platforms)}; Python {made.python}; base {made.base_digest}")
    if isinstance(done, CopyReport):
        there = all(result.state is CopyState.UNCHANGED for result in done.results)
        click.echo("  it was there already" if there else f"  pushed, {size(done.sent)} sent")
    else:
        click.echo(f"  wrote {', '.join(files)}")
