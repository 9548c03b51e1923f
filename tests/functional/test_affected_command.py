"""`orchestrator affected` in a real git repository: which environments does a change touch?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.running import Ran, run

SMALL = """
cluster_name         = "{name}"
account_id           = "111122223333"
aws_region           = "us-east-1"
create_vpc_endpoints = false
manage_registry      = false
"""
COMMON = 'tags = { team = "a" }\nlifecycle_keep_count = 7\n'


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    """`one` and `two` share common.tfvars; `two` sets `tags` for itself and has a node role."""
    two = SMALL.format(name="two") + 'tags = { team = "b" }\nattach_ecr_policy = false\n'
    made = project(common=COMMON, one=SMALL.format(name="one"), two=two)
    git(made.root, "init", "-b", "main")
    git(made.root, "add", ".")
    git(made.root, "commit", "-m", "before")
    git(made.root, "checkout", "-b", "change")
    return made


def affected(root: Project, *arguments: str) -> Ran:
    return run("-C", str(root.root), "affected", *arguments)


def append(name: str, text: str) -> Callable[[Project], None]:
    def change(root: Project) -> None:
        path = root.environments_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + text)

    return change


def common(text: str) -> Callable[[Project], None]:
    def change(root: Project) -> None:
        root.tfvars_path("common").write_text(text)

    return change


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda _: None, []),
        (append("one.tfvars", "# a comment\n"), []),
        (append("one.tfvars", "force_delete = true\n"), ["one"]),
        (append("one.tfvars", "force_delete = false\n"), []),
        (append("one.tfvars", "nonsense = 1\n"), ["one"]),
        (append("three.tfvars", SMALL.format(name="three")), ["three"]),
        (common(COMMON.replace("7", "8")), ["one", "two"]),
        (common(COMMON.replace('"a"', '"c"')), ["one"]),
        (append("README.md", "text"), []),
        (append(".terraform.lock.hcl", "x"), ["one", "two"]),
        (append("../modules/ecr/main.tf", "# x"), ["one", "two"]),
        (append("../modules/node-access/main.tf", "# x"), ["one"]),
        (append("../modules/vpc-endpoints/main.tf", "# x"), []),
        (append("../modules/ecr/README.md", "x"), []),
        (append("../modules/ecr/tests/a.tftest.hcl", "x"), []),
    ],
)
def test_a_change_touches_who_really_reads_it(
    root: Project, change: Callable[[Project], None], names: list[str]
) -> None:
    change(root)
    ran = affected(root)
    assert (ran.code, ran.out.split()) == (0, names)
    git(root.root, "add", ".")
    git(root.root, "commit", "--allow-empty", "-m", "after")
    assert affected(root, "--since", "main").out.split() == names


def test_the_matrix_is_one_line_with_what_a_job_needs_and_json_gives_the_reasons(root: Project) -> None:
    append("one.tfvars", "force_delete = true\n")(root)
    matrix = affected(root, "--matrix")
    assert matrix.out.count("\n") == 1
    assert matrix.json == {"include": [{"environment": "one", "account_id": "111122223333", "region": "us-east-1"}]}
    [entry] = affected(root, "--json").json["environments"]
    assert entry["reasons"] == ["variable force_delete"]
    append("one.tfvars", "")(root)
    git(root.root, "checkout", ".")
    assert json.loads(affected(root, "--matrix").out) == {"include": []}


def test_an_environment_whose_file_is_gone_is_warned_of(root: Project) -> None:
    root.tfvars_path("two").unlink()
    ran = affected(root, "--json", "--quiet")
    assert (ran.json["environments"], ran.json["removed"]) == ([], ["two"])
    assert "warning: environments/two.tfvars is gone" in ran.err


@pytest.mark.parametrize("since", ["nowhere", "--upload-pack=x"])
def test_a_commit_that_is_not_here_is_refused_with_the_remedy(root: Project, since: str) -> None:
    refused = affected(root, f"--since={since}")
    assert (refused.code, refused.out) == (2, "")
    assert "fetch-depth: 0" in refused.err


def test_outside_of_a_repository_there_is_no_traceback(project: ProjectFactory) -> None:
    refused = affected(project(one=SMALL.format(name="one")))
    assert refused.code == 1
    assert "--all" in refused.err


def test_all_says_what_it_leaves_out(root: Project) -> None:
    (root.environments_dir / "dev.tfvars.json").write_text("{}")
    append("one.tfvars", "nonsense = 1\n")(root)
    ran = run("-C", str(root.root), "plan", "--all", "--quiet")
    assert ran.code == 2
    assert "warning: environments/dev.tfvars.json is no environment and left out" in ran.err
