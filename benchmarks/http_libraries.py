"""HTTP libraries at a copier's work, on loopback: blobs streamed down and up, and many small questions.

    pip install httpx aiohttp requests urllib3
    python -m benchmarks.http_libraries [--libraries urllib3 requests httpx aiohttp]

Each library works in a process of its own with as many connections as it has workers; the server, in another process, sends from memory,
reads and forgets, and counts connections. What counts is the library's own CPU time: megabytes and requests for each CPU-second. Wall time
hangs on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.measure import machine

BLOB, PIECE, BLOBS, BLOB_WORKERS = 64 * 2**20, 256 * 1024, 8, 8
QUESTIONS, WORKERS = 3000, 32
_PIECE = bytes(PIECE)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: object) -> None:
        pass

    def _head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/connections":
            text = str(self.server.connections).encode()
            self._head(len(text))
            self.wfile.write(text)
        elif self.path == "/small":
            self._head(500)
            self.wfile.write(_PIECE[:500])
        else:
            self._head(BLOB)
            for _ in range(BLOB // PIECE):
                self.wfile.write(_PIECE)

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, PIECE)))
        self._head(0)


def _pieces() -> Iterator[bytes]:
    for _ in range(BLOB // PIECE):
        yield _PIECE


async def _pieces_later() -> AsyncIterator[bytes]:
    for piece in _pieces():
        yield piece


_UP = {"Content-Length": str(BLOB)}
Work = dict[str, Callable[[], None]]


def _urllib3(url: str) -> Work:
    library = importlib.import_module("urllib3")
    pool = library.PoolManager(maxsize=WORKERS, blocksize=PIECE)

    def down() -> None:
        answer = pool.request("GET", f"{url}/blob", preload_content=False)
        while answer.read1(PIECE):
            pass
        answer.release_conn()

    def up() -> None:
        pool.request("PUT", f"{url}/blob", body=_pieces(), headers=_UP)

    return {"down": down, "up": up, "small": lambda: pool.request("GET", f"{url}/small").data}


def _requests(url: str) -> Work:
    library = importlib.import_module("requests")
    session = library.Session()
    session.mount("http://", library.adapters.HTTPAdapter(pool_maxsize=WORKERS))

    class Sized:
        """requests sends an iterator without a length in chunks, which registries do not take for a PUT."""

        def __init__(self) -> None:
            self._pieces = _pieces()

        def __len__(self) -> int:
            return BLOB

        def __iter__(self) -> Iterator[bytes]:
            return self._pieces

        def read(self, _size: int) -> bytes:
            return next(self._pieces, b"")

    def down() -> None:
        with session.get(f"{url}/blob", stream=True) as answer:
            for _ in answer.iter_content(PIECE):
                pass

    return {
        "down": down,
        "up": lambda: session.put(f"{url}/blob", data=Sized()),
        "small": lambda: session.get(f"{url}/small"),
    }


def _httpx(url: str) -> Work:
    library = importlib.import_module("httpx")
    client = library.Client(limits=library.Limits(max_connections=WORKERS), timeout=600)

    def down() -> None:
        with client.stream("GET", f"{url}/blob") as answer:
            for _ in answer.iter_raw(PIECE):
                pass

    return {
        "down": down,
        "up": lambda: client.put(f"{url}/blob", content=_pieces(), headers=_UP),
        "small": lambda: client.get(f"{url}/small"),
    }


def _aiohttp(url: str, kind: str, count: int, workers: int) -> None:
    library = importlib.import_module("aiohttp")

    async def one(session: Any) -> None:
        if kind == "down":
            async with session.get(f"{url}/blob") as answer:
                async for _ in answer.content.iter_chunked(PIECE):
                    pass
        elif kind == "up":
            async with session.put(f"{url}/blob", data=_pieces_later(), headers=_UP) as answer:
                await answer.read()
        else:
            async with session.get(f"{url}/small") as answer:
                await answer.read()

    async def everything() -> None:
        turn = asyncio.Semaphore(workers)

        async def in_turn(session: Any) -> None:
            async with turn:
                await one(session)

        timeout = library.ClientTimeout(total=None)
        connector = library.TCPConnector(limit=workers)
        async with library.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(in_turn(session) for _ in range(count)))

    asyncio.run(everything())


_THREADED = {"urllib3": _urllib3, "requests": _requests, "httpx": _httpx}
LIBRARIES = (*_THREADED, "aiohttp")


def work(library: str, kind: str, url: str) -> dict[str, float]:
    """Do one kind of work in this process: {cpu, wall, memory}."""
    count, workers = (QUESTIONS, WORKERS) if kind == "small" else (BLOBS, BLOB_WORKERS)
    before, began = time.process_time(), time.perf_counter()
    if library == "aiohttp":
        _aiohttp(url, kind, count, workers)
    else:
        once = _THREADED[library](url)[kind]
        with ThreadPoolExecutor(workers) as crew:
            list(crew.map(lambda _: once(), range(count)))
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    return {"cpu": cpu, "wall": wall, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _ask(url: str) -> int:
    import urllib.request

    with urllib.request.urlopen(f"{url}/connections") as answer:
        return int(answer.read())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work(*arguments.work)))
        return 0
    if arguments.serve:
        server = _Server(("127.0.0.1", 0), _Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()
    own = [sys.executable, "-m", "benchmarks.http_libraries"]
    served = subprocess.Popen([*own, "--serve"], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    url = f"http://127.0.0.1:{int(served.stdout.readline())}"
    print(machine())
    straight = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    try:
        for library in arguments.libraries:
            for kind in ("down", "up", "small"):
                before = _ask(url)
                command = [*own, "--work", library, kind, url]
                done = subprocess.run(command, capture_output=True, text=True, check=False, env=straight)
                if done.returncode:
                    print(f"{library}: {done.stderr.strip().splitlines()[-1]}")
                    break
                found = json.loads(done.stdout)
                amount, unit = (QUESTIONS, "requests") if kind == "small" else (BLOBS * BLOB / 1e6, "MB")
                print(
                    f"{library:8} {kind:5} {amount / found['cpu']:6.0f} {unit} a CPU-second, {found['wall']:5.1f} s wall,"
                    f" {found['memory']:4.0f} MB, {_ask(url) - before - 1} connections",
                    flush=True,
                )
    finally:
        served.kill()
        served.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
