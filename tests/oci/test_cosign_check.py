"""Images are copied when a given key has signed them; signatures as cosign 2 and cosign 3 make them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from orchestrator.errors import RefusedInput
from orchestrator.oci.copies import CopyOptions, CopyReport
from orchestrator.oci.copy import copy_images
from orchestrator.oci.cosign_check import SignatureDemand, read_key
from orchestrator.oci.manifest import OCI_MANIFEST, fallback_tag
from orchestrator.oci.registries import Registries
from tests.oci.copying import QUICK, pair
from tests.oci.corpus import EMPTY, Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class Signer:
    """A key pair, and what cosign makes with it."""

    def __init__(self, folder: Path, name: str, kind: str = "ecdsa") -> None:
        self.key: Any
        if kind == "rsa":
            self.key = rsa.generate_private_key(65537, 2048)
        else:
            self.key = (
                ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else ed25519.Ed25519PrivateKey.generate()
            )
        self.file = folder / f"{name}.pub"
        self.file.write_bytes(
            self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def sign(self, message: bytes) -> str:
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(message, padding.PKCS1v15(), SHA256())
        elif isinstance(self.key, ec.EllipticCurvePrivateKey):
            signature = self.key.sign(message, ec.ECDSA(SHA256()))
        else:
            signature = self.key.sign(message)
        return base64.b64encode(signature).decode()

    def tag(self, maker: Maker, image: dict[str, Any], digest: str = "", changed: bytes = b"") -> None:
        """cosign 2's tag, for `digest` where the payload shall speak of another image."""
        payload = json.dumps(
            {
                "critical": {
                    "identity": {"docker-reference": maker.name},
                    "image": {"docker-manifest-digest": digest or image["digest"]},
                    "type": "cosign container image signature",
                },
                "optional": None,
            }
        ).encode()
        layer = maker.blob(payload + changed, "application/vnd.dev.cosign.simplesigning.v1+json")
        layer["annotations"] = {"dev.cosignproject.cosign/signature": self.sign(payload)}
        config = maker.blob(b"{}")
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}
        maker.put(document, f"{fallback_tag(image['digest'])}.sig")

    def bundle(
        self, maker: Maker, image: dict[str, Any], predicate: str = "https://sigstore.dev/cosign/sign/v1"
    ) -> None:
        """cosign 3's referrer."""
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "", "digest": {"sha256": image["digest"].partition(":")[2]}}],
            "predicateType": predicate,
            "predicate": {},
        }
        payload, kind = json.dumps(statement).encode(), "application/vnd.in-toto+json"
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        envelope = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": kind,
            "signatures": [{"sig": self.sign(message)}],
        }
        content = json.dumps({"mediaType": BUNDLE, "verificationMaterial": {}, "dsseEnvelope": envelope}).encode()
        maker.put(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "artifactType": BUNDLE,
                "config": maker.blob(b"{}", EMPTY),
                "layers": [maker.blob(content, BUNDLE)],
                "subject": {key: image[key] for key in ("mediaType", "digest", "size")},
            }
        )


def copy(source: StrictRegistry, target: StrictRegistry, *files: Path, required: bool = False) -> CopyReport:
    demand = SignatureDemand(tuple(read_key(f"cosign:{file}") for file in files), required)
    with Registries(variables={}, budget=QUICK) as registries:
        trusted = demand.trusted(registries)
        assert trusted is not None
        copies = [pair(f"{source.host}/app:1", f"{target.host}/app:1")]
        return copy_images(copies, registries, options=CopyOptions(accept=trusted.accept))


def image_in(source: StrictRegistry) -> tuple[Maker, dict[str, Any]]:
    maker = Maker(source, "app")
    children = {"linux/amd64": maker.image(layers=[bytes_of("layer", 1000)])}
    return maker, maker.index("1", children=children)


@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
@pytest.mark.parametrize("form", ["tag", "bundle"])
def test_what_the_key_has_signed_is_copied(tmp_path: Path, kind: str, form: str) -> None:
    signer, other = Signer(tmp_path, "ours", kind), Signer(tmp_path, "other")
    with StrictRegistry() as source, StrictRegistry() as target:
        getattr(signer, form)(*image_in(source))
        (result,) = copy(source, target, other.file).results
        assert "another key" in f"{result.error}"
        assert target.repositories == {}, "nothing was copied"
        assert copy(source, target, other.file, signer.file, required=True).ok, "one of several keys is enough"
        assert target.repository("app").tags["1"] == source.repository("app").tags["1"]


def test_a_bundle_is_found_by_its_fallback_tag(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "ours")
    with StrictRegistry(referrers="tag") as source, StrictRegistry() as target:
        maker, image = image_in(source)
        before = set(maker.held.manifests)
        signer.bundle(maker, image)
        (digest,) = set(maker.held.manifests) - before
        media_type, content = maker.held.manifests[digest]
        entry = {"mediaType": media_type, "digest": digest, "size": len(content), "artifactType": BUNDLE}
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
        maker.put(index, fallback_tag(image["digest"]))
        assert copy(source, target, signer.file, required=True).ok


def test_a_signature_of_another_image_is_none_of_this_one(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "ours")
    with StrictRegistry() as source, StrictRegistry() as target:
        maker, image = image_in(source)
        signer.tag(maker, image, digest="sha256:" + "0" * 64)
        (result,) = copy(source, target, signer.file).results
        assert "other images" in f"{result.error}"


def test_an_attestation_is_no_signature(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "ours")
    with StrictRegistry() as source, StrictRegistry() as target:
        signer.bundle(*image_in(source), predicate="https://cosign.sigstore.dev/attestation/vuln/v1")
        (result,) = copy(source, target, signer.file, required=True).results
        assert "not signed" in f"{result.error}"


def test_a_payload_that_was_changed_is_refused(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "ours")
    with StrictRegistry() as source, StrictRegistry() as target:
        maker, image = image_in(source)
        signer.tag(maker, image, changed=b" ")
        (result,) = copy(source, target, signer.file).results
        assert "No given key" in f"{result.error}"


def test_unsigned_images_come_unless_signatures_are_required(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "ours")
    with StrictRegistry() as source, StrictRegistry() as target:
        image_in(source)
        (result,) = copy(source, target, required=True).results
        assert "not signed" in f"{result.error}"
        assert copy(source, target, signer.file).ok


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keyless", "not supported"),
        ("cosign:", "not supported"),
        ("cosign:/nowhere.pub", "cannot be read"),
        ("cosign:FILE", "no public key"),
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "key").write_text("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n")
    with pytest.raises(RefusedInput, match=says):
        read_key(text.replace("FILE", str(tmp_path / "key")))
