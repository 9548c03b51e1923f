"""What people copy into their pipelines: read by the schemas of GitHub and GitLab, by pre-commit itself, and by our own CLI."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.check_readme import commands_in, problem_of

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "ci"
# They call others, and no command of ours.
WITHOUT_COMMANDS = {"action.yml", "atlantis.yaml", "image-routes.yml"}
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def scripts_of(value: Any) -> Iterator[str]:
    """The shell scripts of a pipeline: what stands at `run`, `script`, `before_script`, `entry` or in lists of them."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name in ("run", "command", "script", "before_script") and isinstance(below, str | list):
                yield from ([below] if isinstance(below, str) else [each for each in below if isinstance(each, str)])
            elif name == "entry":
                yield str(below)
            yield from scripts_of(below)
    elif isinstance(value, list):
        for below in value:
            yield from scripts_of(below)


PIPELINES = sorted(
    path for path in CI.rglob("*") if path.suffix in (".yml", ".yaml") and not path.is_relative_to(CI / "rewrite")
)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: str(path.relative_to(CI)))
def test_the_shell_of_a_pipeline_is_shell_and_its_commands_exist(path: Path) -> None:
    commands = 0
    for script in scripts_of(yaml.safe_load(path.read_text("utf-8"))):
        shell = _EXPRESSION.sub("X", script)
        checked = subprocess.run(["bash", "-n"], input=shell, capture_output=True, text=True, check=False)
        assert checked.stderr == ""
        # `x=$(orchestrator ...)` and `if orchestrator ...` hold a command, too.
        opened = re.sub(r"\$\(|\bthen\b|\bdo\b", "\n", shell)
        for shown in commands_in(f"```sh\n{opened}\n```", path.name):
            commands += 1
            assert problem_of(shown, frozenset()) is None
    assert (commands > 0) == (path.name not in WITHOUT_COMMANDS)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", "github/workflows/*.yml"),
        ("vendor.github-actions", "github/actions/*/action.yml"),
        ("vendor.gitlab-ci", "gitlab/*.yml"),
    ],
)
def test_the_schemas_of_github_and_gitlab_take_them(schema: str, files: str) -> None:
    named = sorted(map(str, CI.glob(files)))
    assert named
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *named]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pre_commit_takes_the_configuration_and_the_hooks_of_this_repository() -> None:
    for what, path in (
        ("validate-config", CI / "pre-commit/.pre-commit-config.yaml"),
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
    ):
        command = [sys.executable, "-m", "pre_commit", what, str(path)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_hooks_that_are_used_exist() -> None:
    hooks = {entry["id"] for entry in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    used = yaml.safe_load((CI / "pre-commit/.pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert {hook["id"] for repo in used if repo["repo"] != "local" for hook in repo["hooks"]} <= hooks


def test_atlantis_uses_a_workflow_that_its_server_has() -> None:
    """No parser of Atlantis can be had here: names and keys are compared with its documentation's."""
    repository = yaml.safe_load((CI / "atlantis/atlantis.yaml").read_text("utf-8"))
    server = yaml.safe_load((CI / "atlantis/repos.yaml").read_text("utf-8"))
    assert repository["version"] == 3
    known = {"name", "dir", "workspace", "workflow", "autoplan", "plan_requirements", "apply_requirements"}
    for project in repository["projects"]:
        assert project.keys() <= known
        assert project["workflow"] in server["workflows"]
        assert project["workflow"] in server["repos"][0]["allowed_workflows"]
        assert (project.keys() & {"workflow", "plan_requirements", "apply_requirements"}) <= set(
            server["repos"][0]["allowed_overrides"]
        )
