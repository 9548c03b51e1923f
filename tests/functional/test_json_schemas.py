"""The published schemas against what the commands print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrator.cli.main import cli
from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.published_schemas import SCHEMAS, problems
from tests.functional.running import commands, run
from tests.functional.test_affected_command import SMALL, git
from tests.references_table import tfvars


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    made = project(standard=tfvars("standard"), one=SMALL.format(name="one"))
    git(made.root, "init", "-b", "main")
    git(made.root, "add", ".")
    git(made.root, "commit", "-m", "before")
    made.tfvars_path("one").write_text(SMALL.format(name="one") + "force_delete = true\n")
    made.tfvars_path("broken").write_text("account_id = 12\n")
    return made


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ("list", ["list", "--json"]),
        ("affected", ["affected", "--json"]),
        ("affected-matrix", ["affected", "--matrix"]),
        ("validate", ["validate", "--json"]),
        ("version", ["version", "--json"]),
        ("docs", ["docs", "--json"]),
        ("docs", ["docs", "limits", "--json"]),
        ("doctor", ["doctor", "--json"]),
        ("manifests", ["manifests", "standard", "--json"]),
        ("manifests", ["manifests", "standard", "--check", "nowhere", "--json"]),
        ("local-status", ["local", "status", "--json"]),
        ("local-down", ["local", "down", "--json"]),
        ("errors", ["route", "nothing", "nginx", "--json"]),
        ("errors", ["plan", "broken", "--json"]),
        ("errors", ["plan", "--json", "--nope"]),
    ],
)
def test_what_a_command_prints_is_what_its_schema_says(root: Project, schema: str, arguments: list[str]) -> None:
    assert problems(schema, run("-C", str(root.root), *arguments).json) == []


def test_each_line_of_route_is_what_its_schema_says(root: Project) -> None:
    references = ["nginx", "NGINX", "quay.io/a/b@sha256:" + "a" * 64, "example.com/a", "a" * 300]
    lines = run("-C", str(root.root), "route", "standard", *references, "--json").out.splitlines()
    assert len(lines) == len(references)
    assert [problem for line in lines for problem in problems("route", json.loads(line))] == []


def test_images_of_files_are_what_their_schema_says(root: Project) -> None:
    folder = root.root / "apps"
    folder.mkdir()
    containers = "".join(f"  - {{name: c, image: '{image}'}}\n" for image in ("nginx", "NGINX", "example.com/a/b:1"))
    (folder / "pod.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n{containers}"
    )
    (folder / "Dockerfile").write_text("FROM nginx:1.27\n")
    (folder / "broken.yaml").write_text("kind: Pod\nspec: [\n")
    document = run("-C", str(root.root), "images", "standard", str(folder), "--json").json
    assert {image["answer"] for image in document["images"]} == {"redirected", "refused", "unchanged"}
    assert problems("images", document) == []


def test_a_key_that_nobody_published_is_noticed(root: Project) -> None:
    document = run("version", "--json").json
    assert problems("version", {**document, "new": 1})
    assert problems("version", {key: value for key, value in document.items() if key != "python"})


def test_every_command_that_prints_json_has_a_schema() -> None:
    printing = {name for name, command in commands(cli) if any("--json" in option.opts for option in command.params)}
    published = {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()}
    assert len(printing) > 30
    assert printing <= published
    assert published - printing == {"errors", "affected-matrix"}


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.name)
def test_every_schema_is_one(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    assert list(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)) == []


def test_every_schema_is_listed_and_every_listed_one_is_there() -> None:
    page = (SCHEMAS.parent / "json.md").read_text("utf-8")
    assert sorted(path.name for path in SCHEMAS.iterdir()) == sorted(
        line.split("schemas/")[1].split(")")[0] for line in page.splitlines() if "schemas/" in line
    )
