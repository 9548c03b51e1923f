"""Catalogs of operators: which bundles an ImageSetConfiguration takes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.operator_catalog import OperatorCatalog, read_catalog
from orchestrator.mirroring.operator_selection import CatalogWish, ChosenBundles, choose_bundles
from orchestrator.mirroring.read import read_document
from orchestrator.mirroring.wishes import Wish
from tests.made_catalogs import bundle_of

HEAD = "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n"
INDEX = "registry.redhat.io/redhat/index:v4.18"


def bundle(package: str, version: str) -> dict[str, Any]:
    return bundle_of("registry.redhat.io", package, version)


def channel(package: str, name: str, *entries: tuple[str, str, list[str]]) -> dict[str, Any]:
    made = []
    for version, replaces, skips in entries:
        entry: dict[str, Any] = {"name": f"{package}.v{version}"}
        if replaces:
            entry["replaces"] = f"{package}.v{replaces}"
        if skips:
            entry["skips"] = [f"{package}.v{skip}" for skip in skips]
        made.append(entry)
    return {"schema": "olm.channel", "name": name, "package": package, "entries": made}


def text(*documents: dict[str, Any]) -> str:
    return "\n".join(json.dumps(document, indent=1) for document in documents)


VERSIONS = ("1.0.0", "1.1.0", "1.1.1", "1.2.0", "2.0.0", "2.1.0-rc1")
LOGS = text(
    {"schema": "olm.package", "name": "logs", "defaultChannel": "stable"},
    channel(
        "logs",
        "stable",
        ("1.0.0", "", []),
        ("1.1.0", "1.0.0", []),
        ("1.1.1", "1.0.0", ["1.1.0"]),
        ("1.2.0", "1.1.1", []),
        ("2.0.0", "1.2.0", []),
    ),
    channel("logs", "candidate", ("2.0.0", "", []), ("2.1.0-rc1", "2.0.0", [])),
    *(bundle("logs", version) for version in VERSIONS),
    {"schema": "olm.deprecations", "package": "logs", "entries": []},
)
MESH = yaml.safe_dump_all(
    [
        {"schema": "olm.package", "name": "mesh", "defaultChannel": "v3"},
        channel("mesh", "v3", ("3.0.0", "", [])),
        bundle("mesh", "3.0.0"),
    ]
)


@pytest.fixture(scope="module")
def catalog() -> OperatorCatalog:
    return read_catalog([("logs/catalog.json", LOGS), ("mesh/catalog.yaml", MESH)])


def chosen(catalog: OperatorCatalog, operators: str) -> ChosenBundles:
    found = read_document("isc.yaml", f"{HEAD}  operators:\n  - catalog: {INDEX}\n{operators}")
    assert found is not None
    (wished,) = found
    assert isinstance(wished, CatalogWish)
    return choose_bundles(catalog, wished)


def names(found: ChosenBundles) -> set[str]:
    return {bundle.name.removeprefix("logs.v") for bundle in found.bundles}


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ("", {"2.0.0", "2.1.0-rc1", "mesh.v3.0.0"}),
        ("    full: true\n", {*VERSIONS, "mesh.v3.0.0"}),
        ("    packages: [{name: logs}]\n", {"2.0.0", "2.1.0-rc1"}),
        ("    packages: [{name: logs, channels: [{name: stable}]}]\n", {"2.0.0"}),
        ("    packages: [{name: logs, defaultChannel: candidate, channels: [{name: candidate}]}]\n", {"2.1.0-rc1"}),
        ('    packages: [{name: logs, channels: [{name: stable, minVersion: "1.2.0"}]}]\n', {"1.2.0", "2.0.0"}),
        # What is skipped comes when it is in the range.
        ('    packages: [{name: logs, channels: [{name: stable, minVersion: "1.1.0"}]}]\n', {*VERSIONS[1:5]}),
        ('    packages: [{name: logs, minVersion: "1.1.0", maxVersion: "1.1.1"}]\n', {"1.1.0", "1.1.1"}),
        # One version alone is that one, whatever upgrades to it.
        (
            '    packages: [{name: logs, channels: [{name: stable, minVersion: "1.1.1", maxVersion: "1.1.1"}]}]\n',
            {"1.1.1"},
        ),
        # Pre-releases are in where a bound names one.
        ('    packages: [{name: logs, minVersion: "2.0.0", maxVersion: "2.2.0-0"}]\n', {"2.0.0", "2.1.0-rc1"}),
        ('    packages: [{name: logs, minVersion: "2.0.0"}]\n', {"2.0.0"}),
        (
            '    packages: [{name: logs, channels: [{name: stable}, {name: candidate, minVersion: "2.1.0-rc1"}]}]\n',
            {"2.0.0", "2.1.0-rc1"},
        ),
    ],
)
def test_the_bundles_are_those_that_oc_mirror_takes(
    catalog: OperatorCatalog, operators: str, expected: set[str]
) -> None:
    assert names(chosen(catalog, operators)) == expected


def test_a_catalog_is_read_from_many_files_with_odd_bundles_and_upgrades(catalog: OperatorCatalog) -> None:
    """Bundles without a version, one that is replaced and gone, skipRange, skips of a whole branch, deprecations."""
    unversioned = bundle("logs", "1.5.0") | {"properties": []}
    parts = {
        "logs/package.yaml": yaml.safe_dump({"schema": "olm.package", "name": "logs", "defaultChannel": "a"}),
        "logs/channels/a.yml": yaml.safe_dump(
            channel("logs", "a", ("1.0.0", "0.9.0", []), ("1.5.0", "1.0.0", []), ("2.0.0", "1.5.0", ["1.6.0", "1.7.0"]))
        ),
        "logs/bundles.json": text(unversioned, *(bundle("logs", each) for each in ("1.0.0", "1.7.0", "2.0.0"))),
        "logs/deprecations.yaml": yaml.safe_dump(
            {"schema": "olm.deprecations", "package": "logs", "entries": [{"reference": {"schema": "olm.package"}}]}
        ),
        "other.json": text({"schema": "custom.thing", "package": "logs", "value": 1}),
    }
    found = read_catalog(parts.items())
    assert names(chosen(found, '    packages: [{name: logs, minVersion: "1.0.0"}]\n')) == {
        "1.0.0",
        "1.5.0",
        "1.7.0",
        "2.0.0",
    }, "what has no version comes when upgrades go through it"
    assert names(chosen(found, '    packages: [{name: logs, minVersion: "1.7.0"}]\n')) == {"1.7.0", "2.0.0"}
    assert names(chosen(found, "    full: true\n")) == {"1.0.0", "1.5.0", "2.0.0"}, "the entries of channels alone"
    assert names(chosen(found, "")) == {"2.0.0"}


def test_what_upgrades_need_comes_though_it_is_out_of_range() -> None:
    graph = read_catalog(
        [
            (
                "c.json",
                text(
                    {"schema": "olm.package", "name": "logs", "defaultChannel": "a"},
                    channel("logs", "a", ("1.0.0", "", []), ("3.0.0", "1.0.0", []), ("1.5.0", "3.0.0", [])),
                    *(bundle("logs", version) for version in ("1.0.0", "3.0.0", "1.5.0")),
                ),
            )
        ]
    )
    found = chosen(graph, '    packages: [{name: logs, maxVersion: "2.0.0"}]\n')
    assert names(found) == {"1.0.0", "3.0.0", "1.5.0"}
    assert found.outside == ("logs.v3.0.0",)


def test_the_images_are_the_catalog_and_everything_related_but_what_is_blocked(catalog: OperatorCatalog) -> None:
    packages = "    packages: [{name: mesh}]\n  blockedImages: [{name: 'mesh/op:3'}]\n"
    found = read_document("isc.yaml", f"{HEAD}  operators:\n  - catalog: {INDEX}\n{packages}")
    assert found is not None
    (wished,) = found
    assert isinstance(wished, CatalogWish)
    images = wished.images(choose_bundles(catalog, wished).bundles)
    assert images == (INDEX, "registry.redhat.io/mesh/bundle:3.0.0")


@pytest.mark.parametrize(
    ("operators", "said"),
    [
        ("    packages: [{name: lgos}]\n", "has no package 'lgos'.*to logs"),
        ("    packages: [{name: logs, channels: [{name: stabel}]}]\n", "has no channel 'stabel'.*to stable"),
        ("    packages: [{name: logs, channels: [{name: candidate}]}]\n", "loses its default channel 'stable'"),
        ('    packages: [{name: logs, minVersion: "9.0.0"}]\n', "no bundle is in the range"),
        ("    packages: [{name: logs, minVersion: 1.1}]\n", "which is no version"),
        ('    full: true\n    packages: [{name: logs, minVersion: "1.0.0"}]\n', "contradict each other"),
        (
            '    packages: [{name: logs, minVersion: "1.0.0", channels: [{name: stable, maxVersion: "2.0.0"}]}]\n',
            "both choose versions",
        ),
        (
            '    packages: [{name: logs, minVersion: "1.0.7", maxVersion: "1.0.7"}]\n',
            "no bundle of the version 1.0.7.*such as 2.1.0-rc1",
        ),
        (
            '    packages: [{name: logs, channels: [{name: stable}, {name: candidate, maxVersion: "1.0.0"}]}]\n',
            "channel 'candidate' of the package 'logs' has no bundle in the range",
        ),
        ("    packages: [{name: logs}, {name: mesh}, {name: logs}]\n", "names logs twice"),
        ("    packages: [{name: logs, channels: [{name: stable}, {name: stable}]}]\n", "names stable twice"),
        (f"  - catalog: {INDEX}\n", "operators names .* twice"),
        ("  blockedImages: [{name: a, namespace: b}]\n", "'namespace'"),
        ("  additionalImages: [{name: 'quay.io/a:1', tag: b}]\n", "'tag'"),
        ("storageConfig: {local: {path: x}}\n", "'storageConfig'"),
        ("    targetCatalog: x/y\n", "targetCatalog"),
        ("    packages: [{name: logs, bundles: [{name: x}]}]\n", "chooses bundles"),
        ("    packages: [{nam: logs}]\n", "without a name"),
        ("    packages: [{name: logs, chanels: [x]}]\n", "'chanels'"),
        ("    full: yes please\n", "true or false"),
        ("    packages: {name: logs}\n", "no list"),
        ("  blockedImages: [{name: '(?=a)b'}]\n", "look-ahead"),
        ("  blockedImages: [{name: '(a'}]\n", "no expression"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_name(catalog: OperatorCatalog, operators: str, said: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        chosen(catalog, operators)
    assert re.search(said, f"{caught.value} {caught.value.remedy}", re.DOTALL)


def test_additional_images_may_have_platforms_and_blocked_ones_are_expressions() -> None:
    found = read_document(
        "isc.yaml",
        f"{HEAD}  additionalImages:\n  - name: quay.io/a/b:1\n    platforms: [{{OS: linux, Architecture: arm64}}]\n"
        "  - name: quay.io/a/debug:1\n  blockedImages:\n  - name: .*/debug\n",
    )
    assert found is not None
    (only,) = found
    assert isinstance(only, Wish)
    assert (str(only.image), only.platforms) == ("quay.io/a/b:1", ("linux/arm64",))


@pytest.mark.parametrize(
    ("platform", "read"),
    [
        ("{os: linux, architecture: arm, variant: v7}", "linux/arm/v7"),
        ("{architecture: arm64, variant: ''}", "linux/arm64"),
        ("{OS: windows, Arch: amd64}", "windows/amd64"),
    ],
)
def test_a_platform_is_taken_with_its_variant(platform: str, read: str) -> None:
    found = read_document("isc.yaml", f"{HEAD}  additionalImages: [{{name: quay.io/a/b:1, platforms: [{platform}]}}]\n")
    assert found is not None
    assert [each.platforms for each in found if isinstance(each, Wish)] == [(read,)]


@pytest.mark.parametrize(
    "platform",
    [
        "{os: linux, variant: v7}",
        "{os: linux, architecture: [arm]}",
        "{os: [linux], architecture: arm}",
        "{os: linux, architecture: arm, variant: [v7]}",
        "{architecture: arm, os.version: '10'}",
    ],
)
def test_a_platform_that_would_choose_others_is_refused(platform: str) -> None:
    with pytest.raises(RefusedInput, match=r"is no platform|not done here"):
        read_document("isc.yaml", f"{HEAD}  additionalImages: [{{name: quay.io/a/b:1, platforms: [{platform}]}}]\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "olm.package", ', "cannot be read"),
        ("schema: [olm.package\n", "cannot be read"),
        ('{"schema": "olm.channel", "name": "a"}', "not as its schema says"),
        ('{"schema": "olm.bundle", "name": "a", "package": "b", "properties": [1]}', "not as its schema says"),
        ("[" * 100_000, "cannot be read"),
        ("{}", "no schema"),
        ("[1]", "no document|of its form"),
        ("# a comment\n---\n", "No package"),
    ],
)
def test_a_broken_catalog_names_its_file(content: str, said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        read_catalog([("index/catalog.json", content)])


@pytest.mark.parametrize(
    "entries", [[("1.0.0", "2.0.0"), ("2.0.0", "1.0.0")], [("1.0.0", ""), ("2.0.0", "")]], ids=["circle", "two heads"]
)
def test_a_channel_without_one_head_is_refused(entries: list[tuple[str, str]]) -> None:
    package = {"schema": "olm.package", "name": "logs", "defaultChannel": "a"}
    made = text(package, channel("logs", "a", *((version, replaces, []) for version, replaces in entries)))
    with pytest.raises(RefusedInput, match="no single head"):
        chosen(read_catalog([("c.json", made)]), "    packages: [{name: logs}]\n")
