"""Wires the webhook: what decides, where copies go, the server, the log."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from orchestrator.cli.swapper.swap_copies import CopyHome, SwapCopies
from orchestrator.files.own_folders import make_own
from orchestrator.swapper.cluster_api import ClusterApi
from orchestrator.swapper.copy_queue import CopyQueue
from orchestrator.swapper.image_state import ImageState
from orchestrator.swapper.listening import bind
from orchestrator.swapper.logs import LOGGER, configure_log
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.mirror_looks import Copies, MirrorLooks
from orchestrator.swapper.served_certificate import Certificate
from orchestrator.swapper.swap_server import SwapServer, run
from orchestrator.swapper.webhook import Webhook

if TYPE_CHECKING:
    from orchestrator.aws.deletion_news import DeletionNews
    from orchestrator.cli.swapper.deciding import WebhookPlan
    from orchestrator.swapper.own_certificate import CertificateKeeper


def serve_rules(
    decided: WebhookPlan,
    keeper: CertificateKeeper | None,
    *,
    via: Mapping[str, str],
    drain_seconds: float,
    reload_seconds: float,
) -> NoReturn:
    """Serve until a signal comes, then end the process; `via` are other ways to registries, times are in seconds.

    `keeper` makes the certificate before it is read, and renews it.
    """
    settings = decided.settings
    configure_log(settings.log_level, settings.log_format)
    metrics = SwapMetrics()
    metrics.watch(settings.filters)
    certificate = None
    if keeper is not None:
        keeper.begin()
    if settings.tls_cert_file and settings.tls_key_file:
        certificate = Certificate(Path(settings.tls_cert_file), Path(settings.tls_key_file))
        certificate.require()
    if decided.home is not None:
        _make(decided.home.folder)
    bound = bind(settings.listen_address)
    host, port = bound.getsockname()[:2]
    looks: list[MirrorLooks] = []
    news: list[DeletionNews] = []

    def server() -> SwapServer:
        if decided.home is not None:
            keeps = decided.home.writes and not settings.dry_run and settings.copy_policy != "none"
            copies = SwapCopies(decided.home, metrics, via, ClusterApi.if_in_pod(), keeps=keeps)
            looks.append(_looks(decided, copies, metrics))
            news.extend(_news(decided.home, copies, looks[0]))
            metrics.unheard.set_function(lambda: float(any(one.is_deaf for one in news)))
        untrusted = (lambda: keeper.problem) if keeper is not None else (lambda: "")
        webhook = Webhook(decided.rules, metrics, looks[0] if looks else None, untrusted=untrusted)
        return SwapServer(
            *(webhook, bound, certificate, metrics), drain_seconds=drain_seconds, watch_seconds=reload_seconds
        )

    def listening() -> None:
        logging.getLogger(LOGGER).info("listening", extra={"host": host, "port": port, "tls": certificate is not None})

    stopped = threading.Event()
    if keeper is not None:
        threading.Thread(target=keeper.watch, args=(stopped,), daemon=True).start()
    try:
        run(server, listening)
    finally:
        stopped.set()
        for heard in news:
            heard.close()
        for one in looks:
            one.close()
    _leave()


def _leave() -> NoReturn:
    """End with 0 and without taking the interpreter down.

    granian's threads may still want the interpreter. One that asks while it is being taken down is ended by force.
    Rust answers that with an abort, so an end in good order would look like a crash.
    """
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _looks(decided: WebhookPlan, copies: SwapCopies, metrics: SwapMetrics) -> MirrorLooks:
    assert decided.home is not None
    kinds = decided.rules.looked_at
    # A role that may pull from a registry may have its rules pull; a copy is for its owner.
    brings = kinds if decided.home.writes else kinds - {"mirror"}
    looks = MirrorLooks(ImageState(copies.is_there), decided.settings, metrics, brings=brings)
    if not decided.home.writes:
        logging.getLogger(LOGGER).warning("the registry is another account's: nothing is copied into it")
    if brings and decided.settings.copy_policy != "none":
        looks.queue = _queue(decided.home, copies, looks)
    return looks


def _queue(home: CopyHome, copies: SwapCopies, looks: MirrorLooks) -> Copies:
    places = home.shared
    if places is None:
        return CopyQueue(home.folder / "queue.sqlite", copies.copy, looks.copied)
    # The AWS SDK is loaded by who needs it.
    from orchestrator.aws.mirror_queue import MirrorQueue
    from orchestrator.swapper.shared_queue import LEASE_SECONDS, CopyPorts, SharedCopyQueue

    def opened() -> MirrorQueue:
        return MirrorQueue(copies.aws(), places.table, url=places.queue_url, lease=LEASE_SECONDS)

    def told(target: str, there: bool) -> None:
        looks.told(target, there=there)

    return SharedCopyQueue(CopyPorts(opened, copies.is_there, copies.copy, looks.copied, told))


def _news(home: CopyHome, copies: SwapCopies, looks: MirrorLooks) -> list[DeletionNews]:
    """Who hears of deletions, started; none where no queue tells of them."""
    if home.shared is None or not home.shared.deletions_url:
        return []
    from orchestrator.aws.deletion_news import DeletionNews

    news = DeletionNews(copies.aws, home.shared.deletions_url, home.shared.table, looks.deleted)
    news.start()
    return [news]


def _make(folder: Path) -> None:
    """Make the folder. Without it the queue is in memory, and whoever opens its file says so."""
    try:
        make_own(folder)
    except OSError as error:
        logging.getLogger(LOGGER).warning(
            "the folder of the queue cannot be made; name one that can be written with --state-dir",
            extra={"folder": str(folder), "why": error.strerror},
        )
