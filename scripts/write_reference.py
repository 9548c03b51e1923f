"""Writes docs/reference/ from the code, or says that it is stale: `python -m scripts.write_reference [--write]`.

Variables and outputs come from the root module, modules from their own files. Commands from `--help`, the webhook's metrics
and keys from its code, alarms from the modules that make them. Text that is written by hand there is not touched.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from orchestrator import __version__
from orchestrator.cli.main import COMMANDS, cli
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.swap_config import SHAPE
from scripts.hcl_blocks import WrittenBlock, blocks_below, blocks_of

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path("docs/reference")
# What no code says: {variable: version}. An entry stays as it was first written.
SINCE = REFERENCE / "variables-since.json"
MADE = "<!-- Made by `python -m scripts.write_reference --write`; do not edit. -->"
# {end of a name: its unit}. A name without one of these has none, or its description says it.
UNITS = {
    "_days": "days",
    "_hours": "hours",
    "_seconds": "seconds",
    "_mb": "megabytes",
    "_gib": "GiB",
    "_fraction": "part of a whole, 0 to 1",
}
_VARIABLE = re.compile(r"\bvar\.([a-z_0-9]+)")
_LOCAL = re.compile(r"\blocal\.([a-z_0-9]+)")
_ALARM = re.compile(
    r"^ {4,6}\"?([a-z-]+)\"?\s*=\s*\{\s*description\s*=\s*\"((?:[^\"\\]|\\.)*)\"\s*"
    r"namespace\s*=\s*([^,\n]+),?\s*metric(?:_name)?\s*=\s*([^,\n]+)",
    re.MULTILINE,
)
_SILENT = re.compile(
    r'alarm_name\s*=\s*"\$\{local\.name\}-([a-z-]+)"\s*alarm_description\s*=\s*"((?:[^"\\]|\\.)*)"\s*'
    r"namespace\s*=\s*([^\n]+)\s*metric_name\s*=\s*([^\n]+)"
)


def pages() -> dict[str, str]:
    """{name below docs/reference/: what belongs there}."""
    made = {
        "variables.md": _variables(),
        "outputs.md": _outputs(),
        "modules.md": _modules(),
        "commands.md": _commands(),
        "swapper.md": _swapper(),
        "metrics.md": _metrics(),
    }
    texts = {name: "\n".join((MADE, *lines)).rstrip() + "\n" for name, lines in made.items()}
    return {**texts, SINCE.name: json.dumps(versions_of_variables(), indent=2) + "\n"}


def _variables() -> Iterator[str]:
    changes = _users(ROOT / "environments")
    yield "# Variables"
    yield ""
    yield "Variables of the root module, as `environments/NAME.tfvars` and `environments/common.tfvars` set them."
    yield "A variable that no module gets is read by the orchestrator alone: for the route table, the documents of a"
    yield "cluster, and its own commands. `since` is the version that brought it; 0.1.0 is the first."
    since = versions_of_variables()
    section = ""
    for block, heading in _with_headings(ROOT / "environments/variables.tf"):
        if heading != section:
            section = heading
            yield from ("", f"## {section}")
        name = block.labels[0]
        yield from ("", f"### {name}", "", block.text("description"), "")
        kind = block.attributes.get("type", "any")
        yield "| type | default | unit | what it changes | since |"
        yield "|---|---|---|---|---|"
        short = f"`{kind}`" if "\n" not in kind else "an object, below"
        changed = ", ".join(changes.get(name, ())) or "the orchestrator"
        yield f"| {short} | {_default(block)} | {_unit(name)} | {changed} | {since[name]} |"
        if "\n" in kind:
            yield from ("", "```hcl", *_dedented(kind), "```")
            units = sorted({(field, _unit(field)) for field in re.findall(r"(\w+)\s*=", kind) if _unit(field) != "-"})
            if units:
                yield ""
                yield "Units: " + ", ".join(f"`{field}` {unit}" for field, unit in units) + "."
        for validation in (inner for inner in block.blocks if inner.kind == "validation"):
            yield from ("", f"- {_sentence(validation.text('error_message'))}")


def versions_of_variables() -> dict[str, str]:
    """{variable: the version that brought it}: what SINCE remembers; a new variable comes with this version."""
    known = json.loads((ROOT / SINCE).read_text("utf-8")) if (ROOT / SINCE).is_file() else {}
    names = sorted(
        block.labels[0] for block in blocks_of(ROOT / "environments/variables.tf") if block.kind == "variable"
    )
    return {name: known.get(name, __version__) for name in names}


def _outputs() -> Iterator[str]:
    yield "# Outputs"
    yield ""
    yield "`orchestrator output NAME [KEY]` prints these, and so does `terraform output` of the root module."
    yield from ("", "| output | what it is | sensitive |", "|---|---|---|")
    for block in blocks_of(ROOT / "environments/outputs.tf"):
        sensitive = "yes" if block.attributes.get("sensitive") == "true" else ""
        yield f"| `{block.labels[0]}` | {_cell(block.text('description'))} | {sensitive} |"


def _modules() -> Iterator[str]:
    yield "# Modules"
    yield ""
    yield "Each is usable alone; the README beside each has an example that a test plans."
    for folder in sorted(path.parent for path in (ROOT / "modules").glob("*/main.tf")):
        if not (folder / "README.md").is_file():
            continue
        yield from ("", f"## {folder.name}", "", _first_sentence(folder / "README.md"))
        resources = [block for kind in ("resource",) for block in blocks_below(folder, kind)]
        if resources:
            yield from ("", "### Resources of " + folder.name, "", "| Name | Type |", "|---|---|")
            yield from sorted({f"| `{block.labels[0]}.{block.labels[1]}` | resource |" for block in resources})
        inputs = blocks_below(folder, "variable")
        if inputs:
            yield from ("", "### Inputs of " + folder.name, "")
            yield "| Name | Description | Type | Default | Required |"
            yield "|---|---|---|---|---|"
            for block in inputs:
                kind = _cell(" ".join(block.attributes.get("type", "any").split()))
                required = "no" if "default" in block.attributes else "yes"
                yield f"| `{block.labels[0]}` | {_cell(block.text('description'))} | `{kind}` | {_default(block)} | {required} |"
        outputs = blocks_below(folder, "output")
        if outputs:
            yield from ("", "### Outputs of " + folder.name, "", "| Name | Description |", "|---|---|")
            yield from (f"| `{block.labels[0]}` | {_cell(block.text('description'))} |" for block in outputs)


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "What `--help` prints. Every command also takes `--verbose`, `--quiet` and `--log-format json`."
    # With the names of --help that a run has: click keeps a command's option from whichever context asked first.
    settings = {**cli.context_settings, "terminal_width": 100, "max_content_width": 100}
    root = click.Context(cli, info_name="orchestrator", **settings)
    yield from _help(cli, root, 2)
    for name in COMMANDS:
        command = cli.get_command(root, name)
        assert command is not None
        yield from _command(command, name, root, 2)


def _command(command: click.Command, name: str, parent: click.Context, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    yield from _help(command, context, depth)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            inner = command.get_command(context, below)
            assert inner is not None
            yield from _command(inner, below, context, depth + 1)


def _help(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield from ("", f"{'#' * min(depth, 4)} {context.command_path}", "", "```text")
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"


def _swapper() -> Iterator[str]:
    yield "# Configuration of the webhook"
    yield ""
    yield "`orchestrator swapper serve NAME` takes everything from the environment. `--config FILE` takes these keys as well;"
    yield "[the guide](../guide/from-k8s-image-swapper.md) says what each does. Options stand under"
    yield "[commands](commands.md)."
    yield from ("", "```text", *_keys(SHAPE, ""), "```")


def _keys(shape: object, prefix: str) -> Iterator[str]:
    if isinstance(shape, dict):
        for name, below in shape.items():
            yield from _keys(below, f"{prefix}.{name}" if prefix else name)
    elif isinstance(shape, list):
        yield from _keys(shape[0], f"{prefix}[]")
    else:
        yield prefix


def _metrics() -> Iterator[str]:
    yield "# Metrics and alarms"
    yield from (
        "",
        "## The webhook, for Prometheus at `/metrics`",
        "",
        "| metric | kind | what it counts |",
        "|---|---|---|",
    )
    for family in sorted(SwapMetrics().families(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {family.documentation} |"
    yield from ("", "## Functions, in CloudWatch", "")
    yield "Each alarm stands on the topic of its module; NAME is the function's or the dashboard's name."
    yield from ("", "| module | alarm | metric | what it means |", "|---|---|---|---|")
    for path in sorted((ROOT / "modules").glob("*/*.tf")):
        text = path.read_text("utf-8")
        for alarm, description, namespace, metric in [*_ALARM.findall(text), *_SILENT.findall(text)]:
            where = f"{_plain(namespace)} {_plain(metric)}".strip()
            yield f"| {path.parent.name} | `NAME-{alarm}` | `{where}` | {_sentence(description)} |"


def _users(folder: Path) -> dict[str, list[str]]:
    """{variable: modules that get it}, through locals too."""
    blocks = [block for path in sorted(folder.glob("*.tf")) for block in blocks_of(path)]
    locals_ = {name: text for block in blocks if block.kind == "locals" for name, text in block.attributes.items()}

    def read(text: str, seen: frozenset[str]) -> set[str]:
        found = set(_VARIABLE.findall(text))
        for name in set(_LOCAL.findall(text)) - seen:
            found |= read(locals_.get(name, ""), seen | {name})
        return found

    users: dict[str, list[str]] = {}
    for block in blocks:
        if block.kind == "module":
            for name in sorted(read("\n".join(block.attributes.values()), frozenset())):
                users.setdefault(name, []).append(f"[{_folder(block)}](modules.md#{_folder(block)})")
    return users


def _folder(block: WrittenBlock) -> str:
    return Path(block.text("source")).name


def _with_headings(path: Path) -> Iterator[tuple[WrittenBlock, str]]:
    """Each variable with the banner that it stands under."""
    headings: dict[str, str] = {}
    current = ""
    for line in path.read_text("utf-8").splitlines():
        if match := re.fullmatch(r"# ([A-Z].*)", line):
            current = match[1]
        elif match := re.match(r'variable "([a-z_0-9]+)"', line):
            headings[match[1]] = current
    for block in blocks_of(path):
        if block.kind == "variable":
            yield block, headings[block.labels[0]]


def _default(block: WrittenBlock) -> str:
    if "default" not in block.attributes:
        return "required"
    text = " ".join(block.attributes["default"].split())
    return f"`{text}`" if len(text) <= 200 else f"`{text[:199]}…`"


def _unit(name: str) -> str:
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "-")


def _dedented(text: str) -> list[str]:
    lines = text.splitlines()
    widths = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(widths, default=0)
    return [lines[0], *(line[cut:] for line in lines[1:])]


def _sentence(text: str) -> str:
    """HCL's text without its expressions: `${var.name}` -> NAME."""
    inner = re.sub(r"\$\{[^{}]*\b(?:var|local|each)\.([a-z_.]+)[^{}]*\}", lambda m: m[1].split(".")[-1].upper(), text)
    return _cell(re.sub(r"\$\{.*?\}", "…", inner))


def _plain(text: str) -> str:
    return text.strip().strip('"').replace("local.lifecycle", "Orchestrator/Lifecycle")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _first_sentence(path: Path) -> str:
    return next(part for part in path.read_text("utf-8").split("\n\n")[1:] if not part.startswith(("#", "`"))).strip()


def main(arguments: Sequence[str]) -> int:
    """0 when the pages say what the code says, or were written; else 1, with the command that writes them."""
    stale = [
        (ROOT / REFERENCE / name, content)
        for name, content in pages().items()
        if not (ROOT / REFERENCE / name).is_file() or (ROOT / REFERENCE / name).read_text("utf-8") != content
    ]
    if "--write" in arguments:
        (ROOT / REFERENCE).mkdir(parents=True, exist_ok=True)
        for path, content in stale:
            path.write_text(content, "utf-8")
        return 0
    for path, _ in stale:
        print(
            f"{path.relative_to(ROOT)} is stale: the code says something else. Run: python -m scripts.write_reference --write",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
