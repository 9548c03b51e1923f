"""Small JSON files that the product keeps for itself: one that is missing, torn or overwritten says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.files.named_files import read_given


def read_record(path: Path) -> dict[str, Any]:
    """The object that the file holds; {} where there is none, or what is there is no object."""
    try:
        found = json.loads(read_given(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
