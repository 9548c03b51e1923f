"""What a manifest or an index refers to. Pure: bytes in, values out.

Media types of OCI image-spec 1.1 and of Docker's schema 2. Schema 1 is refused: no registry takes it any more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.oci.errors import NotUsable

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, OCI_ARTIFACT, DOCKER_MANIFEST})
ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST, OCI_ARTIFACT)
# What the specification lets a registry refuse; nobody's manifest is larger.
MANIFEST_LIMIT = 4 * 2**20

_FOREIGN = ("application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable.")
_LAYERS = (
    "application/vnd.docker.image.rootfs.",
    "application/vnd.oci.image.layer.",
    "application/vnd.buildkit.cacheconfig.",
)
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_DIGEST = re.compile(r"(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})")


@dataclass(frozen=True, slots=True)
class Platform:
    """`os/architecture[/variant]`, as an index writes it."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One reference of a manifest: `size` in bytes; `platform` is an index's, `attests`
    the digest of the image that BuildKit's attestation is about."""

    digest: str
    size: int
    media_type: str
    platform: Platform | None = None
    artifact_type: str = ""
    attests: str = ""

    @property
    def is_foreign(self) -> bool:
        """Whether the layer stands elsewhere and registries take the manifest without it."""
        return self.media_type.startswith(_FOREIGN)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index: its bytes exactly as they came, their digest, and what they refer to.

    `blobs` are config and layers, each digest once; `children` are the manifests of an index; `subject` is the digest
    that this one refers to (a signature's image), or "".
    """

    digest: str
    media_type: str
    content: bytes
    blobs: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: str = ""
    artifact_type: str = ""

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests instead of layers."""
        return self.media_type in INDEXES

    @property
    def size(self) -> int:
        """Bytes of the manifest itself."""
        return len(self.content)


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """The digest of `content`: `sha256:…`."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_digest(text: object) -> bool:
    """Whether `text` is a digest of an algorithm that is known here."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def algorithm_of(digest: str) -> str:
    """`sha256` of `sha256:…`."""
    return digest.partition(":")[0]


def fallback_tag(digest: str) -> str:
    """The tag that stands for the referrers API where there is none: `sha256-…`, at most 128 characters."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}-{encoded[:64]}"


def signature_tags(digest: str) -> tuple[str, ...]:
    """The tags that cosign 2 gives to what belongs to `digest`: signature, attestations, SBOM."""
    return tuple(f"{fallback_tag(digest)}.{kind}" for kind in ("sig", "att", "sbom"))


def parse_manifest(content: bytes, media_type: str = "", algorithm: str = "sha256") -> Manifest:
    """The manifest that `content` is. `media_type` is what the registry said; the document's own word goes first.

    Raises NotUsable for what is neither OCI nor Docker schema 2, with the reason.
    """
    digest = digest_of(content, algorithm)
    if len(content) > MANIFEST_LIMIT:
        raise _refused(digest, f"It has {len(content)} bytes; a manifest has at most {MANIFEST_LIMIT}.")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(digest, f"It is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise _refused(digest, "It is not a JSON object.")
    if document.get("manifests") is not None and any(document.get(key) is not None for key in ("config", "layers")):
        # Two clients would copy two things (CVE-2021-41190).
        raise _refused(digest, "It is both an index and an image.")
    kind = _kind(document, media_type.partition(";")[0].strip(), digest)
    subject = document.get("subject")
    try:
        if kind in INDEXES:
            listed = _descriptors(document.get("manifests"))
            # A build cache lists layers where an index has images.
            blobs = _once([item for item in listed if item.media_type.startswith(_LAYERS)])
            children = tuple(item for item in listed if not item.media_type.startswith(_LAYERS))
        else:
            layers = document.get("blobs") if kind == OCI_ARTIFACT else document.get("layers")
            config = [] if kind == OCI_ARTIFACT else [document["config"]]
            blobs, children = _once(_descriptors([*config, *(layers or ())])), ()
        return Manifest(
            digest,
            kind,
            content,
            blobs,
            _once(children),
            _descriptor(subject).digest if subject is not None else "",
            _artifact_type(document, kind),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(digest, f"A descriptor in it is malformed: {error}.") from error


def refuse_by_sight(content: bytes, media_type: str) -> None:
    """Raise NotUsable for what is no manifest whatever its digest says: a page for people, Docker's schema 1.

    A schema 1 manifest's digest is that of a part of it. It would seem to be wrong again and again.
    """
    if content.lstrip()[:1] == b"<":
        raise NotUsable(
            "A registry answers with a web page instead of a manifest.",
            why="A proxy asks for a login, or this address is no registry.",
            remedy="Open the registry's address in a browser from this machine, and log in or correct it.",
        )
    if media_type.startswith(_SCHEMA_1):
        raise _schema_1(digest_of(content))
    if b'"fsLayers"' in content:
        parse_manifest(content, media_type)


def _schema_1(digest: str) -> NotUsable:
    return _refused(digest, "It is of Docker's schema 1, which registries have ceased to take.")


def _refused(digest: str, why: str) -> NotUsable:
    return NotUsable(
        f"{digest} is not a manifest that can be copied.", why=why, remedy="Push the image again with a current client."
    )


def _kind(document: dict[str, Any], said: str, digest: str) -> str:
    own = document.get("mediaType")
    for media_type in (own, said):
        if not isinstance(media_type, str):
            continue
        if media_type in INDEXES or media_type in MANIFESTS:
            return media_type
        if media_type.startswith(_SCHEMA_1):
            raise _schema_1(digest)
    if document.get("schemaVersion") == 1:
        raise _schema_1(digest)
    # Media types are optional in OCI documents; what they hold tells them apart.
    if isinstance(document.get("manifests"), list):
        return OCI_INDEX
    if isinstance(document.get("config"), dict):
        return OCI_MANIFEST
    raise _refused(digest, f"Its media type is {str(own or said or 'missing')[:200]}.")


def _descriptors(found: object) -> tuple[Descriptor, ...]:
    if found is None:
        return ()
    if not isinstance(found, list):
        raise TypeError("a list of descriptors is something else")
    return tuple(_descriptor(item) for item in found)


def _descriptor(item: Any) -> Descriptor:
    if not is_digest(item["digest"]):
        raise ValueError(f"digest {str(item['digest'])[:100]!a}")
    size = item["size"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"size {str(size)[:100]!a}")
    annotations = item.get("annotations") or {}
    attests = annotations.get("vnd.docker.reference.digest", "")
    return Descriptor(
        item["digest"],
        size,
        str(item.get("mediaType", "")),
        _platform(item.get("platform")),
        str(item.get("artifactType") or ""),
        attests if is_digest(attests) else "",
    )


def _platform(found: Any) -> Platform | None:
    if not isinstance(found, dict):
        return None
    return Platform(str(found.get("os", "")), str(found.get("architecture", "")), str(found.get("variant") or ""))


def _once(descriptors: Sequence[Descriptor]) -> tuple[Descriptor, ...]:
    return tuple({descriptor.digest: descriptor for descriptor in reversed(descriptors)}.values())[::-1]


def _artifact_type(document: dict[str, Any], kind: str) -> str:
    """What the referrers API calls the type: the field, else the config's media type (distribution-spec 1.1)."""
    found = document.get("artifactType")
    if not found and kind == OCI_MANIFEST:
        found = document["config"].get("mediaType")
    return str(found or "")


def parse_platform(text: str) -> Platform:
    """`linux/arm64/v8` as a value; raises NotUsable for what is no platform."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise NotUsable(f"{text!a} is not a platform.", remedy="Write os/architecture[/variant]: linux/amd64.")
    return Platform(*parts)


def fits(wanted: Platform, offered: Platform | None) -> bool:
    """Whether `offered` is `wanted`: a variant counts only where it is wanted; arm64 is arm64/v8."""
    if offered is None or (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return False
    default = "v8" if wanted.architecture == "arm64" else ""
    return not wanted.variant or wanted.variant == (offered.variant or default)


def select_platforms(index: Manifest, platforms: Sequence[Platform]) -> Manifest:
    """The smaller index with these platforms and what attests them; everything else as it was written.

    The digest is another one. Raises NotUsable when a platform is missing, or `index` is an image.
    """
    for wanted in platforms:
        if not any(fits(wanted, child.platform) for child in index.children):
            offered = ", ".join(sorted({str(child.platform) for child in index.children if child.platform})) or "none"
            raise NotUsable(
                f"{index.digest} has no platform {wanted}.", why=f"It offers: {offered}.", remedy="Choose among these."
            )
    kept = {c.digest for c in index.children if any(fits(wanted, c.platform) for wanted in platforms)}
    kept |= {c.digest for c in index.children if c.attests in kept}
    if len(kept) == len(index.children):
        return index
    document = json.loads(index.content)
    document["manifests"] = [item for item in document["manifests"] if item["digest"] in kept]
    content = json.dumps(document, separators=(",", ":")).encode()
    return parse_manifest(content, index.media_type, algorithm_of(index.digest))


def referrers_index(descriptors: Sequence[dict[str, Any]]) -> bytes:
    """The index that stands behind a fallback tag: these descriptors, sorted by digest."""
    manifests = sorted(descriptors, key=lambda descriptor: str(descriptor["digest"]))
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, separators=(",", ":")
    ).encode()


def as_referrer(manifest: Manifest) -> dict[str, Any]:
    """The descriptor by which a referrers index lists `manifest`, with its annotations."""
    found: dict[str, Any] = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size}
    if manifest.artifact_type:
        found["artifactType"] = manifest.artifact_type
    annotations = json.loads(manifest.content).get("annotations")
    if annotations:
        found["annotations"] = annotations
    return found
