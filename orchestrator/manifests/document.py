"""What a target generates, and how data becomes text. Documents are dumped from data structures, never templated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomli_w
import yaml


@dataclass(frozen=True, slots=True)
class TargetFiles:
    """The files of one target.

    `files` is {path inside the target's folder: text}; `resources` are those that kubectl applies, in order; `notes`
    say what this target cannot express of the table; `apply`, `verify` and `rollback` are the steps of its README.
    `owns` are patterns of paths that only this target writes. Such a file that is not in `files` is left from before.
    """

    target: str
    files: Mapping[str, str]
    resources: Sequence[str] = ()
    notes: Sequence[str] = ()
    apply: Sequence[str] = field(default_factory=tuple)
    verify: Sequence[str] = field(default_factory=tuple)
    rollback: Sequence[str] = field(default_factory=tuple)
    owns: Sequence[str] = ()


class _Dumper(yaml.SafeDumper):
    """Block style, two spaces, long text as literal blocks: what people and reviews of changes can read."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
# Kubernetes' parser takes these for numbers, which PyYAML does not know and would leave without quotation marks.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+|[-+]?0o[0-7_]+"),
    list("-+.0123456789"),
)


def dump_yaml(*documents: Mapping[str, Any], header: Sequence[str] = ()) -> str:
    """YAML of `documents` in the order of their keys, after `header` as comment lines. Byte-stable."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    body = yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1_000_000,
        explicit_start=len(documents) > 1,
    )
    return comment + str(body)


def dump_json(value: object) -> str:
    """Indented JSON with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def dump_toml(value: Mapping[str, Any], header: Sequence[str] = ()) -> str:
    """TOML of `value`, after `header` as comment lines."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return comment + tomli_w.dumps(value)
