"""A filtered catalog: chosen packages, channels and bundles, what is deprecated among them, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.mirroring.filtered_catalog import filtered_catalog
from orchestrator.mirroring.operator_catalog import read_catalog
from orchestrator.mirroring.operator_selection import CatalogWish, PackageChoice, VersionSpan, choose_bundles

CATALOG = "registry.redhat.io/redhat/index:v4.18"


def channel(name: str, *versions: str) -> dict[str, Any]:
    entries = [
        {"name": f"logs.v{version}"} | ({"replaces": f"logs.v{before}"} if before else {})
        for before, version in zip(("", *versions), versions, strict=False)
    ]
    return {"schema": "olm.channel", "package": "logs", "name": name, "entries": entries}


def bundle(version: str, package: str = "logs") -> dict[str, Any]:
    value = {"packageName": package, "version": version}
    return {
        "schema": "olm.bundle",
        "package": package,
        "name": f"{package}.v{version}",
        "image": f"registry.redhat.io/{package}/bundle:{version}",
        "properties": [{"type": "olm.package", "value": value}],
    }


DEPRECATED = {
    "schema": "olm.deprecations",
    "package": "logs",
    "entries": [
        {"reference": {"schema": "olm.package"}, "message": "all of it"},
        {"reference": {"schema": "olm.channel", "name": "old"}, "message": "gone"},
        {"reference": {"schema": "olm.bundle", "name": "logs.v1.0.0"}, "message": "gone"},
        {"reference": {"schema": "olm.bundle", "name": "logs.v1.2.0"}, "message": "kept"},
        "what is no entry",
    ],
}
DOCUMENTS = [
    {"schema": "olm.package", "name": "logs", "defaultChannel": "old"},
    channel("old", "1.0.0"),
    channel("stable", "1.0.0", "1.1.0", "1.2.0"),
    *(bundle(version) for version in ("1.0.0", "1.1.0", "1.2.0")),
    DEPRECATED,
    {"schema": "olm.package", "name": "mesh", "defaultChannel": "stable"},
    {"schema": "olm.channel", "package": "mesh", "name": "stable", "entries": [{"name": "mesh.v3.0.0"}]},
    bundle("3.0.0", "mesh"),
    {"schema": "custom.of.logs", "package": "logs", "name": "anything"},
]
FILES = [("catalog.json", "".join(json.dumps(document) for document in DOCUMENTS))]


def test_only_what_is_chosen_is_left_and_it_is_a_catalog() -> None:
    choice = PackageChoice("logs", (("stable", VersionSpan()),), default="stable")
    wished = CatalogWish(CATALOG, (choice,))
    chosen = choose_bundles(read_catalog(FILES), wished)
    found = filtered_catalog(FILES, chosen, wished)
    assert list(found) == ["logs/catalog.json"]
    text = found["logs/catalog.json"].decode()
    left = read_catalog([("logs/catalog.json", text)])
    assert left.defaults == {"logs": "stable"}
    assert list(left.channels["logs"]) == ["stable"]
    assert [entry.name for entry in left.channels["logs"]["stable"].entries] == ["logs.v1.2.0"]
    assert list(left.bundles) == ["logs"]
    assert list(left.bundles["logs"]) == ["logs.v1.2.0"]
    documents = [json.loads(line) for line in text.splitlines()]
    (deprecated,) = [document for document in documents if document["schema"] == "olm.deprecations"]
    assert [entry["message"] for entry in deprecated["entries"]] == ["all of it", "kept"]
    assert any(document["schema"] == "custom.of.logs" for document in documents)
    # What it keeps is what is copied: choosing again of the filtered catalog gives the same.
    assert choose_bundles(left, wished).bundles == chosen.bundles


def test_the_whole_catalog_stays_whole() -> None:
    wished = CatalogWish(CATALOG, full=True)
    catalog = read_catalog(FILES)
    found = filtered_catalog(FILES, choose_bundles(catalog, wished), wished)
    left = read_catalog((name, content.decode()) for name, content in found.items())
    assert (left.defaults, left.channels, left.bundles) == (catalog.defaults, catalog.channels, catalog.bundles)
