"""The project on disk: where it begins, which environments it has, whose Terraform sources it uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.project import Project, find_project

from .checks.wrong_inputs import file_of

REPOSITORY = Path(__file__).parents[2]


def make(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file_of("") if name.endswith(".tfvars") else "")
    return root


def test_the_nearest_folder_upwards_with_environments_is_the_project(tmp_path: Path) -> None:
    make(tmp_path, "environments/dev.tfvars", "a/b/file")
    assert find_project(tmp_path / "a" / "b").root == tmp_path
    assert find_project(tmp_path / "environments").root == tmp_path


def test_no_project_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="orchestrator init NAME"):
        find_project(tmp_path)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"There is no folder .*absent"):
        find_project(tmp_path / "absent")


def test_environments_are_the_tfvars_files_without_common(tmp_path: Path) -> None:
    make(tmp_path, *(f"environments/{name}" for name in ("b.tfvars", "a.tfvars", "common.tfvars", ".x.tfvars", "n.tf")))
    (tmp_path / "environments" / "folder.tfvars").mkdir()
    assert Project(tmp_path).environment_names() == ["a", "b"]


@pytest.mark.parametrize("name", ["common", "a"])
@pytest.mark.parametrize("kind", ["pipe", "link to nothing"])
def test_what_stands_for_a_file_and_is_none_is_said_and_not_passed_over(tmp_path: Path, name: str, kind: str) -> None:
    make(tmp_path, "environments/a.tfvars")
    path = tmp_path / "environments" / f"{name}.tfvars"
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    with pytest.raises(RefusedInput, match=f"{name}.tfvars cannot be read"):
        Project(tmp_path).read("a")


@pytest.mark.parametrize("folder", [".orchestrator/dev", ".orchestrator/local/dev"])
def test_an_environment_whose_file_is_gone_may_have_left_something(folder: str, tmp_path: Path) -> None:
    make(tmp_path, "environments/prod.tfvars", f"{folder}/root/main.tf")

    with pytest.raises(RefusedInput, match=f"gone, but its working directory .*{folder} is still there") as caught:
        Project(tmp_path).load("dev")
    assert "orchestrator destroy dev" in caught.value.remedy


def test_files_are_named_as_below_the_project(tmp_path: Path) -> None:
    make(tmp_path, "environments/dev.tfvars", "environments/common.tfvars")
    assert [tfvars.file for tfvars in Project(tmp_path).read("dev")] == [
        "environments/common.tfvars",
        "environments/dev.tfvars",
    ]


def test_a_project_without_terraform_sources_uses_those_of_the_package(tmp_path: Path) -> None:
    project = Project(make(tmp_path, "environments/dev.tfvars", "modules/mine/main.tf"))
    assert project.root_module_dir == REPOSITORY / "environments"
    assert project.modules_dir == REPOSITORY / "modules", "modules without a root module are not ours"


def test_a_project_with_terraform_sources_uses_its_own(tmp_path: Path) -> None:
    project = Project(make(tmp_path, "environments/main.tf", "modules/ecr/main.tf"))
    assert project.root_module_dir == tmp_path / "environments"
    assert project.modules_dir == tmp_path / "modules"


def test_an_own_root_module_can_use_the_packages_modules(tmp_path: Path) -> None:
    project = Project(make(tmp_path, "environments/main.tf"))
    assert project.root_module_dir == tmp_path / "environments"
    assert project.modules_dir == REPOSITORY / "modules"


def test_state_stays_below_the_project(tmp_path: Path) -> None:
    assert Project(tmp_path).state_dir == tmp_path / ".orchestrator"


def test_a_link_in_place_of_the_projects_folder_is_refused(tmp_path: Path) -> None:
    project = make(tmp_path / "project", "environments/dev.tfvars")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / ".orchestrator").symlink_to(elsewhere)
    for folder in ("state_dir", "local_aws_dir"):
        with pytest.raises(RefusedInput, match="symbolic link") as caught:
            getattr(Project(project), folder)
        assert "rm " in caught.value.remedy


@pytest.mark.parametrize("link", ["local", "local/dev"])
def test_a_link_on_the_way_to_a_working_directory_is_refused(tmp_path: Path, link: str) -> None:
    project = make(tmp_path / "project", "environments/dev.tfvars")
    (tmp_path / "elsewhere").mkdir()
    place = project / ".orchestrator" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedInput, match="symbolic link") as caught:
        Project(project).own_folder("local", "dev")
    assert str(place) in caught.value.what


@pytest.mark.parametrize(("local", "flag"), [(False, "`"), (True, " --local`")])
def test_a_remedy_for_a_file_names_commands_as_this_one_runs(tmp_path: Path, local: bool, flag: str) -> None:
    make(tmp_path, "environments/dev.tfvars")
    rules = 'pull_through_cache_rules = { docker-hub = { upstream_registry_url = "registry-1.docker.io" } }'
    (tmp_path / "environments" / "dev.tfvars").write_text(file_of(rules))
    (problem,) = [each for each in Project(tmp_path, local=local).check("dev").problems if "credentials" in each.what]
    assert f"`orchestrator secret set dev docker-hub{flag}" in problem.remedy
