"""Compares every resource, argument and attribute that the modules use with the newest AWS provider's schema.

`python -m scripts.check_provider_schema [WHEEL]`. The schema is that of `cdktn-provider-aws`, the provider's bindings on
the package index. pip downloads the wheel (70 MB), and the few files that matter are read in it. Nothing of it is
installed or run. So this says what the newest provider *has*. No plan is made with it; what it does is not known.

Read are blocks, with blocks inside them, and references such as `aws_x.y[0].arn`, `data.aws_x.y.name`, `self.id` and
`x.arn` behind `for x in aws_x.y :`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDERS = ("modules", "environments")
PACKAGE = "cdktn-provider-aws"
META = frozenset({"count", "for_each", "depends_on", "provider", "lifecycle", "provisioner", "connection"})
VERSION = re.compile(r"registry\.terraform\.io/providers/hashicorp/aws/([0-9.]+)/docs")
REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_[a-z0-9_]+)\.[a-z0-9_]+(?:\[[^\]]*\])?\.([a-z0-9_]+)")
LOOP = re.compile(r"\bfor (?:\w+, )?(\w+) in (?:values\()?(data\.)?(aws_[a-z0-9_]+)\.[a-z0-9_]+\)? :(.*)")


@dataclass(frozen=True, slots=True)
class Use:
    """A part of the provider that a file uses. `path` is empty for the resource, ("rule", "id") for an inner argument."""

    kind: str  # resource or data
    type: str
    path: tuple[str, ...]
    where: str

    def __str__(self) -> str:
        return ".".join([*(("data",) if self.kind == "data" else ()), self.type, *self.path])


@dataclass(frozen=True, slots=True)
class Block:
    """What a block may hold: the names of its arguments and attributes, and its inner blocks by name."""

    names: frozenset[str]
    blocks: Mapping[str, Block] = field(default_factory=dict)


def uses_of(text: str, where: str) -> Iterator[Use]:
    """Everything of the AWS provider that a Terraform file uses."""
    import tree_sitter
    import tree_sitter_hcl

    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language())).parse(text.encode())
    for body in tree.root_node.named_children:
        for block in body.named_children:
            words = [_text(child) for child in block.named_children if child.type in {"identifier", "string_lit"}]
            if len(words) == 3 and words[0] in {"resource", "data"} and words[1].startswith("aws_"):
                yield Use(words[0], words[1], (), f"{where}:{block.start_point[0] + 1}")
                yield from _inside(block, words[0], words[1], (), where)
                for name in re.findall(r"\bself\.([a-z0-9_]+)", _text(block)):
                    yield Use(words[0], words[1], (name,), f"{where}:{block.start_point[0] + 1}")
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("# ")[0]
        for data, kind, name in REFERENCE.findall(code):
            yield Use("data" if data else "resource", kind, (name,), f"{where}:{number}")
        for variable, data, kind, rest in LOOP.findall(code):
            for name in re.findall(rf"(?<![\w.]){variable}\.([a-z0-9_]+)", rest):
                yield Use("data" if data else "resource", kind, (name,), f"{where}:{number}")


def _inside(block: Any, kind: str, resource: str, path: tuple[str, ...], where: str) -> Iterator[Use]:
    body = next((child for child in block.named_children if child.type == "body"), None)
    for child in body.named_children if body else ():
        place = f"{where}:{child.start_point[0] + 1}"
        if child.type == "attribute":
            name = _text(child.named_children[0])
            if path or name not in META:
                yield Use(kind, resource, (*path, name), place)
        elif child.type == "block":
            words = [_text(part) for part in child.named_children if part.type in {"identifier", "string_lit"}]
            if words[0] == "dynamic":
                yield Use(kind, resource, (*path, words[1]), place)
                inner = next(part for part in child.named_children if part.type == "body")
                for content in inner.named_children:
                    if content.type == "block":
                        yield from _inside(content, kind, resource, (*path, words[1]), where)
            elif words[0] not in META:
                yield Use(kind, resource, (*path, words[0]), place)
                yield from _inside(child, kind, resource, (*path, words[0]), where)


def _text(node: Any) -> str:
    return str(node.text.decode()).strip('"')


def schema_of(source: str) -> Block:
    """The schema of a resource, out of its module in the package: its first class, and the structs below."""
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    first = next(
        name for name in classes if f"{name}Config" in classes and "Terraform" in ast.unparse(classes[name].bases[0])
    )
    settable = _block(classes, classes[f"{first}Config"])
    return Block(settable.names | _block(classes, classes[first]).names, settable.blocks)


def _block(classes: Mapping[str, ast.ClassDef], node: ast.ClassDef) -> Block:
    names: set[str] = set()
    blocks: dict[str, Block] = {}
    for member in node.body:
        if not isinstance(member, ast.FunctionDef) or member.returns is None:
            continue
        name = member.name.rstrip("_")
        names.add(name)
        # The type of an inner block is written as text, for its class comes later in the file.
        for inner in re.findall(r"\b([A-Z]\w+)\b", ast.unparse(member.returns)):
            if inner in classes and not inner.endswith(("OutputReference", "List", "Map")):
                blocks[name] = _block(classes, classes[inner])
    return Block(frozenset(names), blocks)


def is_known(use: Use, block: Block) -> bool:
    """Does the schema have what is used?"""
    for name in use.path:
        if name not in block.names:
            return False
        block = block.blocks.get(name, Block(frozenset(), {}))
    return True


def unknown_uses(uses: list[Use], wheel: Path) -> tuple[str, list[Use]]:
    """(the provider's version, what is used and its schema does not have). Raises ValueError for another package."""
    with zipfile.ZipFile(wheel) as archive:
        top = f"{PACKAGE.replace('-', '_')}/"
        files = set(archive.namelist())
        version = VERSION.search(archive.read(f"{top}ecr_repository/__init__.py").decode())
        if version is None:
            raise ValueError(f"{wheel} does not say of which provider it is")
        schemas: dict[tuple[str, str], Block | None] = {}
        for use in uses:
            key = (use.kind, use.type)
            if key not in schemas:
                name = use.type.removeprefix("aws_") if use.kind == "resource" else f"data_{use.type}"
                path = f"{top}{name}/__init__.py"
                schemas[key] = schema_of(archive.read(path).decode()) if path in files else None
        return version.group(1), [
            use for use in uses if (known := schemas[use.kind, use.type]) is None or not is_known(use, known)
        ]


def download(folder: Path) -> Path:
    """The newest wheel, by pip with its own settings. Raises subprocess.CalledProcessError."""
    arguments = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), PACKAGE]
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)
    return next(folder.glob("*.whl"))


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    paths = sorted(
        path for folder in FOLDERS for path in (ROOT / folder).rglob("*.tf") if ".terraform" not in path.parts
    )
    uses = [use for path in paths for use in uses_of(path.read_text("utf-8"), str(path.relative_to(ROOT)))]
    with tempfile.TemporaryDirectory() as folder:
        try:
            version, unknown = unknown_uses(uses, Path(given[0]) if given else download(Path(folder)))
        except (subprocess.CalledProcessError, OSError, ValueError, zipfile.BadZipFile, KeyError) as error:
            print(f"error: the schema could not be read: {error}", file=sys.stderr)
            return 2
    for use in unknown:
        print(f"{use.where}: {use} is not in AWS provider {version}", file=sys.stderr)
    print(
        f"{len({str(use) for use in uses})} resources, arguments and attributes, {len(unknown)} not in AWS provider {version}."
    )
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
