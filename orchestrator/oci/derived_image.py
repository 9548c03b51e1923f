"""Images that are made here, of nothing or of others by more layers: a source beside their name's registry.

The same image and files give the same digest. Its own layers and manifests are held in memory; every other question
goes to the registry.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.oci.blobs import Piecewise
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.errors import Absent, NotUsable
from orchestrator.oci.http import HttpAnswer
from orchestrator.oci.image_files import config_document
from orchestrator.oci.lists import TagList
from orchestrator.oci.manifest import (
    DOCKER_MANIFEST,
    OCI_MANIFEST,
    Manifest,
    Platform,
    digest_of,
    fits,
    parse_manifest,
    select_platforms,
)
from orchestrator.oci.registries import Registries

_LAYERS = {DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.diff.tar.gzip"}
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CHUNK = 256 * 1024
_LONG_AGO = "1970-01-01T00:00:00Z"

Reconfigure = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """A layer as registries hold it: `packed` by gzip, and the digest of what is packed."""

    packed: bytes
    diff_id: str


Layers = Callable[[Platform], Sequence[PackedLayer]]


def pack_layer(files: Mapping[str, bytes], *, executable: Collection[str] = ()) -> PackedLayer:
    """A layer of {path: content}, the same bytes for the same files (and the same zlib). Programs are named in `executable`."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o755 if path in executable else 0o644
            archive.addfile(member, io.BytesIO(content))
    # A third of the time of the best compression, for a half per cent more bytes.
    return PackedLayer(gzip.compress(made.getvalue(), compresslevel=6, mtime=0), digest_of(made.getvalue()))


@dataclass(slots=True)
class _Held:
    """A blob in memory, from an offset on."""

    content: bytes
    offset: int
    status: int = 206

    def read(self) -> bytes:
        piece = self.content[self.offset : self.offset + _CHUNK]
        self.offset += len(piece)
        return piece

    def close(self, *, reuse: bool = True) -> None:
        self.offset = self.offset if reuse else len(self.content)


@dataclass(slots=True)
class DerivedImages:
    """A registry as a source, some of whose tags name images that were made here."""

    registry: RemoteRegistry
    name: str
    _homes: dict[str, str] = field(default_factory=dict)
    _tags: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    _manifests: dict[str, Manifest] = field(default_factory=dict)
    _blobs: dict[str, bytes] = field(default_factory=dict)
    _own: set[str] = field(default_factory=set)

    def derive(
        self,
        repository: str,
        root: Manifest,
        layers: Layers,
        reconfigure: Reconfigure,
        *,
        named: tuple[str, str],
        platforms: Sequence[Platform] = (),
    ) -> Manifest:
        """Lay `layers` of each platform over the image `root` of a repository, the first one lowest.

        `named` is (repository, tag) of what comes of it. Of an index each of `platforms` is made (none: every one), what is no image left out.
        `reconfigure` changes the image's configuration (`config` of it: Cmd, Labels, …). Raises NotUsable where a
        platform is missing.
        """
        if not root.is_index:
            made = self._with_layers(repository, root, layers, reconfigure, platforms)
        else:
            document = json.loads((select_platforms(root, platforms) if platforms else root).content)
            entries = []
            for entry in document["manifests"]:
                if (entry.get("platform") or {}).get("os") in (None, "unknown"):
                    continue
                image = self.registry.manifest(repository, entry["digest"])
                image = self._with_layers(repository, image, layers, reconfigure)
                entries.append(entry | {"digest": image.digest, "size": image.size})
            made = self._manifest({**document, "manifests": entries}, root.media_type)
        home, tag = named
        self._homes[home] = repository
        self._tags[home, tag] = made
        return made

    def put(
        self, repository: str, tag: str, config: tuple[str, bytes], layer: tuple[str, bytes], **more: Any
    ) -> Manifest:
        """Have the tag name an artifact; `config` and `layer` are (media type, content), `more` fields of its manifest.

        Nobody else is asked for this repository then.
        """
        blobs = [{"mediaType": kind, **self._blob(content)} for kind, content in (config, layer)]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blobs[0], "layers": blobs[1:], **more}
        made = self._tags[repository, tag] = self._manifest(document, OCI_MANIFEST)
        self._own.add(repository)
        return made

    def _with_layers(
        self,
        repository: str,
        image: Manifest,
        layers: Layers,
        reconfigure: Reconfigure,
        platforms: Sequence[Platform] = (),
    ) -> Manifest:
        config = config_document(self.registry, repository, image)
        if not isinstance(config.get("rootfs"), dict) or not isinstance(config["rootfs"].get("diff_ids"), list):
            raise NotUsable(
                f"{self.name}/{repository}@{image.digest} has no layers of a file system: nothing can be laid over them."
            )
        platform = Platform(*(str(config.get(key) or "") for key in ("os", "architecture", "variant")))
        for wanted in platforms:
            if not fits(wanted, platform):
                raise NotUsable(
                    f"{self.name}/{repository}@{image.digest} is no image of {wanted}.",
                    why=f"It is one of {platform} alone.",
                    remedy=f"Name an image of every platform, or choose --platform {platform}.",
                )
        added = layers(platform)
        config["rootfs"] = {
            **config["rootfs"],
            "diff_ids": [*config["rootfs"]["diff_ids"], *(one.diff_id for one in added)],
        }
        history = {"created": _LONG_AGO, "created_by": "orchestrator"}
        config["history"] = [*(config.get("history") or ()), *([history] * len(added))]
        config["config"] = dict(config.get("config") or {})
        reconfigure(config["config"])
        document = json.loads(image.content)
        kind = _LAYERS.get(image.media_type, _OCI_LAYER)
        laid = [{"mediaType": kind, **self._blob(one.packed)} for one in added]
        document["layers"] = [*document["layers"], *laid]
        document["config"] = {**document["config"], **self._blob(json.dumps(config, sort_keys=True).encode())}
        return self._manifest(document, image.media_type)

    def _blob(self, content: bytes) -> dict[str, Any]:
        digest = digest_of(content)
        self._blobs[digest] = content
        return {"digest": digest, "size": len(content)}

    def _manifest(self, document: dict[str, Any], media_type: str) -> Manifest:
        made = parse_manifest(json.dumps(document, sort_keys=True).encode(), media_type)
        self._manifests[made.digest] = made
        return made

    def _home(self, repository: str) -> str:
        """Where the layers come from of what has a name of its own."""
        return self._homes.get(repository, repository)

    # What a source answers

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest of a tag or digest."""
        made = self._tags.get((repository, reference)) or self._manifests.get(reference)
        if made is None and repository in self._own:
            raise Absent(f"{self.name}/{repository}:{reference} was not made here.", status=404)
        return made or self.registry.manifest(self._home(repository), reference)

    def manifest_digest(self, repository: str, reference: str) -> str | None:
        """What a tag or digest names."""
        made = self._tags.get((repository, reference)) or self._manifests.get(reference)
        if made is not None or repository in self._own:
            return made.digest if made else None
        return self.registry.manifest_digest(self._home(repository), reference)

    def tags(self, repository: str, *, pages: int = 1000) -> TagList | None:
        """The registry's tags, or those that were made."""
        if repository in self._own:
            return TagList(tuple(sorted(tag for name, tag in self._tags if name == repository)), complete=True)
        return self.registry.tags(self._home(repository), pages=pages)

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...] | None:
        """Nobody has signed what was made here."""
        if digest in self._manifests or repository in self._own:
            return ()
        return self.registry.referrers(self._home(repository), digest)

    def open_blob(self, repository: str, digest: str, offset: int = 0) -> Piecewise | HttpAnswer:
        """The bytes of a blob from `offset` on."""
        if digest in self._blobs:
            return _Held(self._blobs[digest], offset)
        return self.registry.open_blob(self._home(repository), digest, offset)


def derived_images(registries: Registries, name: str) -> DerivedImages:
    """What stands beside the registry `name` for the whole run; made when it is first asked for."""
    source = registries.source(name)
    if not isinstance(source, DerivedImages):
        source = DerivedImages(registries.of(name), name)
        registries.add_source(source)
    return source
