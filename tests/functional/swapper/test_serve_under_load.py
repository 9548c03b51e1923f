"""An end under load: whoever stops at the word of /readyz, as a Service does, loses no request."""

from __future__ import annotations

import contextlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.functional.swapper.test_serve import BODY
from tests.references_table import tfvars

SENDERS = 8
SECONDS = 60


class Load:
    """Senders that ask again and again, over connections that stay, until they are told to stop."""

    def __init__(self, webhook: ServedWebhook) -> None:
        self._webhook = webhook
        self.stop = threading.Event()
        self.answers: list[int] = []
        self._heard = threading.Condition()

    def send(self) -> None:
        with contextlib.closing(self._webhook.connection()) as connection:
            while not self.stop.is_set():
                connection.request("POST", "/webhook", BODY)
                answer = connection.getresponse()
                answer.read()
                with self._heard:
                    self.answers.append(answer.status)
                    self._heard.notify_all()

    def wait_for(self, count: int) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.answers) >= count, SECONDS)


def test_sigterm_under_load_loses_no_request(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    with served(tmp_path, tmp_path / "tls", "standard", "--drain-seconds", "2") as running:
        load = Load(running)
        with ThreadPoolExecutor(SENDERS) as threads:
            sending = [threads.submit(load.send) for _ in range(SENDERS)]
            try:
                load.wait_for(100)
                running.process.send_signal(signal.SIGTERM)
                running.logged("draining")
                assert running.ask("GET", "/readyz")[0] == 503
                # A Service takes a while to hear of it.
                load.wait_for(len(load.answers) + 100)
            finally:
                load.stop.set()
            for one in sending:
                one.result()
        assert set(load.answers) == {200}
        running.logged("ended")
        assert running.process.wait(SECONDS) == 0
