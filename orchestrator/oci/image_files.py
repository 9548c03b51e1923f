"""Files of an image below a folder. Layers are streamed, and a later layer's changes and deletions count.

Source: OCI image-spec, layers: the last layer wins; `.wh.NAME` takes NAME away, `.wh..wh..opq` what its folder had.
"""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast

from orchestrator.oci.blobs import BlobStream, read_blob, until_right
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.copy_events import Retried
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.manifest import Descriptor, Manifest, fits, parse_platform
from orchestrator.oci.retry import Budget

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CONFIG_LIMIT = 8 * 2**20
# A file of a catalog, unpacked; Red Hat's largest package has about 60 MiB.
FILE_LIMIT = 512 * 2**20
# All files of a layer below the folder. Red Hat's largest catalog has some hundred MiB in thousands of files.
LAYER_LIMIT = 2 * 2**30
FILES_LIMIT = 100_000


def image_of(registry: RemoteRegistry, repository: str, reference: str) -> Manifest:
    """The image of a tag or digest; of an index that for linux/amd64 or its first one."""
    return image_below(registry, repository, registry.manifest(repository, reference))


def image_below(registry: RemoteRegistry, repository: str, root: Manifest, platform: str = "") -> Manifest:
    """The same, of a manifest that was read already, for `platform` (os/architecture) of an index."""
    if not root.is_index:
        return root
    wanted = parse_platform(platform or "linux/amd64")
    fitting = [child for child in root.children if fits(wanted, child.platform)]
    if not fitting and platform:
        raise NotUsable(f"{registry.name}/{repository}@{root.digest} has no platform {platform}.")
    if not root.children:
        raise NotUsable(f"{registry.name}/{repository}@{root.digest} is an index without images.")
    return registry.manifest(repository, (fitting or list(root.children))[0].digest)


def config_document(registry: RemoteRegistry, repository: str, image: Manifest) -> dict[str, Any]:
    """The image's configuration; {} of what has none. Raises NotUsable for what is no JSON object."""
    config = _config_of(image)
    if config is None or config.size > _CONFIG_LIMIT:
        return {}
    try:
        document = json.loads(read_blob(_stream(registry, repository, config), _CONFIG_LIMIT))
        return dict(document.items())
    except (ValueError, AttributeError, RecursionError) as error:
        raise NotUsable(f"{registry.name}/{repository}: the configuration of the image is no JSON object.") from error


def image_labels(registry: RemoteRegistry, repository: str, image: Manifest) -> dict[str, str]:
    """The labels of the image's configuration."""
    try:
        labels = (config_document(registry, repository, image).get("config") or {}).get("Labels") or {}
        return {str(name): str(value) for name, value in labels.items()}
    except AttributeError as error:
        raise NotUsable(f"{registry.name}/{repository}: the configuration of the image is no JSON object.") from error


def artifact_content(registry: RemoteRegistry, repository: str, artifact: Manifest, media_type: str) -> bytes:
    """The one blob of this media type, such as a chart. Raises NotUsable where there is none, or it is too big."""
    for blob in artifact.blobs:
        if blob.media_type == media_type and blob.size <= FILE_LIMIT:
            return read_blob(_stream(registry, repository, blob), FILE_LIMIT)
    raise NotUsable(
        f"{registry.name}/{repository}@{artifact.digest} has no content of the type {media_type}.",
        remedy="Name an artifact of that type.",
    )


def files_below(registry: RemoteRegistry, repository: str, image: Manifest, folder: str) -> dict[str, bytes]:
    """{path below `folder`: content} of the regular files. Raises NotUsable, and what reading a blob raises."""
    root = _normal(folder)
    found: dict[str, bytes] = {}
    config = _config_of(image)
    for layer in image.blobs:
        if config is not None and layer.digest == config.digest:
            continue
        if "zstd" in layer.media_type:
            raise NotUsable(
                f"{registry.name}/{repository}: a layer is packed with zstd, which is not read here.",
                remedy="Push the image with gzip layers: skopeo copy --dest-compress-format gzip.",
            )
        _lay(found, root, _layer(registry, repository, layer, root))
    return found


def _lay(found: dict[str, bytes], root: str, entries: list[tuple[str, bytes | None]]) -> None:
    """Put one layer over what the layers below it have."""
    gone = set()
    for path, content in entries:
        if content is None:
            folder, name = posixpath.split(path)
            gone.add(folder if name == _OPAQUE else posixpath.join(folder, name.removeprefix(_WHITEOUT)))
    for known in [known for known in found if not gone.isdisjoint(_with_parents(posixpath.join(root, known)))]:
        del found[known]
    for path, content in entries:
        if content is not None:
            found[posixpath.relpath(path, root) if root else path] = content


def _layer(registry: RemoteRegistry, repository: str, layer: Descriptor, root: str) -> list[tuple[str, bytes | None]]:
    """What the layer says of `root`: (path, content), None for what it takes away."""
    stream = _stream(registry, repository, layer)
    try:
        # A layer takes its time: attempts are counted, not seconds.
        counted = Budget(attempts=registry.budget.attempts)
        return until_right(stream, lambda: list(_entries(stream.pieces(0, layer.size), root)), counted)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise NotUsable(
            f"{registry.name}/{repository}: the layer {layer.digest} is no tar archive: {error}.",
            remedy="Push the image again with a current client.",
        ) from error


def _entries(pieces: Iterator[bytes], root: str) -> Iterator[tuple[str, bytes | None]]:
    source = _Pieces(pieces)
    files = size = 0
    with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|*") as archive:
        for member in archive:
            path = _normal(member.name)
            name = posixpath.basename(path)
            if name.startswith(_WHITEOUT):
                yield path, None
            elif member.isfile() and _is_below(path, root):
                files, size = files + 1, size + member.size
                if member.size > FILE_LIMIT:
                    raise tarfile.ReadError(f"{path} has {member.size} bytes")
                if size > LAYER_LIMIT or files > FILES_LIMIT:
                    raise NotUsable(
                        f"A layer has more than {LAYER_LIMIT} bytes or {FILES_LIMIT} files below /{root}.",
                        why="That much is held in memory; no catalog has it.",
                        remedy="See what made the image, or name another one.",
                    )
                content = archive.extractfile(member)
                yield path, content.read() if content is not None else b""
    # The digest is known at the end only.
    for _ in pieces:
        pass


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        if not self._held:
            self._held = next(self._pieces, b"")
        if size < 0 or len(self._held) <= size:
            taken, self._held = self._held, b""
            return taken
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def _stream(registry: RemoteRegistry, repository: str, blob: Descriptor) -> BlobStream:
    what = f"{registry.name}/{repository}, {blob.digest}"
    return BlobStream(
        [(registry, repository)],
        blob,
        registry.budget,
        registry.sleep,
        lambda why: registry.on_event(Retried(what, why)),
    )


def _config_of(image: Manifest) -> Descriptor | None:
    """The configuration among the image's blobs."""
    document: dict[str, Any] = json.loads(image.content)
    digest = (document.get("config") or {}).get("digest")
    return next((blob for blob in image.blobs if blob.digest == digest), None)


def _normal(path: str) -> str:
    return posixpath.normpath(f"/{path}").lstrip("/")


def _with_parents(path: str) -> Iterator[str]:
    """The path, every folder above it, and "" for the image's own."""
    while path:
        yield path
        path = posixpath.dirname(path)
    yield ""


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
