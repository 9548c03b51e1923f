"""What `ci/rewrite` holds, in the programs that it is for: images go to ECR between rendering and applying."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestrator.project import Project
from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import binary
from tests.conftest import ProjectFactory
from tests.references_table import OWN, tfvars

pytestmark = pytest.mark.cluster

SHIPPED = Path(__file__).resolve().parents[2] / "ci"
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx:1.25\n"
HOOK = POD.replace("name: web\nspec", "name: hook\n  annotations: {helm.sh/hook: pre-install}\nspec").replace(
    "nginx:1.25", "memcached:1"
)
NGINX = f"{OWN}/docker-hub/library/nginx:1.25"
MEMCACHED = f"{OWN}/docker-hub/library/memcached:1"


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


@pytest.fixture
def chart(tmp_path: Path) -> str:
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (folder / "templates/pod.yaml").write_text(POD)
    (folder / "templates/hook.yaml").write_text(HOOK)
    return str(folder)


def test_helm_3_gives_the_post_renderer_everything_but_hooks(
    environment: dict[str, str], chart: str, tmp_path: Path
) -> None:
    program = str(SHIPPED / "rewrite/helm/rewrite-images")
    options = ["--post-renderer", program, "--post-renderer-args", "standard"]
    done = call([str(binary("helm3")), "template", "web", chart, *options], tmp_path, environment)
    assert (done.returncode, sorted(images(done.stdout))) == (0, [NGINX, "memcached:1"]), done.stderr


def everything(output: str) -> str:
    """The manifests and hooks that Helm shows as YAML, or in a release as JSON."""
    if not output.startswith("{"):
        return output
    release = json.loads(output)
    return "\n---\n".join([release["manifest"], *(hook["manifest"] for hook in release["hooks"])])


def test_helm_4_runs_the_plugin_for_everything_that_it_sends(
    environment: dict[str, str], chart: str, tmp_path: Path, api_server: ApiServer
) -> None:
    helm = str(binary("helm4"))
    namespace = api_server.create_namespace()
    cluster = ["--kubeconfig", str(api_server.kubeconfig), "--namespace", namespace]
    installed = call([helm, "plugin", "install", str(SHIPPED / "rewrite/helm")], tmp_path, environment)
    assert installed.returncode == 0, installed.stderr
    options = ["--post-renderer", "rewrite-images", "--post-renderer-args", "standard"]
    for words in (["template"], ["upgrade", "--install", "--dry-run=server", "--output", "json", *cluster]):
        done = call([helm, *words, "web", chart, *options], tmp_path, environment)
        assert done.returncode == 0, done.stderr
        assert sorted(images(everything(done.stdout))) == [MEMCACHED, NGINX]

    # Nothing runs the hook's Pod here.
    done = call([helm, "install", "web", chart, "--no-hooks", *cluster, *options], tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert images(api_server.kubectl("get", "pod", "web", "-n", namespace, "-o", "yaml").stdout) == [NGINX]


def test_helm_4_shows_why_the_plugin_failed(environment: dict[str, str], chart: str, tmp_path: Path) -> None:
    helm = str(binary("helm4"))
    call([helm, "plugin", "install", str(SHIPPED / "rewrite/helm")], tmp_path, environment)
    render = [helm, "template", "web", chart, "--post-renderer", "rewrite-images"]
    done = call([*render, "--post-renderer-args", "absent"], tmp_path, environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "environments/absent.tfvars" in done.stderr
    done = call(render, tmp_path, environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ORCHESTRATOR_ENVIRONMENT: names no environment" in done.stderr


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
