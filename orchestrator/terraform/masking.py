"""Takes secrets out of text before it is kept or shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MASK = "(sensitive)"
# Shorter values occur in ordinary words; masking them would make logs unreadable and hide nothing.
SHORTEST = 8
_NAMES = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY|ACCESS_KEY|API_KEY", re.IGNORECASE)
# A URL may hold credentials, a path may not: these names end in what is no secret.
_HARMLESS = re.compile(r"(_FILE|_DIR|_PATH|_URI|_URL)$", re.IGNORECASE)
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16,124}\b")
_LABELLED = re.compile(
    r"(?i)((?:secret_?access_?key|session_?token|x-amz-security-token|accesstoken)[\"']?\s*[:=]\s*[\"']?)"
    r"([A-Za-z0-9/+=_%-]{16,})"
)


@dataclass(frozen=True, slots=True)
class Masker:
    """Replaces known secrets and what looks like AWS credentials; `secrets` are longest first."""

    secrets: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return _LABELLED.sub(rf"\1{MASK}", _ACCESS_KEY.sub(MASK, text))

    def with_secrets(self, values: Iterable[str]) -> Masker:
        """This masker and the given values; lines of a value are masked one by one, as logs show them."""
        lines = {line.strip() for value in values for line in (value, *value.splitlines())}
        known = {*self.secrets, *(line for line in lines if len(line) >= SHORTEST)}
        return Masker(tuple(sorted(known, key=lambda secret: (-len(secret), secret))))


def masker_for(variables: Mapping[str, str]) -> Masker:
    """A masker of the secrets among environment variables, recognised by their names."""
    named = (value for name, value in variables.items() if _NAMES.search(name) and not _HARMLESS.search(name))
    return Masker().with_secrets(named)
