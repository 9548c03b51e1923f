"""Renewals, slow callers and an end under load: whoever stops at the word of /readyz, as a Service does, loses no request."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.functional.swapper.serving_webhook import ServedWebhook, make_certificate, served
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

    def send(self, *, anew: bool = False) -> None:
        with contextlib.closing(self._webhook.unverified()) as connection:
            while not self.stop.is_set():
                connection.request("POST", "/webhook", BODY)
                answer = connection.getresponse()
                answer.read()
                if anew:
                    connection.close()
                with self._heard:
                    self.answers.append(answer.status)
                    self._heard.notify_all()

    def wait_for(self, count: int) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.answers) >= count, SECONDS)


@contextlib.contextmanager
def sending(running: ServedWebhook) -> Iterator[Load]:
    """Load until the end of the block; every request has an answer by then."""
    load = Load(running)
    with ThreadPoolExecutor(SENDERS) as threads:
        senders = [threads.submit(load.send, anew=number % 4 == 0) for number in range(SENDERS)]
        try:
            load.wait_for(100)
            yield load
        finally:
            load.stop.set()
        for one in senders:
            one.result()
    assert set(load.answers) == {200}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one environment."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    return tmp_path


def renewals(running: ServedWebhook) -> int:
    """How many certificates it took."""
    return sum(line["message"] == "the certificate was renewed" for line in running.lines)


def test_renewals_under_load_lose_no_request(project: Path) -> None:
    # A worker that is replaced closes kept connections, and those that it is about to accept.
    with served(project, project / "tls", "standard", "--reload-seconds", "0.1") as running, sending(running) as load:
        ends = time.monotonic() + SECONDS
        for number in itertools.count():
            if renewals(running) >= 4 or time.monotonic() > ends:
                break
            make_certificate(project / "tls", f"number {number}")
            load.wait_for(len(load.answers) + 100)
        assert renewals(running) >= 4


def test_sigterm_under_load_loses_no_request(project: Path) -> None:
    with served(project, project / "tls", "standard", "--drain-seconds", "2") as running:
        with sending(running) as load:
            running.process.send_signal(signal.SIGTERM)
            running.logged("draining")
            assert running.ask("GET", "/readyz")[0] == 503
            with contextlib.closing(running.connection()) as kept:
                kept.request("POST", "/webhook", BODY)
                # Its next request would go to a process that is no more.
                assert kept.getresponse().getheader("connection") == "close"
            # A Service takes a while to hear of it.
            load.wait_for(len(load.answers) + 100)
        running.logged("ended")
        assert running.process.wait(SECONDS) == 0


def test_callers_who_dawdle_hold_up_nobody(project: Path) -> None:
    with served(project, project / "tls", "standard") as running, contextlib.ExitStack() as slow:
        for said in itertools.islice(itertools.cycle((b"", b"P", b"POST /webhook HTTP/1.1\r\nHo")), 160):
            connection = slow.enter_context(contextlib.closing(running.connection()))
            connection.connect()
            connection.sock.sendall(said)
        # They may say nothing for longer than the client of this waits for an answer.
        assert running.ask("POST", "/webhook", BODY)[0] == 200


# What macOS and gVisor do: they have no filter that hands all connections to one socket.
WITHOUT_FILTER = (
    "-c",
    "from orchestrator.cli.main import main; from orchestrator.swapper import listening as l; l._ATTACH_PROGRAM = 9999; main()",
)


@pytest.mark.long
def test_without_the_kernel_s_filter_certificates_are_renewed_and_the_next_request_is_answered(project: Path) -> None:
    arguments = (project, project / "tls", "standard", "--reload-seconds", "0.1")
    with served(*arguments, program=WITHOUT_FILTER) as running:
        for number in range(1, 4):
            cert, _ = make_certificate(project / "tls", f"number {number}")
            wait_until(lambda: renewals(running) == number)  # noqa: B023 - called here
            # Both have the one socket until the former worker is gone.
            wait_until(lambda: sockets(running) == 1)
            assert running.ask("POST", "/webhook", BODY, ca=cert)[0] == 200


# A former worker waits for its kept connections for a second.
SHORT = (
    "-c",
    "from orchestrator.cli.main import main; from orchestrator.swapper import swap_server as s; s.KEPT_SECONDS = 1.0; main()",
)


def sockets(running: ServedWebhook) -> int:
    """How many listening sockets the process has at its address; each worker has one."""
    found = psutil.Process(running.process.pid).net_connections("tcp")
    return len({one.fd for one in found if one.status == psutil.CONN_LISTEN and one.laddr.port == running.port})


@pytest.mark.long
def test_a_former_worker_ends_by_itself_and_another_can_follow(project: Path) -> None:
    with served(project, project / "tls", "standard", "--reload-seconds", "0.1", program=SHORT) as running:
        assert sockets(running) == 1
        for number in range(1, 4):
            with contextlib.closing(running.unverified()) as idle, contextlib.closing(running.unverified()) as used:
                for connection in (idle, used):
                    connection.request("GET", "/healthz")
                    connection.getresponse().read()
                make_certificate(project / "tls", f"number {number}")
                wait_until(lambda: renewals(running) == number)  # noqa: B023 - called here
                used.request("GET", "/healthz")
                assert used.getresponse().getheader("connection") == "close"
                assert sockets(running) == 2
                wait_until(lambda: sockets(running) == 1)
                # Nobody used it within the time.
                assert idle.sock.recv(1) == b""
            assert running.ask("POST", "/webhook", BODY, ca=project / "tls" / "tls.crt")[0] == 200


def wait_until(condition: Callable[[], bool]) -> None:
    """For at most a minute."""
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.long
def test_a_kept_connection_is_closed_by_its_client_alone(project: Path) -> None:
    # Go's clients keep one for 90 seconds. A server that closes earlier meets requests that are on their way.
    with served(project, project / "tls", "standard") as running, contextlib.closing(running.connection()) as kept:
        for _ in range(2):
            kept.request("POST", "/webhook", BODY)
            kept.getresponse().read()
            before = kept.sock
            time.sleep(8)
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200
        assert kept.sock is before
