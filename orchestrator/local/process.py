"""Start, find and stop the embedded AWS of a state directory; several commands may try at the same time.

The server's record is `server.json` in the state directory. It is believed only when the process behind it answers with
the record's own start id. So a recycled process id or port is never mistaken for the server.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.files.extras import install_command
from orchestrator.files.own_folders import make_own
from orchestrator.local.keys import SECRET_KEY, START_ID, access_key, upstreams_path

MODULE = "orchestrator.local.server"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
# What the extra `local` installs, as modules.
NEEDED = ("moto", "flask", "flask_cors")

# What a shell may export that would send a child process somewhere else, or make it fail on loopback.
DISTURBING = frozenset(
    {
        "AWS_CA_BUNDLE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_PROFILE",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)
LOOPBACK = ("127.0.0.1", "localhost")


def without_disturbing(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without what would lead an AWS client away from the embedded AWS."""
    return {
        name: value
        for name, value in variables.items()
        if name not in DISTURBING and not name.startswith("AWS_ENDPOINT_URL")
    }


def _no_proxy(current: str) -> str:
    names = [name.strip() for name in current.split(",") if name.strip()]
    return ",".join([*names, *(name for name in LOOPBACK if name not in names)])


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running embedded AWS: `endpoint` is `http://127.0.0.1:PORT`.

    `start_id` differs from start to start and is a secret: who knows it may run code as the server's owner.
    """

    endpoint: str
    pid: int
    start_id: str
    created: float
    log: Path

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])

    def access_key_for(self, account_id: str) -> str:
        """The access key that makes this server act as `account_id`; it holds the secret of this start."""
        return access_key(account_id, self.start_id)

    @property
    def upstreams(self) -> str:
        """Address at which the embedded AWS answers in place of the upstreams of its rules."""
        return self.endpoint + upstreams_path(self.start_id)

    def variables(self, account_id: str, region: str) -> dict[str, str]:
        """Environment variables that point an AWS client at this server as `account_id` in `region`."""
        no_proxy = _no_proxy(os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "")
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "ORCHESTRATOR_UPSTREAMS": self.upstreams,
            "AWS_ACCESS_KEY_ID": self.access_key_for(account_id),
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def process_environment(
        self, account_id: str, region: str, base: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """A child's whole environment: `base` (ours by default) with what disturbs taken out and `variables` put in."""
        return {**without_disturbing(os.environ if base is None else base), **self.variables(account_id, region)}

    def request(self, method: str, path: str, body: object = None, *, timeout: float = 10.0) -> dict[str, object]:
        """Call an administrative path of the server (`/_orchestrator/...`) and return its JSON answer.

        Raises OSError or http.client.HTTPException when nobody answers, OrchestratorError on a refusal.
        """
        # It takes no proxy from the environment, which is what loopback needs; imported late, as it is slow to import.
        import http.client

        connection = http.client.HTTPConnection(LOOPBACK[0], self.port, timeout=timeout)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"X-Orchestrator-Start-Id": self.start_id})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(content)
        except ValueError:
            answer = {"error": content.decode("utf-8", "replace")[:500]}
        if response.status != 200 or not isinstance(answer, dict):
            raise OrchestratorError(
                f"The embedded AWS refused {method} {path}.", why=str(answer.get("error", answer))[:2000]
            )
        return answer


def status(state_dir: Path) -> LocalAws | None:
    """The server of `state_dir` when it is alive, else None."""
    record = _read_record(state_dir)
    return record if record and _is_alive(record) else None


def ensure_running(state_dir: Path) -> LocalAws:
    """The server of `state_dir`, started when there is none. Of commands that come at once, one starts it.

    Raises OrchestratorError when its packages are missing, and with the end of the server's log when it does not start.
    """
    found = status(state_dir)
    if found:
        return found
    _check_installed()
    make_own(state_dir)
    state_dir.chmod(0o700)
    with _locked(state_dir):
        found = status(state_dir)
        if found:
            return found
        stale = _read_record(state_dir)
        if stale and _is_ours(stale):
            _end(stale)
        return _start(state_dir)


def others(state_dir: Path) -> dict[Path, LocalAws]:
    """{state directory: server} of this user's other embedded AWS that are alive, sorted by directory."""
    import psutil

    found: dict[Path, LocalAws] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, ValueError, IndexError):
            arguments = process.cmdline()
            if MODULE not in arguments:
                continue
            folder = Path(arguments[arguments.index("--state-dir") + 1])
            record = _read_record(folder)
            if folder != state_dir.resolve() and record and record.pid == process.pid and _is_ours(record):
                found[folder] = record
    return dict(sorted(found.items()))


def stop(state_dir: Path) -> bool:
    """End the server of `state_dir` and remove its record; False when there was none."""
    if not state_dir.is_dir():
        return False
    with _locked(state_dir):
        record = _read_record(state_dir)
        ended = bool(record and (_is_ours(record) or _is_alive(record)))
        if record and ended:
            _end(record)
        (state_dir / "server.json").unlink(missing_ok=True)
    return ended


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    with (state_dir / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read_record(state_dir: Path) -> LocalAws | None:
    try:
        record = json.loads((state_dir / "server.json").read_text("utf-8"))
        return LocalAws(
            endpoint=f"http://127.0.0.1:{int(record['port'])}",
            pid=int(record["pid"]),
            start_id=str(record["start_id"]),
            created=float(record["created"]),
            log=state_dir / "server.log",
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_alive(record: LocalAws) -> bool:
    """Does the server of `record` answer with its start id? A process that is ours but busy gets half a minute."""
    import http.client

    deadline = time.monotonic() + 30
    while True:
        try:
            answer = record.request("GET", "/_orchestrator/status", timeout=3)
            return answer.get("start_id") == record.start_id and answer.get("pid") == record.pid
        except (OSError, http.client.HTTPException) as error:
            refused = isinstance(error, ConnectionRefusedError)
            if refused or time.monotonic() > deadline or not _is_ours(record):
                return False
        except OrchestratorError:
            return False
        time.sleep(0.1)


def _is_ours(record: LocalAws) -> bool:
    """Is the process of `record` the very server that wrote it? Its environment holds the start id."""
    import psutil

    try:
        process = psutil.Process(record.pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(START_ID) == record.start_id
    except psutil.Error:
        return False


def _check_installed() -> None:
    """The embedded AWS is an extra: whoever works on AWS alone does not install it."""
    # find_spec does not import.
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise OrchestratorError(
            "The embedded AWS is not installed.",
            why=f"It needs what is not here: {', '.join(missing)}.",
            remedy=f"Run `{install_command('local')}`.",
        )


def _start(state_dir: Path) -> LocalAws:
    start_id = secrets.token_hex(16)
    log = state_dir / "server.log"
    record_file = state_dir / "server.json"
    record_file.unlink(missing_ok=True)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--state-dir", str(state_dir.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=state_dir,
            env={**_server_environment(), START_ID: start_id},
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        record = _read_record(state_dir)
        if record and record.start_id == start_id:
            # The server outlives this command on purpose; without this, its Popen would warn at collection.
            process.returncode = process.poll() if process.poll() is not None else 0
            return record
        if process.poll() is not None:
            break
        time.sleep(0.02)
    else:
        process.kill()
        process.wait()
    tail = log.read_text("utf-8", "replace")[-2000:].strip()
    raise OrchestratorError(
        "The embedded AWS did not start.",
        why=f"Its process ended with {process.returncode}: {tail}" if tail else f"It ended with {process.returncode}.",
        remedy=f"Its log is {log}.",
    )


def _server_environment() -> dict[str, str]:
    """The server's own environment: nothing of the user's AWS or moto settings, and the package importable."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MOTO_", "BOTO", "FLASK_", "WERKZEUG_"))
        and not name.lower().endswith("_proxy")
        and name not in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONWARNINGS"}
    }
    package_root = str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": python_path}


def _end(record: LocalAws) -> None:
    """Ask the process to end, then make it; it was checked to be the server before."""
    for signal_number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.kill(record.pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _is_gone(record.pid):
                return
            time.sleep(0.02)


def _is_gone(pid: int) -> bool:
    import psutil

    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of this very command would stay as a zombie
    try:
        # So would an orphan, where nobody collects those.
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
