"""A release is the same bytes twice, and says what is in it."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from orchestrator import __version__
from scripts.build_release import ROOT, bill_of_materials, main


def test_two_builds_are_the_same_bytes_and_everything_is_counted(tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert main([str(tmp_path / name)]) == 0
    first, second = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / name).iterdir()}
        for name in ("first", "second")
    )
    assert first == second
    listed = dict(line.split("  ")[::-1] for line in (tmp_path / "first/SHA256SUMS").read_text().splitlines())
    assert listed == {name: digest for name, digest in first.items() if name != "SHA256SUMS"}
    statement = json.loads((tmp_path / f"first/orchestrator-{__version__}.intoto.json").read_text())
    assert {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}.items() <= listed.items()
    with zipfile.ZipFile(tmp_path / f"first/orchestrator-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    assert {
        "orchestrator/report_page/page.html.j2",
        "orchestrator/report_page/page.css",
        "orchestrator/_charts/image-swapper/values.schema.json",
        "orchestrator/_charts/image-swapper/templates/_helpers.tpl",
        "orchestrator/_docs/guide/eks.md",
        "orchestrator/_requirements/runtime.txt",
        "orchestrator/_requirements/swapper.txt",
        "orchestrator/_docs/reference/schemas/plan.schema.json",
    } <= names


def test_the_bill_of_materials_is_one_and_names_every_locked_dependency() -> None:
    lock = (ROOT / "requirements/runtime.txt").read_text("utf-8")
    bom = bill_of_materials(lock)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom))
    assert problem is None, problem
    pinned = re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", lock, re.MULTILINE)
    assert sorted({each["name"] for each in bom["components"]}) == sorted(set(pinned))
    assert all(each["properties"] for each in bom["components"])


def test_a_lock_without_a_name_gives_nothing() -> None:
    assert bill_of_materials("# nothing\n")["components"] == []


@pytest.mark.parametrize("name", ["Typing_Extensions", "typing.extensions"])
def test_names_are_the_registry_s(name: str) -> None:
    lock = f"{name}==1.0 ; python_version < '3.13' \\\n    --hash=sha256:{'a' * 64}\n"
    [component] = bill_of_materials(lock)["components"]
    assert component["purl"] == "pkg:pypi/typing-extensions@1.0"
    assert component["properties"][0]["value"] == "a" * 64
