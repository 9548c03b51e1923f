"""`orchestrator swapper image`: the webhook's image, made without Docker."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.program_image.image_options import ImageWishes, image_options, make_program_image


@click.command()
@image_options
@click.pass_context
def image(ctx: click.Context, /, **said: Any) -> None:
    """Make the image that the webhook runs in, without Docker: a base, the locked packages, and this program.

    The same base, packages and program give the same digest. Name the base by its digest where nothing may move. With NAME the
    base is read by its route. The image goes to the registry of the environment, where its manifests expect it.
    """
    from orchestrator.program_image.programs import WEBHOOK

    make_program_image(ctx, WEBHOOK, ImageWishes(**said))
