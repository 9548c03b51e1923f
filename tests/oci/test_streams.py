"""One blob at a time: read whole, and what is not what its digest says."""

from __future__ import annotations

import pytest

from orchestrator.oci.blobs import BlobStream, read_blob
from orchestrator.oci.errors import NotUsable, WrongContent
from orchestrator.oci.manifest import Descriptor
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

BUDGET = Budget(seconds=5, attempts=4)


def stream_of(registries: Registries, registry: StrictRegistry, content: bytes, size: int | None = None) -> BlobStream:
    found = Maker(registry, "app").blob(content)
    blob = Descriptor(found["digest"], len(content) if size is None else size, "")
    return BlobStream([(registries.of(registry.host), "app")], blob, BUDGET, lambda seconds: None, lambda why: None)


def test_a_small_blob_can_be_read_whole() -> None:
    with StrictRegistry() as registry, Registries(variables={}) as registries:
        content = bytes_of("x", 600_000)
        assert read_blob(stream_of(registries, registry, content), 10**6) == content
        with pytest.raises(NotUsable, match="at most 10 are read"):
            read_blob(stream_of(registries, registry, content), 10)


def test_a_blob_that_is_longer_or_always_wrong_is_refused() -> None:
    with StrictRegistry() as registry, Registries(variables={}) as registries:
        with pytest.raises(WrongContent, match="other content"):
            read_blob(stream_of(registries, registry, b"12345678", size=7), 10**6)
        registry.faults.flip = 1.0
        with pytest.raises(WrongContent, match="other content"):
            read_blob(stream_of(registries, registry, b"12345678"), 10**6)


def test_a_cut_download_goes_on_where_it_stopped() -> None:
    with StrictRegistry() as registry, Registries(variables={}) as registries:
        content = bytes_of("x", 3_000_000)
        stream = stream_of(registries, registry, content)
        registry.faults.cut, registry.faults.at_most = 1.0, 3
        assert read_blob(stream, 10**7) == content
        ranges = [headers.get("Range") for _, path, headers in registry.log if "/blobs/" in path]
        assert ranges[0] is None
        assert len(ranges) == 4
        assert all(found is not None for found in ranges[1:])


def test_a_source_without_ranges_is_read_from_the_start_again() -> None:
    with StrictRegistry() as registry, Registries(variables={}) as registries:
        content = bytes_of("x", 2_000_000)
        registry.faults.cut, registry.faults.at_most, registry.faults.no_ranges = 1.0, 2, True
        assert read_blob(stream_of(registries, registry, content), 10**7) == content
