"""Stages of a migration: which workloads are sent to ECR first, which later. One list narrows files and policies alike.

A stage selects by what all of its conditions say, and everything when it has none. An image that a stage selects is
selected by every later one too, so that a migration only grows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from orchestrator.environment.pods import PodSelector
from orchestrator.workloads.owners import Owner


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; a condition that is empty (None for `percent`) is none.

    `namespaces` may hold `*`; `labels` are selectors of which any is enough; `paths` name files and folders, with `*`
    within a name and `**` across folders; `percent` of workloads are chosen by their names, always the same ones.
    """

    name: str
    namespaces: tuple[str, ...] = ()
    labels: tuple[PodSelector, ...] = ()
    paths: tuple[str, ...] = ()
    percent: int | None = None

    @property
    def of_pods(self) -> bool:
        """Whether a cluster can tell which Pods the stage means: it knows no files, and cannot count workloads."""
        return not self.paths and self.percent is None

    def selects(self, owner: Owner | None, namespace: str, path: str) -> bool:
        """Whether an image of this object, in this namespace, in the file `path`, belongs to the stage.

        An image outside of any object has no namespace and no labels; the file is its workload.
        """
        if self.namespaces and not any(fnmatchcase(namespace, pattern) for pattern in self.namespaces):
            return False
        labels = dict(owner.labels) if owner is not None else {}
        if self.labels and (owner is None or not any(selector.matches(labels) for selector in self.labels)):
            return False
        if self.paths and not any(_path_pattern(pattern).fullmatch(path) for pattern in self.paths):
            return False
        named = owner is not None and owner.name and owner.kind != "Kustomization"
        return self.percent is None or _share(f"{owner.kind}/{owner.name}" if owner and named else path) < self.percent


def selected(stages: Sequence[Stage], owner: Owner | None, namespaces: Collection[str] | None, path: str) -> bool:
    """Whether an image belongs to any of these stages. `namespaces` are those that kustomizations put its object into.

    An object that goes to several namespaces stands in one file. It is selected when it is in all of them. "" among
    them is the namespace that the object says itself.
    """
    own = owner.namespace if owner is not None else ""
    return all(
        any(stage.selects(owner, namespace or own, path) for stage in stages) for namespace in (namespaces or {""})
    )


def _share(name: str) -> int:
    """0 to 99 for a workload's name, evenly, and the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 100


@lru_cache(maxsize=256)
def _path_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern for a file, and for all that is below a folder."""
    pieces = re.split(r"(\*\*/|\*\*|\*)", pattern.strip("/"))
    written = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(written.get(piece, re.escape(piece)) for piece in pieces) + "(?:/.*)?", re.S)
