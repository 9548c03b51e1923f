"""A real Helm 3: charts whose images come from ECR, by overrides that are given with `-f` and by a post-renderer."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestrator.project import Project
from tests.cluster.engines.build import binary
from tests.conftest import ProjectFactory
from tests.functional.running import run
from tests.references_table import OWN, tfvars

pytestmark = pytest.mark.cluster

HUB = f"{OWN}/docker-hub/library"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '9'\n",
    "values.yaml": "image: {registry: docker.io, repository: library/nginx, tag: ''}\n"
    "sidecars:\n- {name: first, image: 'redis:7'}\n- {name: second, image: 'unknown.example/app:1'}\n",
    "templates/pod.yaml": """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: "{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
  {{- range .Values.sidecars }}
  - {name: {{ .name }}, image: {{ .image }}}
  {{- end }}
  - {name: fixed, image: memcached:1}
""",
    "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.0.0\n",
    "charts/cache/values.yaml": "image: {repository: redis, tag: '7'}\n",
    "charts/cache/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: cache}\nspec:\n  containers:\n"
    '  - {name: cache, image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"}\n',
}


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({"standard": tfvars("standard")})


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    for name, text in CHART.items():
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "web"


def rendered(chart: Path, *arguments: str) -> dict[str, str]:
    """{container: image} of what Helm prints for the chart."""
    done = subprocess.run(
        [binary("helm3"), "template", "web", chart, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(chart.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pods = [pod for pod in yaml.safe_load_all(done.stdout) if pod]
    return {one["name"]: one["image"] for pod in pods for one in pod["spec"]["containers"]}


REDIRECTED = {
    "web": f"{HUB}/nginx:9",
    "first": f"{HUB}/redis:7",
    "second": "unknown.example/app:1",
    "cache": f"{HUB}/redis:7",
}


def test_overrides_send_the_images_of_a_chart_to_ecr_and_leave_what_its_templates_write(
    root: Project, chart: Path
) -> None:
    overrides = chart.parent / "overrides.yaml"
    ran = run("-C", str(root.root), "rewrite", "standard", str(chart), "--values-out", str(overrides))
    assert ran.code == 0, ran.err
    assert rendered(chart)["web"] == "docker.io/library/nginx:9"
    assert rendered(chart, "-f", str(overrides)) == {**REDIRECTED, "fixed": "memcached:1"}


def test_a_post_renderer_sends_every_image_to_ecr(root: Project, chart: Path) -> None:
    command = [sys.executable, "-m", "orchestrator", "-C", str(root.root), "rewrite", "standard", "-"]
    script = chart.parent / "post-renderer"
    script.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
    script.chmod(0o755)
    assert rendered(chart, "--post-renderer", str(script)) == {**REDIRECTED, "fixed": f"{HUB}/memcached:1"}
