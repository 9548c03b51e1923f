"""One AWS provider process for many Terraform runs, by Terraform's reattach protocol.

Most of a plan's time goes into starting the provider again and again and into checksumming its binary each time. Here
it is verified against the lock file once (packages.py) and started once for each parallel slot. It serves one Terraform
at a time. Used for what only reads (plan, drift, show); an apply starts its own.

It reads its own process environment. So it serves only credentials of the provider's configuration or of that
same process environment (`credential_key`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.interrupts import kill_group
from orchestrator.terraform.packages import LockedProvider, locked_providers, verified_package
from orchestrator.terraform.provider_relay import ProviderRelay
from orchestrator.terraform.provider_schema import ProviderSchema

AWS = "registry.terraform.io/hashicorp/aws"
REATTACH = "TF_REATTACH_PROVIDERS"
START_SECONDS = 30.0
# Terraform's providers log every request at trace level when they are not told otherwise.
QUIET = {"TF_LOG": "off", "TF_LOG_PROVIDER": "off", "TF_LOG_SDK": "off", "TF_LOG_SDK_PROTO": "off"}
# Nobody ever writes to its standard input: the end of that means that this process is gone, also by kill -9.
WATCHED = """exec 3<&0
"$0" -debug 3<&- &
provider=$!
{ cat <&3; kill -9 $provider; } >/dev/null 2>&1 &
wait $provider
"""
# In --local the account is in the provider's configuration; these differ and do not matter.
OF_TERRAFORM = frozenset({"TF_WORKSPACE", "TF_CLI_CONFIG_FILE"})
PER_ENVIRONMENT = OF_TERRAFORM | {"AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION"}


@dataclass(slots=True)
class SharedProvider:
    """A running provider: `variables` make a Terraform use it, by a relay that gives the part of its schema it needs."""

    process: subprocess.Popen[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    schema: ProviderSchema | None = None
    relay: ProviderRelay | None = None

    def needs(self, types: frozenset[str] | None) -> None:
        """What the next Terraform is told of the schema: these types alone, or all."""
        if self.schema is not None:
            self.schema.types = types

    @property
    def is_cut(self) -> bool:
        """Was Terraform told less than the whole schema?"""
        return self.schema is not None and self.schema.types is not None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        """End it and remove its socket."""
        if self.relay is not None:
            self.relay.close()
        kill_group(self.process)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class ProviderPool:
    """Lends providers, each to one Terraform at a time. A context manager; nothing is left running after it."""

    notes: Callable[[str], None] = lambda _: None
    enabled: bool = True
    _idle: dict[str, list[SharedProvider]] = field(default_factory=dict)
    _all: list[SharedProvider] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _verifying: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> ProviderPool:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for provider in self._all:
                provider.close()
            self._all.clear()
            self._idle.clear()

    @contextlib.contextmanager
    def lend(self, root: Path, variables: Mapping[str, str], *, explicit: bool) -> Iterator[SharedProvider | None]:
        """A provider for Terraform in `root`, or None when there can be none; then Terraform starts its own.

        `explicit` says that the account's credentials are in the provider's configuration.
        """
        provider = self._take(root, variables, explicit) if self.enabled else None
        try:
            yield provider[1] if provider else None
        finally:
            if provider:
                key, taken = provider
                with self._lock:
                    if taken.alive:
                        self._idle.setdefault(key, []).append(taken)

    def _take(self, root: Path, variables: Mapping[str, str], explicit: bool) -> tuple[str, SharedProvider] | None:
        locked = next((entry for entry in locked_providers(root) if entry.address == AWS), None)
        if locked is None:
            return None
        key = credential_key(variables, locked, explicit=explicit)
        with self._lock:
            waiting = self._idle.get(key, [])
            while waiting:
                provider = waiting.pop()
                if provider.alive:
                    return key, provider
        try:
            with self._verifying:
                package = verified_package(root, locked)
            provider = start_provider(package.program, variables)
        except OrchestratorError as error:
            self.notes(f"No shared provider: {error}")
            return None
        with self._lock:
            self._all.append(provider)
        return key, provider


def credential_key(variables: Mapping[str, str], locked: LockedProvider, *, explicit: bool) -> str:
    """Equal for environments that one provider process may serve: same provider, same process environment."""
    left_out = PER_ENVIRONMENT if explicit else OF_TERRAFORM
    relevant = sorted((name, value) for name, value in variables.items() if name not in left_out)
    text = json.dumps([locked.address, locked.version, relevant, explicit])
    return hashlib.sha256(text.encode()).hexdigest()


def start_provider(program: Path, variables: Mapping[str, str], *, seconds: float = START_SECONDS) -> SharedProvider:
    """Start a provider in debug mode, its socket in a new folder that only this user can enter.

    Raises OrchestratorError when it does not say how to reach it in time.
    """
    # Short: a socket's path may have 104 characters.
    folder = Path(tempfile.mkdtemp(prefix="orchestrator-"))
    errors = folder / "stderr"
    environment = {name: value for name, value in variables.items() if not name.startswith("TF_")} | QUIET
    environment["PLUGIN_UNIX_SOCKET_DIR"] = str(folder)
    if environment.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        environment.pop("AWS_CA_BUNDLE", None)
    try:
        with errors.open("wb") as sink:
            process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, str(program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                cwd=folder,
                env=environment,
                text=True,
                process_group=0,
            )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OrchestratorError(f"{program} does not start: {error.strerror}.") from error
    provider = SharedProvider(process, folder)
    try:
        _put_between(provider, program, _reattachment(process, seconds))
    except BaseException:
        provider.close()
        raise
    return provider


def _put_between(provider: SharedProvider, program: Path, reattachment: str) -> None:
    """A relay between Terraform and the provider, where it says by which socket it is reached."""
    provider.variables = {REATTACH: reattachment}
    try:
        reattach = json.loads(reattachment)
        place = reattach[AWS]["Addr"]
        address = place["String"]
        if place["Network"] != "unix":
            return
        place["String"] = str(provider.folder / "relay")
        schema = ProviderSchema(program, address)
        provider.relay = ProviderRelay(provider.folder / "relay", address, schema)
    except (ValueError, KeyError, TypeError, OSError):
        return
    provider.schema = schema
    provider.variables = {REATTACH: json.dumps(reattach)}


def _reattachment(process: subprocess.Popen[str], seconds: float) -> str:
    found: list[str] = []
    said = threading.Event()

    def read(stream: IO[str]) -> None:
        # To the end, so that the provider never blocks on a full pipe.
        with stream:
            for line in stream:
                name, _, value = line.strip().partition("=")
                if name == REATTACH and not found:
                    found.append(value.strip("'\""))
                    said.set()
        said.set()

    assert process.stdout is not None
    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    said.wait(seconds)
    if not found:
        raise OrchestratorError("The provider did not say how to reach it.", why=f"Exit code: {process.poll()}.")
    return found[0]
