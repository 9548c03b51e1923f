"""Whose images an environment redirects in a CDK program: each construct belongs to the nearest scope above it. Pure."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from orchestrator.errors import RefusedInput

# {the root of a program: {path of a scope: name of its environment}}
_CLAIMED: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def claim(root: object, path: str, environment: str) -> bool:
    """Give the constructs below `path` to an environment; False where it has them already.

    Raises RefusedInput where another environment has the very same scope.
    """
    claimed = _CLAIMED.setdefault(root, {})
    owner = claimed.get(path)
    if owner is not None and owner != environment:
        raise RefusedInput(
            f'The images below "{path or "the app"}" are redirected by the environment {owner} already.',
            environment=environment,
            remedy="Call redirect_everything with a stack or a construct for each environment.",
        )
    claimed[path] = environment
    return owner is None


def nearest(root: object, path: str) -> str | None:
    """The scope that the construct at `path` belongs to; None where there is none."""
    claimed = _CLAIMED.get(root, {})
    while path not in claimed:
        if not path:
            return None
        path = path.rpartition("/")[0]
    return path
