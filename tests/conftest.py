"""For every test: no network but loopback, no settings of the developer, a project to write, an embedded AWS."""

from __future__ import annotations

import ipaddress
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.own_folders import make_own
from orchestrator.project import Project

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

LEAKING = ("AWS_", "TF_", "ORCHESTRATOR_", "BOTO")
LEAKING_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "KUBECONFIG", "FORCE_COLOR", "NO_COLOR")
# These say where this machine keeps Terraform and its providers; without them an offline machine has none.
KEPT = ("ORCHESTRATOR_TERRAFORM", "ORCHESTRATOR_PROVIDER_MIRROR", "TF_CLI_CONFIG_FILE")


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without what could change how the code under test behaves, or lead it to a real account."""
    kept = {
        name: value
        for name, value in variables.items()
        if name in KEPT or not (name.startswith(LEAKING) or name.upper() in LEAKING_NAMES)
    }
    if not Path(kept.get("TF_CLI_CONFIG_FILE", "/")).is_file():
        kept.pop("TF_CLI_CONFIG_FILE", None)
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
    }


def is_loopback(host: object) -> bool:
    """May a test talk to this host? None and "" are what a listener binds to."""
    if host is None or isinstance(host, (bytes, bytearray)):
        host = (host or b"").decode("ascii", "replace")
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it sees what C code does too, and needs nothing patched."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            pytest.fail(f"A test tried to reach {address[0]}:{address[1]}. Only loopback is allowed.")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_loopback(arguments[0]):
        pytest.fail(f"A test tried to look up {arguments[0]!r}. Only loopback is allowed.")


def pytest_configure(config: pytest.Config) -> None:
    # Before any fixture and for the whole session: servers that a session's fixture starts inherit it.
    cleaned = clean_environment(os.environ)
    os.environ.clear()
    os.environ.update(cleaned)
    if not getattr(sys, "_orchestrator_network_refused", False):
        # A hook cannot be taken away again, so it must not be added twice.
        sys.addaudithook(refuse_network)
        sys._orchestrator_network_refused = True  # type: ignore[attr-defined]


ProjectFactory = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path) -> ProjectFactory:
    """Write `environments/NAME.tfvars` for each {name: text} and return the project; names may be keywords too.

    project({"rosa-classic": TEXT}), project(dev=TEXT, common=TEXT)
    """

    def write(files: Mapping[str, str] | None = None, **named: str) -> Project:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        for name, text in {**(files or {}), **named}.items():
            (folder / f"{name}.tfvars").write_text(text, encoding="utf-8")
        return Project(tmp_path)

    return write


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One embedded AWS for the session. Give each test an account of its own (`account_id`) instead of a server."""
    from orchestrator.local import ensure_running, stop

    state_dir = tmp_path_factory.mktemp("local-aws")
    try:
        yield ensure_running(state_dir)
    finally:
        stop(state_dir)


@pytest.fixture(scope="session")
def with_local_aws(local_aws: LocalAws) -> Callable[[Project], Project]:
    """Have a project's `--local` use the session's embedded AWS, by a copy of its record."""

    def use(project: Project) -> Project:
        make_own(project.local_aws_dir)
        shutil.copy(local_aws.log.with_name("server.json"), project.local_aws_dir)
        return project

    return use


_accounts = itertools.count(100_000_000_001)


@pytest.fixture
def account_id() -> str:
    """An AWS account that no other test uses, in which nothing exists yet."""
    return str(next(_accounts))
