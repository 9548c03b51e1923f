"""What a command says beside its result: on standard error, as text or as one JSON object a line; `--quiet` keeps warnings.

`--quiet` and `--log-format` may stand before the command and after it, so `main` reads them before click does.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from orchestrator.errors import OrchestratorError
from orchestrator.plain_text import plain

# A terminal of fewer columns is none that anybody reads.
NARROWEST = 20
QUIET = "ORCHESTRATOR_QUIET"
LOG_FORMAT = "ORCHESTRATOR_LOG_FORMAT"
FORMATS = ("text", "json")
# A command to be copied; its spaces are no place for the end of a line.
_COPIED = re.compile(r"`[^`\n]+`")
_NO_BREAK = "\0"
_LABELS = {"note": "info", "warning": "warning", "error": "error"}


@dataclass(slots=True)
class Manner:
    """How this call talks. `quiet`: only warnings and errors; `as_json`: one object a line."""

    quiet: bool = False
    as_json: bool = False

    def follow(self, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        """Take what the arguments say, else the environment variables."""
        given = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        self.quiet = bool(variables.get(QUIET)) or bool({"-q", "--quiet"} & set(given))
        asked = variables.get(LOG_FORMAT, "")
        for index, word in enumerate(given):
            if word == "--log-format" and index + 1 < len(given):
                asked = given[index + 1]
            elif word.startswith("--log-format="):
                asked = word.partition("=")[2]
        self.as_json = asked == "json"


MANNER = Manner()
_turn = threading.Lock()


def options(hidden: bool) -> list[click.Option]:
    """`--quiet` and `--log-format`, which every command takes; only the program's own help shows them."""
    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            hidden=hidden,
            help="Say nothing but results, warnings and errors. Also after the command.",
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(FORMATS),
            expose_value=False,
            hidden=hidden,
            help="The form of notes, progress and errors on standard error: text, or one JSON object a line.",
        ),
    ]


def tell(text: str, *, environment: str = "") -> None:
    """Say how the work goes."""
    _say("info", text, text, environment)


def note(text: str, *, environment: str = "") -> None:
    """Say what the user may want to know."""
    _say("info", text, f"note: {text}", environment)


def warn(text: str, *, environment: str = "") -> None:
    """Say what may be wrong; `--quiet` does not silence it."""
    _say("warning", text, f"warning: {text}", environment)


def stop(text: str, *, environment: str = "") -> None:
    """Say why the work was not done; `--quiet` does not silence it."""
    _say("warning", text, text, environment)


def labelled(text: str, *, environment: str = "") -> None:
    """Say a line that names its own kind: `warning: ...`, `error: ...`, `note: ...`, or none of them."""
    label, colon, rest = text.partition(": ")
    level = _LABELS.get(label) if colon else None
    _say(level or "info", rest if level else text, text, environment)


def print_problem(error: OrchestratorError) -> None:
    """Print one error: as text, or with its parts {what, why, remedy, file, line} as JSON."""
    _say("error", str(error), f"error: {error}", error.environment, error.as_dict())


def wants_colour() -> bool:
    """Does the user's terminal take colours? NO_COLOR and TERM=dumb say that it does not."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def fitted(text: str, stream: TextIO, *, taken: int = 0) -> str:
    """Sentences in plain text; on a terminal, of which `taken` columns hold something else, they are broken."""
    return wrapped(plain(text), os.get_terminal_size(stream.fileno()).columns - taken if stream.isatty() else None)


def wrapped(text: str, width: int | None) -> str:
    """`text` broken between words at a terminal's width. A path and what stands in backticks stay whole, to be copied.

    None breaks nothing.
    """
    if width is None or width < NARROWEST:
        return text
    whole = _COPIED.sub(lambda span: span[0].replace(" ", _NO_BREAK), text)
    lines = (
        textwrap.wrap(
            line,
            width,
            subsequent_indent=" " * (len(line) - len(line.lstrip(" ")) + 2),
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        for line in whole.split("\n")
    )
    return "\n".join("\n".join(broken) for broken in lines).replace(_NO_BREAK, " ")


def silences(text: str) -> bool:
    """Does `--quiet` keep this labelled line away?"""
    return MANNER.quiet and not text.startswith(("warning: ", "error: "))


def _say(level: str, message: str, text: str, environment: str, more: Mapping[str, Any] | None = None) -> None:
    if MANNER.quiet and level == "info":
        return
    if not MANNER.as_json:
        # Progress has lines of its own form; a sentence is broken as one reads it.
        click.echo(plain(text) if level == "info" else fitted(text, sys.stderr), err=True)
        return
    entry: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        **({"environment": environment} if environment else {}),
        "message": message,
        **(more or {}),
    }
    # Environments talk at the same time; a line must stay whole.
    with _turn:
        sys.stderr.write(f"{plain(json.dumps(entry, ensure_ascii=False))}\n")
        sys.stderr.flush()
