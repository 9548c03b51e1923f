"""Every form in which files write images: found at its place, with its reference, and rewritten there alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from orchestrator.workloads.edits import rewrite
from orchestrator.workloads.find import find_images, is_candidate, may_hold_images
from orchestrator.workloads.place import Lines
from orchestrator.workloads.vicinity import Vicinity
from tests.unit.workloads.build_shapes import BUILD_SHAPES
from tests.unit.workloads.composed_shapes import COMPOSED_SHAPES
from tests.unit.workloads.pipeline_shapes import PIPELINE_SHAPES
from tests.unit.workloads.shapes import SHAPES as PLAIN_SHAPES

HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"

SHAPES = {**PLAIN_SHAPES, **PIPELINE_SHAPES, **BUILD_SHAPES, **COMPOSED_SHAPES}
_MARK = re.compile(r"(?:\[\[(\w+)\]\])?«([^»]*)»(?:=>([\w./@:-]+?)(?=[\s\"',}]|:\$|$))?", re.M)


@dataclass(frozen=True)
class Marked:
    """A text without its marks, and what they say: {start: (reference, consent)}."""

    text: str
    expected: dict[int, tuple[str, str]]


def marked(source: str) -> Marked:
    text, position, expected = "", 0, {}
    consent = ""
    for match in _MARK.finditer(source):
        text += source[position : match.start()]
        consent = match[1] or ("ci" if "services: [" in source[: match.start()].rpartition("\n")[2] else "")
        expected[len(text)] = (match[3] or match[2], consent)
        text += match[2]
        position = match.end()
    return Marked(text + source[position:], expected)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_image_is_found_at_its_place_and_nothing_else(name: str, ends: str) -> None:
    path, source = SHAPES[name]
    case = marked(source.replace("\n", ends))
    found = find_images(path, case.text)
    assert is_candidate(path)
    assert {place.anchor.start: (place.reference, place.consent) for place in found.places} == case.expected


@pytest.mark.parametrize("name", SHAPES)
def test_a_look_at_the_words_passes_over_no_image(name: str) -> None:
    path, source = SHAPES[name]
    case = marked(source)
    found = find_images(path, case.text)
    assert may_hold_images(path, case.text) or not (found.places or found.unreadable)


@pytest.mark.parametrize("path", ["a.yaml", "a.json", "values.yaml", "src/app.ts", "src/app.py"])
def test_a_text_without_a_word_of_images_is_passed_over(path: str) -> None:
    assert not may_hold_images(path, '{"kind": "Service", "spec": {"ports": [80]}}')


@pytest.mark.parametrize("name", SHAPES)
def test_a_rewrite_changes_images_and_nothing_else(name: str) -> None:
    path, source = SHAPES[name]
    text = marked(source).text
    places = find_images(path, text).places
    result = rewrite(
        places, lambda reference: f"own.example/mirror/{reference.partition('@')[0].rpartition('/')[2]}", ("ci", "env")
    )
    changed = result.apply(text)
    pieces, position = [], 0
    for edit in result.edits:
        pieces.append(text[position : edit.start])
        position = edit.end
    pieces.append(text[position:])
    assert re.fullmatch("(?s:.*)".join(map(re.escape, pieces)), changed)
    if any(place.consent != "never" for place in places):
        assert changed != text
        again = find_images(path, changed).places
        assert [place.field for place in again] == [place.field for place in places]
        assert all("own.example/mirror" in place.reference for place in again if place.consent != "never")


def test_lines_and_columns_count_characters_and_line_feeds() -> None:
    text = "é: ü\r\nspec: {containers: [{name: ä, image: nginx}]}\n"
    place = find_images("a.yaml", text).places[0]
    assert Lines(text).at(place.anchor.start) == (2, 38)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image: [\n", "this is no YAML"),
        ("image: *x\n", "the alias *x names no anchor"),
        ("spec: {containers: [{image: '${IMAGE}'}]}", "${ is filled in later"),
        ("image: " + "[" * 1000, "nested deeper"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, reason: str) -> None:
    found = find_images("a.yaml", text)
    assert [reason in problem.reason for problem in found.unreadable] == [True]
    assert not found.places


def test_values_beside_a_chart_may_have_any_name() -> None:
    text = "php:\n  repository: drupal\n  tag: fpm\n"
    found = [find_images("charts/a/examples/b.yaml", text, beside=Vicinity(version)).places for version in ("1.2", "")]
    assert [[place.reference for place in places] for places in found] == [["drupal:fpm"], []]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.yaml",
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nspec:\n  type: oci\n  url: oci://HERE\n",
        ),
        ("b.yaml", "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://HERE\n"),
        ("c.yaml", "kind: Application\napiVersion: argoproj.io/v1alpha1\nspec:\n  source:\n    repoURL: oci://HERE\n"),
        ("values.yaml", "image:\n  repository: oci://HERE\n  tag: '1'\n"),
    ],
)
def test_behind_a_scheme_a_registry_stays_where_names_become_familiar(name: str, text: str) -> None:
    before = text.replace("HERE", f"{HOST}/hub/grafana/a")
    places = find_images(name, before).places
    after = rewrite(places, lambda reference: reference.removeprefix(f"{HOST}/hub/")).apply(before)
    assert after == text.replace("HERE", "docker.io/grafana/a")


def test_a_domain_beside_an_image_is_no_registry() -> None:
    text = 'Domain: consul\nImage: "consul"\nImageTag: "1.5"\n'
    assert [place.reference for place in find_images("values.yaml", text).places] == ["consul:1.5"]


def test_an_organisation_between_registry_and_repository_is_told_and_left() -> None:
    text = "image:\n  registry: docker.io\n  org: spotify\n  repository: docker-gc\n  tag: latest\n"
    found = find_images("values.yaml", text)
    assert not found.places
    assert "org" in found.unreadable[0].reason


def test_a_hub_before_an_image_that_nobody_names_is_told() -> None:
    found = find_images("values.yaml", "gateway:\n  hub: quay.io/istio\n  tag: 1.2.3\n")
    assert [(one.reason, one.start) for one in found.unreadable] == [("the chart names the image behind this hub", 16)]
    assert not found.places


def test_a_hub_changes_with_the_image_that_tells_of_it() -> None:
    text = "global:\n  hub: docker.io/istio\n  tag: 1.24.1\n"
    places = find_images("values.yaml", text).places
    moved = rewrite(places, lambda reference: f"{HOST}/hub/{reference.removeprefix('docker.io/')}").apply(text)
    assert moved == text.replace("docker.io/istio", f"{HOST}/hub/istio")
    assert not rewrite(places, lambda _: f"{HOST}/hub/another:1").edits


def test_an_empty_tag_is_the_version_of_the_chart() -> None:
    text = "image: {repository: a/b, tag: ''}\n"
    assert [place.reference for place in find_images("values.yaml", text, beside=Vicinity("1.2")).places] == ["a/b:1.2"]
    assert [place.reference for place in find_images("values.yaml", text).places] == ["a/b"]


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        *(
            ("1.10", "1.1"),
            ("0x10", "16"),
            ("1e3", "1000"),
            ("012", "10"),
            ("08", "8"),
            ("1_000", "1000"),
            (".5", "0.5"),
        ),
        *(
            ("yes", "true"),
            ("2024-01-01", "2024-01-01"),
            ("10:30", "10:30"),
            ("'1.10'", "1.10"),
            ("!!str 1.10", "1.10"),
        ),
        *(("20240101", "2.0240101e+07"), ("1000000", "1e+06"), ("100000", "100000"), ("1234567.5", "1.2345675e+06")),
        *(("9223372036854775808", "9.223372036854776e+18"), ("0.000001", "1e-06"), ("1" * 400, "1" * 400)),
    ],
)
def test_a_tag_is_what_helm_prints_for_it(written: str, printed: str) -> None:
    """As `helm template` of Helm 3.22 printed them."""
    places = find_images("values.yaml", f"image: {{repository: a/b, tag: {written}}}\n").places
    assert [place.reference for place in places] == [f"a/b:{printed}"]


def test_a_registry_that_several_images_share_changes_when_all_of_them_agree() -> None:
    text = "global: {imageRegistry: docker.io}\na: {image: {registry: '', repository: x/a, tag: '1'}}\nb: {image: {registry: '', repository: x/b, tag: '1'}}\n"
    places = find_images("values.yaml", text).places
    both = rewrite(places, lambda reference: reference.replace("docker.io", "own.example"))
    assert both.apply(text).startswith("global: {imageRegistry: own.example}")
    one = rewrite(places, lambda reference: "own.example/x/a:1" if "/a:" in reference else None)
    assert one.apply(text) == text
    assert [left.reason for left in one.left] == ["it shares its registry with an image that stays"]


def test_ten_thousand_images_take_no_square_of_time() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"- apiVersion: v1\n  kind: Pod\n  spec: {{containers: [{{image: 'a/b:{n}'}}]}}\n" for n in range(10_000)
    )
    assert len(find_images("a.yaml", text).places) == 10_000
