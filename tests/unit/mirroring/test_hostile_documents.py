"""Documents that somebody damaged on purpose: an error with its remedy, or a reading, and never a traceback or a wait.

Each document is a good one in which every value in turn is another one that does not belong there.
"""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.upstream_credentials import parse_given
from orchestrator.cli.mirror.pull_secrets import source_logins
from orchestrator.errors import OrchestratorError
from orchestrator.files.field_specs import read_fields
from orchestrator.files.stage_file import read_stages
from orchestrator.mirroring.oc_mirror_results import read_results
from orchestrator.mirroring.read import read_document
from orchestrator.oci.manifest import parse_manifest

Read = Callable[[str, Path], object]
DIGEST = "sha256:" + "a" * 64
LOGINS = base64.b64encode(b'{"auths": {"quay.io": {"auth": "YTpi"}}}').decode()
SHOWN_AT_MOST = 3000


def nested(levels: int) -> list[Any]:
    return [nested(levels - 1)] if levels else []


MISPLACED: list[Any] = [
    5,
    -1,
    1e308,
    float("nan"),
    True,
    None,
    "",
    "x",
    "a\0b",
    "\ud800",
    "\ufeffx",
    [],
    [5],
    [None],
    [{}],
    [[1]],
]
MISPLACED += [{}, {"a": 5}, nested(150), "a" * 100_000, " " * 50_000 + "x", "(" * 2000, "2001-99-99"]


def filed(read: Callable[[Path], object]) -> Read:
    def of_text(text: str, folder: Path) -> object:
        path = folder / "given"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read(path)

    return of_text


def listed(text: str, folder: Path) -> object:
    return read_document("x.yaml", text)


COMPONENT = {"type": "container", "name": "quay.io/a", "version": "1"}
PURL = {"purl": "pkg:oci/nginx@sha256%3A" + "a" * 64 + "?repository_url=docker.io/library/nginx&tag=1"}
CHANNEL = {"name": "stable", "minVersion": "1.2.3", "maxVersion": "2.0.0"}
CHART = {"name": "c", "version": "1.2.3", "imagePaths": ["{.spec.images[*].image}"]}
DOCUMENTS: dict[str, tuple[Read, Any]] = {
    "CycloneDX": (
        lambda text, _: read_document("x.json", text),
        {
            "bomFormat": "CycloneDX",
            "metadata": {"component": COMPONENT},
            "components": [{**COMPONENT, "components": [PURL]}],
        },
    ),
    "an image set": (
        listed,
        {
            "apiVersion": "mirror.openshift.io/v2alpha1",
            "kind": "ImageSetConfiguration",
            "mirror": {
                "additionalImages": [
                    {"name": "quay.io/a/b:1", "platforms": [{"OS": "linux", "Architecture": "arm64"}]}
                ],
                "blockedImages": [{"name": "x.*"}],
                "operators": [{"catalog": "quay.io/c:1", "packages": [{"name": "logs", "channels": [CHANNEL]}]}],
                "helm": {"repositories": [{"name": "r", "url": "https://c.example.com/x", "charts": [CHART]}]},
            },
        },
    ),
    "regsync": (
        listed,
        {
            "version": 1,
            "defaults": {"parallel": 2},
            "sync": [
                {"source": "quay.io/a/b:1", "target": "reg/x:1", "type": "image", "platform": "linux/amd64"},
                {
                    "source": "quay.io/a/c",
                    "target": "reg/x",
                    "type": "repository",
                    "platforms": ["linux/amd64"],
                    "tags": {"allow": ["v1.*"], "deny": ["x"], "semverRange": [">1.0"]},
                },
            ],
        },
    ),
    "what oc-mirror wrote": (
        lambda text, _: read_results([("x.yaml", text)], ["own"]),
        {
            "kind": "ImageDigestMirrorSet",
            "spec": {"imageDigestMirrors": [{"source": "quay.io/a", "mirrors": ["own/q/a"]}]},
        },
    ),
    "stages": (filed(read_stages), [{"name": "a", "namespaces": ["n"], "labels": ["tier=x"], "percent": 50}]),
    "fields": (filed(read_fields), [{"kind": "Thing", "group": "e.com", "path": "spec/image"}]),
    "a pull secret": (
        filed(lambda path: source_logins([path])),
        {"items": [{"metadata": {"name": "a"}, "data": {".dockerconfigjson": LOGINS}, "stringData": {"x": "y"}}]},
    ),
    "credentials": (
        lambda text, _: parse_given(text, None, "ghcr.io"),
        {"username": "a", "accessToken": "b"},
    ),
    "a manifest": (
        lambda text, _: parse_manifest(text.encode("utf-8", "surrogatepass")),
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": "x", "digest": DIGEST, "size": 5, "platform": {"os": "linux"}}],
        },
    ),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key in value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0):
        yield from places(value[key], (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    result = copy.deepcopy(document)
    holder = result
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return result


def told(read: Read, text: str, folder: Path) -> str:
    """The error, "" for a reading."""
    try:
        found = read(text, folder)
        if isinstance(found, Iterator):
            list(found)
    except OrchestratorError as error:
        refused = error
    else:
        return ""
    assert refused.remedy, refused
    assert len(str(refused)) < SHOWN_AT_MOST
    return str(refused)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_value_that_does_not_belong_there_is_refused_or_read(name: str, tmp_path: Path) -> None:
    read, document = DOCUMENTS[name]
    assert told(read, json.dumps(document), tmp_path) == ""
    refused = 0
    for path in places(document):
        for value in MISPLACED:
            refused += bool(told(read, json.dumps(replaced(document, path, value)), tmp_path))
    assert refused


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join(['*' + chr(97 + level)] * 10)}]\n" for level in range(9)
)
MERGES = "m0: &m0 {k: 1}\n" + "".join(
    f"m{level + 1}: &m{level + 1} {{<<: [{','.join([f'*m{level}'] * 10)}]}}\n" for level in range(9)
)
STRETCHED = {
    "aliases of aliases": (ALIASES + "sync: [{source: *j, target: *j}]\n", "aliases stand for more than"),
    "an alias as a version": (ALIASES + "apiVersion: *j\nkind: ImageSetConfiguration\n", "aliases stand for more than"),
    "merges of merges": (MERGES + "sync: []\n", "aliases stand for more than"),
    "an alias within itself": ("sync: &a [*a]\n", "stands within what it names"),
    "a number of base 16": (f"sync: []\nversion: 0x{'f' * 6000}\n", "a number of more than"),
    "a number of base 60": (f"sync: []\nversion: {':'.join(['59'] * 20_000)}\n", "a number of more than"),
    "nesting": ("sync: " + "[" * 20_000, "nested deeper than"),
}
YAML_READERS = {
    "a list of images": listed,
    "stages": DOCUMENTS["stages"][0],
    "fields": DOCUMENTS["fields"][0],
    "what oc-mirror wrote": DOCUMENTS["what oc-mirror wrote"][0],
}


@pytest.mark.parametrize("reader", YAML_READERS)
@pytest.mark.parametrize("name", STRETCHED)
def test_yaml_that_means_more_than_it_says_is_refused_at_once(name: str, reader: str, tmp_path: Path) -> None:
    text, why = STRETCHED[name]
    started = time.process_time()
    assert why in told(YAML_READERS[reader], text, tmp_path)
    assert time.process_time() - started < 2


def test_aliases_and_long_texts_that_mean_what_they_say_are_read() -> None:
    entry = "{source: *s, target: r/x}"
    text = f"x: &s quay.io/a/b\nnote: 1. {'word ' * 200}\nsync: [{', '.join([entry] * 500)}]\n"
    found = read_document("x.yaml", text)
    assert found is not None
    assert len(found) == 500


@pytest.mark.parametrize("text", ['{"a":' * 50_000, '{"a": ' + "9" * 5000 + "}"])
def test_credentials_without_end_are_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    assert "begin like JSON" in told(DOCUMENTS["credentials"][0], text, tmp_path)
