"""Sockets of the webhook's address: the first one, and the one of each worker that takes over from another."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct

from orchestrator.errors import OrchestratorError, RefusedInput

BACKLOG = 1024
# Each may say nothing for a while; API servers keep 25 idle ones each.
CONNECTIONS = 2048
# Files that are none of connections: copies, logs, the queue.
_OTHER_FILES = 256
# Of asm-generic/socket.h; Python has no name for it.
_ATTACH_PROGRAM = 51
# `return 1` in the kernel's packet filter (linux/filter.h): the second socket of the group, which came last.
_THE_SECOND = struct.pack("HBBI", 0x06, 0, 0, 1)


def bind(address: str) -> socket.socket:
    """The listening socket of `[HOST]:PORT`; without a host every address of the machine, IPv6 too where there is one.

    Raises OrchestratorError when the address is taken or not the machine's, RefusedInput when it is none.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise RefusedInput(
            f'"{address}" is no address to listen at.', why="It is [HOST]:PORT.", remedy="Write it like :8443."
        )
    host = host.removeprefix("[").removesuffix("]")
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", int(port)), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        return socket.create_server(("", int(port)), backlog=BACKLOG)
    except OSError as error:
        raise OrchestratorError(
            f"{address} cannot be listened at: {error.strerror or error}.",
            remedy="End what listens there, or give another address.",
        ) from error


def successor(bound: socket.socket) -> socket.socket | None:
    """A second socket at the address of `bound`, which gets every new connection from now on. None where the system has no such.

    `bound` keeps what came before. Closed at once, it would reset the connections that nobody has accepted yet.
    At most two may be open at a time.
    """
    following = socket.socket(bound.family, socket.SOCK_STREAM)
    try:
        for one in (bound, following):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with socket.socket(bound.family) as tried:
            # Where the system has no such, no second one may listen: it would take connections that nobody answers.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _hand_all_to_the_second(tried)
        following.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family == socket.AF_INET6:
            only = bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            following.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        following.bind(bound.getsockname())
        following.listen(BACKLOG)
        _hand_all_to_the_second(following)
    except (OSError, AttributeError):
        following.close()
        return None
    return following


def _hand_all_to_the_second(one: socket.socket) -> None:
    """Give its group of sockets the program. Raises OSError."""
    program = ctypes.create_string_buffer(_THE_SECOND)
    described = struct.pack("HP", 1, ctypes.addressof(program))
    one.setsockopt(socket.SOL_SOCKET, _ATTACH_PROGRAM, described)


def connections() -> int:
    """How many connections may be open: what the process' limit of files leaves. The limit is raised where it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(64, min(CONNECTIONS, soft - _OTHER_FILES))


class Handed:
    """A copy of a listening socket, handed to a worker, which closes it."""

    def __init__(self, bound: socket.socket) -> None:
        self.fileno = os.dup(bound.fileno())
        self._which = os.fstat(self.fileno).st_ino

    def is_open(self) -> bool:
        """Has the worker not closed it yet? Its number may be another file's by now."""
        try:
            return os.fstat(self.fileno).st_ino == self._which
        except OSError:
            return False
