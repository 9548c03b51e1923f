"""What people type from habit: a file for a name, completion, versions, less noise, messages for a collector of logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from orchestrator import __version__
from orchestrator.cli.completion import VARIABLE
from orchestrator.cli.main import COMMANDS, cli
from orchestrator.project import Project
from orchestrator.terraform.last_runs import remember_apply, remember_drift
from orchestrator.terraform.workdir import workdir_of
from tests.conftest import ProjectFactory
from tests.functional.running import run
from tests.references_table import tfvars


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({"standard": tfvars("standard"), "gov": tfvars("gov"), "common": ""})


@pytest.mark.parametrize("given", ["environments/standard.tfvars", "./environments/../environments/standard.tfvars"])
def test_the_file_of_an_environment_is_its_name(root: Project, given: str) -> None:
    by_file = run("-C", str(root.root), "route", given, "nginx:1")
    assert (by_file.code, by_file.out) == (0, run("-C", str(root.root), "route", "standard", "nginx:1").out)


def test_an_absolute_path_and_a_file_of_the_folder_that_one_is_in_are_names_too(
    root: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("-C", str(root.root), "validate", str(root.tfvars_path("gov"))).code == 0
    monkeypatch.chdir(root.environments_dir)
    assert run("validate", "gov.tfvars").code == 0


def test_a_file_of_another_project_is_not_taken_for_ours(root: Project, tmp_path: Path) -> None:
    refused = run("-C", str(root.root), "validate", str(tmp_path / "elsewhere/environments/standard.tfvars"))
    assert refused.code == 2
    assert "is no environment of this project" in refused.err
    assert "-C FOLDER" in refused.err


def test_list_shows_what_the_files_say_and_marks_what_cannot_be_used(root: Project) -> None:
    root.tfvars_path("broken").write_text('account_id = "12"\naws_region = "eu-west-1"\n')
    root.tfvars_path("unreadable").write_text("account_id = {\n")
    listed = run("-C", str(root.root), "list")
    assert listed.code == 0
    heading, broken, *_ = listed.out.splitlines()
    assert heading.split() == ["ENVIRONMENT", "ACCOUNT", "REGION", "PLATFORM", "LAST", "APPLY", "DRIFT"]
    assert broken.startswith("broken (invalid)")
    document = run("-C", str(root.root), "list", "--json").json
    by_name = {entry["name"]: entry for entry in document["environments"]}
    assert list(by_name) == ["broken", "gov", "standard", "unreadable"]
    assert by_name["unreadable"] == {
        "name": "unreadable",
        "account_id": None,
        "region": None,
        "platform": None,
        "valid": False,
        "local": False,
        "last_apply": None,
        "drift": None,
    }
    assert (by_name["standard"]["account_id"], by_name["standard"]["valid"]) == ("123456789012", True)
    assert by_name["gov"]["region"].startswith("us-gov-")


def test_list_marks_what_was_applied_with_local_alone(root: Project) -> None:
    embedded, real = (workdir_of(root, "standard", local=local) for local in (True, False))
    for folder in (embedded, real):
        folder.mkdir(parents=True)
    remember_apply(embedded)
    remember_drift(embedded, 2)
    marked = next(line for line in run("-C", str(root.root), "list").out.splitlines() if line.startswith("standard"))
    assert marked.count("(--local)") == 1
    assert "2 changed (" in marked
    remember_apply(real)
    entries = run("-C", str(root.root), "list", "--json").json["environments"]
    applied = {entry["name"]: (entry["local"], entry["last_apply"] is None, entry["drift"]) for entry in entries}
    assert applied == {"standard": (False, False, None), "gov": (False, True, None)}
    assert "(--local)" in run("-C", str(root.root), "list", "--local").out


def test_version_names_the_terraform_that_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    document = run("version", "--json").json
    assert document["version"] == __version__
    assert document["terraform"].count(".") == 2
    assert f"Terraform {document['terraform']} (" in run("version").out
    monkeypatch.setenv("ORCHESTRATOR_TERRAFORM", "/nowhere/terraform")
    without = run("version", "--json")
    assert (without.code, without.json["terraform"]) == (0, None)
    assert "/nowhere/terraform" in without.json["terraform_found"]


def complete(root: Project, shell: str, words: list[str], incomplete: str) -> list[str]:
    """What the command answers to a shell's completion script, in the shell's own protocol."""
    line = " ".join(["orchestrator", *words, incomplete])
    count = incomplete if shell == "fish" else str(len(words) + 1)
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        env={**os.environ, VARIABLE: f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": count},
        cwd=root.root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "incomplete", "found"),
    [
        (["plan"], "", ["gov", "standard"]),
        (["plan", "gov"], "", ["standard"]),
        (["manifests", "gov", "--for"], "kyv", ["kyverno", "kyverno-cel"]),
        (["secret", "set", "standard"], "docker", ["docker-hub"]),
        (["secret", "set", "nothing"], "", []),
        ([], "val", ["validate"]),
        (["-C", "nowhere", "plan"], "", []),
    ],
)
def test_what_is_completed(
    root: Project, monkeypatch: pytest.MonkeyPatch, words: list[str], incomplete: str, found: list[str]
) -> None:
    kind = get_completion_class("bash")
    assert kind is not None
    monkeypatch.chdir(root.root)
    items = kind(cli, {}, "orchestrator", VARIABLE).get_completions(words, incomplete)
    assert [item.value for item in items] == found


@pytest.mark.parametrize(("shell", "found"), [("bash", "plain,gov"), ("zsh", "plain\ngov\n_"), ("fish", "plain,gov")])
def test_each_shell_gets_the_answer_in_its_own_form(root: Project, shell: str, found: str) -> None:
    assert "\n".join(complete(root, shell, ["plan"], "g")) == found


def test_a_real_bash_completes_with_the_script_that_it_is_given(root: Project, tmp_path: Path) -> None:
    program = tmp_path / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    program.chmod(0o755)
    script = f"""
PATH={tmp_path}:$PATH
eval "$(orchestrator completion bash)"
COMP_WORDS=(orchestrator secret set standard docker); COMP_CWORD=4
$(complete -p orchestrator | sed 's/.*-F \\([^ ]*\\).*/\\1/') orchestrator
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=root.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("docker-hub\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_in_its_own_protocol(shell: str) -> None:
    script = run("completion", shell)
    assert script.code == 0
    assert f"{VARIABLE}={shell}_complete" in script.out
    assert script.err == ""


def test_quiet_keeps_notes_away_and_warnings_and_results_stay(root: Project) -> None:
    loud = run("-C", str(root.root), "rewrite", "standard", str(root.root), "--check")
    assert "with images to rewrite" in loud.err
    for arguments in (("--quiet", "rewrite"), ("-q", "rewrite")):
        assert run("-C", str(root.root), *arguments, "standard", str(root.root), "--check").err == ""
    assert run("-C", str(root.root), "rewrite", "standard", str(root.root), "--check", "--quiet").err == ""
    refused = run("-C", str(root.root), "route", "nothing", "nginx", "--quiet")
    assert 'error: There is no environment "nothing"' in refused.err


def test_messages_for_a_collector_are_objects_with_the_parts_of_an_error(root: Project) -> None:
    refused = run("-C", str(root.root), "--log-format", "json", "route", "standart", "nginx:1")
    [entry] = [json.loads(line) for line in refused.err.splitlines()]
    assert (refused.code, entry["level"], entry["remedy"]) == (2, "error", 'Did you mean "standard"?')
    assert entry["time"].endswith("Z")
    noted = run("-C", str(root.root), "rewrite", "standard", str(root.root), "--check", "--log-format=json")
    assert {json.loads(line)["level"] for line in noted.err.splitlines()} == {"info"}
    misused = run("--log-format", "json", "plan", "--nope")
    assert json.loads(misused.err)["message"].startswith("No such option '--nope'")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_takes_what_stands_before_commands(command: str) -> None:
    helped = run(command, "--quiet", "--log-format", "json", "--verbose", "--help")
    assert (helped.code, helped.err) == (0, "")
    assert "--log-format" not in helped.out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("arguments", [("images",), ("images", "--json"), ("rewrite", "--diff")])
def test_text_that_has_no_bytes_in_an_encoding_is_printed_all_the_same(
    root: Project, encoding: str, arguments: tuple[str, ...]
) -> None:
    command, *options = arguments
    folder = root.root / "files"
    folder.mkdir()
    os.close(os.open(os.fsencode(folder / "name-") + b"\xff.yaml", os.O_CREAT))
    (folder / os.fsdecode(b"name-\xff.yaml")).write_text("image: nginx:1\n")
    half = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "\ud800nginx"}]}}
    (folder / "half.json").write_text(json.dumps(half))
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "-C", str(root.root), command, "standard", str(folder), *options],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (done.returncode in (0, 3), done.stderr.count(b"Traceback")) == (True, 0), done.stderr
    # click prints with replacements of its own where a stream says ascii.
    assert re.search(rb"name-(\\udcff|\?).yaml", done.stdout)
