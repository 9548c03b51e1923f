"""What the modules declare, read from their files: variables, validations, outputs, test runs, README tables.

Only the layout that `terraform fmt` writes is read: blocks begin in the first column, their arguments in the third.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r'^(variable|output) "([^"]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
EXPECT_FAILURES = re.compile(r"expect_failures\s*=\s*\[([^\]]*)\]")
EXAMPLE = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"^    ([a-z_]+)\s*= optional\(", re.MULTILINE)
TABLE_NAME = re.compile(r"^\| `?([a-z0-9_]+)`? \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One variable or output: `validations` is how many it has."""

    name: str
    has_description: bool
    has_type: bool
    validations: int


def declarations(module: Path, kind: str) -> list[Declaration]:
    """The module's variables or outputs (`kind` is variable or output), in order."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(module.glob("*.tf")))
    return [
        Declaration(
            name,
            bool(re.search(r'^  description\s*= "\S', body, re.MULTILINE)),
            bool(re.search(r"^  type\s*= \S", body, re.MULTILINE)),
            len(re.findall(r"^  validation \{", body, re.MULTILINE)),
        )
        for found, name, body in BLOCK.findall(text)
        if found == kind
    ]


def refused_variables(module: Path) -> list[str]:
    """Names of the variables that the module's failing runs expect to be refused, once a run."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(module.glob("tests/*.tftest.hcl")))
    return [name for listed in EXPECT_FAILURES.findall(text) for name in re.findall(r"var\.([a-z0-9_]+)", listed)]


def examples(module: Path) -> list[str]:
    """The ```hcl blocks of the module's README, in order."""
    return EXAMPLE.findall((module / "README.md").read_text("utf-8"))


def settings(module: Path) -> list[str]:
    """The attributes of the module's variable `settings`, in order; none without it."""
    text = (module / "variables.tf").read_text("utf-8")
    return [
        attribute for _, name, body in BLOCK.findall(text) if name == "settings" for attribute in SETTING.findall(body)
    ]


def documented_names(module: Path, kind: str) -> list[str]:
    """First cells of the README's tables below headings such as "Inputs" (`kind` variable), "Outputs" or "Settings"."""
    heading = {"variable": "Inputs", "output": "Outputs", "setting": "Settings"}[kind]
    sections = re.split(r"^#+ ", (module / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    return [
        name
        for section in sections
        if section.partition("\n")[0].strip().endswith(heading)
        for name in TABLE_NAME.findall(section)
    ]
