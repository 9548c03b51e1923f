"""Images are copied when a named signer has signed them without a key, on a root of trust of our own."""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.oci.copies import CopyOptions, CopyResult
from orchestrator.oci.copy import copy_images
from orchestrator.oci.cosign_check import SignatureDemand, read_keys
from orchestrator.oci.keyless import read_signer
from orchestrator.oci.manifest import OCI_INDEX, fallback_tag
from orchestrator.oci.registries import Registries
from tests.oci.copying import QUICK, pair
from tests.oci.corpus import Maker, bytes_of
from tests.oci.own_sigstore import Key, OwnSigstore, put_bundle
from tests.oci.strict_registry import StrictRegistry
from tests.oci.test_cosign_check import Signer

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1.2.3"
OTHER = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def own() -> OwnSigstore:
    return OwnSigstore()


def checked(root: Path, bundle_of: Any, *signers: str, required: bool = True, api: bool = True) -> CopyResult:
    """What becomes of an image that has the bundles of `bundle_of(digest)`, where these signers are trusted.

    Without the referrers' `api` a fallback tag names the bundles.
    """
    demand = SignatureDemand(read_keys(signers, root if signers else None), required)
    referrers = "api" if api else "none"
    with (
        StrictRegistry(referrers=referrers) as source,
        StrictRegistry() as target,
        Registries(variables={}, budget=QUICK) as registries,
    ):
        maker = Maker(source, "app")
        image = maker.image("1", layers=[bytes_of("layer", 1000)])
        listed = [put_bundle(maker, image, bundle) for bundle in bundle_of(image["digest"])]
        if not api:
            index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
            maker.put(index, fallback_tag(image["digest"]))
        trusted = demand.trusted(registries)
        assert trusted is not None
        wanted = [pair(f"{source.host}/app:1", f"{target.host}/app:1")]
        (result,) = copy_images(wanted, registries, options=CopyOptions(accept=trusted.accept)).results
        assert bool(target.repositories) == (result.error is None), "nothing is copied that is not trusted"
        return result


@pytest.mark.parametrize(
    "signer",
    [
        f"keyless:{ISSUER},{WORKFLOW}",
        f"keyless:{ISSUER},https://github.com/team/app/.github/workflows/release.yml@refs/tags/*",
        f"keyless:{ISSUER},https://github.com/team/*",
    ],
)
def test_what_the_signer_has_signed_is_copied(own: OwnSigstore, tmp_path: Path, signer: str) -> None:
    result = checked(own.write_root(tmp_path), lambda digest: [own.bundle(digest, WORKFLOW, ISSUER)], signer)
    assert result.error is None


def test_one_of_several_signers_and_signatures_is_enough(own: OwnSigstore, tmp_path: Path) -> None:
    def bundles(digest: str) -> list[dict[str, Any]]:
        return [own.bundle(digest, "mallory@example.com", ISSUER), own.bundle(digest, "ann@example.com", ISSUER)]

    signers = [f"keyless:{ISSUER},{name}@example.com" for name in ("bob", "ann")]
    assert checked(own.write_root(tmp_path), bundles, *signers).error is None


def test_a_fallback_tag_leads_to_bundles_too(own: OwnSigstore, tmp_path: Path) -> None:
    root, signer = own.write_root(tmp_path), f"keyless:{ISSUER},{WORKFLOW}"
    assert checked(root, lambda digest: [own.bundle(digest, WORKFLOW, ISSUER)], signer, api=False).error is None
    wrong = checked(root, lambda digest: [own.bundle(OTHER, WORKFLOW, ISSUER)], signer, api=False)
    assert "speak of other images" in f"{wrong.error}"


def test_a_bundle_that_nobody_can_use_takes_nothing_from_a_good_one(own: OwnSigstore, tmp_path: Path) -> None:
    root, signer = own.write_root(tmp_path), f"keyless:{ISSUER},{WORKFLOW}"

    def huge(digest: str) -> dict[str, Any]:
        return own.bundle(digest, WORKFLOW, ISSUER) | {"x": "y" * 2**21}

    both = checked(root, lambda digest: [huge(digest), own.bundle(digest, WORKFLOW, ISSUER)], signer)
    assert both.error is None
    alone = checked(root, lambda digest: [huge(digest)], signer)
    assert "are read" in f"{alone.error}"
    assert "are read" in f"{checked(root, lambda digest: [huge(digest)]).error}", (
        "nor is it a signature where any will do"
    )


def test_the_signature_of_another_image_is_none_where_any_will_do(own: OwnSigstore, tmp_path: Path) -> None:
    root = own.write_root(tmp_path)
    assert checked(root, lambda digest: [own.bundle(digest, WORKFLOW, ISSUER)]).error is None
    assert "other images" in f"{checked(root, lambda _: [own.bundle(OTHER, WORKFLOW, ISSUER)]).error}"


def test_a_tag_of_cosign_2_is_refused_by_name(own: OwnSigstore, tmp_path: Path) -> None:
    demand = SignatureDemand(read_keys([f"keyless:{ISSUER},{WORKFLOW}"], own.write_root(tmp_path)), required=True)
    with StrictRegistry() as source, StrictRegistry() as target, Registries(variables={}, budget=QUICK) as registries:
        maker = Maker(source, "app")
        Signer(tmp_path, "ours").tag(maker, maker.image("1", layers=[bytes_of("layer", 1000)]))
        trusted = demand.trusted(registries)
        assert trusted is not None
        wanted = [pair(f"{source.host}/app:1", f"{target.host}/app:1")]
        (result,) = copy_images(wanted, registries, options=CopyOptions(accept=trusted.accept)).results
        assert "The tag of cosign 2 brings no proof" in f"{result.error}"


@pytest.mark.parametrize(
    "signer",
    [
        f"keyless:{ISSUER},https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1.2.4",
        f"keyless:{ISSUER},https://github.com/tea",
        f"keyless:{ISSUER},https://github?com/team/*",
        f"keyless:https://accounts.google.com,{WORKFLOW}",
    ],
)
def test_another_signer_is_not_trusted(own: OwnSigstore, tmp_path: Path, signer: str) -> None:
    result = checked(own.write_root(tmp_path), lambda digest: [own.bundle(digest, WORKFLOW, ISSUER)], signer)
    assert result.error is not None
    assert f"{WORKFLOW}, whom {ISSUER} knows" in f"{result.error}"


def spoiled(own: OwnSigstore, digest: str, what: str) -> dict[str, Any]:
    stranger = OwnSigstore()
    if what == "another image":
        return own.bundle(OTHER, WORKFLOW, ISSUER)
    if what == "an attestation":
        return own.bundle(digest, WORKFLOW, ISSUER, predicate="https://slsa.dev/provenance/v1")
    if what == "another authority":
        return own.bundle(digest, WORKFLOW, ISSUER, authority=Key())
    if what == "another Sigstore":
        return stranger.bundle(digest, WORKFLOW, ISSUER)
    if what == "after the certificate's end":
        return own.bundle(digest, WORKFLOW, ISSUER, late=timedelta(minutes=10))
    bundle = own.bundle(digest, WORKFLOW, ISSUER)
    material = bundle["verificationMaterial"]
    entry = material["tlogEntries"][0]
    again = own.bundle(digest, WORKFLOW, ISSUER)
    if what == "the entry of another signature":
        material["tlogEntries"] = again["verificationMaterial"]["tlogEntries"]
    elif what == "another log":
        body = base64.b64decode(entry["canonicalizedBody"])
        late = stranger.log_entry(body, own.root.not_valid_before_utc)
        material["tlogEntries"] = [late | {"integratedTime": entry["integratedTime"]}]
    elif what == "another certificate":
        material["certificate"] = again["verificationMaterial"]["certificate"]
    elif what == "another payload":
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload, indent=1).encode()).decode()
    elif what == "another signature":
        bundle["dsseEnvelope"]["signatures"] = again["dsseEnvelope"]["signatures"]
    elif what == "another time":
        entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)
    elif what == "no proof":
        del entry["inclusionProof"]
    elif what == "no promise":
        del entry["inclusionPromise"]
    elif what == "no entry":
        material["tlogEntries"] = []
    elif what == "no certificate":
        del material["certificate"]
    elif what == "a certificate that is none":
        material["certificate"] = {"rawBytes": "AAAA"}
    elif what == "two signatures":
        bundle["dsseEnvelope"]["signatures"] *= 2
    else:
        assert what == "an unknown form"
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v9+json"
    return bundle


@pytest.mark.parametrize(
    "what",
    [
        "another image",
        "an attestation",
        "another authority",
        "another Sigstore",
        "after the certificate's end",
        "the entry of another signature",
        "another log",
        "another certificate",
        "another payload",
        "another signature",
        "another time",
        "no proof",
        "no promise",
        "no entry",
        "no certificate",
        "a certificate that is none",
        "two signatures",
        "an unknown form",
    ],
)
def test_a_signature_that_proves_nothing_is_none(own: OwnSigstore, tmp_path: Path, what: str) -> None:
    signer = f"keyless:{ISSUER},{WORKFLOW}"
    result = checked(own.write_root(tmp_path), lambda digest: [spoiled(own, digest, what)], signer)
    assert result.error is not None


def test_keys_and_signers_are_checked_side_by_side(own: OwnSigstore, tmp_path: Path) -> None:
    key = Signer(tmp_path, "ours")
    signers = f"cosign:{key.file}", f"keyless:{ISSUER},{WORKFLOW}"
    root = own.write_root(tmp_path)
    assert checked(root, lambda digest: [own.bundle(digest, WORKFLOW, ISSUER)], *signers).error is None
    stranger = checked(root, lambda digest: [own.bundle(digest, "eve@example.com", ISSUER)], *signers)
    assert "another key" in f"{stranger.error}"
    assert "eve@example.com" in f"{stranger.error}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keyless", "names no signer"),
        ("keyless:", "names no signer"),
        (f"keyless:{WORKFLOW}", "names no signer"),
        ("keyless:accounts.google.com,ann@example.com", "names no signer"),
        (f"keyless:{ISSUER},*", "names no signer"),
        ("notation:cert.pem", "notation"),
    ],
)
def test_who_signed_is_named_fully(own: OwnSigstore, tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RefusedInput, match=says):
        read_keys([text], own.write_root(tmp_path) if "keyless" in text else None)


def test_sigstores_own_root_is_used_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    read_keys([f"keyless:{ISSUER},{WORKFLOW}"], None)
    assert caplog.records == []


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"mediaType": "x"}', "-----BEGIN CERTIFICATE-----", "[" * 100_000, "9" * 5000]
)
def test_a_root_of_trust_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "root.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RefusedInput, match="cannot be used"):
        read_keys([f"keyless:{ISSUER},{WORKFLOW}"], path)


def test_a_root_of_trust_or_a_key_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedInput, match=r"cannot be used: .*regular file"):
        read_keys([f"keyless:{ISSUER},{WORKFLOW}"], tmp_path / "pipe")
    with pytest.raises(RefusedInput, match=r"cannot be read: .*regular file"):
        read_keys([f"cosign:{tmp_path / 'pipe'}"], None)


def test_a_root_of_trust_without_a_signer_is_refused(own: OwnSigstore, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="serves no --verify"):
        read_keys([], own.write_root(tmp_path))


def test_a_signer_of_thirty_stars_is_compared_at_once() -> None:
    """With a regular expression it takes for ever."""
    signer = read_signer("keyless:https://accounts.google.com," + "*a" * 30 + "*b")
    assert not signer.is_called("a" * 200)
    assert signer.is_called("a" * 200 + "b")
