"""What a command was asked to copy: arguments, files, folders, standard input, the environment's own list -> wishes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import messages
from orchestrator.errors import Location, RefusedInput
from orchestrator.files.image_scan import STDIN, Scan, scan, scan_text
from orchestrator.files.tree import decode_text
from orchestrator.mirroring.chart_wishes import ChartWish
from orchestrator.mirroring.gaps import Gap, refuse_gap
from orchestrator.mirroring.operator_selection import Wanted
from orchestrator.mirroring.read import read_document
from orchestrator.mirroring.tag_selection import select_tags
from orchestrator.mirroring.wishes import Wish, read_platforms, read_reference, wish

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# A list of references, a bill of materials or a folder's file; more than that is no text.
LARGEST = 64 * 2**20


def note_gap(where: Location, reason: str) -> None:
    """Say what could not be read, and go on."""
    messages.note(f"{where}: not read: {reason}")


def gap_teller(*, whole: bool) -> Gap:
    """What is told of images that could not be read. Where the list must be `whole` it refuses."""
    return refuse_gap if whole else note_gap


def gather(
    environment: Environment,
    references: Sequence[str],
    sources: Sequence[str],
    platforms: Sequence[str],
    *,
    whole: bool = False,
) -> list[Wanted]:
    """The wishes, each once. Without references and sources those of `mirror_images`. Raises RefusedInput.

    `whole`: no image may be left out because it could not be read.
    """
    chosen = read_platforms(platforms)
    gap = gap_teller(whole=whole)
    if references or sources:
        found: list[Wanted] = [wish(text) for text in references]
        for source in sources:
            found += _read(source, gap)
    else:
        found = list(own_wishes(environment))
        if not found:
            raise _nothing_named(environment, whole=whole)
    if chosen:
        found = [replace(item, platforms=chosen) for item in found]
    # Charts name images by the cluster's version, of kubectl for example.
    version = environment.kubernetes_version or ""
    found = [replace(item, kubernetes_version=version) if isinstance(item, ChartWish) else item for item in found]
    return list(_once(found))


def _nothing_named(environment: Environment, *, whole: bool) -> RefusedInput:
    if whole:
        return RefusedInput(
            f'environment "{environment.name}" names no image that is to stay.',
            why="It has no mirror_images and no --from was given: everything below its mirrors' prefixes would go.",
            remedy="Name what stays in mirror_images or by --from LIST. Delete a repository that is to go whole: "
            "`aws ecr delete-repository --force`.",
        )
    return RefusedInput(
        f'environment "{environment.name}" names no images to copy.',
        why="It has no mirror_images, and no reference or --from was given.",
        remedy="Name images, give --from, or add mirror_images to its file.",
    )


def own_wishes(environment: Environment) -> list[Wish]:
    """The environment's mirror_images."""
    return [
        Wish(
            read_reference(name),
            tags=select_tags(
                image.tags, image.tag_patterns, [image.versions] if image.versions else [], (), image.newest
            ),
            platforms=image.platforms,
        )
        for name, image in environment.mirror_images.items()
    ]


def _once(wishes: Iterable[Wanted]) -> Iterable[Wanted]:
    seen: set[object] = set()
    for item in wishes:
        key = (item.image, item.tags, item.platforms, item.target) if isinstance(item, Wish) else item
        if key not in seen:
            seen.add(key)
            yield item


def _read(source: str, gap: Gap) -> list[Wanted]:
    if Path(source).is_dir():
        return list(_in_files(source, gap))
    name, text = _text(source)
    found = read_document(name, text, gap)
    if found is not None:
        return found
    if source == STDIN:
        return list(_uses(scan_text(decode_text(Path(STDIN), text.encode()), "stdin.yaml", STDIN), gap))
    return list(_in_files(source, gap))


def _in_files(source: str, gap: Gap) -> list[Wish]:
    """The images of manifests, charts' values, Compose files and the like."""
    return _uses(scan([source]), gap)


def _uses(found: Scan, gap: Gap) -> list[Wish]:
    # A template's hole is no image that anybody could copy; what renders it says which one is meant.
    for problem in found.unreadable:
        gap(Location(problem.file, problem.line), problem.reason)
    return [wish(use.reference, Location(use.file, use.line)) for use in found.uses]


def _text(source: str) -> tuple[str, str]:
    """(name, content) of a file or of standard input."""
    path = Path(source)
    try:
        if source == STDIN:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            if not path.is_file():
                kind = "is no file" if path.exists() else "does not exist"
                raise RefusedInput(f"--from {source}: it {kind}.", remedy="Name a file, or - for standard input.")
            with path.open("rb") as handle:
                content = handle.read(LARGEST + 1)
    except OSError as error:
        raise RefusedInput(f"--from {source} cannot be read: {error.strerror}.", remedy="Make it readable.") from error
    if len(content) > LARGEST:
        raise RefusedInput(f"--from {source} is bigger than {LARGEST >> 20} MiB.", remedy="Give a list of references.")
    return source, content.decode("utf-8", "replace")
