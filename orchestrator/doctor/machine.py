"""What the doctor says about this machine, none of it about one environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.doctor.diagnosis import Diagnosis, failed
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

PYTHON = (3, 11)
# {program: what it is good for}. None is needed to plan and apply.
TOOLS = {
    "kubectl": "applies the generated policies and mirror sets",
    "skopeo": "checks generated registries.conf files against a registry",
}


def machine(variables: Mapping[str, str] | None = None) -> Iterator[Diagnosis]:
    """This machine: Python, Terraform, where providers come from, certificates, optional tools."""
    variables = os.environ if variables is None else variables
    yield _python()
    yield _terraform(variables)
    yield from _providers(variables)
    yield _certificates(variables)
    for program, purpose in TOOLS.items():
        found = shutil.which(program, path=variables.get("PATH", os.defpath))
        if found:
            yield Diagnosis("ok", program, found)
        else:
            yield Diagnosis("note", program, f"not found; it {purpose}", f"Install {program} if you need that.")


def embedded_aws(running: LocalAws | None) -> Diagnosis:
    """Is the embedded AWS of this project up?"""
    if running is None:
        return Diagnosis(
            "note", "embedded AWS", "not running", "`--local` starts it, and so does `orchestrator local up`."
        )
    return Diagnosis("ok", "embedded AWS", f"listens on {running.endpoint} (process {running.pid})")


def _python() -> Diagnosis:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return Diagnosis("failed", "python", f"{version} ({sys.executable})", "Use Python 3.11 or later.")
    return Diagnosis("ok", "python", f"{version} ({sys.executable})")


def _terraform(variables: Mapping[str, str]) -> Diagnosis:
    from orchestrator.terraform.binary import find_terraform

    try:
        terraform = find_terraform(variables)
    except OrchestratorError as error:
        return failed("terraform", error, "")
    return Diagnosis("ok", "terraform", f"{terraform.version}: {terraform.why}")


def _providers(variables: Mapping[str, str]) -> Iterator[Diagnosis]:
    from orchestrator.terraform.providers import CONFIG_VARIABLE, find_provider_source

    try:
        source = find_provider_source(variables)
    except OrchestratorError as error:
        yield failed("providers", error, "")
        return
    yield Diagnosis("ok", "providers", source.why)
    for note in source.notes:
        yield Diagnosis("note", "providers", note, f"Unset {CONFIG_VARIABLE}, or correct it.")


def _certificates(variables: Mapping[str, str]) -> Diagnosis:
    bundle = variables.get("AWS_CA_BUNDLE", "")
    if not bundle:
        return Diagnosis("ok", "certificates", "those that come with the SDK (AWS_CA_BUNDLE is not set)")
    if not Path(bundle).exists():
        what = f"AWS_CA_BUNDLE names {bundle}, which does not exist; it is ignored"
        return Diagnosis("note", "certificates", what, "Unset AWS_CA_BUNDLE, or correct it.")
    if not os.access(bundle, os.R_OK):
        return Diagnosis("failed", "certificates", f"AWS_CA_BUNDLE names {bundle}, which cannot be read", "Correct it.")
    return Diagnosis("ok", "certificates", f"{bundle} (AWS_CA_BUNDLE)")
