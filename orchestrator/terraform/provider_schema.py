"""What a shared provider answers for its schema: the part that one configuration needs, out of the whole one.

The provider is asked for the whole one once. It is kept in the user's cache folder, by the program's identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from h2.exceptions import ProtocolError

from orchestrator.terraform.cache import cached_bytes, file_identity
from orchestrator.terraform.needed_schema import UnreadableSchema, has_diagnostics, named_types, needed_schema
from orchestrator.terraform.provider_relay import whole_schema


@dataclass(slots=True)
class ProviderSchema:
    """The schema of the provider `program` that listens at `address`. `types` is None where all of it is needed."""

    program: Path
    address: str
    types: frozenset[str] | None = None
    handed_out: list[int] = field(default_factory=list)
    """Bytes of each answer that was given in the provider's place."""

    def __call__(self, path: bytes) -> bytes | None:
        """The answer to the call `path`, None when the provider itself is to give it."""
        if self.types is None:
            return None
        identity = f"{file_identity(self.program)}|{path.decode('ascii', 'replace')}"
        key = hashlib.sha256(identity.encode()).hexdigest()
        try:
            answer = needed_schema(cached_bytes("provider-schemas", key, lambda: self._whole(path)), self.types)
        except (OSError, ProtocolError, UnreadableSchema):
            return None
        self.handed_out.append(len(answer))
        return answer

    def _whole(self, path: bytes) -> bytes:
        answer = whole_schema(self.address, path)
        if has_diagnostics(answer):
            raise UnreadableSchema("The provider complains about its own schema.")
        return answer


def configured_types(root: Path, state: str) -> frozenset[str] | None:
    """Every type that the configuration in `root`, its modules or the text of its state may name.

    None where the modules are not known: `terraform init` writes where they are.
    """
    try:
        return named_types([*_texts(root), state])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _texts(root: Path) -> Iterator[str]:
    listed = json.loads((root / ".terraform" / "modules" / "modules.json").read_text("utf-8"))
    for folder in dict.fromkeys((root / module["Dir"]).resolve() for module in listed["Modules"]):
        for path in sorted(folder.iterdir()):
            if path.name.endswith((".tf", ".tf.json")):
                yield path.read_text("utf-8")
