"""Files of an image below a folder: what a layer may hold is bounded, however small it is packed."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from orchestrator.oci import image_files
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.image_files import files_below, image_of
from orchestrator.oci.registries import Registries
from tests.oci.corpus import Maker
from tests.oci.strict_registry import StrictRegistry


def layer(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, held in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(held)
            archive.addfile(entry, io.BytesIO(held))
    return gzip.compress(content.getvalue())


def below(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    with StrictRegistry() as source, Registries(variables={}) as registries:
        Maker(source, "index").image("1", layers=[layer(files)])
        registry = registries.of(source.host)
        return files_below(registry, "index", image_of(registry, "index", "1"), folder)


def test_a_layer_that_unpacks_to_more_than_any_catalog_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "LAYER_LIMIT", 2_000_000)
    monkeypatch.setattr(image_files, "FILES_LIMIT", 3)
    zeros = bytes(900_000)
    assert set(below("/configs", {"configs/a": zeros, "configs/b": zeros, "else/c": zeros})) == {"a", "b"}
    with pytest.raises(NotUsable, match="below /configs"):
        below("/configs", {f"configs/{name}": zeros for name in "abc"})
    with pytest.raises(NotUsable, match="3 files"):
        below("/configs", {f"configs/{name}": b"" for name in "abcd"})


def test_a_path_that_leaves_the_folder_is_not_in_it() -> None:
    files = {"configs/../etc/passwd": b"x", "../configs/a": b"a", "/configs/./b/../c": b"c", "configs2/d": b"d"}
    assert below("configs/", files) == {"a": b"a", "c": b"c"}
