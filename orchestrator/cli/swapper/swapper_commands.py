"""`orchestrator swapper`: the admission webhook of an environment."""

from __future__ import annotations

import click

from orchestrator.cli.swapper.import_command import import_


@click.group()
def swapper() -> None:
    """The admission webhook: redirects what Pods pull as the route table says."""


swapper.add_command(import_)
