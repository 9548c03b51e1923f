"""`rewrite --values-out`: the values that change, and no more, laid over those of a chart that stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.running import Ran, run
from tests.references_table import OWN, tfvars

HUB = f"{OWN}/docker-hub"
VALUES = """# the chart's own
image:
  registry: docker.io
  repository: bitnami/nginx   # keep
  tag: 1.10
replicas: 3
sidecars:
- name: a
  image: redis:7
  mode: 0755
  on: yes
- name: b
  image: unknown.example/app:1
name: "nginx:1.25"
proxyImage: nginx:1.25
shared: &shared
  image: {repository: nginx, tag: "1"}
one:
  <<: *shared
elsewhere: {image: "unknown.example/app:2"}
"""


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({"standard": tfvars("standard")})


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '9'\ndependencies:\n"
        "- {name: cache, version: 1.0.0, alias: first}\n- {name: cache, version: 1.0.0, alias: second}\n",
        "values.yaml": f"{VALUES}first:\n  image: {{repository: quay.io/mine/cache}}\n",
        "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.0.0\n",
        "charts/cache/values.yaml": "image: {repository: redis, tag: '7'}\nport: 1\n",
        "charts/packed-1.0.0.tgz": "",
    }
    for name, text in files.items():
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "web"


def values_out(root: Project, *arguments: str, stdin: bytes = b"") -> Ran:
    return run("-C", str(root.root), "rewrite", "standard", *arguments, "--values-out", "overrides.yaml", stdin=stdin)


def written() -> Any:
    return yaml.safe_load(Path("overrides.yaml").read_text())


CHANGED = {
    "image": {"registry": OWN, "repository": "hub/bitnami/bitnami/nginx"},
    "sidecars": [
        {"name": "a", "image": f"{HUB}/library/redis:7", "mode": 0o755, True: True},
        {"name": "b", "image": "unknown.example/app:1"},
    ],
    "proxyImage": f"{HUB}/library/nginx:1.25",
    "shared": {"image": {"repository": f"{HUB}/library/nginx"}},
}


def test_only_what_changes_is_written_and_lists_come_whole(root: Project, chart: Path) -> None:
    ran = values_out(root, str(chart / "values.yaml"))
    assert ran.code == 0, ran.err
    found = written()
    found.pop("first", None)
    assert found == {**CHANGED, "one": CHANGED["shared"]}
    # As it was written: Helm must not read another number.
    assert "mode: 0755" in Path("overrides.yaml").read_text()
    assert (chart / "values.yaml").read_text().startswith(VALUES)


def test_charts_in_a_chart_stand_below_their_aliases_and_what_is_packed_is_said(root: Project, chart: Path) -> None:
    ran = values_out(root, str(chart))
    assert ran.code == 0, ran.err
    assert written()["second"] == {"image": {"repository": f"{HUB}/library/redis"}}
    # The outer chart's own word counts.
    assert written()["first"] == {"image": {"repository": f"{OWN}/quay/mine/cache"}}
    assert "packed-1.0.0.tgz:1: it is packed" in ran.err


def test_standard_input_and_a_chart_without_images(root: Project, chart: Path) -> None:
    assert values_out(root, "-", stdin=b"image: {repository: nginx, tag: '1'}\n").code == 0
    assert written() == {"image": {"repository": f"{HUB}/library/nginx"}}
    assert values_out(root, "-", stdin=b"replicas: 1\n").code == 0
    assert written() == {}


def test_a_file_of_a_person_stays_and_wrong_input_is_refused(root: Project, chart: Path) -> None:
    Path("overrides.yaml").write_text("mine: 1\n")
    ran = values_out(root, str(chart))
    assert (ran.code, Path("overrides.yaml").read_text()) == (2, "mine: 1\n")
    Path("overrides.yaml").unlink()
    for arguments in ((".",), ("nowhere",), (), (str(chart), "--write"), (str(chart), "--reverse")):
        ran = values_out(root, *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
    for text in (b"image: {repository: nginx, tag: '1'}\na: [\n", b"a: &a\n  image: nginx:1\n  b: *a\n", b"[" * 3000):
        ran = values_out(root, "-", stdin=text)
        assert ran.code == 2, (text[:20], ran.err)
        assert not Path("overrides.yaml").exists()


@pytest.mark.parametrize(("name", "code"), [("values.yaml", 2), ("Chart.yaml", 0)])
def test_what_is_nested_too_deeply_does_not_end_the_process(root: Project, chart: Path, name: str, code: int) -> None:
    (chart / name).write_text("x:\n  " + "[" * 100_000)
    ran = values_out(root, str(chart))
    assert ran.code == code, ran.err
    assert ("nested deeper" in ran.err) == (code == 2)
