"""The form `registry[/path]` of a source: why a text has it not, and what was most likely meant. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.environment.identifiers import REPOSITORY_NAME
from orchestrator.errors import OrchestratorError
from orchestrator.routes.source import parse_source

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_SCHEME = re.compile(r"(?:https?|docker|oci)://", re.IGNORECASE)


# A source is looked at for itself, among the others and by each check across fields.
@lru_cache(maxsize=32_768)
def judge_source(text: str, registry: str = "docker.io") -> tuple[str, str] | None:
    """(why `text` is no source, what to do about it); None when it is one.

    `registry` is what a text without one was most likely meant to begin with.
    """
    fault = diagnose(text, registry)
    if fault is None:
        try:
            parse_source(text)
        except OrchestratorError as error:
            fault = (error.why or error.what, None)
        else:
            return None
    why, suggestion = fault
    remedy = f'Write "{suggestion}".' if suggestion else 'Write it like "quay.io/prometheus".'
    return f"{why} The form is registry[/path].", remedy


def diagnose(text: str, registry: str = "docker.io") -> tuple[str, str | None] | None:
    """Why `text` is no source, and what was most likely meant; None when it is one."""
    if not text:
        return "It is empty.", None
    plain = _SCHEME.sub("", text).strip().lstrip("/")
    if plain != text:
        return "It has a scheme, or blanks or a slash before it.", plain.rstrip("/") or None
    if "*" in text:
        kept = text.split("*")[0].rpartition("/")[0]
        return "Sources take no wildcards: a path stands for all below it.", kept or None
    host, slash, repository = text.partition("/")
    name = re.sub(r":[^/]*$", "", text.split("@")[0]) if slash else text.split("@")[0]
    if name != text and slash:
        return "A source has no tag and no digest.", name
    if not _HOST.fullmatch(host) or not ("." in host or ":" in host or host == "localhost"):
        single = "library/" if registry == "docker.io" and not slash and host != "library" else ""
        below = f"{single}{host.split(':')[0]}" if not slash else f"{host}/{repository}".rstrip("/")
        meant = f"{registry}/{below}" if REPOSITORY_NAME.fullmatch(below) else None
        return "It does not begin with a registry's host.", meant
    if slash and not REPOSITORY_NAME.fullmatch(repository):
        lowered = re.sub("/+", "/", repository).strip("/").lower()
        usable = not lowered or REPOSITORY_NAME.fullmatch(lowered)
        return (
            "The rest after the registry is no path of repositories: lower case, no slash at the end.",
            f"{host}/{lowered}".rstrip("/") if usable else None,
        )
    return None
