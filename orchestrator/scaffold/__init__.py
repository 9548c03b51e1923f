"""Text of a new environment's tfvars file: plain variables with comments that say what each is for.

Pure but for reading its own template; jinja2 is imported when a text is made.

The stages: answers become an `Answers`, the template becomes text, the checks read that text as they read any file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ScaffoldRule:
    """A pull-through cache rule to write down; `comment` explains it in one line."""

    upstream_registry_url: str
    upstream_repository_prefix: str | None = None
    source: str | None = None
    secret_name: str | None = None
    credential_arn: str | None = None
    custom_role_arn: str | None = None
    template: Mapping[str, object] | None = None
    comment: str = ""

    def values(self) -> dict[str, object]:
        """{attribute: value} without the comment."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "comment"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` was told, and what it found out about the project."""

    name: str
    platform: str
    cluster_name: str
    account_id: str
    aws_region: str
    vpc_id: str | None = None
    private_subnet_ids: tuple[str, ...] = ()
    vpc_cidr: str | None = None
    endpoint_security_group_ids: tuple[str, ...] = ()
    node_role_names: tuple[str, ...] = ()
    worker_role_prefix: str | None = None
    allow_upstream: bool = True
    state_bucket: str | None = None
    state_region: str | None = None
    rules: Mapping[str, ScaffoldRule] = field(default_factory=dict)
    mirrors: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    """The environment that already manages the registry of this account and region, if any."""
    repositories: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    root_template: Mapping[str, object] | None = None
    registry_scanning: Mapping[str, object] | None = None
    from_aws: bool = False
    """Are rules and repositories those that the account has?"""
    left_alone: tuple[str, ...] = ()
    """Sentences of what the account has and the file does not say."""
    endpoints_of: str | None = None
    """The environment that already creates the endpoints of this VPC, if any."""

    @property
    def creates_endpoints(self) -> bool:
        """Is everything there that endpoints need?"""
        guarded = self.vpc_cidr is not None or bool(self.endpoint_security_group_ids)
        return self.vpc_id is not None and bool(self.private_subnet_ids) and guarded and self.endpoints_of is None


def render_environment(answers: Answers) -> str:
    """Text of `environments/<name>.tfvars`."""
    return _render("environment.tfvars.j2", a=answers)


def render_common() -> str:
    """Text of `environments/common.tfvars`."""
    return _render("common.tfvars.j2")


def _render(template: str, **values: object) -> str:
    import jinja2

    # Undefined names are mistakes of ours; HCL needs no HTML escaping, and strings go through `hcl`.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters["hcl"] = hcl
    environment.filters["key"] = key
    environment.globals["aligned"] = aligned
    environment.globals["nested"] = nested
    return environment.from_string((_HERE / template).read_text(encoding="utf-8")).render(**values)


def hcl(value: object) -> str:
    """A string, list of strings, bool or number as HCL writes it: JSON with template markers doubled."""
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{")


def key(name: str) -> str:
    """A map key as people write it: bare where HCL allows it."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) else hcl(name)


def aligned(indent: int, values: Mapping[str, object]) -> str:
    """Lines `name = value` below each other as `terraform fmt` aligns them; what is None or empty is left out."""
    written = {name: value for name, value in values.items() if value is not None and value != ()}
    width = max(map(len, written), default=0)
    return "\n".join(f"{' ' * indent}{name:<{width}} = {hcl(value)}" for name, value in written.items())


def nested(indent: int, values: Mapping[str, object]) -> str:
    """The lines of an object: single values first, aligned; an object in it stands below them, with its own lines.

    None is left out, an empty value is written: an empty list takes back what another file says.
    """
    single = {key(name): value for name, value in values.items() if value is not None and not _needs_lines(value)}
    width, margin = max(map(len, single), default=0), " " * indent
    lines = [f"{margin}{name:<{width}} = {hcl(value)}" for name, value in single.items()]
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{margin}{key(name)} = {{", nested(indent + 2, value), f"{margin}}}"]
        elif isinstance(value, list):
            objects = [f"{margin}  {{\n{nested(indent + 4, each)}\n{margin}  }}," for each in value]
            lines += [f"{margin}{key(name)} = [", *objects, f"{margin}]"]
    return "\n".join(lines)


def _needs_lines(value: object) -> bool:
    """Is it an object, or a list of objects? Tuples hold plain values."""
    return isinstance(value, (Mapping, list))
