"""Fixtures of the cluster tests: an API server, a registry that answers for every host and keeps a record, skopeo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer, start_api_server
from tests.cluster.recording_registry import RecordingRegistry


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One API server for the session. Give each test a namespace of its own, and take its policies away again."""
    with start_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture
def recording_registry(tmp_path: Path) -> Iterator[RecordingRegistry]:
    """A registry on loopback that holds an image under every name of every host and records what it is asked for."""
    with RecordingRegistry(tmp_path / "recording-registry") as registry:
        yield registry


@pytest.fixture(scope="session")
def skopeo() -> str:
    """The path of skopeo; the test fails where there is none."""
    found = shutil.which("skopeo")
    if found is None:
        pytest.fail("skopeo is not on PATH. On Debian and Ubuntu: apt-get install skopeo.")
    return found
