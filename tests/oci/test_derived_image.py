"""Images with one more layer: of an index each platform's, the same digest each time, and a configuration that knows the layer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.oci.derived_image import DerivedImages, pack_layer
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.image_files import config_document
from orchestrator.oci.manifest import Manifest
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from tests.made_images import make_image
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry


def say_hello(config: dict[str, Any]) -> None:
    config["Cmd"] = ["hello"]


def derived(registries: Registries, host: str) -> tuple[DerivedImages, Manifest]:
    source = DerivedImages(registries.of(host), host)
    root, layer = source.registry.manifest("app", "1"), pack_layer({"etc/new": b"new"})
    return source, source.derive("app", root, lambda _: [layer], say_hello, named=("app", "1"))


def test_each_image_of_an_index_gets_the_layer_and_the_digest_is_the_same_each_time() -> None:
    with StrictRegistry() as registry:
        image = make_image(1)
        held = registry.repository("app")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags["1"] = image.digest
        with Registries([Endpoint(registry.host, url=f"http://{registry.host}")]) as registries:
            source, made = derived(registries, registry.host)
            assert derived(registries, registry.host)[1].digest == made.digest != image.digest
            assert source.manifest_digest("app", "1") == made.digest
            assert source.manifest_digest("app", image.digest) == image.digest
            assert source.referrers("app", made.digest) == ()
            before = source.manifest("app", image.digest)
            platforms = [str(child.platform) for child in before.children]
            assert [str(child.platform) for child in made.children] == platforms
            assert len(platforms) == 2
            for child, old in zip(made.children, before.children, strict=True):
                layers = json.loads(source.manifest("app", child.digest).content)["layers"]
                assert layers[:-1] == json.loads(source.manifest("app", old.digest).content)["layers"]
                piece = source.open_blob("app", layers[-1]["digest"], 10)
                assert piece.status == 206


def test_what_has_no_file_system_is_refused() -> None:
    with StrictRegistry() as registry:
        Maker(registry, "app").image("1", layers=[bytes_of("chart", 100)])
        with Registries([Endpoint(registry.host, url=f"http://{registry.host}")]) as registries:
            with pytest.raises(NotUsable, match="no layers of a file system"):
                derived(registries, registry.host)
            found = registries.of(registry.host).manifest("app", "1")
            assert config_document(registries.of(registry.host), "app", found)["os"] == "linux"
