"""Where an image stands in a file: the pieces of text that write it, and what its consumer would pull.

Every finder gives these values and every rewriter takes them, so that a format is known in one module alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from orchestrator.workloads.fields import KUBELET
from orchestrator.workloads.references import placeholder

# What stands before an artifact's registry; Docker's short names do not count there.
HOSTED_SCHEME = "oci://"
# How the text of a part is written. The text between quotes may be replaced as it is: references need no escape.
Style = Literal["plain", "single", "double", "literal", "folded"]
# What a person has to ask for before a place is rewritten; "never" is reported only.
Consent = Literal["", "ci", "env", "never"]


@dataclass(frozen=True, slots=True)
class Part:
    """A value as the text writes it: characters `start` to `end` of the text, without quotes or block indentation. A scheme (`docker://`) is no
    part of it. `hosted` says that its first word is always a registry, as behind `oci://`. `grafana/a` is at the host grafana.
    """

    start: int
    end: int
    value: str
    style: Style = "plain"
    hosted: bool = False
    elsewhere: bool = False
    """Whether it stands in another file, beside the one that uses it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What writes an image: `image` alone, or a repository with what a consumer composes around it.

    `host` stands before the registry of each image of a chart, where the registry is an organisation (`registryFQDN`).
    """

    image: Part | None = None
    registry: Part | None = None
    repository: Part | None = None
    tag: Part | None = None
    digest: Part | None = None
    host: Part | None = None

    def given(self) -> dict[str, Part]:
        """{name: part} of those that are there."""
        named = (
            ("image", self.image),
            ("registry", self.registry),
            ("repository", self.repository),
            ("tag", self.tag),
            ("digest", self.digest),
            ("host", self.host),
        )
        return {name: part for name, part in named if part is not None}


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """One image in a file.

    `reference` is what `pulled_by` would pull, `field` the way to it (`spec.containers[0].image`).
    """

    field: str
    format: str
    reference: str
    parts: Parts
    pulled_by: str = KUBELET
    consent: Consent = ""
    warnings: tuple[str, ...] = ()

    @property
    def anchor(self) -> Part:
        """The part whose place is the image's: the whole image, or a composed one's repository, or what there is."""
        parts = self.parts
        part = parts.image or parts.repository or parts.registry
        assert part is not None
        return part


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A seeming image or a document that cannot be read: its place in the text, and the reason."""

    start: int
    reason: str
    text: str = ""


def filled_in_later(text: str, start: int, written: str = "") -> Unreadable | None:
    """Why an image cannot be read yet: what in its text a program fills in; None when nothing is."""
    hole = placeholder(text)
    return None if hole is None else Unreadable(start, f"{hole} is filled in later", written or text)


def below(path: str, key: str) -> str:
    """The name of a field below another one; that of the root is empty."""
    return f"{path}.{key}" if path else key


@dataclass(slots=True)
class Found:
    """The images of one text, in the order of their places."""

    places: list[ImagePlace] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def take(self, place: ImagePlace, written: str = "") -> None:
        """Add an image; one of which a part is filled in later is named as unreadable, as it is `written`."""
        problem = filled_in_later(place.reference, place.anchor.start, written)
        if problem is None:
            self.places.append(place)
        else:
            self.unreadable.append(problem)


class Lines:
    """Line and column of a character: lines end with a line feed, columns are characters, both count from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = 0
        self._line = 1

    def at(self, index: int) -> tuple[int, int]:
        """(line, column) of the character `index`. Fast when it is asked in rising order."""
        if index < self._start:
            self._start, self._line = 0, 1
        self._line += self._text.count("\n", self._start, index)
        self._start = self._text.rfind("\n", 0, index) + 1
        return self._line, index - self._start + 1
