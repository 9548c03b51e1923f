"""`orchestrator swapper serve`: the admission webhook of an environment."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.environment_name import ENVIRONMENT
from orchestrator.cli.options import local_option, registry_option
from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command

LONGEST_DRAIN = 60


@click.command()
@click.argument("name", metavar="[NAME]", required=False, type=ENVIRONMENT)
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="A configuration of k8s-image-swapper.")
@click.option("--listen", metavar="[HOST]:PORT", help="The address to listen on (default: :8443).")
@click.option("--tls-cert-file", type=click.Path(path_type=Path), help="Certificate in PEM; without it plain HTTP.")
@click.option("--tls-key-file", type=click.Path(path_type=Path), help="Its key in PEM.")
@click.option(
    "--own-certificate",
    metavar="NAMESPACE/SERVICE",
    help="Make and renew a certificate for this Service, kept in a Secret beside it; for Pods.",
)
@click.option(
    "--webhook-configuration",
    metavar="NAME",
    help="The MutatingWebhookConfiguration whose caBundle is told of that certificate.",
)
@click.option("--dry-run", is_flag=True, help="Change no image; the Pod's annotation says what would become of it.")
@click.option(
    "--swap-policy",
    type=click.Choice(["exists", "always"]),
    help="Images of mirrors: swap them when they are in ECR (default: exists), or always.",
)
@click.option(
    "--copy-policy",
    type=click.Choice(["delayed", "immediate", "force", "none"]),
    help="Those that are not: copy them beside (default: delayed), while the Pod waits, or never.",
)
@click.option("--copy-deadline", type=click.FloatRange(0, 30), help="Seconds to wait (default: 8).")
@click.option(
    "--pull-through-policy",
    type=click.Choice(["redirect", "exists-or-warm"]),
    help="Images of pull-through rules: redirect them at once (default), or once a first pull has brought them.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the queue of copies (default: below the project's .orchestrator).",
)
@registry_option()
@local_option("Look and copy in the embedded AWS on this machine.")
@click.option(
    "--drain-seconds",
    type=click.FloatRange(0, LONGEST_DRAIN),
    default=5.0,
    show_default=True,
    help="How long requests are still taken after SIGTERM, until the Service has forgotten the Pod.",
)
@click.option(
    "--reload-seconds",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    help="The time between two looks at the certificate's files.",
)
@click.option("--log-level", help="trace, debug, info, warn, error or fatal (default: info).")
@click.option("--log-format", type=click.Choice(["json", "console"]), help="The form of the log (default: json).")
@click.pass_context
def serve(
    ctx: click.Context,
    name: str | None,
    config: Path | None,
    listen: str | None,
    tls_cert_file: Path | None,
    tls_key_file: Path | None,
    own_certificate: str | None,
    webhook_configuration: str | None,
    dry_run: bool,
    swap_policy: str | None,
    copy_policy: str | None,
    copy_deadline: float | None,
    pull_through_policy: str | None,
    state_dir: Path | None,
    via: dict[str, str],
    local: bool,
    drain_seconds: float,
    reload_seconds: float,
    log_level: str | None,
    log_format: str | None,
) -> int:
    """Answer admission reviews by the routes of environment NAME; a project's only environment needs no NAME.

    Routes by pull-through are redirected at once, unless --pull-through-policy says otherwise. Images of mirrors are swapped when they are in ECR. Those that are not
    keep their source and are copied, so that the next Pod finds them. AWS need not be reachable at the start. Requests go
    to /webhook; /metrics, /healthz and /readyz are for the cluster. Certificates are read again when their files change.

    With --config the file gives policies, filters, address and TLS, and without NAME also the targets. Options win over it.
    """
    require_extra()
    from orchestrator.cli.swapper.deciding import decide_by
    from orchestrator.cli.swapper.own_tls import keeper_of
    from orchestrator.cli.swapper.serving import serve_rules

    keeper = keeper_of(own_certificate, webhook_configuration, tls_cert_file or tls_key_file)
    if keeper is not None:
        tls_cert_file, tls_key_file = keeper.cert, keeper.key
    options = {
        "dry_run": dry_run or None,
        "swap_policy": swap_policy,
        "copy_policy": copy_policy,
        "copy_deadline": copy_deadline,
        "pull_through_policy": pull_through_policy,
        "log_level": log_level,
        "log_format": log_format,
        "listen_address": listen,
        "tls_cert_file": str(tls_cert_file) if tls_cert_file else None,
        "tls_key_file": str(tls_key_file) if tls_key_file else None,
    }
    given = {key: value for key, value in options.items() if value is not None}
    decided = decide_by(ctx, name, config, given, state_dir=state_dir, local=local)
    serve_rules(decided, keeper, via=via, drain_seconds=drain_seconds, reload_seconds=reload_seconds)


def require_extra() -> None:
    """Raise RefusedInput where the webhook's packages are not installed."""
    from importlib.util import find_spec

    for module in ("cryptography", "granian", "msgspec", "prometheus_client"):
        if find_spec(module) is None:
            raise RefusedInput(
                f"A module that the webhook needs is not installed: {module}.",
                why="It is an extra of the package.",
                remedy=f"Run `{install_command('swapper')}`.",
            )
