"""Applies that did not end well: what each had in flight stays known until one ends well.

Terraform's own account of an apply is its journal. A disk that fills up cuts the journal's last line off, and what came
after is lost. Then everything that the apply was about to create counts as begun.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable

from orchestrator.terraform.state import State
from orchestrator.terraform.transitions import begins, created_ids, started_creations
from orchestrator.terraform.workdir import Workdir, write_if_changed

END_OF_JOURNAL = "\n--\n"  # no line of JSON


def begin_journal(workdir: Workdir, addresses: Iterable[str]) -> None:
    """Keep the journal of the apply before, and write down what the next one is about to create."""
    earlier = _kept(workdir)
    if earlier:
        write_if_changed(workdir.earlier_journals, END_OF_JOURNAL.join(earlier).encode())
    workdir.journal.unlink(missing_ok=True)
    write_if_changed(workdir.intended, json.dumps(sorted(addresses)).encode())


def end_journal(workdir: Workdir, *, keep_earlier: bool = False) -> None:
    """An apply ended well: nothing is in flight any more, or with `keep_earlier` only what others before it had."""
    for path in (workdir.journal, workdir.intended):
        path.unlink(missing_ok=True)
    if not keep_earlier:
        workdir.earlier_journals.unlink(missing_ok=True)


def cut_off(workdir: Workdir, state: State) -> tuple[frozenset[str], dict[str, str]]:
    """What such applies created and the state lacks: its addresses, and ids where they are known."""
    begun: frozenset[str] = frozenset()
    ids: dict[str, str] = {}
    for journal in _kept(workdir):
        begun |= started_creations(journal)
        ids |= created_ids(journal)
    begun -= state.addresses
    return begun, {address: ids[address] for address in begun & ids.keys()}


def _kept(workdir: Workdir) -> list[str]:
    """The journals of all such applies, oldest first."""
    kept: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        kept += workdir.earlier_journals.read_text("utf-8", "replace").split(END_OF_JOURNAL)
    with contextlib.suppress(FileNotFoundError):
        last = workdir.journal.read_text("utf-8", "replace")
        # Terraform ends every line that it can write.
        torn = bool(last) and not last.endswith("\n")
        kept.append(last + begins(_intended(workdir)) if torn else last)
    return kept


def _intended(workdir: Workdir) -> list[str]:
    try:
        found = json.loads(workdir.intended.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
