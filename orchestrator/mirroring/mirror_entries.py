"""Entries of `mirrors` for registries that no route takes: their prefixes, and a tfvars text with them put in.

Registries -> {prefix: registry} -> text. Everything that stands in the text already keeps its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

PREFIX_LIMIT = 30
_OPENING = re.compile(r"[ \t]*mirrors[ \t]*=[ \t]*\{")
_ENDINGS = {"com", "io", "org", "net", "dev", "co", "cloud", "sh", "ai"}


def prefixes_for(registries: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """{prefix: registry} for each registry once, none of `taken`: `mcr.microsoft.com` -> `mcr-microsoft`."""
    found: dict[str, str] = {}
    for registry in dict.fromkeys(registries):
        base, number = _prefix(registry), 2
        name = base
        while name in taken or name in found:
            tail = f"-{number}"
            name, number = f"{base[: PREFIX_LIMIT - len(tail)]}{tail}", number + 1
        found[name] = registry
    return found


def _prefix(registry: str) -> str:
    host = registry.partition(":")[0].strip("[]").lower()
    labels = [label for label in host.split(".") if label]
    if len(labels) > 1 and labels[-1] in _ENDINGS:
        labels.pop()
    if len(labels) > 1 and labels[0] in ("registry", "docker"):
        labels.pop(0)
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(labels)).strip("-")[:PREFIX_LIMIT].strip("-")
    return name if len(name) >= 2 else f"mirror-{name or 'x'}"


def entry_lines(entries: Mapping[str, str]) -> list[str]:
    """The entries as they are written, aligned as `terraform fmt` aligns them: `mcr-microsoft = { source = "…" }`.

    HCL reads a key that begins with a digit as a number unless it stands in quotes.
    """
    keys = {prefix: prefix if prefix[0].isalpha() else f'"{prefix}"' for prefix in entries}
    width = max(map(len, keys.values()), default=0)
    return [f'{keys[prefix]:<{width}} = {{ source = "{registry}" }}' for prefix, registry in entries.items()]


def with_mirrors(text: str, line: int | None, entries: Mapping[str, str]) -> str | None:
    """`text` with the entries in its map `mirrors`, which begins at `line` (from 1; None: there is none yet).

    None when the map does not begin there as a map is written.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    written = [f"  {entry}{end}" for entry in entry_lines(entries)]
    if line is None:
        before = text if not text or text.endswith("\n") else text + end
        return f"{before}{end if text else ''}mirrors = {{{end}{''.join(written)}}}{end}"
    lines = text.splitlines(keepends=True)
    opening = _OPENING.match(lines[line - 1]) if 0 < line <= len(lines) else None
    if opening is None:
        return None
    head, rest = lines[line - 1][: opening.end()], lines[line - 1][opening.end() :]
    comment = rest.strip()
    if not comment or comment.startswith(("#", "//")):
        lines[line - 1] = head + rest + ("" if rest.endswith("\n") else end)
        lines[line:line] = written
    else:
        # A map in one line: `{}` or `{ a = {…} }`.
        lines[line - 1] = f"{head}{end}{''.join(written)}  {rest.lstrip()}"
        if rest.lstrip().startswith("}"):
            lines[line - 1] = f"{head}{end}{''.join(written)}{rest.lstrip()}"
    return "".join(lines)
