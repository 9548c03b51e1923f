"""The real process: TLS, pages, what it refuses, certificates that are renewed under load, an end in good order."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

from orchestrator.swapper.served_certificate import Certificate
from tests.functional.running import run
from tests.functional.swapper.serving_webhook import ServedWebhook, make_certificate, served
from tests.references_table import OWN, tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review

NGINX = f"{OWN}/docker-hub/library/nginx"
DOCUMENT = review(pod(containers=containers("nginx")))
BODY = json.dumps(DOCUMENT).encode()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "environments").mkdir()
    (folder / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    return folder


@pytest.fixture(scope="module")
def webhook(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWebhook]:
    """One for the requests of this module; the project's only environment needs no name."""
    with served(project, tmp_path_factory.mktemp("tls")) as running:
        yield running


def test_a_pod_is_redirected_and_counted(webhook: ServedWebhook) -> None:
    answer = webhook.review(DOCUMENT)
    assert patched(DOCUMENT, answer)["spec"]["containers"][0]["image"] == NGINX
    status, page = webhook.ask("GET", "/metrics")
    assert status == 200
    assert b'swapper_decisions_total{decision="swapped",reason="pull-through",route="docker-hub"}' in page


def test_the_pages(webhook: ServedWebhook) -> None:
    answers = {path: webhook.ask("GET", path) for path in ("/", "/healthz", "/readyz", "/nothing", "/webhook")}
    assert answers == {
        "/": (200, b"orchestrator swapper\n"),
        "/healthz": (200, b"ok\n"),
        "/readyz": (200, b"ready\n"),
        "/nothing": (404, b"not found\n"),
        "/webhook": (405, b"method not allowed\n"),
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"request": "\xff\xfe"}', 400),
        (b'{"request": {"uid": "\xff"}}', 400),
        (b'{"request": {"uid": "a"', 400),
        (b"[" * 1_000_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"null", 200),
        (b'{"request": {"uid": "a", "uid": "b"}}', 200),
        (b" " * (3 * 2**20 - 2) + b"{}", 200),
        (b" " * (3 * 2**20 - 1) + b"{}", 413),
    ],
    ids=[
        "empty",
        "cut",
        "no UTF-8",
        "no readable uid",
        "cut after its uid",
        "deep list",
        "deep object",
        "null",
        "duplicate keys",
        "3 MB",
        "over 3 MB",
    ],
)
def test_bodies_that_nobody_should_send(webhook: ServedWebhook, body: bytes, status: int) -> None:
    assert webhook.ask("POST", "/webhook", body)[0] == status
    assert webhook.ask("GET", "/healthz") == (200, b"ok\n")


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b'"nginx"', b'"nginx\xff"'),
        BODY.replace(b'"nginx"', b'"\\ud800"'),
        BODY.replace(b"{", b'{"\xed\xa0\x80": NaN, ', 1),
    ],
    ids=["byte order mark", "no UTF-8", "half a character", "neither UTF-8 nor JSON"],
)
def test_what_is_not_quite_json_is_allowed_and_left_alone(webhook: ServedWebhook, body: bytes) -> None:
    assert body != BODY
    status, answer = webhook.ask("POST", "/webhook", body)
    assert status == 200, answer
    response = json.loads(answer)["response"]
    assert (response["uid"], response["allowed"]) == (DOCUMENT["request"]["uid"], True)
    assert "patch" not in response
    assert b'swapper_left_alone_total{reason="not UTF-8"}' in webhook.ask("GET", "/metrics")[1]


def test_a_connection_that_says_nothing_holds_up_nobody(webhook: ServedWebhook) -> None:
    with contextlib.closing(webhook.connection()) as silent:
        silent.connect()
        silent.sock.sendall(b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        assert webhook.ask("POST", "/webhook", BODY)[0] == 200


def test_a_caller_who_leaves_is_no_failure(webhook: ServedWebhook) -> None:
    # A failure would call somebody at night.
    for length in (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"):
        with contextlib.closing(webhook.connection()) as leaving:
            leaving.connect()
            leaving.sock.sendall(b"POST /webhook HTTP/1.1\r\nHost: a\r\n" + length)
            # The answer of another one comes after the head was read.
            assert webhook.ask("GET", "/healthz")[0] == 200
    counted = b'swapper_requests_total{path="/webhook",status="499"} 2.0'
    ends = time.monotonic() + 30
    while counted not in (page := webhook.ask("GET", "/metrics")[1]) and time.monotonic() < ends:
        time.sleep(0.05)
    assert counted in page, page
    assert b'status="5' not in page
    assert "a request failed" not in {line["message"] for line in webhook.lines}


def page(running: ServedWebhook) -> bytes:
    """The page for Prometheus, whichever certificate is served."""
    with contextlib.closing(running.unverified()) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()


def half_sent(running: ServedWebhook) -> HTTPSConnection:
    """A review whose second half is still to come."""
    connection = running.connection(running.cert)
    connection.connect()
    head = f"POST /webhook HTTP/1.1\r\nHost: webhook\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    connection.sock.sendall(head + BODY[:100])
    return connection


def finished(connection: HTTPSConnection) -> int:
    """The status of its answer, after the second half."""
    connection.sock.sendall(BODY[100:])
    answer = HTTPResponse(connection.sock, method="POST")
    answer.begin()
    answer.read()
    return answer.status


def test_certificates_are_renewed_and_sigterm_finishes_what_is_under_way(project: Path, tmp_path: Path) -> None:
    with served(project, tmp_path, "standard", "--drain-seconds", "0.5", "--reload-seconds", "0.1") as running:
        assert b"swapper_certificate_ends_timestamp_seconds 0.0" not in page(running)
        old = tmp_path / "old.crt"
        old.write_bytes(running.cert.read_bytes())
        make_certificate(tmp_path / "new", "second")
        with contextlib.closing(half_sent(running)) as before:
            # Half a pair is refused, and the old one goes on.
            (tmp_path / "new" / "tls.crt").rename(tmp_path / "tls.crt")
            running.logged("the new certificate cannot be used")
            assert running.ask("GET", "/healthz", ca=old)[0] == 200
            (tmp_path / "new" / "tls.key").rename(tmp_path / "tls.key")
            running.logged("a new certificate is here")
            assert finished(before) == 200
        running.logged("the certificate was renewed")
        (page_ends,) = re.findall(rb"^swapper_certificate_ends_timestamp_seconds (\S+)$", page(running), re.MULTILINE)
        assert float(page_ends) == Certificate(tmp_path / "tls.crt", tmp_path / "tls.key").validity()[1].timestamp()
        assert running.ask("GET", "/healthz", ca=tmp_path / "tls.crt")[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            running.ask("GET", "/healthz", ca=old)
        with contextlib.closing(half_sent(running)) as last:
            running.process.send_signal(signal.SIGTERM)
            running.logged("draining")
            assert finished(last) == 200
        running.logged("ended")
        assert running.process.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing",), 'There is no environment "nothing"'),
        (("standard", "--listen", "here"), '"here" is no address to listen at'),
        (("standard", "--listen", "127.0.0.1:99999"), "is no address to listen at"),
        (("standard", "--tls-cert-file", "a"), "A certificate comes with its key"),
        (("standard", "--listen", "127.0.0.1:0", "--tls-cert-file", "a", "--tls-key-file", "b"), "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_listens(
    project: Path, arguments: tuple[str, ...], says: str
) -> None:
    ran = run("-C", str(project), "swapper", "serve", *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_an_address_that_is_taken_is_named(project: Path, webhook: ServedWebhook) -> None:
    ran = run("-C", str(project), "swapper", "serve", "--listen", f"127.0.0.1:{webhook.port}")
    assert ran.code == 1
    assert f"127.0.0.1:{webhook.port} cannot be listened at: Address already in use" in ran.err
