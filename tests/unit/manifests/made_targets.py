"""One target's documents for the environments of the references' table, and for changed ones."""

from __future__ import annotations

from typing import Any

from orchestrator.environment.model import Environment
from orchestrator.manifests import (
    Options,
    TargetFiles,
    generate,
)
from tests.references_table import ENVIRONMENTS


def bundle(of: Environment, target: str, **options: Any) -> TargetFiles:
    return generate(of, [target], Options(**options))[0]


def changed(name: str, **variables: Any) -> Environment:
    return Environment(name=name, **{**ENVIRONMENTS[name], **variables})


def said(of: Environment, target: str) -> str:
    return "\n".join(bundle(of, target).notes)
