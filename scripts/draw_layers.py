"""The picture of the layers in `docs/architecture.md`, made from the code: `python -m scripts.draw_layers [--write]`.

`.importlinter` gives the floors, the imports of today give the arrows. Without `--write` it only says whether the
picture is fresh. An arrow that a longer way explains too is left out; the picture would otherwise be a net.
"""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
CONTRACT = "importlinter:contract:layers"
PACKAGE = "orchestrator"
_BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)

Floors = Sequence[Sequence[str]]
Arrows = Mapping[str, set[str]]


def read_floors(text: str) -> list[list[str]]:
    """The layers of `.importlinter`, the highest first, each with its parts."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    lines = parser[CONTRACT]["layers"].split("\n")
    return [[part.strip() for part in line.split("|")] for line in lines if line.strip()]


def read_arrows(parts: Sequence[str]) -> dict[str, set[str]]:
    """{part: the parts that it imports}; what is imported for types only does not count."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    arrows: dict[str, set[str]] = {part: set() for part in parts}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            above, below = _part(module), _part(imported)
            if above in arrows and below in arrows and above != below:
                arrows[above].add(below)
    return arrows


def shortened(arrows: Arrows) -> dict[str, set[str]]:
    """Without the arrows that a longer way explains: a → c goes when there are a → b and b → c."""
    return {
        part: {below for below in direct if not any(below in _reached(arrows, other) for other in direct - {below})}
        for part, direct in arrows.items()
    }


def draw(floors: Floors, arrows: Arrows) -> str:
    """The mermaid block, fences included."""
    return "\n".join(["```mermaid", "flowchart TD", *_lines(floors, shortened(arrows)), "```", ""])


def main(arguments: Sequence[str]) -> int:
    """Compare the page with the code, or write it."""
    floors = read_floors((ROOT / ".importlinter").read_text(encoding="utf-8"))
    block = draw(floors, read_arrows([part for floor in floors for part in floor]))
    text = PAGE.read_text(encoding="utf-8")
    fresh = _BLOCK.sub(lambda _: block, text, count=1)
    if fresh == text:
        return 0
    if "--write" in arguments:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    print(
        f"{PAGE.relative_to(ROOT)}: the picture is stale. Run: python -m scripts.draw_layers --write", file=sys.stderr
    )
    return 1


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _reached(arrows: Arrows, part: str) -> set[str]:
    """Everything below `part`; layers have no circle, so that this ends."""
    return set().union(*({below} | _reached(arrows, below) for below in arrows[part]))


def _lines(floors: Floors, arrows: Arrows) -> Iterator[str]:
    for floor in floors:
        yield from (f"    {_node(part)}" for part in floor)
    for floor in floors:
        for part in floor:
            yield from (f"    {_name(part)} --> {_name(below)}" for below in sorted(arrows[part]))


def _name(part: str) -> str:
    return part.strip("_")


def _node(part: str) -> str:
    return f'{_name(part)}["{part.replace("__main__", "python -m orchestrator")}"]'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
