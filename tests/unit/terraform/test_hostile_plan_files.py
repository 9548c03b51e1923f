"""A plan file that somebody changed, damaged or made up is an error with a remedy: no traceback, and no waiting."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.terraform.bundle import LOCK, MANIFEST, PLAN, PlanFile, PlanOrigin, read_bundle, write_bundle
from orchestrator.terraform.packages import read_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGIN = PlanOrigin("dev", "111122223333", "us-east-1", False, "apply", "sha256:a", "1.11.4", "2026-01-01T00:00:00Z")


def rewritten(path: Path, **changed: bytes) -> None:
    names = {"manifest": MANIFEST, "plan": PLAN, "lock": LOCK}
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    held.update({names[name]: content for name, content in changed.items()})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)


def manifest_with(path: Path, **changed: object) -> None:
    with zipfile.ZipFile(path) as archive:
        values = json.loads(archive.read(MANIFEST))
    rewritten(path, manifest=json.dumps({**values, **changed}).encode())


def encrypted(path: Path) -> None:
    """The flag of an encrypted entry in every header, local and central."""
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 4)
    path.write_bytes(content)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.find(MANIFEST.encode()) + len(MANIFEST) + 4
    content[at : at + 20] = b"\xff" * 20
    path.write_bytes(content)


def packed_otherwise(path: Path) -> None:
    """LZMA's decoder has errors of its own."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    damaged(path)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "another plan": lambda path: rewritten(path, plan=b"another"),
    "another lock file": lambda path: rewritten(path, lock=b"another"),
    "an empty file": lambda path: path.write_bytes(b""),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "encrypted": encrypted,
    "damaged": damaged,
    "a pipe": piped,
    "packed otherwise": packed_otherwise,
    "a manifest of brackets": lambda path: rewritten(path, manifest=b"[" * 60_000),
    "a manifest of digits": lambda path: rewritten(path, manifest=b'{"format": ' + b"9" * 5000 + b"}"),
    "a manifest that is too large": lambda path: rewritten(path, manifest=b" " * 100_000 + b"{}"),
    "a manifest that is a list": lambda path: rewritten(path, manifest=b"[]"),
    "a number for the environment": lambda path: manifest_with(path, environment=1),
    "a list for the digest": lambda path: manifest_with(path, digest=[]),
    "a word for a truth": lambda path: manifest_with(path, local="no"),
    "a field that nobody knows": lambda path: manifest_with(path, mode="x"),
    "no digest of its content": lambda path: manifest_with(path, content=""),
    "the first format": lambda path: manifest_with(path, format=1),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_plan_file_that_plan_did_not_write_is_refused_with_a_remedy(
    harm: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "plan"
    write_bundle(path, PlanFile(ORIGIN, b"plan", b"lock"))
    harm(path)
    with pytest.raises(RefusedInput) as caught:
        read_bundle(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < len(str(path)) + 400


def test_a_second_plan_in_one_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    write_bundle(path, PlanFile(ORIGIN, b"plan", b"lock"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(PLAN, b"other")
    with pytest.raises(RefusedInput, match="no plan file"):
        read_bundle(path)


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 300_000,
        'provider "a" {\n' * 100_000,
        'provider "' * 100_000,
        'provider "a" {\n' + " " * 300_000 + "}",
        "\0",
    ],
)
def test_a_made_up_lock_file_names_no_provider_and_takes_no_time(text: str) -> None:
    assert read_lock(text) == ()
