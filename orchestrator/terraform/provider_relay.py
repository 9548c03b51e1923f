"""A socket between Terraform and a provider process: it hands on every call but the one for the schema.

Terraform speaks gRPC over HTTP/2 with the provider. The relay ends both connections and hands on headers, messages and
trailers as they are. The call for the schema is answered from `schema`; where that says None, it is handed on, too.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

SCHEMA_CALLS = (b"/GetSchema", b"/GetProviderSchema")
WINDOW = 2**31 - 1
CHUNK = 1 << 18
Headers = list[tuple[bytes, bytes]]
Schema = Callable[[bytes], bytes | None]
_ANSWERED: Headers = [(b":status", b"200"), (b"content-type", b"application/grpc")]
_WELL: Headers = [(b"grpc-status", b"0"), (b"grpc-message", b"")]


@dataclass(slots=True)
class _End:
    """One end of the relay. `waiting` is {stream: what is to be sent}: bytes, trailers, or None for the stream's end."""

    link: socket.socket
    h2: H2Connection
    waiting: dict[int, deque[bytes | Headers | None]] = field(default_factory=dict)

    def greet(self) -> None:
        """Begin the connection, with windows that never let the other side wait."""
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: WINDOW})
        self.h2.increment_flow_control_window(WINDOW - self.h2.inbound_flow_control_window)
        self.send()

    def queue(self, stream: int, *items: bytes | Headers | None) -> None:
        """To be sent on `stream`, in this order."""
        self.waiting.setdefault(stream, deque()).extend(items)

    def flush(self) -> None:
        """Send what the other side's windows admit."""
        for stream, items in list(self.waiting.items()):
            while items and self._sent(stream, items):
                pass
            if not items:
                del self.waiting[stream]
        self.send()

    def _sent(self, stream: int, items: deque[bytes | Headers | None]) -> bool:
        """Was the first item, or as much of it as a frame holds, sent?"""
        item = items[0]
        if item is None:
            self.h2.end_stream(stream)
        elif isinstance(item, list):
            self.h2.send_headers(stream, item, end_stream=True)
        else:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if item and room <= 0:
                return False
            self.h2.send_data(stream, item[:room])
            if len(item) > room:
                items[0] = item[room:]
                return True
        items.popleft()
        return True

    def reset(self, stream: int, code: ErrorCodes | int) -> None:
        """End `stream` at once; it may have ended meanwhile."""
        self.waiting.pop(stream, None)
        with contextlib.suppress(ProtocolError):
            self.h2.reset_stream(stream, code)

    def send(self) -> None:
        """The connection's bytes go out."""
        if data := self.h2.data_to_send():
            self.link.sendall(data)


def _end(link: socket.socket, *, client: bool) -> _End:
    # The other side judges whatever the one says.
    config = H2Configuration(
        client_side=client,
        header_encoding=None,
        validate_inbound_headers=False,
        validate_outbound_headers=False,
        normalize_inbound_headers=False,
        normalize_outbound_headers=False,
    )
    return _End(link, H2Connection(config))


@dataclass(slots=True)
class _Relay:
    """One connection of Terraform, and the provider's that belongs to it. Streams of both are paired, in both ways."""

    terraform: _End
    provider: _End
    schema: Schema
    theirs: dict[int, int] = field(default_factory=dict)
    ours: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Until one of both is gone."""
        self.terraform.greet()
        self.provider.greet()
        with selectors.DefaultSelector() as ready:
            ready.register(self.terraform.link, selectors.EVENT_READ, (self.terraform, self._of_terraform))
            ready.register(self.provider.link, selectors.EVENT_READ, (self.provider, self._of_provider))
            while True:
                for key, _ in ready.select():
                    end, handle = key.data
                    data = end.link.recv(CHUNK)
                    if not data:
                        return
                    for event in end.h2.receive_data(data):
                        if isinstance(event, ConnectionTerminated):
                            return
                        handle(event)
                self.terraform.flush()
                self.provider.flush()

    def _of_terraform(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._called(event.stream_id, event.headers)
        elif isinstance(event, DataReceived):
            self.terraform.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self.theirs:
                self.provider.queue(self.theirs[event.stream_id], event.data)
        elif isinstance(event, StreamEnded) and event.stream_id in self.theirs:
            self.provider.queue(self.theirs[event.stream_id], None)
        elif isinstance(event, StreamReset):
            self.terraform.waiting.pop(event.stream_id, None)
            if event.stream_id in self.theirs:
                self.provider.reset(self._forgotten(event.stream_id), event.error_code)

    def _called(self, stream: int, headers: Headers) -> None:
        path = dict(headers).get(b":path", b"")
        answer = self.schema(path) if path.endswith(SCHEMA_CALLS) else None
        if answer is not None:
            self.terraform.h2.send_headers(stream, _ANSWERED)
            self.terraform.queue(stream, framed(answer), _WELL)
            return
        its = self.provider.h2.get_next_available_stream_id()
        self.theirs[stream], self.ours[its] = its, stream
        self.provider.h2.send_headers(its, headers)

    def _of_provider(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self.provider.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        stream = self.ours.get(getattr(event, "stream_id", None) or 0)
        if stream is None:
            return
        if isinstance(event, DataReceived):
            self.terraform.queue(stream, event.data)
        elif isinstance(event, ResponseReceived) and event.stream_ended is None:
            self.terraform.h2.send_headers(stream, event.headers)
        elif isinstance(event, ResponseReceived | TrailersReceived):
            # A call of gRPC ends with headers, never with data.
            self._forgotten(stream)
            self.terraform.queue(stream, event.headers)
        elif isinstance(event, StreamReset):
            # What Terraform said meanwhile has nowhere to go, and would end the whole connection.
            self.provider.waiting.pop(self._forgotten(stream), None)
            self.terraform.reset(stream, event.error_code)

    def _forgotten(self, stream: int) -> int:
        """The provider's stream of Terraform's `stream`; the pair is over."""
        its = self.theirs.pop(stream)
        del self.ours[its]
        return its


def framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


class ProviderRelay:
    """Listens on `address`, a socket's path, until it is closed. It hands on to the provider at `provider`."""

    def __init__(self, address: Path, provider: str, schema: Schema) -> None:
        self._provider, self._schema = provider, schema
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(address))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no connection any more; those that are open end with one of their sides."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        # A connection that breaks is broken for both: Terraform says so, and is run again without a relay.
        with link, contextlib.suppress(OSError, ProtocolError), connected(self._provider) as provider:
            _Relay(_end(link, client=False), _end(provider, client=True), self._schema).run()


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """A connection to the socket at the path `address`."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(address)
        yield link


def whole_schema(address: str, path: bytes) -> bytes:
    """What the provider itself answers to the call `path` for its schema. Raises OSError or h2's ProtocolError."""
    with connected(address) as link:
        end = _end(link, client=True)
        end.greet()
        stream = end.h2.get_next_available_stream_id()
        end.h2.send_headers(stream, _asking(path))
        end.queue(stream, framed(b""), None)
        message = bytearray()
        while True:
            end.flush()
            data = link.recv(CHUNK)
            if not data:
                raise ConnectionError("The provider ended the connection.")
            for event in end.h2.receive_data(data):
                if isinstance(event, DataReceived):
                    message += event.data
                    end.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, StreamReset | ConnectionTerminated):
                    raise ConnectionError("The provider ended the call.")
                elif isinstance(event, ResponseReceived | TrailersReceived) and event.stream_ended is not None:
                    return _unframed(bytes(message), event.headers)


def _asking(path: bytes) -> Headers:
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]


def _unframed(message: bytes, trailers: Headers) -> bytes:
    whole = len(message) >= 5 and message[0] == 0 and int.from_bytes(message[1:5], "big") == len(message) - 5
    if dict(trailers).get(b"grpc-status") != b"0" or not whole:
        raise ConnectionError("The provider refused the call.")
    return message[5:]
