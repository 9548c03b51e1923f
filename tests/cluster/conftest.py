"""Fixtures of the cluster tests: an API server, a registry that answers for every host and keeps a record, skopeo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer, start_api_server
from tests.cluster.engines.build import taken_files
from tests.cluster.recording_registry import RecordingRegistry
from tests.cluster.redirecting import Engine, policy_engine
from tests.cluster.redirecting import webhook_engine as serving_engine


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One API server for the session. Give each test a namespace of its own, and take its policies away again."""
    with start_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture(scope="session")
def openshift_api_server(api_server: ApiServer) -> ApiServer:
    """The API server with OpenShift's own schemas of mirror sets and CRIOCredentialProviderConfig: it checks such documents."""
    # Platforms have their own variants of one schema; the self-managed one is the one without conditions on the platform.
    paths = [path for path in taken_files("openshift") if "Hypershift" not in path.name]
    for path in paths:
        api_server.kubectl("create", "-f", path)
    for path in paths:
        api_server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", path)
    return api_server


@pytest.fixture
def native_engine() -> Engine:
    """The API server itself."""
    return policy_engine("native")


@pytest.fixture(scope="session")
def webhook_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """`swapper serve`, which the API server asks."""
    with serving_engine(tmp_path_factory.mktemp("webhook")) as engine:
        yield engine


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
