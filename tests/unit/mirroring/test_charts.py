"""Charts of an image set -> wishes; paths of images in what charts render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.mirror.image_set_charts import of_chart
from orchestrator.cli.mirror.preconditions import refuse_made_charts
from orchestrator.errors import Location, OrchestratorError, RefusedInput
from orchestrator.helm_program import find_helm
from orchestrator.mirroring.chart_wishes import ChartWish, tag_of_version
from orchestrator.mirroring.image_paths import images_at, parse_image_path
from orchestrator.mirroring.read import read_document
from orchestrator.oci.registries import Registries

HEAD = "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n  helm:\n"


def charts(helm: str) -> list[ChartWish]:
    found = read_document("isc.yaml", HEAD + helm)
    assert found is not None
    return [item for item in found if isinstance(item, ChartWish)]


def test_charts_of_repositories_and_of_this_machine_are_read() -> None:
    first, second, local = charts(
        "    repositories:\n"
        "    - name: stable\n      url: https://charts.example.com/stable/\n"
        "      charts:\n      - {name: web, version: 1.2.3, imagePaths: ['{.spec.images[*].image}']}\n"
        "    - name: oci\n      url: oci://ghcr.io/team\n      charts: [{name: job, platforms: [{os: linux, architecture: arm64}]}]\n"
        "    local:\n    - {name: own, path: ./own}\n"
    )
    assert first.place("1.2.3").image.domain == "charts.example.com"
    assert str(first.place("1.2.3").image) == "charts.example.com/stable/web:1.2.3"
    assert first.image_paths == (("spec", "images", None, "image"),)
    assert second.is_oci
    assert second.platforms == ("linux/arm64",)
    assert str(second.place("2").image) == "ghcr.io/team/job:2"
    assert (local.path, local.repository, local.where) == ("./own", "", Location("isc.yaml"))
    assert tag_of_version("1.0.0+build") == "1.0.0_build"


@pytest.mark.parametrize(
    ("helm", "says"),
    [
        ("    repositories: [{url: 'https://me:secret@charts.example.com', charts: [{name: a}]}]\n", "without a login"),
        ("    repositories: [{url: 'https://charts.example.com'}]\n", "names no charts"),
        ("    repositories: [{url: 'https://c.example.com', charts: [{name: --help}]}]\n", "--help"),
        ("    repositories: [{url: 'https://c.example.com', charts: [{name: a, version: '$(x)'}]}]\n", "version"),
        ("    repositories: [{url: 'https://c.example.com', charts: [{name: a, version: 1.2}]}]\n", "1.2"),
        ("    repositories: [{url: 'https://c.example.com', charts: [{name: a, values: b}]}]\n", "values"),
        (
            "    repositories: [{url: 'https://c.example.com', charts: [{name: a, imagePaths: ['{..image}']}]}]\n",
            "..image",
        ),
        ("    local: [{name: a}]\n", "without a path"),
        ("    local: [{name: a, path: x, platforms: arm64}]\n", "platforms is no list"),
        ("    local: [{name: a, path: x, platforms: [7]}]\n", "is no platform"),
        ("    other: 1\n", "repositories and local"),
    ],
)
def test_what_is_not_done_is_refused_by_name(helm: str, says: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        charts(helm)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_host_that_no_reference_can_name_is_refused() -> None:
    (chart,) = charts("    repositories: [{url: 'http://charts/stable', charts: [{name: a}]}]\n")
    with pytest.raises(RefusedInput, match="http://charts/stable"):
        chart.place("1.0.0")


def test_without_helm_it_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with Registries() as registries, pytest.raises(RefusedInput, match="helm is not on PATH"):
        of_chart(ChartWish("a", "https://charts.example.com"), registries)
    with pytest.raises(RefusedInput):
        find_helm({})


def test_workers_get_no_chart_that_is_made_here() -> None:
    in_registry = ChartWish("a", "oci://ghcr.io/team", "1.0.0")
    refuse_made_charts([in_registry, ChartWish("b", path="./b")])
    with pytest.raises(RefusedInput, match="The chart c of"):
        refuse_made_charts([in_registry, ChartWish("c", "https://charts.example.com")])


def test_a_chart_that_is_not_on_this_machine_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "helm").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with Registries() as registries, pytest.raises(RefusedInput, match="not at"):
        of_chart(ChartWish("own", path=str(tmp_path / "own")), registries)
    (tmp_path / "own").mkdir()
    with Registries() as registries, pytest.raises(OrchestratorError, match="helm ended with 1"):
        of_chart(ChartWish("own", path=str(tmp_path / "own")), registries)


DOCUMENT: dict[str, Any] = {
    "spec": {"images": [{"image": "a:1"}, {"image": "b:1"}, {"other": 1}], "by-name": {"x": {"image": "c:1"}}, "n": 3}
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("{.spec.images[*].image}", ["a:1", "b:1"]),
        (".spec.images[1].image", ["b:1"]),
        ("spec.images[7].image", []),
        ("{$.spec['by-name'].*.image}", ["c:1"]),
        ("{.spec.n}", []),
        ("{.missing[*].image}", []),
    ],
)
def test_a_path_leads_to_texts_and_what_is_missing_gives_nothing(path: str, found: list[str]) -> None:
    assert list(images_at(DOCUMENT, parse_image_path(path))) == found


@pytest.mark.parametrize("path", ["", "{}", "{..image}", "{.a[?(@.b)]}", "{.a[-1]}", "{.a} {.b}"])
def test_what_is_no_path_of_ours_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"not read|names nothing"):
        parse_image_path(path)
