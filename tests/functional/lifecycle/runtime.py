"""A function run as Lambda runs it: its zip unpacked, the handler by name, the runtime API on loopback.

`awslambdaric`, Lambda's own client of that API, is used where it is installed; otherwise a loop of a few lines that
speaks the same API. The interpreter is isolated: it sees the zip's content and the SDK that the runtime has, nothing
else of this project.
"""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SDK = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil")
CLIENT = ("awslambdaric", "simplejson")

LOOP = """
import importlib, json, os, sys, time, traceback, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
    def get_remaining_time_in_millis(self):
        return max(0, self.deadline - int(time.time() * 1000))

def post(path, document):
    opener.open(urllib.request.Request(api + path, json.dumps(document).encode(), method="POST")).read()

started = time.perf_counter()
module, _, name = os.environ["_HANDLER"].rpartition(".")
handle = getattr(importlib.import_module(module), name)
print(json.dumps({"import_ms": (time.perf_counter() - started) * 1000}), flush=True)
while True:
    with opener.open(api + "/invocation/next") as answer:
        context, event = Context(answer.headers), json.load(answer)
    try:
        post(f"/invocation/{context.aws_request_id}/response", handle(event, context))
    except Exception as error:
        post(f"/invocation/{context.aws_request_id}/error", {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": traceback.format_exc().splitlines()})
"""


class FunctionError(Exception):
    """The handler raised: Lambda's `errorMessage` and `errorType`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(f"{document.get('errorType')}: {document.get('errorMessage')}")
        self.type = document.get("errorType")


@dataclass
class Function:
    """A started function: invoke it as often as wanted, like a warm one."""

    process: subprocess.Popen[bytes]
    waiting: queue.Queue[tuple[str, bytes, float]] = field(default_factory=queue.Queue)
    answers: queue.Queue[tuple[bool, Any]] = field(default_factory=queue.Queue)
    log: Path = Path()
    _count: int = 0

    def invoke(self, event: Mapping[str, Any], *, seconds: float = 60) -> Any:
        """The handler's answer; `seconds` is the function's timeout. Raises FunctionError when the handler raised."""
        self._count += 1
        self.waiting.put((f"request-{self._count}", json.dumps(event).encode(), time.time() + seconds))
        deadline = time.monotonic() + seconds + 30
        while True:
            try:
                good, answer = self.answers.get(timeout=0.2)
                break
            except queue.Empty:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"no answer; the function wrote:\n{self.output()}") from None
        if not good:
            raise FunctionError(answer)
        return answer

    def output(self) -> str:
        """What the function wrote, which is its log."""
        return self.log.read_text("utf-8", "replace")

    def lines(self) -> list[dict[str, Any]]:
        """The structured lines of its log."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    def messages(self) -> list[str]:
        """The sentences of its log."""
        return [line["message"] for line in self.lines() if "message" in line]

    def metric(self, name: str) -> int:
        """The sum of a metric over the log."""
        return sum(line[name] for line in self.lines() if "_aws" in line and name in line)


def _handler(function: Function) -> type[BaseHTTPRequestHandler]:
    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Be quiet."""

        def do_GET(self) -> None:
            while True:
                try:
                    identifier, body, deadline = function.waiting.get(timeout=0.2)
                    break
                except queue.Empty:
                    if function.process.poll() is not None:
                        return
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", identifier)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000)))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:1:function:lifecycle")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            content = self._body()
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            function.answers.put((self.path.endswith("/response"), json.loads(content or b"null")))

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content

    return RuntimeApi


def _link(folder: Path, names: tuple[str, ...]) -> None:
    folder.mkdir()
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        (folder / name).symlink_to(spec.submodule_search_locations[0])
    for name in ("six", "runtime_client", "snapshot_restore_py"):
        single = importlib.util.find_spec(name)
        if single is not None and single.origin:
            (folder / Path(single.origin).name).symlink_to(single.origin)


@contextmanager
def running(zip_file: Path, handler: str, variables: Mapping[str, str], folder: Path) -> Iterator[Function]:
    """Start the function of `zip_file` below `folder` with exactly these environment variables."""
    task_root = folder / "task"
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(task_root)
    with_client = importlib.util.find_spec("awslambdaric") is not None
    _link(folder / "runtime", (*SDK, *(CLIENT if with_client else ())))
    code = f"import sys; sys.path[:0] = [{str(task_root)!r}, {str(folder / 'runtime')!r}]\n"
    if with_client:
        code += f"import awslambdaric.__main__ as main; main.main(['awslambdaric', {handler!r}])"
    else:
        code += LOOP
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    log = folder / "function.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            env={
                **variables,
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
                "AWS_LAMBDA_FUNCTION_NAME": "ecr-lifecycle-manager",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "LAMBDA_TASK_ROOT": str(task_root),
                "_HANDLER": handler,
                "PATH": "/usr/bin:/bin",
            },
            cwd=task_root,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    function = Function(process, log=log)
    server.RequestHandlerClass = _handler(function)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield function
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()
        thread.join()
