"""A catalog of operators as an image: file-based, in layers that change and take away what lower ones have."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

from orchestrator.oci.manifest import OCI_MANIFEST, digest_of
from tests.oci.corpus import CONFIG, Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

LABEL = "operators.operatorframework.io.index.configs.v1"


COMMAND = ["serve", "/configs", "--cache-dir=/tmp/cache"]


def packed(files: dict[str, bytes]) -> bytes:
    """A layer: a gzipped tar of {path: content}."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(made.getvalue(), mtime=0)


def bundle_of(registry: str, package: str, version: str) -> dict[str, Any]:
    """A bundle's document: its own image, and that of its operator."""
    image = f"{registry}/{package}/bundle:{version}"
    return {
        "schema": "olm.bundle",
        "name": f"{package}.v{version}",
        "package": package,
        "image": image,
        "properties": [{"type": "olm.package", "value": {"packageName": package, "version": version}}],
        "relatedImages": [
            {"name": "", "image": image},
            {"name": "op", "image": f"{registry}/{package}/op:{version}"},
        ],
    }


def package_of(registry: str, name: str, *versions: str) -> bytes:
    """catalog.json of a package with one channel of these versions."""
    documents: list[dict[str, Any]] = [{"schema": "olm.package", "name": name, "defaultChannel": "stable"}]
    entries = []
    for before, version in zip(("", *versions), versions, strict=False):
        entries.append({"name": f"{name}.v{version}"} | ({"replaces": f"{name}.v{before}"} if before else {}))
        documents.append(bundle_of(registry, name, version))
    documents.append({"schema": "olm.channel", "name": "stable", "package": name, "entries": entries})
    return "".join(json.dumps(document) for document in documents).encode()


def put_catalog(registry: StrictRegistry, host: str, repository: str, tag: str, first: str = "logs") -> None:
    """A catalog with the packages `first` (1.0.0, 1.1.0) and `mesh` (3.0.0), and the images that it names."""
    logs = package_of(host, first, "1.0.0", "1.1.0")
    mesh = package_of(host, "mesh", "3.0.0")
    gone = package_of(host, "gone", "9.9.9")
    layers = [
        packed(
            {
                "bin/opm": bytes_of("opm", 2000),
                "tmp/cache/digest": b"of the whole",
                "configs/gone/catalog.json": gone,
                "configs/logs/catalog.json": gone,
            }
        ),
        packed({"configs/.wh.gone": b"", "configs/logs/.wh..wh..opq": b"", "configs/logs/catalog.json": logs}),
        packed({"./configs/mesh/catalog.json": mesh, "configs/.indexignore": b"README.md"}),
    ]
    maker = Maker(registry, repository)
    config: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {LABEL: "/configs"}, "Cmd": COMMAND},
    }
    config["rootfs"] = {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers]}
    maker.put(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": maker.blob(json.dumps(config).encode(), CONFIG),
            "layers": [maker.blob(layer) for layer in layers],
        },
        tag,
    )
    for name, version in ((first, "1.0.0"), (first, "1.1.0"), ("mesh", "3.0.0")):
        for kind in ("bundle", "op"):
            Maker(registry, f"{name}/{kind}").image(version, layers=[bytes_of((name, kind, version), 3000)])
