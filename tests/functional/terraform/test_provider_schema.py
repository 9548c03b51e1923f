"""Terraform is told the needed part of the provider's schema: the same plans, and the whole one where that is too little."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, WindowUpdated

from orchestrator.terraform import runs
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.opening import open_stack
from orchestrator.terraform.plan import Plan
from orchestrator.terraform.planner import plan_apply
from orchestrator.terraform.provider_relay import ProviderRelay, framed, whole_schema
from orchestrator.terraform.provider_schema import ProviderSchema, configured_types
from orchestrator.terraform.shared_provider import ProviderPool
from tests.functional.terraform.conftest import World
from tests.functional.terraform.test_sharing import context_of

CALL = b"/tfplugin5.Provider/GetSchema"
LARGE = bytes(range(256)) * 4096


class Server:
    """A provider that knows one call: gRPC on a socket of its own, in frames and windows of HTTP/2's defaults."""

    def __init__(self, path: Path, answer: bytes | None) -> None:
        self.path, self.answer, self.asked = str(path), answer, 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.path)
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            # Who asks may be gone before the answer.
            with link, contextlib.suppress(OSError):
                self._talk(link)

    def _talk(self, link: socket.socket) -> None:
        h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        h2.initiate_connection()
        left, stream = b"", 0
        link.sendall(h2.data_to_send())
        while data := link.recv(65536):
            for event in h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.asked += 1
                elif isinstance(event, DataReceived):
                    h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded) and self.answer is None:
                    refused = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")]
                    h2.send_headers(event.stream_id, refused, end_stream=True)
                elif isinstance(event, StreamEnded):
                    stream, left = event.stream_id, framed(self.answer or b"")
                    h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
                elif not isinstance(event, WindowUpdated):
                    continue
                while left and (room := min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size)) > 0:
                    h2.send_data(stream, left[:room])
                    left = left[room:]
                    if not left:
                        h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
            link.sendall(h2.data_to_send())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "provider", LARGE)
    yield server
    server.close()


def test_calls_go_to_the_provider_and_its_answers_come_back_whole(tmp_path: Path, served: Server) -> None:
    relay = ProviderRelay(tmp_path / "relay", served.path, lambda _: None)
    for _ in range(3):
        assert whole_schema(str(tmp_path / "relay"), CALL) == LARGE
    assert served.asked == 3
    relay.close()
    with pytest.raises(OSError):
        whole_schema(str(tmp_path / "relay"), CALL)


def test_the_call_for_the_schema_is_answered_in_the_providers_place(tmp_path: Path, served: Server) -> None:
    mine = LARGE[:70_000]
    relay = ProviderRelay(tmp_path / "relay", served.path, lambda path: mine if path == CALL else None)
    assert whole_schema(str(tmp_path / "relay"), CALL) == mine
    assert served.asked == 0
    assert whole_schema(str(tmp_path / "relay"), b"/tfplugin5.Provider/ReadResource") == LARGE
    relay.close()


def test_what_the_provider_refuses_is_refused_through_the_relay(tmp_path: Path) -> None:
    server = Server(tmp_path / "provider", None)
    relay = ProviderRelay(tmp_path / "relay", server.path, lambda _: None)
    with pytest.raises(ConnectionError, match="refused"):
        whole_schema(str(tmp_path / "relay"), CALL)
    relay.close()
    server.close()


def test_a_schema_that_cannot_be_cut_is_the_providers_to_give(tmp_path: Path, served: Server) -> None:
    schema = ProviderSchema(Path(__file__), served.path, frozenset({"aws_ecr_repository"}))
    assert schema(CALL) is None, "bytes that are no schema"
    assert schema.handed_out == []
    assert ProviderSchema(Path(__file__), str(tmp_path / "nobody"), frozenset())(CALL) is None


def test_modules_that_are_not_known_need_the_whole_schema(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_ecr_repository" "a" {}')
    assert configured_types(tmp_path, "") is None
    listed = tmp_path / ".terraform" / "modules" / "modules.json"
    listed.parent.mkdir(parents=True)
    listed.write_text(json.dumps({"Modules": [{"Key": "", "Source": "", "Dir": "."}]}))
    assert configured_types(tmp_path, '{"type": "aws_kms_key"}') == frozenset({"aws_ecr_repository", "aws_kms_key"})


def planned(world: World, pool: ProviderPool) -> Plan:
    with pool, Interrupts() as interrupts:
        context = context_of(world, pool, interrupts)
        with open_stack(context, world.project.load("dev"), say=lambda _: None) as stack:
            return plan_apply(stack, adopt=False).plan


class Watched(ProviderPool):
    """Keeps the sizes of the schemas that were handed out."""

    handed_out: tuple[int, ...] = ()

    def __exit__(self, *how: object) -> None:
        self.handed_out = tuple(size for one in self._all if one.schema for size in one.schema.handed_out)
        super().__exit__(*how)


@pytest.mark.terraform
@pytest.mark.long
def test_a_plan_that_creates_changes_and_destroys_is_the_same_by_a_part_of_the_schema(applied: World) -> None:
    # The rule goes, and with it the last of its type in the configuration's values: the state still names it.
    text = (
        applied.project.tfvars_path("dev")
        .read_text("utf-8")
        .replace('quay = { upstream_registry_url = "quay.io" }', "")
    )
    more = 'image_tag_mutability = "IMMUTABLE"\nrepositories = { "team/new" = {} }\n'
    applied.project.tfvars_path("dev").write_text(text + more, "utf-8")
    pool = Watched()
    by_a_part = planned(applied, pool)
    whole = planned(applied, ProviderPool(enabled=False))
    assert by_a_part == whole
    assert {"create", "update", "delete"} <= {change.action for change in whole.changes}
    # Of the plan, and of the description of its changes; five million bytes are the whole one.
    assert len(pool.handed_out) == 2
    assert max(pool.handed_out) < 500_000


@pytest.mark.terraform
@pytest.mark.long
def test_too_small_a_part_costs_a_second_plan_and_nothing_else(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    applied.write('image_tag_mutability = "IMMUTABLE"')
    monkeypatch.setattr(runs, "configured_types", lambda *_: frozenset({"aws_partition"}))
    pool = Watched()
    assert planned(applied, pool).counts()["update"] == 1
    assert len(pool.handed_out) == 1
