"""The documents that come with this program: docs/ of a checkout, the same folder inside the package in a wheel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.errors import RefusedInput
from orchestrator.files.shipped_folders import shipped_path
from orchestrator.spelling import nearest

SUFFIXES = (".md", ".json")


@dataclass(frozen=True, slots=True)
class ShippedDocument:
    """One document: its name below docs/ (`guide/zero-egress.md`) and where it is."""

    name: str
    path: Path

    @property
    def title(self) -> str:
        """Its first heading; a JSON document has none."""
        if self.path.suffix != ".md":
            return ""
        lines = self.path.read_text("utf-8").splitlines()
        return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def shipped_documents() -> list[ShippedDocument]:
    """All of them by name. Raises RefusedInput where the installation lacks them."""
    folder = _folder()
    paths = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return [ShippedDocument(path.relative_to(folder).as_posix(), path) for path in paths]


def find_document(name: str) -> ShippedDocument:
    """The document of a name, also without its suffix, its folder or with `docs/` before it: `limits`, `zero-egress`.

    Raises RefusedInput when there is none, or several of that name.
    """
    documents = shipped_documents()
    asked = name.removeprefix("docs/")
    for matches in (
        [one for one in documents if one.name == asked],
        [one for one in documents if one.name == f"{asked}.md"],
        [one for one in documents if asked in (PurePosixPath(one.name).name, PurePosixPath(one.name).stem)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise RefusedInput(
                f"{name} names several documents: {', '.join(one.name for one in matches)}.",
                remedy=f"Write the whole name, such as `orchestrator docs {matches[0].name}`.",
            )
    guess = nearest(asked, [one.name for one in documents])
    raise RefusedInput(
        f"There is no document {name}.",
        remedy=f'Did you mean "{guess}"?' if guess else "`orchestrator docs` lists them.",
    )


def _folder() -> Path:
    return shipped_path("_docs", "docs", "The documents are")
