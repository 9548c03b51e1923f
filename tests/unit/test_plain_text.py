"""What strangers wrote steers no terminal: every control character is seen as its escape."""

from __future__ import annotations

import io
import json
import logging
import unicodedata

import pytest

from orchestrator.cli import messages
from orchestrator.errors import OrchestratorError
from orchestrator.plain_text import PlainStream, drawn_on, plain
from orchestrator.swapper.logs import configure_log

STEERING = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "back\x08\x08",
    "over\rwritten",
    "nul\0",
    "\x7f",
    "\u202egnp.exe",
    "\u2066isolated",
    "line\u2028paragraph\u2029",
    "\x1b[8mhidden",
    "\x1b[30mblack",
]


@pytest.mark.parametrize("text", STEERING)
def test_what_steers_is_seen_as_its_escape_which_json_reads_back(text: str) -> None:
    shown = plain(f'"{text}"')
    assert not any(
        unicodedata.category(one) in {"Cc", "Zl", "Zp"} or ord(one) in range(0x202A, 0x202F) for one in shown
    )
    assert json.loads(shown) == text


@pytest.mark.parametrize("text", ["a\tb\nc", "Größe 名前 🙂", "\x1b[32mok\x1b[0m", "one\r\ntwo\r\n", ""])
def test_all_else_stays(text: str) -> None:
    assert plain(text) is text or plain(text) == text


def test_long_texts_take_linear_time() -> None:
    assert len(plain("\x1b[32m\x07" * 200_000)) == 200_000 * 11


def test_a_terminals_stream_takes_plain_text_and_what_draws_writes_below_it() -> None:
    taken = io.BytesIO()
    stream = PlainStream(io.TextIOWrapper(taken, encoding="utf-8", errors="backslashreplace"))
    stream.write("\x1b[2Jx\udcff\n")
    stream.writelines(["\x07", "y"])
    drawn_on(stream).write("\x1b[1A")
    stream.flush()
    assert taken.getvalue() == b"\\u001b[2Jx\\udcff\n\\u0007y\x1b[1A"


def test_errors_and_notes_are_plain_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    messages.note("from \x1b[2Jelsewhere")
    messages.print_problem(OrchestratorError("The tag \u202ex is odd.", why="\x07", remedy="\x9b0m"))
    said = capsys.readouterr().err
    assert said == "note: from \\u001b[2Jelsewhere\nerror: The tag \\u202ex is odd. \\u0007. \\u009b0m\n"


def test_a_log_for_people_has_one_line_an_event() -> None:
    out = io.StringIO()
    configure_log("info", "console", out)
    logging.getLogger("orchestrator.swapper").info("refused", extra={"image": "a\nerror forged\x1b[2J"})
    assert out.getvalue().count("\n") == 1
    assert "a\\nerror forged\\u001b[2J" in out.getvalue()
