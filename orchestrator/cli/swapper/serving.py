"""Wires the webhook of an environment: its table and what its policies leave alone, the server, the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.swapper.logs import LOGGER, configure_log
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.review import SwapRules
from orchestrator.swapper.swap_server import Certificate, SwapServer, bind, run
from orchestrator.swapper.webhook import Webhook

if TYPE_CHECKING:
    from orchestrator.swapper.swap_settings import SwapSettings


def serve_rules(rules: SwapRules, settings: SwapSettings, *, drain_seconds: float, reload_seconds: float) -> None:
    """Serve until a signal comes."""
    configure_log(settings.log_level, settings.log_format)
    metrics = SwapMetrics()
    metrics.watch(settings.filters)
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
