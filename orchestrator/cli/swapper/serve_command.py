"""`orchestrator swapper serve`: the admission webhook of an environment."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.project_option import open_project
from orchestrator.errors import RefusedInput
from orchestrator.project import Project


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--listen", "listen", default=":8443", show_default=True, metavar="[HOST]:PORT", help="Where to listen.")
@click.option("--tls-cert-file", type=click.Path(path_type=Path), help="Certificate in PEM; without it plain HTTP.")
@click.option("--tls-key-file", type=click.Path(path_type=Path), help="Its key in PEM.")
@click.option("--dry-run", is_flag=True, help="Change no image; the Pod's annotation says what would become of it.")
@click.option("--drain-seconds", type=click.FloatRange(0, 60), default=5.0, show_default=True, help="After SIGTERM.")
@click.option(
    "--reload-seconds",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    help="How often the certificate's files are looked at.",
)
@click.option("--log-level", default="info", show_default=True, help="debug, info, warning or error.")
@click.option("--log-format", type=click.Choice(["json", "console"]), default="json", show_default=True)
@click.pass_context
def serve(
    ctx: click.Context,
    name: str | None,
    listen: str,
    tls_cert_file: Path | None,
    tls_key_file: Path | None,
    dry_run: bool,
    drain_seconds: float,
    reload_seconds: float,
    log_level: str,
    log_format: str,
) -> int:
    """Answer admission reviews by the routes of environment NAME; a project's only environment needs no NAME.

    Routes by pull-through are redirected at once. Images of mirrors keep their source, as far as nobody looks whether
    they are there. Requests go to /webhook; /metrics, /healthz and /readyz are for the cluster. Certificates are read
    again when their files change.
    """
    project = open_project(ctx)
    chosen = name or _only_environment(project)
    if (tls_cert_file is None) != (tls_key_file is None):
        raise RefusedInput(
            "A certificate comes with its key.", remedy="Give both --tls-cert-file and --tls-key-file, or none."
        )
    _require_extra()
    from orchestrator.cli.swapper.serving import serve_environment
    from orchestrator.swapper.swap_settings import SwapSettings

    settings = SwapSettings(
        dry_run=dry_run,
        log_level=log_level,
        log_format="console" if log_format == "console" else "json",
        listen_address=listen,
        tls_cert_file=str(tls_cert_file) if tls_cert_file else None,
        tls_key_file=str(tls_key_file) if tls_key_file else None,
    )
    serve_environment(project, chosen, settings, drain_seconds=drain_seconds, reload_seconds=reload_seconds)
    return 0


def _only_environment(project: Project) -> str:
    names = project.environment_names()
    if len(names) == 1:
        return names[0]
    raise RefusedInput(
        "Which environment is meant?",
        why=f"The project has {len(names)}: {', '.join(names) or 'none'}.",
        remedy="Name it: `orchestrator swapper serve NAME`.",
    )


def _require_extra() -> None:
    from importlib.util import find_spec

    for module in ("granian", "msgspec", "prometheus_client"):
        if find_spec(module) is None:
            raise RefusedInput(
                f"What the webhook needs is not here: {module}.",
                why="It is an extra of the package.",
                remedy='pip install "orchestrator[swapper]"',
            )
