"""What `mirror` prints: the plan, what is left out, the report; for people and as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.cli.lifecycle.prices import monthly_saving
from orchestrator.cli.mirror.words import size
from orchestrator.counts import counted
from orchestrator.mirroring.placing import NotCopied
from orchestrator.oci.archive import ARCHIVE, whole_name
from orchestrator.oci.copies import CopyReport, CopyResult, CopyState
from orchestrator.oci.copy import Prepared

SHOWN_LEFT = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about one run. `price` in dollars for a GB and month, None where none is known."""

    environment: str
    prepared: Prepared
    left: tuple[NotCopied, ...]
    to_make: tuple[str, ...]
    price: float | None
    unsigned: tuple[str, ...] = ()
    missing_routes: tuple[str, ...] = ()

    def bytes_stored(self) -> int:
        """Bytes that the registry holds afterwards and does not now: ECR bills a layer in each repository."""
        return self.prepared.plan.bytes_to_send + self.prepared.plan.bytes_to_mount


def is_current(results: list[CopyResult]) -> bool:
    """Is everything there as it is at its source?"""
    return all(result.state is CopyState.UNCHANGED for result in results)


def plan_lines(shown: Shown, *, reported: bool = False) -> Iterator[str]:
    """The plan for people: one line an image that is not there or not the same, then the sums.

    With `reported` the report follows, which names the images that failed: here they are only counted.
    """
    results = shown.prepared.results
    told = [result for result in results if _is_told(result) and not (reported and result.error)]
    width = max((len(whole_name(result.copy.source)) for result in told), default=0)
    for result in told:
        yield f"{result.state.value:<8}  {whole_name(result.copy.source):<{width}}  -> {result.copy.target}"
        if result.error:
            yield f"    {result.error}"
    counts = Counter(result.state for result in results)
    plan = shown.prepared.plan
    failed = f", {counts[CopyState.FAILED]} failed" if counts[CopyState.FAILED] else ""
    yield (
        f"{counted(len(results), 'image')}: {counts[CopyState.UNCHANGED]} unchanged, "
        f"{counts[CopyState.MISSING]} missing, {counts[CopyState.STALE]} stale{failed}"
    )
    if shown.to_make:
        yield f"to make: {', '.join(shown.to_make[:5])}{_more(len(shown.to_make) - 5, 'repository', 'repositories')}"
    if plan.puts:
        yield (
            f"to move: {size(plan.bytes_to_send)} in {counted(sum(s.leads for s in plan.blobs), 'blob')}"
            f" ({size(plan.bytes_to_mount)} mounted without moving), {counted(len(plan.puts), 'manifest')}"
        )
        cost = monthly_saving(shown.bytes_stored(), shown.price)
        if cost is not None:
            yield f"storage: {size(shown.bytes_stored())} more, about ${cost:.2f} a month"
    yield from unsigned_lines(shown.unsigned)
    yield from left_lines(shown.left)
    if shown.missing_routes:
        yield "--write puts these entries into mirrors, and copies their images:"
        yield from (f"    {entry}" for entry in shown.missing_routes)


def unsigned_lines(names: tuple[str, ...]) -> Iterator[str]:
    """Images without a signature, where signatures were checked."""
    for name in names:
        yield f"unsigned  {name.removeprefix(f'{ARCHIVE}/')}"


def _is_told(result: CopyResult) -> bool:
    return result.state is not CopyState.UNCHANGED


def _more(count: int, one: str, many: str) -> str:
    return f" and {count} more {one if count == 1 else many}" if count > 0 else ""


def left_lines(left: tuple[NotCopied, ...]) -> Iterator[str]:
    """What is not copied, and why."""
    for item in left[:SHOWN_LEFT]:
        where = f"{item.wish.where}: " if item.wish.where else ""
        yield f"not copied: {where}{item.wish.image}: {item.detail} {item.remedy}"
    if len(left) > SHOWN_LEFT:
        yield f"not copied: {len(left) - SHOWN_LEFT} more"


def report_lines(report: CopyReport) -> Iterator[str]:
    """What was done, failures and losses first."""
    for result in report.results:
        if result.state is CopyState.FAILED:
            yield f"failed    {whole_name(result.copy.source)}: {result.error}"
        if result.moved:
            yield f"moved     {whole_name(result.copy.source)} names {result.moved} now: run it again."
        if result.other_digest:
            platforms = ", ".join(result.copy.platforms)
            yield f"smaller   {result.copy.target}: only {platforms}, so that its digest is {result.digest}."
    for loss in report.lost:
        yield f"lost      {loss.target}@{loss.digest} ({loss.kind} of {loss.subject}): {loss.why}"
    copied = sum(result.state is CopyState.COPIED for result in report.results)
    unchanged = sum(result.state is CopyState.UNCHANGED for result in report.results)
    failed = sum(result.state is CopyState.FAILED for result in report.results)
    signatures = sum(result.signatures for result in report.results)
    requests = sum(sum(counts.values()) for counts in report.requests.values())
    yield (
        f"{counted(copied, 'image')} copied, {unchanged} unchanged, {failed} failed; "
        f"{counted(signatures, 'signature and attestation', 'signatures and attestations')}; "
        f"{size(report.sent)} sent, {size(report.mounted)} mounted; "
        f"{counted(requests, 'request')} in {report.seconds:.1f} s"
    )


def plan_document(shown: Shown) -> dict[str, Any]:
    """The plan for `--json`."""
    plan = shown.prepared.plan
    return {
        "environment": shown.environment,
        "images": [result_document(result) for result in shown.prepared.results],
        "repositories_to_make": list(shown.to_make),
        "bytes_to_send": plan.bytes_to_send,
        "bytes_to_mount": plan.bytes_to_mount,
        "manifests_to_put": len(plan.puts),
        "dollars_a_month": monthly_saving(shown.bytes_stored(), shown.price),
        "unsigned": list(shown.unsigned),
        "missing_mirrors": list(shown.missing_routes),
        "left": left_documents(shown.left),
    }


def left_documents(left: tuple[NotCopied, ...]) -> list[dict[str, Any]]:
    """What is not copied for `--json`: {reference, reason, detail, remedy, file, line}."""
    return [
        {
            "reference": str(item.wish.image),
            "reason": item.reason,
            "detail": item.detail,
            "remedy": item.remedy,
            "file": item.wish.where.file if item.wish.where else None,
            "line": item.wish.where.line or None if item.wish.where else None,
        }
        for item in left
    ]


def result_document(result: CopyResult) -> dict[str, Any]:
    """One image: {source, target, state, digest, signatures, lost, moved, error}."""
    return {
        "source": whole_name(result.copy.source),
        "target": whole_name(result.copy.target),
        "platforms": list(result.copy.platforms),
        "state": result.state.value,
        "digest": result.digest or None,
        "signatures": result.signatures,
        "lost": [{"digest": loss.digest, "kind": loss.kind, "why": loss.why} for loss in result.lost],
        "moved": result.moved or None,
        "error": result.error.as_dict() if result.error else None,
    }


def report_document(shown: Shown, report: CopyReport) -> dict[str, Any]:
    """The report for `--json`: the plan's members, with what became of the images, and what it took."""
    return {
        **plan_document(shown),
        "images": [result_document(result) for result in report.results],
        "bytes_sent": report.sent,
        "bytes_mounted": report.mounted,
        "manifests_put": report.manifests,
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "throttled": report.throttled,
        "ok": report.ok,
    }
