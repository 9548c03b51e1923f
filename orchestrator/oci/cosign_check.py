"""cosign's signatures by public keys or signers' names: of images in their source, before anything is copied.

Two forms: the tag `sha256-….sig` of cosign 2, whose layers are payloads of "simple signing" with the signature in an annotation. The
other is Sigstore's bundle (cosign 3) as a referrer, a DSSE envelope around an in-toto statement. The transparency log is not asked: that a
key's owner signed is what is checked, as by `cosign verify --key KEY --insecure-ignore-tlog`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.files.named_files import read_given
from orchestrator.oci.blobs import BlobStream, read_blob
from orchestrator.oci.errors import Absent, NotUsable
from orchestrator.oci.keyless import KeylessCheck, Signer, read_signer
from orchestrator.oci.manifest import Descriptor, Manifest, fallback_tag
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries

_PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
_ANNOTATION = "dev.cosignproject.cosign/signature"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_SIGNED = "https://sigstore.dev/cosign/sign/v1"
# A payload is 250 bytes, a bundle with its certificates 10 KB.
_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """Something that was signed: the exact bytes, the signature, and the digests that it speaks of.

    `bundle` is the Sigstore bundle that it comes from, "" for a tag of cosign 2. `problem` says why nothing could be read:
    such a statement speaks of nothing.
    """

    message: bytes
    signature: bytes
    digests: frozenset[str]
    bundle: bytes = b""
    problem: str = ""


# Why a statement is not signed by whom it should be; "" when it is.
WhyNot = Callable[[SignedStatement], str]


class TrustedKeys:
    """Public keys; `unsigned` collects the images that carry no signature. Safe to use from many threads."""

    def __init__(self, keys: Sequence[WhyNot], registries: Registries, *, required: bool) -> None:
        self._keys = keys
        self._registries = registries
        self._required = required
        self.unsigned: set[tuple[Place, str]] = set()

    def accept(self, place: Place, digest: str) -> None:
        """Raises NotUsable for an image that no key has signed. One without signatures passes where it needs none."""
        reasons: list[str] = []
        signed = False
        # The first good one ends it: what else lies beside it is nobody's concern.
        for statement in self._statements(place, digest):
            signed = True
            if not self._keys and digest in statement.digests:
                return
            if statement.problem:
                reasons.append(statement.problem)
            for key in self._keys if digest in statement.digests else ():
                reason = key(statement)
                if not reason:
                    return
                reasons.append(reason)
        if not signed:
            if self._required:
                raise NotUsable(
                    f"{place}@{digest} is not signed.",
                    why="It has neither cosign's tag nor a Sigstore bundle that refers to it.",
                    remedy="Sign it (cosign sign), or run without --require-signature.",
                )
            self.unsigned.add((place, digest))
            return
        different = list(dict.fromkeys(reasons))
        raise NotUsable(
            f"No given key or signer has signed {place}@{digest}.",
            why=" ".join(different[:4]) if different else "Its signatures speak of other images.",
            remedy="Give the key or the name of who signs it by --verify, or leave the image out. A Sigstore of your own "
            "is named by --trust-root.",
        )

    @property
    def unsigned_names(self) -> tuple[str, ...]:
        """`repository@digest` of each image without signatures, sorted."""
        return tuple(sorted(f"{place}@{digest}" for place, digest in self.unsigned))

    def _statements(self, place: Place, digest: str) -> Iterator[SignedStatement]:
        source = self._registries.source(place.registry)
        try:
            manifest = source.manifest(place.repository, f"{fallback_tag(digest)}.sig")
        except Absent:
            pass
        else:
            yield from self._payloads(place, manifest)
        for descriptor in self._referrers(place, digest):
            if str(descriptor.get("artifactType", _BUNDLE)).startswith(_BUNDLE):
                try:
                    bundle = source.manifest(place.repository, str(descriptor["digest"]))
                except Absent:
                    # The list of a registry names what was deleted since.
                    continue
                if bundle.artifact_type.startswith(_BUNDLE):
                    for blob in bundle.blobs:
                        if blob.media_type.startswith(_BUNDLE):
                            content = self._read(place, blob)
                            yield from _of_bundle(content) if isinstance(content, bytes) else (content,)

    def _referrers(self, place: Place, digest: str) -> Sequence[dict[str, Any]]:
        source = self._registries.source(place.registry)
        listed = source.referrers(place.repository, digest)
        if listed is not None:
            return listed
        try:
            index = source.manifest(place.repository, fallback_tag(digest))
        except (Absent, NotUsable):
            return ()
        return [{"digest": child.digest} for child in index.children]

    def _payloads(self, place: Place, manifest: Manifest) -> Iterator[SignedStatement]:
        for layer in json.loads(manifest.content).get("layers") or ():
            if not isinstance(layer, dict) or layer.get("mediaType") != _PAYLOAD:
                continue
            blob = next((blob for blob in manifest.blobs if blob.digest == layer.get("digest")), None)
            annotations = layer.get("annotations")
            text = annotations.get(_ANNOTATION) if isinstance(annotations, dict) else None
            if blob is None or not isinstance(text, str):
                continue
            content = self._read(place, blob)
            if isinstance(content, bytes):
                content = SignedStatement(content, _decoded(text), _digests_of_payload(content))
            yield content

    def _read(self, place: Place, blob: Descriptor) -> bytes | SignedStatement:
        """The blob; a statement that speaks of nothing where it cannot be used, as another may be good."""
        source = self._registries.source(place.registry)
        stream = BlobStream(
            [(source, place.repository)], blob, self._registries.budget, self._registries.sleep, _unheard
        )
        try:
            return read_blob(stream, _LIMIT)
        except NotUsable as error:
            return SignedStatement(b"", b"", frozenset(), problem=error.what)


@dataclass(frozen=True, slots=True)
class SignatureDemand:
    """What a run demands of signatures: keys, one of which must have made them; `required`: no image without one."""

    keys: tuple[WhyNot, ...] = ()
    required: bool = False

    def trusted(self, registries: Registries) -> TrustedKeys | None:
        """The check for these registries, or None where nothing is demanded."""
        return TrustedKeys(self.keys, registries, required=self.required) if self.keys or self.required else None


def _unheard(why: str) -> None:
    assert why


def _digests_of_payload(content: bytes) -> frozenset[str]:
    try:
        return frozenset({str(json.loads(content)["critical"]["image"]["docker-manifest-digest"])})
    except (ValueError, LookupError, TypeError, RecursionError):
        return frozenset()


def _of_bundle(content: bytes) -> Iterator[SignedStatement]:
    """The signature in a bundle: nothing for an attestation; one that cannot be read speaks of nothing."""
    try:
        envelope = json.loads(content)["dsseEnvelope"]
        payload, kind = _decoded(envelope["payload"]), str(envelope["payloadType"]).encode()
        (signature,) = envelope["signatures"]
        statement = json.loads(payload)
        if statement["predicateType"] != _SIGNED:
            # An attestation of a scan's findings does not say that the image may run.
            return
        subjects = statement["subject"]
        digests = frozenset(f"{name}:{hexadecimal}" for s in subjects for name, hexadecimal in s["digest"].items())
        # DSSE, pre-authentication encoding.
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        yield SignedStatement(message, _decoded(signature["sig"]), digests, content)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        yield SignedStatement(b"", b"", frozenset())


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def read_keys(texts: Sequence[str], trust_root: Path | None = None) -> tuple[WhyNot, ...]:
    """The checks of all `--verify`: one for each key, and one for all signers. Raises RefusedInput."""
    keyless = [text for text in texts if text.partition(":")[0] == "keyless"]
    if trust_root is not None and not keyless:
        raise RefusedInput(
            f"--trust-root {trust_root} serves no --verify.",
            why="Keys in files need no root of trust.",
            remedy="Name who signs: --verify keyless:ISSUER,IDENTITY.",
        )
    checks = [read_key(text) for text in texts if text not in keyless]
    if keyless:
        checks.append(_keyless([read_signer(text) for text in keyless], trust_root))
    return tuple(checks)


def _keyless(signers: Sequence[Signer], trust_root: Path | None) -> WhyNot:
    check = KeylessCheck(signers, trust_root)

    def why_not(statement: SignedStatement) -> str:
        if statement.bundle:
            return check.why_not(statement.bundle, statement.message)
        # Its annotations hold a promise of the log, which sigstore-python does not take for a proof.
        return "The tag of cosign 2 brings no proof that the log has its signature; a bundle does (cosign 3)."

    return why_not


def read_key(text: str) -> WhyNot:
    """The check of `cosign:FILE`, a public key in PEM. Raises RefusedInput."""
    scheme, colon, name = text.partition(":")
    if scheme != "cosign" or not colon or not name:
        known = {"notation": "Signatures of notation are copied and not checked.", "notary": "Notary v1 is not read."}
        raise RefusedInput(
            f"--verify {text[:100]} is not supported.",
            why=known.get(scheme, "Signatures are checked by a public key in a file, or by who signed."),
            remedy="Write --verify cosign:FILE, such as --verify cosign:cosign.pub, or --verify keyless:ISSUER,IDENTITY.",
        )
    try:
        content = read_given(Path(name))
    except OSError as error:
        raise RefusedInput(
            f"--verify {text} cannot be read: {error.strerror}.", remedy="Name a readable file with a public key."
        ) from error
    return _check_of(content, name)


def _check_of(content: bytes, name: str) -> WhyNot:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise RefusedInput(
            "Signatures cannot be checked: the package cryptography is not installed.",
            remedy=f"Install it: `{install_command('verify')}`.",
        ) from None
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise RefusedInput(
            f"{name} holds no public key.",
            why="A private key or a certificate is none." if b"-----BEGIN" in content else "It is no PEM.",
            remedy="Give what `cosign public-key` prints.",
        ) from error

    def check(statement: SignedStatement) -> str:
        signature, message = statement.signature, statement.message
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(SHA256()))
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, message, padding.PKCS1v15(), SHA256())
            else:
                assert isinstance(key, ed25519.Ed25519PublicKey)
                key.verify(signature, message)
        except InvalidSignature:
            return "Its signature was made by another key."
        return ""

    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise RefusedInput(
            f"{name} holds a key of a kind that cosign does not sign with.",
            remedy="Give an ECDSA, RSA or Ed25519 public key.",
        )
    return check
