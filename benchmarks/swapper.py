"""How fast the admission webhook answers, beside a bare handler in the same server, and k8s-image-swapper where it is on PATH.

    python -m benchmarks.swapper [--seconds 5] [--rounds 3] [--sizes 5 52] [--json FILE]

`cpu` is the processor time of the server's process for a request: what else runs on the machine changes it less than the rate.
Needs wrk (Debian's package, or `--wrk PATH`). Every contender serves TLS on loopback in a process of its own; each round has all
of them in turn, so that a busy moment meets all. The bare handler reads the body and answers a patch that was made before:
what is left is the server, TLS and HTTP. The requests are of 64 kinds of Pods in turn. Requests/s and p99 by wrk with 32 connections and 2 threads, medians over the
rounds; `paced` is the p99 of 1,000 requests/s that begin when they are due, whether earlier ones were answered or not.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import machine
from tests.cluster.processes import free_ports
from tests.functional.swapper.serving_webhook import make_certificate
from tests.references_table import OWN, tfvars

CONNECTIONS = 32
RATE = 1000
START_SECONDS = 60.0
# Pods that differ in their containers, in turn: as many as a busy cluster has Deployments that grow at once.
KINDS = 64
_SCRIPT = """\
local bodies, turn = {{}}, 0
for kind = 0, {last} do bodies[kind] = io.open("{folder}/body-" .. kind .. ".json", "rb"):read("*a") end
local headers = {{["Content-Type"] = "application/json"}}
function request()
  turn = (turn + 1) % {kinds}
  return wrk.format("POST", nil, headers, bodies[turn])
end
"""
_LATENCY = re.compile(r"99%\s+([0-9.]+)(us|ms|s)\b")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_CONFIGURATION = """\
imageSwapPolicy: always
imageCopyPolicy: none
logLevel: error
source: {filters: [{jmespath: "obj.metadata.namespace == 'kube-system'"}]}
target: {type: aws, aws: {accountId: "123456789012", region: us-east-1}}
"""


def review(kilobytes: int, kind: int = 0) -> bytes:
    """A review of a Pod's creation of about that size: three containers that are redirected, and variables.

    Pods of another `kind` have containers of other names.
    """
    held = [
        {"name": f"c{number}-{kind}", "image": image, "env": []}
        for number, image in enumerate(["nginx:1.27", "quay.io/team/app:2", "ghcr.io/org/tool:3"])
    ]
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": held},
    }
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "shop",
        "operation": "CREATE",
        "object": pod,
    }
    document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    number = 0
    while len(body := json.dumps(document).encode()) < kilobytes * 1024:
        held[number % 3]["env"].append({"name": f"VARIABLE_{number}", "value": "a value of some length " * 4})  # type: ignore[attr-defined]
        number += 1
    return body


class BareHandler:
    """Reads the body and answers a patch that was made before."""

    draining = False

    def __init__(self) -> None:
        patch = [{"op": "replace", "path": f"/spec/containers/{n}/image", "value": f"{OWN}/a/b:1"} for n in range(3)]
        response = {"uid": "", "allowed": True, "patchType": "JSONPatch"}
        response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        self._answer = json.dumps(document).encode()

    async def answer(self, _scope: Any, proto: Any, _turn: Any) -> None:
        """One request."""
        await proto()
        proto.response_bytes(200, [("content-type", "application/json")], self._answer)


def serve_bare(port: int, cert: Path, key: Path) -> None:
    """Serve the bare handler until a signal comes."""
    from orchestrator.swapper.listening import bind
    from orchestrator.swapper.metrics import SwapMetrics
    from orchestrator.swapper.served_certificate import Certificate
    from orchestrator.swapper.swap_server import SwapServer, run

    bare: Any = BareHandler()
    bound = bind(f"127.0.0.1:{port}")
    run(lambda: SwapServer(bare, bound, Certificate(cert, key), SwapMetrics(), drain_seconds=0.0), lambda: None)


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server. `start` are the seconds from its process' start to its first answer."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    start: float

    @property
    def cpu_seconds(self) -> float:
        """Processor time of its process until now."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def megabytes(self) -> float:
        """Its resident memory now."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 2**20)


@contextlib.contextmanager
def contending(name: str, command: Sequence[str], port: int, body: bytes) -> Iterator[Contender]:
    """The command as a server, from its first answer to the end of the block."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, body):
            if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                raise SystemExit(f"{name} does not answer: {' '.join(command)}")
            time.sleep(0.01)
        yield Contender(name, port, process, time.perf_counter() - started)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _answers(port: int, body: bytes) -> bool:
    try:
        connection = HTTPSConnection("127.0.0.1", port, timeout=5, context=_trusting())
        with contextlib.closing(connection):
            connection.request("POST", "/webhook", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status == 200 and b"allowed" in answer.read()
    except OSError:
        return False


def hammer(wrk: str, contender: Contender, script: Path, seconds: int) -> tuple[float, float]:
    """(requests/s, p99 in milliseconds) by wrk."""
    command = [wrk, "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
    url = f"https://127.0.0.1:{contender.port}/webhook"
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    late = _LATENCY.search(said)
    if rate is None or late is None or "Non-2xx" in said:
        raise SystemExit(f"{contender.name} did not answer well:\n{said}")
    return float(rate[1]), float(late[1]) * _UNITS[late[2]]


async def paced(port: int, body: bytes, seconds: int) -> float:
    """The p99 in milliseconds of RATE requests a second over kept connections, from the moment when each is due."""
    head = f"POST /webhook?timeout=10s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port, ssl=_trusting()))
    took: list[float] = []

    async def one(due: float) -> None:
        connection = await free.get()
        reader, writer = connection
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", answer, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        took.append((time.perf_counter() - due) * 1000)
        free.put_nowait(connection)

    began = time.perf_counter()
    tasks = []
    for number in range(RATE * seconds):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return statistics.quantiles(took, n=100)[98]


def measured(wrk: str, kilobytes: int, rounds: int, seconds: int, folder: Path) -> list[dict[str, Any]]:
    """One row a contender."""
    body = review(kilobytes)
    for kind in range(KINDS):
        (folder / f"body-{kind}.json").write_bytes(review(kilobytes, kind))
    script = folder / "post.lua"
    script.write_text(_SCRIPT.format(folder=folder, last=KINDS - 1, kinds=KINDS))
    (folder / "project" / "environments").mkdir(parents=True, exist_ok=True)
    (folder / "project" / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    (folder / "swapper.yaml").write_text(_CONFIGURATION)
    cert, key = make_certificate(folder / "tls", "benchmark")
    pair = ["--tls-cert-file", str(cert), "--tls-key-file", str(key)]
    ports = free_ports(3)
    python = [sys.executable, "-m"]
    commands = {
        "bare handler": [*python, "benchmarks.swapper", "--bare", str(ports[0]), str(cert), str(key)],
        "orchestrator swapper": [
            *(*python, "orchestrator", "-C", str(folder / "project"), "swapper", "serve", "standard", *pair),
            *("--listen", f"127.0.0.1:{ports[1]}", "--drain-seconds", "0"),
        ],
    }
    other = shutil.which("k8s-image-swapper")
    if other:
        commands["k8s-image-swapper"] = [
            *(other, "--config", str(folder / "swapper.yaml"), "--listen-address", f":{ports[2]}", *pair),
        ]
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(contending(name, command, port, body))
            for (name, command), port in zip(commands.items(), ports, strict=False)
        ]
        found: dict[str, list[tuple[float, float, float, float]]] = {one.name: [] for one in running}
        for _ in range(rounds):
            for one in running:
                late = asyncio.run(paced(one.port, body, seconds))
                before = one.cpu_seconds
                rate, p99 = hammer(wrk, one, script, seconds)
                found[one.name].append((rate, p99, late, (one.cpu_seconds - before) / (rate * seconds) * 1e6))
        rows = []
        for one in running:
            rate, p99, late, cpu = (statistics.median(column) for column in zip(*found[one.name], strict=True))
            rows.append(
                {
                    "contender": one.name,
                    "kilobytes": kilobytes,
                    "requests_per_second": round(rate),
                    "p99_milliseconds": round(p99, 2),
                    "paced_p99_milliseconds": round(late, 2),
                    "cpu_microseconds": round(cpu),
                    "megabytes": round(one.megabytes),
                    "start_seconds": round(one.start, 2),
                }
            )
    bare, cpu_of_bare = rows[0]["requests_per_second"], rows[0]["cpu_microseconds"]
    return [
        {
            **row,
            "of_bare": round(row["requests_per_second"] / bare, 2),
            "cpu_of_bare": round(row["cpu_microseconds"] / cpu_of_bare, 2),
        }
        for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5, 52], help="of reviews, in KB")
    parser.add_argument("--wrk", default=shutil.which("wrk"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bare", nargs=3, metavar=("PORT", "CERT", "KEY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        port, cert, key = options.bare
        serve_bare(int(port), Path(cert), Path(key))
        return
    if not options.wrk:
        raise SystemExit("wrk is not on PATH. On Debian and Ubuntu: apt-get install wrk.")
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            row
            for size in options.sizes
            for row in measured(options.wrk, size, options.rounds, options.seconds, Path(folder))
        ]
    report = {"machine": machine(), "load": os.getloadavg()[0], "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(report["machine"], f"(load {report['load']:.1f})")
    for row in rows:
        print(
            f"{row['contender']:22} {row['kilobytes']:3} KB {row['requests_per_second']:7} requests/s ({row['of_bare']:.2f} of bare)"
            f"  p99 {row['p99_milliseconds']:7} ms, at {RATE}/s {row['paced_p99_milliseconds']:6} ms"
            f"  cpu {row['cpu_microseconds']:4} us ({row['cpu_of_bare']:.2f} of bare)  {row['megabytes']:4} MB  start {row['start_seconds']:5} s"
        )


if __name__ == "__main__":
    main()
