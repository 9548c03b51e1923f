"""One name, one thing: fails when two classes or two modules of the source have one name.

`python -m scripts.check_words` is part of `make check`. A name that means the same thing in several places has its line
in SHARED, with the places and the reason. A name that is no longer shared must leave the list.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOTS = ("orchestrator", "lambda_src")
# {name: (where it stands, why it is the same word)}
SHARED: Mapping[str, tuple[frozenset[str], str]] = {
    "ClusterImages": (
        frozenset(
            {
                "orchestrator/constructs/aws_cdk.py",
                "orchestrator/constructs/terrain.py",
                "orchestrator/workloads/in_cluster.py",
            }
        ),
        "Images of a cluster: those that it runs, and those that a CDK program gives it.",
    ),
    "LifecycleManager": (
        frozenset(
            {
                "orchestrator/constructs/aws_cdk.py",
                "orchestrator/constructs/terrain.py",
                "orchestrator/environment/function_parts.py",
            }
        ),
        "The setting, and what makes it in each kind of CDK.",
    ),
    "PullThroughCache": (
        frozenset({"orchestrator/constructs/aws_cdk.py", "orchestrator/constructs/terrain.py"}),
        "One program reads like the other, whichever CDK it is for.",
    ),
    "errors": (
        frozenset({"orchestrator/errors.py", "orchestrator/oci/errors.py"}),
        "Each holds a tree of errors, drawn at its top: everybody's, and those of a registry or a transfer.",
    ),
    "handler": (
        frozenset({"lambda_src/lifecycle_manager/handler.py", "lambda_src/scan_findings/handler.py"}),
        "AWS Lambda calls `handler.handle` of every function.",
    ),
    "ports": (
        frozenset(
            {
                "orchestrator/aws/ports",
                "orchestrator/findings/ports.py",
                "orchestrator/lifecycle/ports.py",
                "orchestrator/oci/ports.py",
            }
        ),
        "Each core says what it asks of the world, and aws.ports answers the functions.",
    ),
    "settings": (
        frozenset({"orchestrator/findings/settings.py", "orchestrator/lifecycle/settings.py"}),
        "Each function reads its settings from its variables.",
    ),
}
# These are named as people type them: a command shares its word with the package that works.
COMMANDS = Path("orchestrator/cli")


def classes(root: Path) -> Iterator[tuple[str, str]]:
    """(name, file:line) of every class below the roots that other modules may name."""
    for path in _sources(root):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, f"{path.relative_to(root)}:{node.lineno}"


def modules(root: Path) -> Iterator[tuple[str, str]]:
    """(name, path) of every module and package below the roots; commands are left out."""
    for path in _sources(root):
        where = path.relative_to(root)
        if path.stem == "__init__":
            where = where.parent
        if where.parent != COMMANDS:
            yield where.stem, str(where)


def repeated(
    found: Iterator[tuple[str, str]], kind: str, shared: Mapping[str, tuple[frozenset[str], str]]
) -> list[str]:
    """A sentence for every name that stands in several places and is not in `shared` with exactly these."""
    places: dict[str, list[str]] = {}
    for name, place in found:
        places.setdefault(name, []).append(place)
    return [
        f'The {kind} "{name}" stands {len(where)} times: {", ".join(where)}. Call each by what it is.'
        for name, where in sorted(places.items())
        if len(where) > 1 and (name not in shared or shared[name][0] != {place.partition(":")[0] for place in where})
    ]


def unused(root: Path, shared: Mapping[str, tuple[frozenset[str], str]]) -> list[str]:
    """A sentence for every line of `shared` that nothing needs any more."""
    return [
        f'"{name}" is listed in SHARED, but {place} is not there. Remove it from the list.'
        for name, (places, _) in sorted(shared.items())
        for place in sorted(places)
        if not (root / place).exists()
    ]


def problems(root: Path) -> list[str]:
    """Everything that is wrong with the words of the source below `root`."""
    return [
        *repeated(classes(root), "class", SHARED),
        *repeated(modules(root), "module", SHARED),
        *unused(root, SHARED),
    ]


def _sources(root: Path) -> Iterator[Path]:
    for name in ROOTS:
        yield from sorted((root / name).rglob("*.py"))


def main(_arguments: Sequence[str]) -> int:
    """Print what is wrong; the exit code."""
    found = problems(Path(__file__).parents[1])
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
