"""Files of an image below a folder. Layers are streamed, and a later layer's changes and deletions count.

Source: OCI image-spec, layers: the last layer wins; `.wh.NAME` takes NAME away, `.wh..wh..opq` what its folder had.
"""

from __future__ import annotations

import json
import posixpath
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.oci.blobs import BlobStream, read_blob, until_right
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.copy_events import Retried
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.layer_entries import BadLayer, LayerReader
from orchestrator.oci.manifest import Descriptor, Manifest, fits, parse_platform
from orchestrator.oci.retry import Budget

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CONFIG_LIMIT = 8 * 2**20
# A file of a catalog, unpacked; Red Hat's largest package has about 60 MiB.
FILE_LIMIT = 512 * 2**20
# All files below the folder. Red Hat's largest catalog has some hundred MiB in thousands of files.
IMAGE_LIMIT = 2 * 2**30
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
        _lay(found, root, _layer(registry, repository, layer, root, found))
    return found


@dataclass(frozen=True, slots=True)
class _Link:
    """A hard link: the file has the content of the one at `path`."""

    path: str


# None is for what the layer takes away.
_Laid = tuple[str, bytes | _Link | None]


def _lay(found: dict[str, bytes], root: str, entries: list[_Laid]) -> None:
    """Put one layer over what the layers below it have. Raises NotUsable for a link out of the folder."""
    gone = {path for path, content in entries if content is None}
    for known in [known for known in found if not gone.isdisjoint(_with_parents(posixpath.join(root, known)))]:
        del found[known]
    for path, content in entries:
        if isinstance(content, _Link):
            held = found.get(_within(content.path, root)) if _is_below(content.path, root) else None
            if held is None:
                raise NotUsable(
                    f"/{path} is a hard link to /{content.path[:200]}, which is no file below /{root}.",
                    why="Only the files below that folder are read.",
                    remedy="Build the image with copies of its files.",
                )
            found[_within(path, root)] = held
        elif content is not None:
            found[_within(path, root)] = content


def _within(path: str, root: str) -> str:
    return posixpath.relpath(path, root) if root else path


def _layer(
    registry: RemoteRegistry, repository: str, layer: Descriptor, root: str, found: dict[str, bytes]
) -> list[_Laid]:
    """What the layer says of `root`, below which the layers before it have `found`."""
    stream = _stream(registry, repository, layer)
    try:
        # A layer takes its time: attempts are counted, not seconds.
        counted = Budget(attempts=registry.budget.attempts)
        return until_right(stream, lambda: _entries(stream.pieces(0, layer.size), root, found), counted)
    except (BadLayer, zlib.error) as error:
        raise NotUsable(
            f"{registry.name}/{repository}: the layer {layer.digest} is no tar archive that is read here: {error}.",
            remedy="Push the image again with a current client.",
        ) from error


def _entries(pieces: Iterator[bytes], root: str, found: dict[str, bytes]) -> list[_Laid]:
    laid: list[_Laid] = []
    failure: Exception | None = None
    try:
        laid += _read_entries(pieces, root, found)
    except (BadLayer, zlib.error) as error:
        failure = error
    # The digest is known at the end only: where it is wrong, the content is read anew.
    for _ in pieces:
        pass
    if failure is not None:
        raise failure
    return laid


def _read_entries(pieces: Iterator[bytes], root: str, found: dict[str, bytes]) -> Iterator[_Laid]:
    files, size = len(found), sum(map(len, found.values()))
    reader = LayerReader(pieces)
    for entry in reader:
        path = _normal(entry.name)
        folder, name = posixpath.split(path)
        if name.startswith(_WHITEOUT):
            gone = folder if name == _OPAQUE else posixpath.join(folder, name.removeprefix(_WHITEOUT))
            if not _is_below(gone, root) and not _is_below(root, gone):
                continue
            laid: _Laid = gone, None
        elif not (entry.is_file or entry.link) or not _is_below(path, root):
            continue
        elif entry.is_sparse:
            raise BadLayer(f"{path[:200]} is a sparse file")
        elif entry.size > FILE_LIMIT:
            raise BadLayer(f"{path[:200]} has {entry.size} bytes")
        else:
            laid = path, _Link(_normal(entry.link)) if entry.link else b""
        # A path costs its folders' names, too.
        files, size = files + 1, size + entry.size + len(path) * (1 + path.count("/"))
        if size > IMAGE_LIMIT or files > FILES_LIMIT:
            raise NotUsable(
                f"The image has more than {IMAGE_LIMIT} bytes or {FILES_LIMIT} files below /{root}.",
                why="That much is held in memory; no catalog has it.",
                remedy="See what made the image, or name another one.",
            )
        yield (path, reader.content()) if laid[1] == b"" else laid


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
