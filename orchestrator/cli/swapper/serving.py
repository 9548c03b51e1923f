"""Wires the webhook of an environment: its table and what its policies leave alone, the server, the log."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.route import load_routes
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.logs import LOGGER, configure_log
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.review import SwapRules
from orchestrator.swapper.swap_server import Certificate, SwapServer, bind, run
from orchestrator.swapper.webhook import Webhook
from orchestrator.workloads.standing import left_alone

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project
    from orchestrator.swapper.swap_settings import SwapSettings

# References whose answer is kept: a cluster has some thousands, and an answer takes some hundred bytes.
REMEMBERED = 16_384


def rules_of(environment: Environment, settings: SwapSettings) -> SwapRules:
    """What decides in this environment."""
    table = build_route_table(environment)
    alone = left_alone(environment.exclude_namespaces, environment.exclude_pods, None)
    return SwapRules(table, alone, dry_run=settings.dry_run, ask=lru_cache(REMEMBERED)(table.redirect))


def serve_environment(
    project: Project, name: str, settings: SwapSettings, *, drain_seconds: float, reload_seconds: float
) -> None:
    """Serve until a signal comes."""
    rules = rules_of(load_routes(project, name), settings)
    configure_log(settings.log_level, settings.log_format)
    metrics = SwapMetrics()
    certificate = None
    if settings.tls_cert_file and settings.tls_key_file:
        certificate = Certificate(Path(settings.tls_cert_file), Path(settings.tls_key_file))
        certificate.require()
    bound = bind(settings.listen_address)
    host, port = bound.getsockname()[:2]
    webhook = Webhook(rules, metrics)

    def listening() -> None:
        logging.getLogger(LOGGER).info("listening", extra={"host": host, "port": port, "tls": certificate is not None})

    run(
        lambda: SwapServer(
            *(webhook, bound, certificate, metrics), drain_seconds=drain_seconds, watch_seconds=reload_seconds
        ),
        listening,
    )
