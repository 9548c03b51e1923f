"""Answers that are HTTP, if only just: without lengths, in chunks, after hints, on connections that end or do not.

The kinds come from reports about proxies and load balancers before registries.
"""

from __future__ import annotations

import pytest

from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.errors import OciError
from orchestrator.oci.http import Transport
from orchestrator.oci.manifest import OCI_MANIFEST
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.retry import Budget
from tests.oci.odd_images import BLOB, IMAGE, IMAGE_DIGEST, push, stream
from tests.oci.raw_registry import RawRegistry, Wire
from tests.oci.scripted_registry import NoWait

OK = b"HTTP/1.1 200 OK\r\n"
TYPE = f"Content-Type: {OCI_MANIFEST}\r\n".encode()


def client_of(registry: RawRegistry) -> RemoteRegistry:
    budget = Budget(seconds=60, attempts=4)
    return RemoteRegistry(Endpoint(registry.host), Transport(variables={}), budget=budget, stop=NoWait())


def in_chunks(content: bytes, size: int = 37) -> bytes:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Trailer: 1\r\n\r\n"


def with_length(content: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def answers(content: bytes) -> dict[str, tuple[bytes, bool]]:
    return {
        "in chunks": (OK + TYPE + b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(content), True),
        "in chunks, in capitals": (OK + TYPE + b"TRANSFER-ENCODING: Chunked\r\n\r\n" + in_chunks(content), True),
        "until the end, HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + TYPE + b"\r\n" + content, False),
        "until the end, HTTP/1.1": (OK + TYPE + b"Connection: close\r\n\r\n" + content, False),
        "without a reason": (b"HTTP/1.1 200\r\n" + TYPE + with_length(content), True),
        "bare line feeds": (
            b"HTTP/1.1 200 OK\n" + TYPE.replace(b"\r", b"") + b"Content-Length: %d\n\n%s" % (len(content), content),
            True,
        ),
        "a header that is folded": (OK + TYPE + b"X-Long: a\r\n b\r\n" + with_length(content), True),
        "a header of other letters": (OK + TYPE + b"X-Name: caf\xe9 \xff\r\n" + with_length(content), True),
        "after an early hint": (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + OK + TYPE + with_length(content),
            True,
        ),
        "after a word that it works on it": (
            b"HTTP/1.1 102 Processing\r\n\r\n" * 2 + OK + TYPE + with_length(content),
            True,
        ),
        "after a continue that nobody asked for": (
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK + TYPE + with_length(content),
            True,
        ),
    }


def always(answer: tuple[bytes, bool]) -> Wire:
    return lambda method, path: answer


@pytest.mark.parametrize("kind", answers(b""))
def test_a_manifest_is_read_in_any_form_of_http(kind: str) -> None:
    with RawRegistry(always(answers(IMAGE)[kind])) as registry:
        client = client_of(registry)
        for _ in range(3):
            assert client.manifest("app", IMAGE_DIGEST).content == IMAGE
        assert len(registry.asked) == 3, "nothing was asked twice"


@pytest.mark.parametrize("kind", answers(b""))
def test_a_blob_is_read_in_any_form_of_http(kind: str) -> None:
    with RawRegistry(always(answers(BLOB)[kind])) as registry:
        assert b"".join(stream(client_of(registry)).pieces(0, len(BLOB))) == BLOB
        assert len(registry.asked) == 1


def test_a_head_that_is_answered_with_a_body_does_not_spoil_the_next_answer() -> None:
    with RawRegistry(always((OK + TYPE + with_length(IMAGE), True))) as registry:
        client = client_of(registry)
        for _ in range(3):
            assert client.manifest_digest("app", "v1") == IMAGE_DIGEST


def test_connections_that_end_without_a_word_are_made_anew() -> None:
    with RawRegistry(always((OK + TYPE + with_length(IMAGE), False))) as registry:
        client = client_of(registry)
        for _ in range(5):
            assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


def test_chunks_that_end_too_early_are_no_blob() -> None:
    cut = (OK + b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(BLOB)[:100], False)
    whole = answers(BLOB)["in chunks"]
    turns = iter([cut, cut, whole])
    with RawRegistry(lambda method, path: next(turns)) as registry:
        assert b"".join(stream(client_of(registry)).pieces(0, len(BLOB))) == BLOB


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 200\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        OK + b"X: a\r\n" * 200 + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_an_error_of_ours(garbage: bytes) -> None:
    with RawRegistry(always((garbage, False))) as registry:
        with pytest.raises(OciError) as raised:
            client_of(registry).manifest("app", IMAGE_DIGEST)
        assert registry.host in f"{raised.value}"


def upload(final: bytes, *, before: bytes = b"") -> Wire:
    def wire(method: str, path: str) -> tuple[bytes, bool]:
        if method == "POST":
            return (
                before + b"HTTP/1.1 202 Accepted\r\nLocation: /v2/app/blobs/uploads/1\r\nContent-Length: 0\r\n\r\n",
                True,
            )
        return final, True

    return wire


@pytest.mark.parametrize(
    "final",
    [
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_blob_is_put_whatever_form_the_success_has(final: bytes) -> None:
    with RawRegistry(upload(final)) as registry:
        push(client_of(registry))
        assert [line.partition("?")[0] for line in registry.asked] == [
            "POST /v2/app/blobs/uploads/",
            "PUT /v2/app/blobs/uploads/1",
        ]
