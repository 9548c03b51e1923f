"""The form `registry[/path]` that routes, include and exclude share."""

from __future__ import annotations

import re

from orchestrator.checks.context import Context
from orchestrator.checks.forms import REPOSITORY_NAME
from orchestrator.checks.problem import shown
from orchestrator.errors import OrchestratorError
from orchestrator.routes import Source, parse_source
from orchestrator.tfvars import Path, dotted

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_SCHEME = re.compile(r"(?:https?|docker|oci)://", re.IGNORECASE)


def check_source(context: Context, path: Path, text: str) -> Source | None:
    """The canonical source that `text` names, or None after reporting why it names none."""
    plain = _SCHEME.sub("", text).strip()
    if plain != text:
        return _refused(context, path, text, "It has a scheme or blanks around it.", plain.rstrip("/"))
    if not text:
        return _refused(context, path, text, "It is empty.", None)
    if "*" in text:
        bare = re.split(r"[^/]*\*", text)[0].rstrip("/")
        return _refused(context, path, text, "Sources take no wildcards: a path stands for all below it.", bare)
    bare = re.sub(r":[^/:]*$", "", text.split("@")[0]) if "/" in text else text.split("@")[0]
    if bare != text and "/" in bare:
        return _refused(context, path, text, "A source has no tag and no digest.", bare)
    host, _, repository = text.partition("/")
    if not _HOST.fullmatch(host) or not ("." in host or ":" in host or host == "localhost"):
        below = f"docker.io/{text}" if "/" in text else f"docker.io/library/{text.split(':')[0]}"
        hub = REPOSITORY_NAME.fullmatch(below.partition("/")[2]) is not None
        return _refused(context, path, text, "It does not begin with a registry's host.", below if hub else None)
    if "/" in text and not REPOSITORY_NAME.fullmatch(repository):
        lowered = repository.strip("/").lower()
        fixed = f"{host}/{lowered}".rstrip("/")
        return _refused(
            context,
            path,
            text,
            "The path after the registry is no path of repositories (lower case, no slash at the end).",
            fixed if not lowered or REPOSITORY_NAME.fullmatch(lowered) else None,
        )
    try:
        return parse_source(text)
    except OrchestratorError as error:
        return _refused(context, path, text, error.why or error.what, None)


def overlaps(one: Source, other: Source) -> bool:
    """Is there a repository that both name?"""
    return covers(one, other) or covers(other, one)


def covers(outer: Source, inner: Source) -> bool:
    """Is everything that `inner` names below `outer`? Compared by whole path components."""
    if outer.registry != inner.registry:
        return False
    return not outer.path or inner.path == outer.path or inner.path.startswith(f"{outer.path}/")


def _refused(context: Context, path: Path, text: str, why: str, suggestion: str | None) -> None:
    name = dotted(path)
    context.error(
        path,
        f"{name} is {shown(text)}.",
        why=f"{why} The form is registry[/path].",
        remedy=f'Write "{suggestion}".' if suggestion else 'Write it like "quay.io/prometheus".',
        value=text,
    )
