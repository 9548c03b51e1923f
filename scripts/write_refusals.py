"""Write docs/embedded-aws.md from the table of refusals: `python -m scripts.write_refusals [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.local.ecr.aws_refusals import NOT_SERVED, REFUSALS, UNKNOWN
from orchestrator.local.guards import CHECKS, TAKEN

PAGE = Path(__file__).resolve().parents[1] / "docs" / "embedded-aws.md"


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "<!-- Made by `python -m scripts.write_refusals`; do not edit. -->"
    yield "# What the embedded AWS refuses"
    yield ""
    yield "The embedded ECR is never milder than AWS where it is known what AWS does. Every error that the API model declares"
    yield "for an operation stands in one of the two tables. A test holds them against the model and makes each refusal happen."
    yield ""
    yield "## Refused"
    yield ""
    yield "`*` is every operation."
    yield ""
    yield "| operation | error | when | source |"
    yield "|---|---|---|---|"
    for refusal in REFUSALS:
        if refusal.made:
            yield f"| `{refusal.operation}` | `{refusal.error}` | {refusal.when} | {refusal.source} |"
    yield ""
    yield "## Never answered"
    yield ""
    yield "| operation | error | because |"
    yield "|---|---|---|"
    for refusal in REFUSALS:
        if not refusal.made:
            yield f"| `{refusal.operation}` | `{refusal.error}` | {refusal.never} |"
    yield ""
    yield "These operations are not served; they answer 501 with their name: " + ", ".join(
        f"`{operation}`" for operation in sorted(NOT_SERVED)
    )
    yield "."
    yield ""
    yield "## Not known"
    yield ""
    yield "AWS publishes nothing about these. The embedded AWS takes them."
    yield ""
    yield from (f"- {entry}" for entry in UNKNOWN)
    yield ""
    yield "## Other services"
    yield ""
    yield "moto serves them, with its own refusals. These are made here, before moto is asked."
    yield ""
    yield "| service | operation | error | when | source |"
    yield "|---|---|---|---|---|"
    for check in CHECKS:
        yield f"| {check.service} | `{check.operation}` | `{check.error}` | {check.when} | {check.source} |"
    yield ""
    yield "AWS is known to refuse these, and the embedded AWS takes them:"
    yield ""
    yield from (f"- {entry}" for entry in TAKEN)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the page is written (or, with --check, as it should be), else 1."""
    given = sys.argv[1:] if arguments is None else arguments
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    if "--check" in given:
        print("docs/embedded-aws.md is out of date: run `python -m scripts.write_refusals`.", file=sys.stderr)
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    print("Wrote docs/embedded-aws.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
