"""Runs that begin at the same moment share one journal."""

from __future__ import annotations

import threading
from pathlib import Path

from orchestrator.oci.journal import Journal


def test_many_runs_open_one_journal_at_once(tmp_path: Path) -> None:
    opened: list[Journal] = []
    for attempt in range(20):
        path = tmp_path / str(attempt)
        threads = [threading.Thread(target=lambda at=path: opened.append(Journal(at))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 160
    for journal in opened:
        journal.close()
