"""`orchestrator swapper`: the admission webhook of an environment."""

from __future__ import annotations

import click

from orchestrator.cli.swapper.chart_command import chart
from orchestrator.cli.swapper.explain_command import explain
from orchestrator.cli.swapper.image_command import image
from orchestrator.cli.swapper.import_command import import_
from orchestrator.cli.swapper.serve_command import serve
from orchestrator.cli.swapper.status_command import status


@click.group()
def swapper() -> None:
    """The admission webhook: redirects what Pods pull as the route table says."""


swapper.add_command(chart)
swapper.add_command(explain)
swapper.add_command(image)
swapper.add_command(import_)
swapper.add_command(serve)
swapper.add_command(status)
