"""Sockets of one address: the newest gets every new connection, and the former one loses none."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from orchestrator.swapper import listening as listening_module
from orchestrator.swapper.listening import Handed, bind, connections, successor


@pytest.fixture(params=["127.0.0.1", "[::1]", ""], ids=["IPv4", "IPv6", "every address"])
def bound(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A listening socket."""
    try:
        made = bind(f"{request.param}:0")
    except Exception:
        pytest.skip("no such address here")
    with made:
        yield made


def connect(bound: socket.socket, count: int, clients: contextlib.ExitStack) -> None:
    host, port = bound.getsockname()[:2]
    for _ in range(count):
        clients.enter_context(socket.create_connection((host if host != "::" else "127.0.0.1", port)))


def accepted(listening: socket.socket) -> int:
    """How many connections wait at it."""
    listening.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            count += 1
    return count


def test_the_newest_gets_every_new_connection_again_and_again(bound: socket.socket) -> None:
    with contextlib.ExitStack() as clients:
        former = bound
        for _ in range(3):
            connect(former, 5, clients)
            following = successor(former)
            assert following is not None
            clients.enter_context(following)
            connect(former, 30, clients)
            assert (accepted(former), accepted(following)) == (5, 30)
            former.close()
            former = following


def test_a_system_without_such_a_program_keeps_the_one_socket(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening: list[str] = []

    class Watched(socket.socket):
        def listen(self, backlog: int = 0) -> None:
            listening.append("a second one")
            super().listen(backlog)

    monkeypatch.setattr(listening_module, "_ATTACH_PROGRAM", 9999)
    monkeypatch.setattr(socket, "socket", Watched)
    assert successor(bound) is None
    # Connections that came to it would be reset when it is closed.
    assert listening == []
    monkeypatch.undo()
    with contextlib.ExitStack() as clients:
        connect(bound, 20, clients)
        assert accepted(bound) == 20


def test_an_address_stays_taken_for_others(bound: socket.socket) -> None:
    following = successor(bound)
    assert following is not None
    with following, socket.socket(bound.family) as other, pytest.raises(OSError, match="in use"):
        other.bind(bound.getsockname())


def test_what_was_handed_to_a_worker_is_open_until_it_closes_it() -> None:
    with bind("127.0.0.1:0") as bound:
        handed = Handed(bound)
        assert handed.is_open()
        os.close(handed.fileno)
        assert not handed.is_open()
        # The number is another file's now.
        with socket.socket() as other:
            os.dup2(other.fileno(), handed.fileno)
            assert not handed.is_open()
            if other.fileno() != handed.fileno:
                os.close(handed.fileno)


@pytest.mark.parametrize(
    ("limits", "possible", "soft"),
    [((1024, 4096), 2048, 2304), ((1024, 1024), 768, 1024), ((100, 200), 64, 200), ((20000, 20000), 2048, 20000)],
)
def test_connections_leave_files_for_copies(
    limits: tuple[int, int], possible: int, soft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: now[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: now.__setitem__(0, both))
    assert connections() == possible
    assert now[0] == (soft, limits[1])
