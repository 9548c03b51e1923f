"""`rewrite --stage` on a folder: one stage after the other, recorded, and back again."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.running import Ran, run
from tests.references_table import OWN, tfvars

STAGES = """- name: test
  namespaces: [staging, dev-*]
- name: labelled
  labels: ["tier=test"]
- name: all
"""
TARGET = f"{OWN}/docker-hub/library/nginx:1"


def pod(name: str, namespace: str = "", tier: str = "prod") -> str:
    placed = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}{placed}, labels: {{tier: {tier}}}}}\n"
        "spec:\n  containers:\n  - {name: a, image: nginx:1}\n"
    )


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({"standard": tfvars("standard")})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "gitops"
    overlay = "namespace: {0}\nresources: [../base]\nimages:\n- name: redis\n  newTag: '7'\n"
    files = {
        "apps/pods.yaml": "---\n".join([pod("a", "staging"), pod("b", "prod", "test"), pod("c", "prod")]),
        "base/kustomization.yaml": "resources: [pod.yaml, redis.yaml]\n",
        "base/pod.yaml": pod("d"),
        "base/redis.yaml": pod("e").replace("nginx:1", "redis:6"),
        "dev/kustomization.yaml": overlay.format("dev-1"),
        "prod/kustomization.yaml": overlay.format("prod"),
        "stages.yaml": STAGES,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(folder)
    return folder


def rewrite(root: Project, *arguments: str) -> Ran:
    return run("-C", str(root.root), "rewrite", "standard", *arguments)


def state(tree: Path) -> dict[str, str]:
    return {str(path.relative_to(tree)): path.read_text() for path in sorted(tree.rglob("*.yaml"))}


def redirected(tree: Path) -> dict[str, int]:
    return {name: text.count(OWN) for name, text in state(tree).items() if OWN in text}


def test_each_write_goes_one_stage_on_and_each_undo_one_back(root: Project, tree: Path) -> None:
    seen = [state(tree)]
    for expected in (
        {"apps/pods.yaml": 1, "dev/kustomization.yaml": 1},
        {"apps/pods.yaml": 2, "dev/kustomization.yaml": 1},
        {"apps/pods.yaml": 3, "dev/kustomization.yaml": 3},
    ):
        ran = rewrite(root, ".", "--stage", "stages.yaml", "--write")
        assert ran.code == 0, ran.err
        seen.append(state(tree))
        if "base/pod.yaml" not in redirected(tree):
            assert redirected(tree) == expected
    # At the end everything is there, as without stages.
    assert {"base/pod.yaml", "base/redis.yaml", "prod/kustomization.yaml"} <= redirected(tree).keys()
    assert rewrite(root, ".", "--check").code == 0
    assert rewrite(root, ".", "--stage", "stages.yaml", "--check").code == 0
    for before in reversed(seen[:-1]):
        assert rewrite(root, "--undo").code == 0
        assert state(tree) == before
    assert rewrite(root, "--undo").code == 2


def test_a_stage_that_was_not_wholly_written_is_finished_before_the_next_one(root: Project, tree: Path) -> None:
    before = state(tree)
    rewrite(root, ".", "--stage", "stages.yaml", "--through", "all", "--write")
    after = state(tree)
    # As a run that was killed after its first files leaves it.
    cut = sorted(name for name in before if before[name] != after[name])[1:]
    for name in cut:
        (tree / name).write_text(before[name])
    ran = rewrite(root, ".", "--stage", "stages.yaml", "--write")
    assert (ran.code, state(tree) == after) == (2, False)
    assert f'Stage "all" is not wholly written: {len(cut)} of {len(cut) + 1} files are as they were before.' in ran.err
    assert rewrite(root, ".", "--stage", "stages.yaml", "--through", "all", "--write").code == 0
    assert state(tree) == after
    assert rewrite(root, ".", "--stage", "stages.yaml", "--check").code == 0
    # Each run is undone by itself; between the two the stage is not whole again.
    assert rewrite(root, "--undo").code == 0
    assert rewrite(root, ".", "--stage", "stages.yaml", "--check").code == 2
    assert rewrite(root, "--undo").code == 0
    assert state(tree) == before
    assert "stage: test" in rewrite(root, ".", "--stage", "stages.yaml", "--check").err


def test_a_file_that_was_edited_in_between_keeps_the_stage_from_being_undone(root: Project, tree: Path) -> None:
    rewrite(root, ".", "--stage", "stages.yaml", "--write")
    pods = tree / "apps/pods.yaml"
    written = pods.read_text()
    pods.write_text(written + "# mine\n")
    # An edit does not keep the next stage from coming.
    assert "stage: labelled" in rewrite(root, ".", "--stage", "stages.yaml", "--check").err
    ran = rewrite(root, "--undo")
    assert (ran.code, "apps/pods.yaml: it was edited since" in ran.err) == (1, True)
    assert "dev/kustomization.yaml" not in redirected(tree)
    pods.write_text(written)
    assert rewrite(root, "--undo").code == 0
    assert redirected(tree) == {}


def test_a_base_waits_until_all_of_its_namespaces_are_in_a_stage(root: Project, tree: Path) -> None:
    rewrite(root, ".", "--stage", "stages.yaml", "--write")
    assert "base/pod.yaml" not in redirected(tree)
    (tree / "both.yaml").write_text("- name: both\n  namespaces: [dev-1, prod]\n")
    rewrite(root, ".", "--stage", "both.yaml", "--through", "both", "--write")
    assert {"base/pod.yaml", "base/redis.yaml"} <= redirected(tree).keys()


def test_check_and_diff_show_the_next_stage_and_standard_input_the_one_that_was_reached(
    root: Project, tree: Path
) -> None:
    assert "stage: test" in rewrite(root, ".", "--stage", "stages.yaml", "--check").err
    rewrite(root, ".", "--stage", "stages.yaml", "--write")
    assert "stage: labelled" in rewrite(root, ".", "--stage", "stages.yaml", "--diff").err
    text = "---\n".join([pod("a", "staging"), pod("b", "prod", "test")])
    ran = run("-C", str(root.root), "rewrite", "standard", "-", "--stage", "stages.yaml", stdin=text.encode())
    assert ran.out == text.replace("nginx:1", TARGET, 1)
    arguments = ("-", "--stage", "stages.yaml", "--through", "labelled")
    ran = run("-C", str(root.root), "rewrite", "standard", *arguments, stdin=text.encode())
    assert ran.out == text.replace("nginx:1", TARGET)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("stages: []\n", 1, "no list of stages"),
        ("- name: a\n- {name: a}\n", 2, "Two stages"),
        ("- name: a\n- namespaces: [b]\n", 2, "has no name"),
        ("- name: a\n  namespace: [b]\n", 1, "'namespace'"),
        ("- name: a\n  labels: ['a b']\n", 1, "no label selector"),
        ("- name: a\n  percent: 101\n", 1, "percent is 101"),
        ("- name: a\n  percent: true\n", 1, "percent is True"),
        ("- name: a\n  paths: x\n", 1, "paths is 'x'"),
        ("- name: a\n  namespaces: ['dev-?']\n", 1, "'dev-?' is no namespace"),
        ("- name: a\n  namespaces: ['dev-[12]']\n", 1, "'dev-[12]' is no namespace"),
        ("- name: a\n  namespaces: [Dev]\n", 1, "'Dev' is no namespace"),
        ("- name: a\n- [\n", 3, "no YAML"),
        # libyaml's composer would end the process.
        pytest.param("[" * 100_000, 1, "nested deeper", id="deep"),
    ],
)
def test_a_wrong_file_of_stages_is_refused_with_its_line(
    root: Project, tree: Path, text: str, line: int, what: str
) -> None:
    (tree / "wrong.yaml").write_text(text)
    ran = rewrite(root, ".", "--stage", "wrong.yaml", "--check")
    assert (ran.code, ran.out) == (2, "")
    assert f"wrong.yaml:{line}: " in ran.err
    assert what in ran.err


def test_a_stage_that_the_file_does_not_hold_and_options_that_exclude_each_other_are_refused(
    root: Project, tree: Path
) -> None:
    assert (
        "--through names it; the stages are test, labelled, all"
        in rewrite(root, ".", "--stage", "stages.yaml", "--through", "nope").err
    )
    assert rewrite(root, ".", "--through", "all").code == 2
    assert rewrite(root, ".", "--stage", "stages.yaml", "--reverse").code == 2
    rewrite(root, ".", "--stage", "stages.yaml", "--write")
    (tree / "stages.yaml").write_text("- name: other\n")
    ran = rewrite(root, ".", "--stage", "stages.yaml", "--check")
    assert ran.code == 2
    assert "--through other" in ran.err
