"""`orchestrator command-image`: this whole command as an image, for pipelines, made without Docker."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.program_image.image_options import ImageWishes, image_options, make_program_image


@click.command()
@image_options
@click.pass_context
def command_image(ctx: click.Context, /, **said: Any) -> None:
    """Make an image of this command with all its extras, without Docker: a base, the locked packages, and this program.

    For amd64 it holds Terraform, too. git and kubectl are the base's: `affected --since` and `--cluster` need them. The same
    base, packages and program give the same digest. With NAME the base is read by its route. The image goes to the registry of
    the environment.
    """
    from orchestrator.program_image.programs import COMMAND

    make_program_image(ctx, COMMAND, ImageWishes(**said))
