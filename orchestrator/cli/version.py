"""`orchestrator version`: this program, its Python, the Terraform that it would run."""

from __future__ import annotations

import json
import platform
from typing import Any

import click

from orchestrator import __version__
from orchestrator.cli.options import json_option
from orchestrator.errors import OrchestratorError


@click.command("version")
@json_option()
def version(as_json: bool) -> None:
    """Print the version of this program, of Python, and of the Terraform that it would run."""
    document = versions()
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"orchestrator {__version__}")
    click.echo(f"Python {document['python']} on {document['platform']}")
    if document["terraform"]:
        click.echo(f"Terraform {document['terraform']} ({document['terraform_found']})")
    else:
        click.echo(f"Terraform: {document['terraform_found']}")


def versions() -> dict[str, Any]:
    """What `version --json` prints."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}_{platform.machine()}",
        **_terraform(),
    }


def _terraform() -> dict[str, str | None]:
    """{terraform: version or null, terraform_found: where, or why there is none}."""
    from orchestrator.terraform.binary import find_terraform

    try:
        found = find_terraform()
    except OrchestratorError as error:
        return {"terraform": None, "terraform_found": str(error)}
    return {"terraform": found.version, "terraform_found": found.why}
