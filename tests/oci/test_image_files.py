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
from tests.oci.registry_state import Faults
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
    monkeypatch.setattr(image_files, "IMAGE_LIMIT", 2_000_000)
    monkeypatch.setattr(image_files, "FILES_LIMIT", 3)
    zeros = bytes(900_000)
    assert set(below("/configs", {"configs/a": zeros, "configs/b": zeros, "else/c": zeros})) == {"a", "b"}
    with pytest.raises(NotUsable, match="below /configs"):
        below("/configs", {f"configs/{name}": zeros for name in "abc"})
    with pytest.raises(NotUsable, match="3 files"):
        below("/configs", {f"configs/{name}": b"" for name in "abcd"})


def linked(entries: list[tuple[str, str, bytes]]) -> bytes:
    """A layer of (name, target of a hard link or "", content)."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, target, held in entries:
            entry = tarfile.TarInfo(name).replace(linkname=target)
            entry.size, entry.type = len(held), tarfile.LNKTYPE if target else tarfile.REGTYPE
            archive.addfile(entry, io.BytesIO(held))
    return gzip.compress(content.getvalue())


def read_layers(folder: str, layers: list[bytes], faults: Faults | None = None) -> dict[str, bytes]:
    with StrictRegistry() as source, Registries(variables={}) as registries:
        Maker(source, "index").image("1", layers=layers)
        registry = registries.of(source.host)
        image = image_of(registry, "index", "1")
        source.faults = faults or Faults()
        return files_below(registry, "index", image, folder)


def test_a_hard_link_is_the_file_that_it_names_and_one_out_of_the_folder_is_refused() -> None:
    first = linked([("configs/a", "", b"a"), ("else/b", "", b"b")])
    second = linked([("configs/c", "configs/a", b""), ("configs/d", "configs/c", b"")])
    assert read_layers("configs", [first, second]) == {"a": b"a", "c": b"a", "d": b"a"}
    with pytest.raises(NotUsable, match="hard link to /else/b"):
        read_layers("configs", [first, linked([("configs/c", "else/b", b"")])])


def test_what_layers_have_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "IMAGE_LIMIT", 2_000_000)
    layers = [layer({f"configs/{name}": bytes(900_000)}) for name in "abc"]
    assert len(read_layers("configs", layers[:2])) == 2
    with pytest.raises(NotUsable, match="2000000 bytes"):
        read_layers("configs", layers)
    long = {f"configs/{'d/' * 500}{number}": b"" for number in range(10)}
    with pytest.raises(NotUsable, match="2000000 bytes"):
        read_layers("configs", [layer(long)])


def test_a_layer_whose_bytes_were_changed_on_the_way_is_read_again() -> None:
    faults = Faults(flip=1.0, at_most=2, only=lambda _, path: "/blobs/" in path)
    files = {f"configs/{number}": bytes(512) for number in range(7)}
    # The byte in the middle is in the sixth file's header.
    assert set(read_layers("configs", [gzip.decompress(layer(files))], faults)) == set("0123456")
    assert faults.happened["flip"] == 2


def test_a_layer_that_is_no_archive_says_why() -> None:
    files = gzip.decompress(layer({"configs/a": b"a", "configs/b": b"b"}))
    for broken in (b"1" * 5000, files.replace(b"configs/b", b"configs/c", 1)):
        with pytest.raises(NotUsable, match=r"no tar archive .* checksum|number"):
            read_layers("configs", [gzip.compress(broken)])


def test_a_path_that_leaves_the_folder_is_not_in_it() -> None:
    files = {"configs/../etc/passwd": b"x", "../configs/a": b"a", "/configs/./b/../c": b"c", "configs2/d": b"d"}
    assert below("configs/", files) == {"a": b"a", "c": b"c"}
