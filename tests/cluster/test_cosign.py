"""Signatures that the real cosign makes are checked and copied here, and what was copied, or made here, it verifies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.oci.copies import CopyOptions, CopyReport
from orchestrator.oci.copy import copy_images
from orchestrator.oci.cosign_check import SignatureDemand, read_keys
from orchestrator.oci.registries import Registries
from tests.cluster.engines.build import binary
from tests.oci.copying import QUICK, pair
from tests.oci.corpus import Maker, bytes_of
from tests.oci.own_sigstore import OwnSigstore, put_bundle
from tests.oci.strict_registry import StrictRegistry
from tests.oci.test_keyless import ISSUER, WORKFLOW

pytestmark = pytest.mark.cluster

# Without a log, for it would be Sigstore's own; cosign 2's form is a tag, cosign 3's a bundle.
SIGN = ("--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes")
FORMS = {"cosign 2": ("--new-bundle-format=false",), "cosign 3": ()}


def cosign(home: Path, *arguments: str) -> tuple[int, str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "COSIGN_PASSWORD": ""}
    done = subprocess.run(
        [str(binary("cosign")), *arguments],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def copied(source: StrictRegistry, target: StrictRegistry, verify: str, root: Path | None = None) -> CopyReport:
    with Registries(variables={}, budget=QUICK) as registries:
        trusted = SignatureDemand(read_keys([verify], root), required=True).trusted(registries)
        assert trusted is not None
        wanted = [pair(f"{source.host}/app:1", f"{target.host}/app:1")]
        return copy_images(wanted, registries, options=CopyOptions(accept=trusted.accept))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("referrers", ["api", "tag"])
def test_what_cosign_signed_is_taken_and_verified_by_cosign_where_it_went(
    tmp_path: Path, form: str, referrers: str
) -> None:
    for name in ("ours", "others"):
        (tmp_path / name).mkdir()
        assert cosign(tmp_path / name, "generate-key-pair")[0] == 0
    with StrictRegistry() as source, StrictRegistry(referrers=referrers) as target:
        maker = Maker(source, "app")
        children = {f"linux/{a}": maker.image(layers=[bytes_of(a, 1000)], config=a) for a in ("amd64", "arm64")}
        digest = maker.index("1", children=children)["digest"]
        code, said = cosign(tmp_path / "ours", "sign", *SIGN, *FORMS[form], f"{source.host}/app@{digest}")
        assert code == 0, said
        assert not copied(source, target, f"cosign:{tmp_path}/others/cosign.pub").ok
        assert target.repositories == {}
        report = copied(source, target, f"cosign:{tmp_path}/ours/cosign.pub")
        assert report.ok, report.results
        verify = ("verify", "--key", "cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry")
        code, said = cosign(tmp_path / "ours", *verify, f"{target.host}/app:1")
        assert (code, digest in said) == (0, True), said
        assert cosign(tmp_path / "others", *verify, f"{target.host}/app:1")[0] != 0


def test_cosign_and_we_agree_on_a_keyless_signature(tmp_path: Path) -> None:
    own = OwnSigstore()
    root = own.write_root(tmp_path)
    verify = ("verify", "--trusted-root", str(root), "--certificate-oidc-issuer", ISSUER, "--allow-http-registry")
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        image = maker.image("1", layers=[bytes_of("layer", 1000)])
        put_bundle(maker, image, own.bundle(image["digest"], WORKFLOW, ISSUER))
        assert not copied(source, target, f"keyless:{ISSUER},{WORKFLOW}.4", root).ok
        report = copied(source, target, f"keyless:{ISSUER},{WORKFLOW}", root)
        assert report.ok, report.results
        code, said = cosign(tmp_path, *verify, "--certificate-identity", WORKFLOW, f"{target.host}/app:1")
        assert (code, image["digest"] in said) == (0, True), said
        assert cosign(tmp_path, *verify, "--certificate-identity", f"{WORKFLOW}.4", f"{target.host}/app:1")[0] != 0
    with StrictRegistry() as source:
        maker = Maker(source, "app")
        image = maker.image("1", layers=[bytes_of("layer", 1000)])
        stranger = OwnSigstore().bundle(image["digest"], WORKFLOW, ISSUER)
        put_bundle(maker, image, stranger)
        assert cosign(tmp_path, *verify, "--certificate-identity", WORKFLOW, f"{source.host}/app:1")[0] != 0
