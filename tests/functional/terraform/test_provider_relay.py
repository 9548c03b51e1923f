"""Between Terraform and a provider: calls that are cut off, many at once, and what a part of the schema holds."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.provider_relay import ProviderRelay, _end, _Relay
from orchestrator.terraform.provider_schema import ProviderSchema, configured_types
from orchestrator.terraform.runs import lacks_schema
from tests.functional.terraform.test_provider_schema import Server
from tests.unit.terraform.test_needed_schema import PROVIDER, entry, packed

CALLS = [b"/tfplugin5.Provider/GetSchema", b"/tfplugin6.Provider/GetProviderSchema"]
USED, UNUSED = entry(2, "aws_ecr_repository"), entry(2, "aws_instance", 5_000)
REQUEST = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/tfplugin5.Provider/ReadResource"),
    (":authority", "localhost"),
]


class Provider:
    """Answers each call with what it was sent. It resets calls that say so, and notes those that the other side resets."""

    def __init__(self, path: Path) -> None:
        self.was_reset = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(60)
        self._listening.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        link, _ = self._listening.accept()
        # The other side may be gone before the last answer.
        with link, contextlib.suppress(OSError):
            h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
            h2.initiate_connection()
            link.sendall(h2.data_to_send())
            heard: dict[int, bytes] = {}
            while data := link.recv(65536):
                for event in h2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        heard[event.stream_id] = b""
                    elif isinstance(event, DataReceived):
                        heard[event.stream_id] += event.data
                        if event.data == b"never":
                            h2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
                    elif isinstance(event, StreamReset):
                        self.was_reset.set()
                    elif isinstance(event, StreamEnded) and heard[event.stream_id] != b"never":
                        h2.send_headers(event.stream_id, [(":status", "200")])
                        h2.send_data(event.stream_id, heard[event.stream_id])
                        h2.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
                link.sendall(h2.data_to_send())


class Caller:
    """What Terraform's side of one connection sends and hears: {call: the answer, "reset" or "waits"}."""

    def __init__(self, path: Path) -> None:
        self.link = socket.socket(socket.AF_UNIX)
        self.link.connect(str(path))
        self.link.settimeout(30)
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.h2.initiate_connection()
        self.answers: dict[int, bytes] = {}
        self.over: dict[int, str] = {}

    def call(self, data: bytes, *, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, REQUEST)
        self.h2.send_data(stream, data, end_stream=end)
        self.answers[stream] = b""
        return stream

    def send(self) -> None:
        self.link.sendall(self.h2.data_to_send())

    def hear(self, streams: set[int]) -> None:
        """Until each of these calls is over."""
        self.send()
        while not streams <= self.over.keys():
            data = self.link.recv(65536)
            assert data, "the relay ended the connection"
            for event in self.h2.receive_data(data):
                if isinstance(event, DataReceived):
                    self.answers[event.stream_id] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamReset):
                    self.over[event.stream_id] = "reset"
                elif isinstance(event, StreamEnded):
                    self.over[event.stream_id] = "answered"
            self.send()


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[tuple[Caller, Provider]]:
    provider = Provider(tmp_path / "provider")
    relay = ProviderRelay(tmp_path / "relay", str(tmp_path / "provider"), lambda _: None)
    caller = Caller(tmp_path / "relay")
    yield caller, provider
    caller.link.close()
    provider.close()
    relay.close()


def test_a_call_that_terraform_cuts_off_ends_at_the_provider_and_the_others_go_on(
    caller: tuple[Caller, Provider],
) -> None:
    terraform, provider = caller
    cut, other = terraform.call(b"half", end=False), terraform.call(b"whole")
    terraform.hear({other})
    terraform.h2.reset_stream(cut, ErrorCodes.CANCEL)
    terraform.send()
    assert provider.was_reset.wait(30)
    later = terraform.call(b"later")
    terraform.hear({later})
    assert (terraform.answers[other], terraform.answers[later]) == (b"whole", b"later")


def test_a_call_that_the_provider_cuts_off_ends_at_terraform_and_the_others_go_on(
    caller: tuple[Caller, Provider],
) -> None:
    """Also where Terraform had not ended it, or ends it in the same moment."""
    terraform, _ = caller
    calls = {terraform.call(b"never", end=end) for end in (True, False)}
    other = terraform.call(b"whole")
    terraform.hear({*calls, other})
    assert [terraform.over[one] for one in sorted(calls)] == ["reset", "reset"]
    assert terraform.answers[other] == b"whole"


def test_words_for_a_call_that_the_provider_just_cut_off_are_dropped() -> None:
    """Both are heard in one turn: the words were queued before the reset was read."""
    terraform, provider = socket.socketpair()
    with terraform, provider:
        relay = _Relay(_end(terraform, client=False), _end(provider, client=True), lambda _: None)
        relay.provider.h2.initiate_connection()
        its = relay.provider.h2.get_next_available_stream_id()
        relay.provider.h2.send_headers(its, REQUEST)
        relay.theirs[1], relay.ours[its] = its, 1
        relay.provider.queue(its, b"more", None)
        there = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        there.initiate_connection()
        there.receive_data(relay.provider.h2.data_to_send())
        there.reset_stream(its, ErrorCodes.REFUSED_STREAM)
        for event in relay.provider.h2.receive_data(there.data_to_send()):
            relay._of_provider(event)
        relay.provider.flush()
        assert not relay.provider.waiting
        assert not relay.theirs


@pytest.mark.parametrize("seed", range(8))
def test_many_calls_at_once_some_of_them_cut_off_each_get_their_own_answer(
    caller: tuple[Caller, Provider], seed: int
) -> None:
    terraform, _ = caller
    chosen = random.Random(seed)  # the same order each time
    asked: dict[int, bytes] = {}
    given_up: set[int] = set()
    for number in range(60):
        kind = chosen.choice(["plain", "plain", "refused", "given up"])
        data = b"never" if kind == "refused" else f"{number}-".encode() * chosen.randrange(1, 200)
        stream = terraform.call(data, end=kind != "given up")
        if kind == "given up":
            terraform.send()
            terraform.h2.reset_stream(stream, ErrorCodes.CANCEL)
            given_up.add(stream)
        else:
            asked[stream] = data
        if chosen.random() < 0.3:
            terraform.hear(set(asked))
    terraform.hear(set(asked))
    for stream, data in asked.items():
        if data == b"never":
            assert terraform.over[stream] == "reset"
        else:
            assert (terraform.over[stream], terraform.answers[stream]) == ("answered", data)
    assert given_up
    assert not given_up & terraform.over.keys()


@pytest.mark.parametrize("call", CALLS)
def test_either_protocol_is_told_the_part_that_is_needed(tmp_path: Path, call: bytes) -> None:
    server = Server(tmp_path / "provider", PROVIDER + USED + UNUSED)
    schema = ProviderSchema(_program(tmp_path), server.path, frozenset({"aws_ecr_repository"}))
    # That server takes one connection at a time.
    assert schema(call) == PROVIDER + USED
    relay = ProviderRelay(tmp_path / "relay", server.path, schema)
    terraform = Caller(tmp_path / "relay")
    stream = terraform.h2.get_next_available_stream_id()
    terraform.h2.send_headers(stream, [*REQUEST[:2], (":path", call.decode()), REQUEST[3]])
    terraform.h2.send_data(stream, b"\0\0\0\0\0", end_stream=True)
    terraform.answers[stream] = b""
    terraform.hear({stream})
    terraform.link.close()
    assert terraform.answers[stream][5:] == PROVIDER + USED
    assert schema.handed_out == [len(PROVIDER + USED)] * 2
    assert server.asked == 1, "the whole one is kept"
    schema.types = None
    assert schema(call) is None
    relay.close()
    server.close()


def test_a_schema_with_a_complaint_is_the_providers_to_give(tmp_path: Path) -> None:
    server = Server(tmp_path / "provider", PROVIDER + USED + packed(4, b"\x08\x01"))
    assert ProviderSchema(_program(tmp_path), server.path, frozenset())(CALLS[0]) is None
    server.close()


def test_types_of_every_module_and_every_kind_of_block_are_known(tmp_path: Path) -> None:
    texts = {
        "main.tf": "moved {\n  from = aws_alb.a\n  to   = aws_lb.a\n}\nremoved { from = aws_eip.old }\n",
        "more.tf.json": json.dumps({"import": {"to": "aws_kms_key.a", "id": "x"}}),
        "below/main.tf": 'ephemeral "aws_secretsmanager_secret_version" "a" {}\ndata "aws_ami" "a" {}\n',
        "elsewhere/main.tf": 'resource "aws_instance" "nobody_calls" {}\n',
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    listed = tmp_path / ".terraform/modules/modules.json"
    listed.parent.mkdir(parents=True)
    listed.write_text(json.dumps({"Modules": [{"Key": "", "Dir": "."}, {"Key": "below", "Dir": "below"}]}))
    types = configured_types(tmp_path, "")
    assert types is not None
    assert types >= {"aws_alb", "aws_lb", "aws_eip", "aws_kms_key", "aws_secretsmanager_secret_version", "aws_ami"}
    assert "aws_instance" not in types


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("Invalid resource type: The provider does not support resource type.", True),
        ("Invalid data source: The provider does not support data source.", True),
        ("Invalid ephemeral resource type: The provider does not support it.", True),
        ("The provider does not support ephemeral resource.", True),
        ("Failed to load plugin schemas", True),
        ("AccessDenied: not authorized to perform ecr:DescribeRepositories", False),
        ("Provider does not support the region", False),
    ],
)
def test_a_plan_is_made_again_where_a_type_may_have_been_missing(said: str, again: bool) -> None:
    assert lacks_schema(OrchestratorError("terraform plan failed.", why=said)) is again


def _program(folder: Path) -> Path:
    """A provider's file of this test alone, by whose identity a schema is kept."""
    path = folder / "terraform-provider"
    path.write_bytes(b"")
    return path
