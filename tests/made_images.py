"""Real images for tests of registries: an OCI layout on disk with an index of two platforms and a signature."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"
MANIFEST, INDEX = f"{OCI}.manifest.v1+json", f"{OCI}.index.v1+json"
PLATFORMS = ("amd64", "arm64")


@dataclass
class MadeImage:
    """Blobs and manifests by digest; `digest` is the index's, `children` its images', `signature` a referrer's."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    digest: str = ""
    children: list[str] = field(default_factory=list)
    signature: str = ""

    def blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Hold a blob; its descriptor."""
        digest = digest_of(content)
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def manifest(self, document: dict[str, Any]) -> dict[str, Any]:
        """Hold a manifest; its descriptor."""
        content = json.dumps(document).encode()
        digest = digest_of(content)
        self.manifests[digest] = (document["mediaType"], content)
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(content)}

    def write_layout(self, folder: Path, tag: str) -> None:
        """Write it as an OCI layout in which `tag` names the index."""
        store = folder / "blobs" / "sha256"
        store.mkdir(parents=True)
        for digest, content in {**self.blobs, **{d: c for d, (_, c) in self.manifests.items()}}.items():
            (store / digest.removeprefix("sha256:")).write_bytes(content)
        media_type, content = self.manifests[self.digest]
        entry = {"mediaType": media_type, "digest": self.digest, "size": len(content)}
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def digest_of(content: bytes) -> str:
    """`sha256:` and 64 digits."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def make_image(
    seed: int, *, size: int = 20_000, platforms: tuple[str, ...] = PLATFORMS, signed: bool = True
) -> MadeImage:
    """An index of `platforms` whose images have one shared layer and one of their own, `size` bytes each."""
    made = MadeImage()
    shared = _layer(f"shared {seed}", size)
    entries = []
    for platform in platforms:
        layers = [shared, _layer(f"{platform} {seed}", size)]
        config = {
            "os": "linux",
            "architecture": platform,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers]},
        }
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": made.blob(json.dumps(config).encode(), f"{OCI}.config.v1+json"),
            "layers": [made.blob(layer, f"{OCI}.layer.v1.tar+gzip") for layer in layers],
        }
        entry = made.manifest(document)
        made.children.append(entry["digest"])
        entries.append({**entry, "platform": {"os": "linux", "architecture": platform}})
    subject = made.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    made.digest = subject["digest"]
    if signed:
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json",
            "config": made.blob(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [made.blob(f"signature {seed}".encode(), "application/vnd.dev.cosign.simplesigning.v1+json")],
            "subject": subject,
        }
        made.signature = made.manifest(document)["digest"]
    return made


def _layer(name: str, size: int) -> bytes:
    content = random.Random(name).randbytes(size)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name.replace(" ", "-"))
        entry.size = size
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
