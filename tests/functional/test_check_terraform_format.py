"""The style check of the HCL, with the Terraform that this machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.check_terraform_format import main

UGLY = 'variable "a" {\ntype=string\n}\n'
NEAT = 'variable "a" {\n  type = string\n}\n'

pytestmark = pytest.mark.terraform


def test_files_in_format_pass(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(NEAT)
    assert main([str(tmp_path)]) == 0


def test_a_file_below_a_folder_is_checked_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "below"
    folder.mkdir()
    for name in ("a.tf", "b.tfvars", "c.tftest.hcl"):
        (folder / name).write_text(NEAT)
        assert main([str(tmp_path)]) == 0
        (folder / name).write_text(UGLY)
        assert main([str(tmp_path)]) == 1, name
        assert (folder / name).read_text() == UGLY
        (folder / name).unlink()


def test_write_brings_a_file_into_format(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(UGLY)
    assert main(["--write", str(tmp_path)]) == 0
    assert (tmp_path / "main.tf").read_text() == NEAT


def test_a_file_that_is_no_hcl_fails(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("variable {{{")
    assert main([str(tmp_path)]) == 2


def test_a_configuration_that_is_not_there_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/nowhere/.terraformrc")
    monkeypatch.setenv("TF_CLI_ARGS_fmt", "-nonsense")
    (tmp_path / "main.tf").write_text(NEAT)
    assert main([str(tmp_path)]) == 0
