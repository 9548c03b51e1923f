"""Kustomizations that build before a rewrite build after it, and each image is where the table sends the one before."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrator.files.image_rewrite import propose
from orchestrator.files.rewrite_journal import write
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import Redirected, RouteTable
from orchestrator.workloads.edits import forward
from tests.cluster.engines.build import binary
from tests.conftest import ProjectFactory
from tests.references_table import tfvars

pytestmark = pytest.mark.cluster

NAMES = (
    *("nginx", "app", "redis", "library/busybox", "docker.io/library/alpine", "quay.io/a/b", "ghcr.io/me/app"),
    *("unknown.example/x/y", "gcr.io/distroless/static", "registry.k8s.io/pause"),
)
SUFFIXES = ("", ":1", ":v2.3", "@sha256:" + "a" * 64)


def table(project: ProjectFactory, name: str) -> RouteTable:
    return build_route_table(project({name: tfvars(name)}).load(name))


def build(folder: Path) -> list[str]:
    done = subprocess.run([binary("kustomize"), "build", folder], capture_output=True, text=True, check=True)
    images = []
    for document in yaml.safe_load_all(done.stdout):
        images += [container["image"] for container in document["spec"]["template"]["spec"]["containers"]]
    return images


def deployment(name: str, images: list[str]) -> str:
    containers = "".join(f"      - name: c{index}\n        image: {image}\n" for index, image in enumerate(images))
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n{containers}"
    )


def entry(choice: random.Random) -> str:
    fields = [f"name: {choice.choice(NAMES)}"]
    if choice.random() < 0.4:
        fields.append(f"newName: {choice.choice(NAMES)}")
    kind = choice.random()
    if kind < 0.5:
        fields.append(f'newTag: "{choice.choice(("1.2", "v3", "7"))}"')
    elif kind < 0.7:
        fields.append("digest: sha256:" + choice.choice("bcd") * 64)
    if len(fields) == 1:
        fields.append('newTag: "9"')
    style = choice.random()
    if style < 0.3:
        return "- {" + ", ".join(fields) + "}\n"
    return "- " + "\n  ".join(fields) + ("  # mine" if style < 0.5 else "") + "\n"


def tree(folder: Path, seed: int) -> list[Path]:
    """A base with two Deployments, a middle that patches it, and two overlays; every image is chosen by chance."""
    choice = random.Random(seed)
    images = [choice.choice(NAMES) + choice.choice(SUFFIXES) for _ in range(6)]
    files = {
        "base/one.yaml": deployment("one", images[:3]),
        "base/more/two.yaml": deployment("two", images[3:]),
        "base/more/kustomization.yaml": "resources: [two.yaml]\n",
        "base/kustomization.yaml": "resources:\n- one.yaml\n- more\n",
        "mid/kustomization.yaml": "resources:\n- ../base\npatches:\n- target: {kind: Deployment, name: one}\n  patch: |-\n"
        "    - op: replace\n      path: /spec/template/spec/containers/0/image\n"
        f"      value: {choice.choice(NAMES)}{choice.choice(SUFFIXES)}\n",
        "left/kustomization.yaml": "resources: [../mid]\n",
        "right/kustomization.yaml": "resources: [../base]\n",
    }
    for name in files:
        if name.endswith("kustomization.yaml") and choice.random() < 0.7:
            chosen = {
                line.split("\n")[0].split(",")[0].strip("- {}"): line for line in (entry(choice) for _ in range(3))
            }
            files[name] += "images:\n" + "".join(chosen.values())
        if choice.random() < 0.2:
            files[name] = files[name].replace("\n", "\r\n")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return [folder / name for name in ("base", "mid", "left", "right")]


@pytest.mark.parametrize("environment", ["standard", "zero"])
def test_what_kustomize_builds_is_where_the_table_sends_it(
    project: ProjectFactory, tmp_path: Path, environment: str
) -> None:
    routes = table(project, environment)
    target = forward(routes)
    compared = 0
    for seed in range(25):
        folder = tmp_path / str(seed)
        builds = tree(folder, seed)
        before = [build(path) for path in builds]
        proposal = propose([str(folder)], target)
        write(proposal.changes, tmp_path / "state")
        left = {item.reason.partition(":")[0] for item in proposal.left}
        for path, images in zip(builds, before, strict=True):
            after = build(path)
            for old, new in zip(images, after, strict=True):
                answer = routes.redirect(old)
                expected = answer.target if isinstance(answer, Redirected) else old
                assert new == expected or (proposal.left and new == old), (seed, path.name, old, new, left)
                compared += new == expected
        assert not propose([str(folder)], target).changes, seed
    assert compared > 25 * 4 * 5
