"""`orchestrator images NAME SOURCE...`: the images of files, with the table's answers, in the forms that tools read."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from orchestrator.cli import messages
from orchestrator.cli.image_bill import cyclonedx
from orchestrator.cli.route import Line, answer_line
from orchestrator.counts import counted
from orchestrator.files.image_scan import NotFound, PlacedImage, Scan, scan
from orchestrator.routes.table import Redirected, Refused, RouteTable
from orchestrator.workloads.fields import KUBELET, REDIRECTED_BY, Fields

SHOWN = 5


@dataclass(frozen=True, slots=True)
class FileImage:
    """One reference with the table's answer and every place that names it."""

    line: Line
    uses: tuple[PlacedImage, ...]

    @property
    def pulled_by(self) -> str:
        """Who pulls it; several are separated by commas."""
        return ", ".join(sorted({use.pulled_by for use in self.uses}))


def images_of_files(table: RouteTable, sources: tuple[str, ...], form: str, fields: Fields, *, strict: bool) -> int:
    """Print the images of the sources. 1 with `strict` when something could not be read."""
    found = scan(sources, fields)
    images = answered(table, found)
    match form:
        case "json":
            click.echo(json.dumps(document(images, found.unreadable), indent=2, ensure_ascii=False))
        case "csv":
            sys.stdout.write(_csv(images))
        case "list":
            sys.stdout.write("".join(f"{image.line.reference}\n" for image in images))
        case "cyclonedx":
            click.echo(cyclonedx(images))
        case "sarif":
            click.echo(json.dumps(sarif(images), indent=2, ensure_ascii=False))
        case _:
            _print(images, found)
    if form != "json":
        for problem in found.unreadable:
            messages.note(f"{problem.file}:{problem.line}: {problem.reason}")
    return 1 if strict and found.unreadable else 0


def answered(table: RouteTable, found: Scan) -> list[FileImage]:
    """Each reference once, sorted, with its answer."""
    uses: dict[str, list[PlacedImage]] = {}
    for use in found.uses:
        uses.setdefault(use.reference, []).append(use)
    return [FileImage(answer_line(table, reference), tuple(uses[reference])) for reference in sorted(uses)]


def document(images: list[FileImage], unreadable: tuple[NotFound, ...]) -> dict[str, Any]:
    """What other tools read; its keys do not change."""
    return {
        "images": [
            {
                "reference": image.line.reference,
                "answer": image.line.word,
                "target": _target(image),
                "pulled_by": image.pulled_by,
                "uses": [
                    {
                        "file": use.file,
                        "line": use.line,
                        "column": use.column,
                        "field": use.field,
                        "format": use.format,
                    }
                    for use in image.uses
                ],
            }
            for image in images
        ],
        "unreadable": [
            {"file": problem.file, "line": problem.line, "reason": problem.reason} for problem in unreadable
        ],
    }


def _target(image: FileImage) -> str | None:
    return image.line.answer.target if isinstance(image.line.answer, Redirected) else None


def _csv(images: list[FileImage]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("reference", "answer", "target", "pulled_by", "file", "line", "column", "field", "format"))
    for image in images:
        for use in image.uses:
            head = (image.line.reference, image.line.word, _target(image) or "", use.pulled_by)
            writer.writerow((*head, use.file, use.line, use.column, use.field, use.format))
    return out.getvalue()


def sarif(images: list[FileImage]) -> dict[str, Any]:
    """SARIF 2.1.0: a result for each place of an image that does not come from the environment's registry."""
    results = []
    for image in images:
        answer = image.line.answer
        if isinstance(answer, Redirected) or (not isinstance(answer, Refused) and answer.reason == "own"):
            continue
        for use in image.uses:
            region = {"startLine": use.line, "startColumn": use.column}
            place = {"artifactLocation": {"uri": use.file}, "region": region}
            results.append(
                {
                    "ruleId": f"image-{answer.reason}".replace(" ", "-"),
                    "level": "warning",
                    "message": {"text": f"{image.line.reference} {image.line.outcome}."},
                    "locations": [{"physicalLocation": place}],
                }
            )
    rules = sorted({str(result["ruleId"]) for result in results})
    driver = {"name": "orchestrator", "rules": [{"id": rule, "name": rule} for rule in rules]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _print(images: list[FileImage], found: Scan) -> None:
    sys.stdout.write("".join(f"{row}\n" for row in _rows(images)))
    totals = Counter(image.line.word for image in images)
    parts = [f"{totals[word]} {word}" for word in ("redirected", "unchanged", "refused") if totals[word]]
    messages.tell(f"{counted(len(images), 'image')} in {counted(found.files, 'file')}: {', '.join(parts) or 'none'}")


def _rows(images: list[FileImage]) -> Iterator[str]:
    for image in images:
        yield f"{image.line.reference}  {image.line.word}  {image.line.outcome}"
        for use in image.uses[:SHOWN]:
            by = "" if use.pulled_by == KUBELET else f"  (pulled by {use.pulled_by})"
            yield f"    {use.file}:{use.line}:{use.column}  {use.field}{by}"
            for warning in use.warnings:
                yield f"        warning: {warning}"
        more = len(image.uses) - SHOWN
        if more > 0:
            yield f"    and {more} more"
        for puller in sorted({use.pulled_by for use in image.uses} & REDIRECTED_BY.keys()):
            yield f"    no policy on Pods reaches {puller}: redirect it by {REDIRECTED_BY[puller]}"
