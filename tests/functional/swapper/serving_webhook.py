"""A webhook in a process of its own, as a Deployment would run it, and a client that knows its certificate."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for loopback with `name` as its subject, written as `tls.crt` and `tls.key`."""
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", f"{key}.new", "-out", f"{cert}.new"),
        ],
        check=True,
        capture_output=True,
    )
    Path(f"{cert}.new").replace(cert)
    Path(f"{key}.new").replace(key)
    return cert, key


def heard_port(process: subprocess.Popen[str]) -> int:
    """Where a webhook listens, by the line of its log that says so."""
    assert process.stderr is not None
    heard = ""
    while '"listening"' not in heard:
        line = process.stderr.readline()
        assert line, heard
        heard += line
    return int(json.loads(heard.splitlines()[-1])["port"])


@dataclass
class ServedWebhook:
    """The running process. `lines` are the objects of its log."""

    process: subprocess.Popen[str]
    cert: Path
    port: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    _heard: threading.Condition = field(default_factory=threading.Condition)

    def listen(self) -> None:
        """Collect the log until its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.lines.append(json.loads(line) if line.startswith("{") else {"message": line})
                self._heard.notify_all()
        with self._heard:
            self.lines.append({"message": "end of log"})
            self._heard.notify_all()

    def logged(self, message: str) -> dict[str, Any]:
        """The first line with this message, waited for."""
        with self._heard:
            found = self._heard.wait_for(
                lambda: next((line for line in self.lines if line["message"] in (message, "end of log")), None), SECONDS
            )
            assert found is not None, self.lines
            assert found["message"] == message, self.lines
            return found

    def connection(self, ca: Path | None = None) -> HTTPSConnection:
        """A new connection that trusts the certificate in `ca` (default: the one that the webhook was started with)."""
        context = ssl.create_default_context(cafile=str(ca or self.cert))
        return HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=context)

    def unverified(self) -> HTTPSConnection:
        """A new connection that takes any certificate: those before and after a renewal."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=context)

    def ask(self, method: str, path: str, body: bytes | None = None, ca: Path | None = None) -> tuple[int, bytes]:
        """(status, body) of one request."""
        with contextlib.closing(self.connection(ca)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def review(self, document: object) -> Any:
        """What it answers to a review."""
        status, body = self.ask("POST", "/webhook", json.dumps(document).encode())
        assert status == 200, body
        return json.loads(body)


@contextlib.contextmanager
def served(
    project: Path,
    folder: Path,
    *arguments: str,
    program: Sequence[str] = ("-m", "orchestrator"),
    variables: Mapping[str, str] | None = None,
) -> Iterator[ServedWebhook]:
    """`orchestrator swapper serve ARGUMENTS` in `project`, from its first answer to its end; Python runs `program`.

    It serves a certificate in `folder`, unless the arguments have it make one of its own.
    """
    cert, key = make_certificate(folder, "first")
    pair = () if "--own-certificate" in arguments else ("--tls-cert-file", str(cert), "--tls-key-file", str(key))
    process = subprocess.Popen(
        [
            *(sys.executable, *program, "-C", str(project), "swapper", "serve", *arguments),
            *("--listen", "127.0.0.1:0", *pair, "--log-format", "json"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    webhook = ServedWebhook(process, cert)
    reading = threading.Thread(target=webhook.listen)
    reading.start()
    try:
        webhook.port = webhook.logged("listening")["port"]
        yield webhook
    finally:
        process.kill()
        process.wait()
        reading.join()
        assert process.stderr is not None
        process.stderr.close()
