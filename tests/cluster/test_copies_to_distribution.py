"""The copier into `distribution` v3 and out of it: images, indexes, signatures, and referrers by the fallback tag."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.cluster.engines.build import binary
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.strict_registry import StrictRegistry

CONFIGURATION = """
version: 0.1
storage:
  filesystem: {{rootdirectory: {folder}/registry}}
  delete: {{enabled: true}}
http: {{addr: "{host}"}}
log: {{level: error}}
"""


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[str]:
    """The host of a registry that keeps its content in a folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "config.yml").write_text(CONFIGURATION.format(folder=tmp_path, host=host))
    environment = {"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"}
    process = subprocess.Popen([str(binary("registry")), "serve", str(tmp_path / "config.yml")], env=environment)
    try:
        while process.poll() is None:
            try:
                urllib3.request("GET", f"http://{host}/v2/", retries=False)
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
        yield host
    finally:
        process.kill()
        process.wait()


def test_everything_goes_in_and_comes_out_as_it_was(distribution: str) -> None:
    with StrictRegistry(referrers="tag") as source, StrictRegistry(referrers="tag") as back:
        for name in ("team/one", "team/two"):
            maker = Maker(source, name)
            layers = [bytes_of("base", 300_000), bytes_of(name, 50_000)]
            children = {f"linux/{a}": maker.image(layers=layers, config=(name, a)) for a in ("amd64", "arm64")}
            index = maker.index("v1", children=children)
            maker.cosign(index)
            maker.referrer(maker.referrer(index, name), (name, "nested"))
            maker.docker_image("docker", layers=layers[:1])
        names = [f"{name}:{tag}" for name in ("team/one", "team/two") for tag in ("v1", "docker")]
        there = run([pair(f"{source.host}/{name}", f"{distribution}/{name}") for name in names])
        assert there.ok, there.results
        assert there.blobs_mounted > 0
        again = run([pair(f"{source.host}/{name}", f"{distribution}/{name}") for name in names])
        assert (again.sent, [result.state.value for result in again.results]) == (0, ["unchanged"] * 4)
        out = run([pair(f"{distribution}/{name}", f"{back.host}/{name}") for name in names])
        assert out.ok, out.results
        for name in ("team/one", "team/two"):
            before, after = graph(source, name), graph(back, name)
            assert before["tags"].keys() == after["tags"].keys()
            assert before["blobs"] == after["blobs"]
            images = {digest for digest, (kind, _) in before["manifests"].items() if "index" not in kind}
            assert images <= after["manifests"].keys()
