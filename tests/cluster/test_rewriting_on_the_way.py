"""What `ci/rewrite` holds, in the programs that it is for: images go to ECR between rendering and applying."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestrator.project import Project
from tests.cluster.engines.build import binary
from tests.conftest import ProjectFactory
from tests.references_table import OWN, tfvars

pytestmark = pytest.mark.cluster

SHIPPED = Path(__file__).resolve().parents[2] / "ci"
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx:1.25\n"
NGINX = f"{OWN}/docker-hub/library/nginx:1.25"


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({"standard": tfvars("standard")})


@pytest.fixture
def environment(root: Project, tmp_path: Path) -> dict[str, str]:
    """The variables of a shell that finds `orchestrator` and kustomize."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "orchestrator").write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    (programs / "orchestrator").chmod(0o755)
    (programs / "kustomize").symlink_to(binary("kustomize"))
    names = {
        "ORCHESTRATOR_PROJECT": str(root.root),
        "HOME": str(tmp_path),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    return {**os.environ, **names}


def images(text: str) -> list[str]:
    pods = [pod for pod in yaml.safe_load_all(text) if pod]
    return [container["image"] for pod in pods for container in pod["spec"]["containers"]]


def call(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_helm_3_runs_the_post_renderer(environment: dict[str, str], tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (chart / "templates/pod.yaml").write_text(POD)
    program = str(SHIPPED / "rewrite/helm/rewrite-images")
    options = ["--post-renderer", program, "--post-renderer-args", "standard"]
    done = call([str(binary("helm3")), "template", "web", str(chart), *options], tmp_path, environment)
    assert (done.returncode, images(done.stdout)) == (0, [NGINX]), done.stderr


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    folder = tmp_path / "overlay"
    shutil.copytree(SHIPPED / "rewrite/kustomize", folder)
    (folder / "pod.yaml").write_text(POD)
    (folder / "kustomization.yaml").write_text("resources: [pod.yaml]\ntransformers: [function.yaml]\n")
    return folder


def test_kustomize_runs_the_function(environment: dict[str, str], overlay: Path) -> None:
    build = ["kustomize", "build", "--enable-alpha-plugins", "--enable-exec", "."]
    done = call(build, overlay, {**environment, "ORCHESTRATOR_ENVIRONMENT": "standard"})
    assert (done.returncode, images(done.stdout)) == (0, [NGINX]), done.stderr
    assert call(build, overlay, environment).returncode != 0


def test_argo_cd_s_plugin_gives_manifests_or_fails(environment: dict[str, str], overlay: Path) -> None:
    plugin = yaml.safe_load((SHIPPED / "rewrite/argocd/plugin.yaml").read_text("utf-8"))
    generate = plugin["spec"]["generate"]
    named = {**environment, "ARGOCD_ENV_ENVIRONMENT": "standard"}
    kustomization = overlay / "kustomization.yaml"
    kustomization.write_text("resources: [pod.yaml]\n")
    done = call([*generate["command"], *generate["args"]], overlay, named)
    assert (done.returncode, images(done.stdout)) == (0, [NGINX]), done.stderr
    kustomization.write_text("resources: [missing.yaml]\n")
    done = call([*generate["command"], *generate["args"]], overlay, named)
    assert (done.returncode != 0, done.stdout) == (True, "")


def test_gitlab_s_job_fails_until_the_images_are_in_ecr(
    environment: dict[str, str], root: Project, tmp_path: Path
) -> None:
    job = yaml.safe_load((SHIPPED / "gitlab/images.gitlab-ci.yml").read_text("utf-8"))["orchestrator-images"]
    script = "set -e\n" + "\n".join(job["script"])
    names = {**job["variables"], "ORCHESTRATOR_ENVIRONMENT": "standard", "ORCHESTRATOR_PATHS": "apps"}
    (root.root / "apps").mkdir()
    (root.root / "apps/pod.yaml").write_text(POD)
    done = call(["bash", "-c", script], root.root, {**environment, **names})
    assert (done.returncode, f"+    image: {NGINX}" in done.stdout) == (3, True), done.stderr
    (root.root / "apps/pod.yaml").write_text(POD.replace("nginx:1.25", NGINX))
    assert call(["bash", "-c", script], root.root, {**environment, **names}).returncode == 0
