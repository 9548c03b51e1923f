"""A catalog with the chosen bundles only, in file-based form. Pure: texts of its files + choice -> texts of the new ones.

Source: operator-registry `alpha/declcfg`. A channel keeps its chosen entries, as oc-mirror's filter leaves them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from orchestrator.mirroring.catalog_files import catalog_documents
from orchestrator.mirroring.operator_selection import CatalogWish, ChosenBundles


def filtered_catalog(files: Iterable[tuple[str, str]], chosen: ChosenBundles, wished: CatalogWish) -> dict[str, bytes]:
    """{path below the catalog's folder: content}, one file a package. Raises RefusedInput."""
    defaults = {choice.name: choice.default for choice in wished.packages if choice.default}
    # OLM refuses a bundle that is no channel's entry.
    bundles = {(package, name) for (package, _), names in chosen.channels.items() for name in names}
    packages = {package for package, _ in chosen.channels}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, text in files:
        for document in catalog_documents(name, text):
            schema = document.get("schema")
            package = str(document.get("name" if schema == "olm.package" else "package"))
            if package not in packages:
                continue
            kept = _kept(document, package, chosen, bundles)
            if kept is not None and schema == "olm.package" and package in defaults:
                kept = kept | {"defaultChannel": defaults[package]}
            if kept is not None:
                found.setdefault(package, []).append(kept)
    return {f"{package}/catalog.json": _written(documents) for package, documents in sorted(found.items())}


def _kept(
    document: dict[str, Any], package: str, chosen: ChosenBundles, bundles: set[tuple[str, str]]
) -> dict[str, Any] | None:
    schema, name = document.get("schema"), str(document.get("name"))
    if schema == "olm.channel":
        names = chosen.channels.get((package, name))
        if names is None:
            return None
        return document | {"entries": [entry for entry in document["entries"] if entry.get("name") in names]}
    if schema == "olm.bundle":
        return document if (package, name) in bundles else None
    if schema == "olm.deprecations":
        entries = [entry for entry in document.get("entries") or () if _speaks_of(entry, package, chosen, bundles)]
        return document | {"entries": entries} if entries else None
    return document


def _speaks_of(entry: Any, package: str, chosen: ChosenBundles, bundles: set[tuple[str, str]]) -> bool:
    """Is what is deprecated still there? Of what is gone OLM wants no word."""
    reference = entry.get("reference") if isinstance(entry, dict) else None
    if not isinstance(reference, dict):
        return False
    name = str(reference.get("name"))
    if reference.get("schema") == "olm.channel":
        return (package, name) in chosen.channels
    return reference.get("schema") == "olm.package" or (package, name) in bundles


def _written(documents: list[dict[str, Any]]) -> bytes:
    lines = (json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for document in documents)
    return "".join(f"{line}\n" for line in lines).encode()
