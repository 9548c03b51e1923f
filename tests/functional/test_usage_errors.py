"""What the command says of a call that it does not understand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.cli.messages import wrapped
from tests.functional.running import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("typed", "meant"), [("outputs", "output"), ("aply", "apply"), ("destory", "destroy")])
def test_a_misspelt_command_gets_the_nearest_one(typed: str, meant: str) -> None:
    refused = run(typed, "dev")

    assert refused.code == 2
    assert f"No such command '{typed}'. Did you mean \"{meant}\"?" in refused.err


def test_a_command_like_no_other_gets_no_guess() -> None:
    refused = run("xyzzy")

    assert refused.code == 2
    assert "Did you mean" not in refused.err


@pytest.mark.parametrize("arguments", [("plan", "--nope", "--json"), ("init", "--json"), ("outputs", "--json")])
def test_with_json_a_wrong_call_is_a_document_too(arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)

    assert refused.code == 2
    [error] = refused.json["errors"]
    assert error["what"] in refused.err
    assert "--help" in error["remedy"]


@pytest.mark.parametrize("command", ["render", "plan", "drift", "output"])
def test_what_the_system_refuses_is_an_error_with_its_file_and_no_traceback(command: str, tmp_path: Path) -> None:
    made = run(
        "-C",
        str(tmp_path),
        "init",
        "dev",
        "--yes",
        "--platform",
        "eks",
        "--region",
        "eu-west-1",
        "--account-id",
        "111122223333",
    )
    assert made.code == 0, made.err
    (tmp_path / ".orchestrator").write_text("no folder")

    refused = run("-C", str(tmp_path), command, "dev", "--local")

    assert refused.code in {1, 2}
    assert str(tmp_path / ".orchestrator") in refused.err
    assert "Traceback" not in refused.err


def test_errors_are_broken_between_words_and_only_for_a_terminal() -> None:
    path = "/home/" + "a-long-folder/" * 6
    text = f"error: {path}file: some words that tell what is wrong.\nA second line of another program."
    broken = wrapped(text, 40)
    assert path in broken.replace("\n  ", " ")
    assert all(len(line) <= 40 or path in line for line in broken.split("\n"))
    assert broken.split() == text.split()
    assert wrapped(text, None) == text
    assert wrapped(text, 5) == text


def test_apply_all_refuses_what_validate_all_refuses_before_it_changes_anything(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("dev", "other"):
        # Both manage the registry of one account and region.
        (folder / f"{name}.tfvars").write_text(
            f'cluster_name = "{name}"\naccount_id = "111122223333"\naws_region = "us-east-1"\nplatform = "eks"\n'
            f'manage_registry = true\ncreate_vpc_endpoints = false\npull_through_cache_rules = {{ {name} = {{ upstream_registry_url = "quay.io" }} }}\n'
        )
    said = run("-C", str(tmp_path), "validate", "--all")
    refused = run("-C", str(tmp_path), "apply", "--all", "--yes", "--local")

    assert (said.code, refused.code) == (2, 2)
    # With the same line, too.
    for text in (said.out, refused.err):
        assert 'environments/other.tfvars:5: "other" and "dev" both manage the registry' in text
    assert not (tmp_path / ".orchestrator").exists()
