"""The server process: `python -m orchestrator.local.server --state-dir DIR`. Listens on 127.0.0.1 only.

Writes `server.json` when it is ready to answer, and ends by itself when that record is removed or replaced. So
deleting the state directory leaves no process behind.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from orchestrator.local.keys import START_ID, upstreams_path

WATCH_SECONDS = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes or the record is gone; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.local.server")
    parser.add_argument("--state-dir", required=True, type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    # Not an argument: every user of the machine can read those.
    start_id = os.environ.pop(START_ID, "") or secrets.token_hex(16)
    # moto reads these when it is imported.
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            "MOTO_DISABLE_GLOBAL_CORS": "true",
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        }
    )
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    os.umask(0o077)

    from orchestrator.local.admin import Admin
    from orchestrator.local.application import Application
    from orchestrator.local.door import Door
    from orchestrator.local.wsgi_server import serve_on

    server = serve_on(options.port)
    application = Application(
        endpoint=f"http://127.0.0.1:{server.port}",
        blobs=options.state_dir / "blobs",
        upstreams=upstreams_path(start_id),
    )
    server.app = Door(Admin(application, start_id=start_id), secret=start_id)
    record = options.state_dir / "server.json"
    _write_record(record, {"pid": os.getpid(), "port": server.port, "start_id": start_id, "created": time.time()})
    threading.Thread(target=_watch, args=(record, start_id), daemon=True).start()
    threading.Thread(target=application.warm, daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()
    return 0


def _end(_number: int, _frame: object) -> None:
    # Nothing here outlives the process: moto keeps everything in memory.
    os._exit(0)


def _write_record(path: Path, record: dict[str, Any]) -> None:
    """Write the record whole or not at all, readable by its owner only."""
    temporary = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(record, handle)
    temporary.replace(path)


def _watch(record: Path, start_id: str) -> None:
    while True:
        time.sleep(WATCH_SECONDS)
        try:
            known = json.loads(record.read_text("utf-8")).get("start_id")
        except (OSError, ValueError):
            known = None
        if known != start_id:
            print("the record is gone: ending", flush=True)
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
