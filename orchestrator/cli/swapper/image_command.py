"""`orchestrator swapper image`: the webhook's image, made without Docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.environment_name import ENVIRONMENT
from orchestrator.cli.options import json_option, local_option, registry_option
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.oci.archive_writer import ArchiveFiles
    from orchestrator.oci.copies import CopyReport
    from orchestrator.routes.reference import ImageReference
    from orchestrator.swapper.webhook_image import WebhookImage

BASE = "docker.io/library/python:3.12-slim"


@click.command()
@click.argument("name", metavar="[NAME]", required=False, type=ENVIRONMENT)
@click.option(
    "--push",
    metavar="[REF]",
    is_flag=False,
    flag_value="",
    help="Push it; without REF to where NAME's manifests expect it.",
)
@click.option("--to", metavar="FILE.tar", type=click.Path(dir_okay=False, path_type=Path), help="Write an OCI archive.")
@click.option(
    "--base",
    metavar="REF",
    default=BASE,
    show_default=True,
    help="An image with Python and glibc, by its tag or digest.",
)
@click.option(
    "--platform",
    "platforms",
    metavar="PLATFORM",
    multiple=True,
    help="Only this one, such as linux/arm64 (default: linux/amd64 and linux/arm64).",
)
@click.option(
    "--python", metavar="VERSION", default="", help="The base's Python, where the base does not say it: 3.12."
)
@click.option(
    "--wheels",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the packages from this folder of wheels, and nothing from the network.",
)
@registry_option()
@local_option("Push to the embedded AWS on this machine.")
@json_option()
@click.pass_context
def image(
    ctx: click.Context,
    name: str | None,
    push: str | None,
    to: Path | None,
    base: str,
    platforms: tuple[str, ...],
    python: str,
    wheels: Path | None,
    via: dict[str, str],
    local: bool,
    as_json: bool,
) -> None:
    """Make the image that the webhook runs in, without Docker: a base, the locked packages, and this program.

    The same base, packages and program give the same digest. Name the base by its digest where nothing may move. With NAME the
    base is read by its route, and the image goes to the registry of the environment.
    """
    if (push is None) == (to is None):
        raise RefusedInput("The image goes to one place.", remedy="Give --push [REF] or --to FILE.tar.")
    if python and not python.replace(".", "", 1).isdigit():
        raise RefusedInput(f"{python[:40]!a} is no version of Python.", remedy="Write it like --python 3.12.")
    from orchestrator.cli.project_option import open_project
    from orchestrator.cli.swapper import image_build
    from orchestrator.mirroring.wishes import read_platforms
    from orchestrator.oci.manifest import parse_platform
    from orchestrator.swapper.image_contents import swapper_lock
    from orchestrator.swapper.webhook_image import PLATFORMS, ImageRecipe

    if local and name is None:
        raise RefusedInput("--local needs an environment.", why="The embedded AWS is a project's.", remedy="Name it.")
    project = open_project(ctx) if name else None
    environment = project.load(name) if project and name else None
    reference = image_build.wanted_name(environment, push)
    recipe = ImageRecipe(
        base=image_build.base_of(environment, base, via),
        base_name=base,
        lock=swapper_lock(),
        platforms=[parse_platform(one) for one in read_platforms(platforms or PLATFORMS)],
        wheels=wheels,
        python=python,
    )
    with image_build.open_registries(project, environment, via, local=local) as registries:
        if to is not None:
            made, written = image_build.archive_image(registries, recipe, reference, to)
            _tell(reference, made, written, as_json=as_json)
        else:
            made, report = image_build.push_image(registries, recipe, reference)
            _tell(reference, made, report, as_json=as_json)


def _tell(name: ImageReference, made: WebhookImage, done: ArchiveFiles | CopyReport, *, as_json: bool) -> None:
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
