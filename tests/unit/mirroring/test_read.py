"""Documents that list images -> wishes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.read import read_document
from orchestrator.mirroring.wishes import Wish

DIGEST = "sha256:" + "a" * 64


def read(name: str, text: str) -> list[Wish]:
    found = read_document(name, text)
    assert found is not None
    return [item for item in found if isinstance(item, Wish)]


def names(found: list[Wish]) -> list[str]:
    return [str(item.image) for item in found]


def test_a_list_has_one_reference_a_line() -> None:
    found = read(
        "list.txt", "# base images\nnginx:1.25\n\nquay.io/a/b@" + DIGEST + "  # why\ndocker://ghcr.io/x/y:1\r\n"
    )
    assert names(found) == ["nginx:1.25", f"quay.io/a/b@{DIGEST}", "ghcr.io/x/y:1"]
    assert [item.where.line for item in found if item.where] == [2, 4, 5]


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(RefusedInput) as caught:
        read("list.txt", "nginx:1\nNGINX:2\n")
    assert str(caught.value).startswith("list.txt:2: ")


def test_what_images_and_route_print_is_read() -> None:
    plain = "nginx:1.25  redirected  1.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/library/nginx:1.25\n    a/b, c/d\n"
    assert names(read("-", plain)) == ["nginx:1.25"]
    document = {"environment": "dev", "images": [{"reference": "nginx:1"}, {"reference": "quay.io/a/b:2"}]}
    assert names(read("-", json.dumps(document, indent=2))) == ["nginx:1", "quay.io/a/b:2"]
    lines = "".join(json.dumps({"reference": text, "answer": "redirected"}) + "\n" for text in ("a:1", "b:2"))
    assert names(read("-", lines)) == ["a:1", "b:2"]


def test_a_bill_of_materials_names_its_containers() -> None:
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"type": "container", "name": "quay.io/team/app", "version": "1.2"}},
        "components": [
            {"type": "library", "name": "openssl", "purl": "pkg:deb/debian/openssl@3"},
            {
                "type": "container",
                "name": "nginx",
                "purl": f"pkg:oci/nginx@{DIGEST.replace(':', '%3A')}?repository_url=docker.io%2Flibrary%2Fnginx&tag=1.25",
                "components": [{"type": "container", "name": "registry.k8s.io/pause", "version": DIGEST}],
            },
            {"type": "container", "purl": "pkg:oci/app@sha256%3A" + "b" * 64 + "?repository_url=ghcr.io/team"},
            {"type": "container", "purl": "pkg:docker/team/tool@v3?repository_url=quay.io"},
            {"type": "container", "name": "ghcr.io/x/y:1", "version": "1"},
        ],
    }
    assert names(read("bom.json", json.dumps(document))) == [
        "quay.io/team/app:1.2",
        f"docker.io/library/nginx:1.25@{DIGEST}",
        f"ghcr.io/team/app@sha256:{'b' * 64}",
        "quay.io/team/tool:v3",
        "ghcr.io/x/y:1",
        f"registry.k8s.io/pause@{DIGEST}",
    ]
    with pytest.raises(RefusedInput, match="no container"):
        read("bom.json", json.dumps({"bomFormat": "CycloneDX", "components": []}))


def test_an_image_set_gives_its_additional_images_and_refuses_the_rest() -> None:
    head = "kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n"
    images = "  additionalImages:\n  - name: registry.redhat.io/ubi9/ubi:9.4\n  - name: quay.io/x/y:1\n"
    blocked = "  blockedImages:\n  - name: ^quay.io/.*:1$\n"
    assert names(read("isc.yaml", head + images + blocked)) == ["registry.redhat.io/ubi9/ubi:9.4"]
    for more, word in (
        ("  platform:\n    graph: true\n", "platform"),
        ("  operators:\n  - targetCatalog: x\n", "operators"),
        ("  helm:\n    repositories:\n    - name: x\n", "oci://HOST"),
    ):
        with pytest.raises(RefusedInput, match=word):
            read("isc.yaml", head + images + more)
    with pytest.raises(RefusedInput, match="v1alpha2"):
        read("isc.yaml", (head + images).replace("v2alpha1", "v1alpha2"))


REGSYNC = """
version: 1
creds:
  - registry: registry.example.com
    user: "{{env \\"USER\\"}}"
defaults:
  ratelimit: {min: 100, retry: 15m}
  parallel: 2
  interval: 60m
sync:
  - source: busybox:1
    target: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/library/busybox:1
    type: image
    platform: linux/amd64
  - source: quay.io/team/app
    target: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app
    type: repository
    tags:
      allow: ["v[0-9.]+", "latest"]
      deny: ["v0.*"]
      semverRange: [">=2"]
"""


def test_a_configuration_of_regsync_is_read_as_it_is() -> None:
    one, two = read("regsync.yml", REGSYNC)
    assert (str(one.image), one.platforms) == ("busybox:1", ("linux/amd64",))
    assert one.target == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/library/busybox"
    assert two.tags is not None
    # In a range, and allowed, and not denied.
    assert two.tags.choose(["v1.0", "v0.9", "latest", "2.1.0", "v2.1", "v3.0.0.1", "v2.0-rc.1"]) == ("v3.0.0.1", "v2.1")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("type: image", "type: registry", "whole registry"),
        ("type: image", "type: other", "other"),
        ("source: busybox:1", 'source: "{{env \\"X\\"}}"', "template"),
        ("source: busybox:1", "source: ocidir://x:1", "folder"),
        ("    type: image\n", "    type: image\n    backup: old\n", "backup"),
        ("    type: image\n", "    type: image\n    surprise: 1\n", "surprise"),
        ("  parallel: 2\n", "  backup: old-{{.Ref.Tag}}\n", "defaults has backup"),
        ("  parallel: 2\n", "  hooks: {pre: [x]}\n", "defaults has hooks"),
        ("  parallel: 2\n", "  surprise: 2\n", "defaults has an unknown"),
        ("v[0-9.]+", "v[:digit:]+", "\\[0-9\\]"),
        ("v[0-9.]+", "v1|v2", "which regsync reads as \\^v1\\|v2\\$"),
        ("v[0-9.]+", "^v1$|v2$", "which regsync reads"),
        ("v[0-9.]+", r"v1\\$|^v2", "which regsync reads"),
        ("v[0-9.]+", "v1$|^?v2", "which regsync reads"),
        ("v[0-9.]+", "[]|]|v2", "which regsync reads"),
        ("v[0-9.]+", "(?!x)v", "look-ahead"),
        ("busybox:1\n    type", "busybox\n    type", "renames 1 to latest"),
        ("source: busybox:1", "source: busybox", "renames latest to 1"),
        ("source: quay.io/team/app", "source: quay.io/team/app:1", "with a tag"),
        ("    tags:\n", "    tagSets: x\n    tags:\n", "tagSets"),
        ("  parallel: 2\n", "  tags: {allow: [x]}\n", "defaults has an unknown 'tags'"),
        ("busybox:1\n    type", "busybox:2\n    type", "renames"),
        ("version: 1", "version: 2", "version"),
        ("linux/amd64", "amd64", "platform"),
        ("semverRange: [", "semver: [", "allow, deny"),
        (">=2", ">=abc", "range"),
    ],
)
def test_what_of_regsync_is_not_done_is_refused_by_name(old: str, new: str, says: str) -> None:
    assert old in REGSYNC
    with pytest.raises(RefusedInput, match=says):
        read("regsync.yml", REGSYNC.replace(old, new, 1))


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("^2[.]1$|^3$", ["2.1", "3"]),
        ("2[.]1$|^3$|^4", ["2.1", "3", "4"]),
        ("2[]|.]1", ["2.1"]),
        ("[^]|]+[.]1", ["2.1", "12.1"]),
        ("[[:digit:]|]+", ["3", "4"]),
    ],
)
def test_alternatives_that_each_hold_the_whole_tag_are_taken(pattern: str, taken: list[str]) -> None:
    _, two = read("regsync.yml", REGSYNC.replace('"v[0-9.]+", "latest"', f"'{pattern}'"))
    assert two.tags is not None
    assert set(two.tags.choose(["2.1", "2.10", "12.1", "3", "3.3", "4"])) == set(taken)


@pytest.mark.parametrize("empty", ["{}", "null", '{semverRange: [""]}', "{allow: []}"])
def test_an_empty_set_takes_all_tags_as_regsync_has_it(empty: str) -> None:
    entry = REGSYNC.partition("    tags:\n")[0]
    held = ["edge", "1.0.5", "x"]

    def chosen(more: str) -> set[str]:
        wishes = read("regsync.yml", entry + more)[1:]
        return {tag for each in wishes if each.tags for tag in each.tags.choose(held)}

    assert chosen(f"    tagSets: [{{allow: [edge]}}, {empty}]\n") == set(held)
    # `tags` that says nothing is none beside sets; every tag is in a range without text.
    alone = set(held) if "semverRange" in empty else {"edge"}
    assert chosen(f"    tagSets: [{{allow: [edge]}}]\n    tags: {empty}\n") == alone


def test_sets_of_tags_come_beside_each_other_and_every_option_of_regsync_is_known() -> None:
    entry = """
    fastCheck: true
    forceRecursive: false
    referrers: true
    referrerSlow: true
    digestTags: true
    schedule: "0 * * * *"
    referrerFilters: []
    hooks: {}
    tagSets:
      - {allow: ["edge"]}
      - {semverRange: ["~1", ""]}
"""
    _, edge, minor, tags = read("regsync.yml", REGSYNC.replace("    tags:\n", f"{entry.lstrip(chr(10))}    tags:\n"))
    held = ["edge", "1.0.5", "1.1.0", "v2.0"]
    assert [each.tags.choose(held) for each in (edge, minor, tags) if each.tags] == [("edge",), ("1.0.5",), ("v2.0",)]


@pytest.mark.parametrize("text", ["{", '{"images": [{}]}', '{"images": [3]}', "<bom/>", "[" * 3, '{"a":' * 50_000])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        read("x", text)


@pytest.mark.parametrize(
    "text", ["apiVersion: v1\nkind: Pod\n", "---\na: 1\n", '{"kind": "Pod"}', "image: nginx\n", "kind: List\nsync: 1\n"]
)
def test_manifests_are_left_to_who_looks_for_images(text: str) -> None:
    assert read_document("-", text) is None


@pytest.mark.speed
def test_a_long_list_takes_linear_time() -> None:
    started = time.process_time()
    assert len(read("-", "quay.io/team/app:1\n" * 20_000)) == 20_000
    assert time.process_time() - started < 3
