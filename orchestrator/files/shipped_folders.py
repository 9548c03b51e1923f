"""Where what comes with this program is: inside the package in a wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import RefusedInput


def shipped_path(packed: str, beside: str, what: str) -> Path:
    """`packed` below the package, else `beside` in the checkout; `what` names it for people. Raises RefusedInput without both."""
    package = Path(__file__).parents[1]
    for path in (package / packed, package.parent / beside):
        if path.exists():
            return path
    raise RefusedInput(
        f"{what} missing from the installation.",
        why=f"{package / packed} is not there.",
        remedy="Install the package again.",
    )
