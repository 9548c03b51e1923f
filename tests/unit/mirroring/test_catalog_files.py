"""Which files of a folder are a catalog, and their documents, as operator-registry reads them."""

from __future__ import annotations

import json

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.catalog_files import PATTERNS_LIMIT, catalog_documents, catalog_paths
from orchestrator.mirroring.operator_catalog import read_catalog

PATHS = ("a/catalog.yaml", "a/x/y.json", "b/README.md", "docs/a/z.yaml", ".hidden.yaml", "é/a.md", "README.md")


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ({"": "*.md\n"}, ["b/README.md", "é/a.md", "README.md"]),
        ({"": "# *.yaml\n\n  README.md  \n!b/README.md\n"}, ["README.md"]),
        ({"": "docs/\na/catalog.yaml/\n"}, ["docs/a/z.yaml"]),
        ({"": "/a"}, ["a/catalog.yaml", "a/x/y.json"]),
        ({"": "a"}, ["a/catalog.yaml", "a/x/y.json", "docs/a/z.yaml"]),
        ({"": "a/**/y.json"}, ["a/x/y.json"]),
        ({"": "**/z.yaml\na/**"}, ["a/catalog.yaml", "a/x/y.json", "docs/a/z.yaml"]),
        ({"": "[^.]*/[y-z].*\n.h?dden\\.*"}, [".hidden.yaml"]),
        ({"": "[y-\n[\na**b/c\n\\\n[]a]\n[a-]\n"}, []),
        ({"a": "*.json\ncatalog.yaml\n", "a/x": "!y.json\n"}, ["a/catalog.yaml"]),
        ({"b": "*.yaml\n/a/catalog.yaml"}, []),
        ({"": "é"}, ["é/a.md"]),
    ],
)
def test_an_index_ignore_file_leaves_out_what_it_does_in_opm(ignored: dict[str, str], left: list[str]) -> None:
    files = dict.fromkeys(PATHS, b"")
    files |= {f"{folder}/.indexignore".lstrip("/"): text.encode() for folder, text in ignored.items()}
    assert set(PATHS) - set(catalog_paths(files)) == set(left)


def test_more_patterns_than_any_catalog_has_are_refused() -> None:
    with pytest.raises(RefusedInput, match="more than 250 patterns"):
        catalog_paths({".indexignore": b"*.md\n" * (PATTERNS_LIMIT + 1)})
    assert catalog_paths({".indexignore": b"*a" * 10_000 + b"*b", "a" * 10_000: b""}) == ["a" * 10_000]


PACKAGE = {"schema": "olm.package", "name": "logs"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PACKAGE) * 2,
        json.dumps(PACKAGE) + "\n---\n" + json.dumps(PACKAGE, indent=1) + "\n",
        "---\nschema: olm.package\nname: logs\n---\n---\nSchema: olm.package\nNAME: logs\n",
        "# nothing\n---\n- null\n".replace("- null", "{schema: olm.package, name: logs}")
        + "---\n"
        + json.dumps(PACKAGE),
    ],
)
def test_streams_of_json_and_yaml_are_read_with_keys_in_any_case(text: str) -> None:
    assert list(catalog_documents("x", text)) == [PACKAGE, PACKAGE]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: logs\n", "no schema"),
        ("schema: ''\n", "no schema"),
        ("schema: [olm.package]\n", "no schema"),
        ("# Operators\n\nThese are ours.\n", "a document with a schema should be"),
        ("- schema: olm.package\n", "a list stands where"),
        ("schema: olm.package\nSchema: olm.package\n", "schema twice"),
    ],
)
def test_what_opm_does_not_serve_is_refused(text: str, says: str) -> None:
    with pytest.raises(RefusedInput, match=says):
        list(catalog_documents("docs/README.md", text))


CHANNEL = {"schema": "olm.channel", "name": "stable", "package": "logs", "entries": [{"name": "logs.v1"}]}
BUNDLE = {"schema": "olm.bundle", "name": "logs.v1", "package": "logs", "image": "quay.io/logs:1"}


@pytest.mark.parametrize(
    ("twice", "says"),
    [
        (PACKAGE, "the package 'logs' is there twice"),
        (CHANNEL, "the channel 'stable' of 'logs' is there twice"),
        (BUNDLE, "the bundle 'logs.v1' of 'logs' is there twice"),
        (CHANNEL | {"name": "b", "entries": [{"name": "logs.v1"}] * 2}, "the entry 'logs.v1' of the channel 'b' is"),
    ],
)
def test_a_catalog_that_says_one_thing_twice_is_refused(twice: dict[str, object], says: str) -> None:
    one = json.dumps(PACKAGE) + json.dumps(CHANNEL) + json.dumps(BUNDLE)
    assert read_catalog([("a.json", one)]).defaults == {"logs": ""}
    with pytest.raises(RefusedInput, match=says):
        read_catalog([("a.json", one), ("b.json", json.dumps(twice))])
