"""The part of a provider's schema that a configuration needs. Pure: bytes in, bytes out.

Terraform asks a provider for the schema of everything that it knows: 1,500 resources of AWS, most of a plan's time. A
configuration names a dozen of them. The answer is a protocol buffer (`GetProviderSchema.Response` of Terraform's plugin
protocol 5 and 6). Its maps are cut here by their keys, and everything else stays byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

# Fields of the answer that are maps by type: resources, data sources, ephemeral resources.
MAPS = frozenset({2, 3, 8})
DIAGNOSTICS = 4
_KEY = 1
_BYTES = 2
_TYPE = re.compile(r"\b[a-z][a-z0-9]*_[a-z0-9_]+\b")


class UnreadableSchema(Exception):
    """Not the protocol buffer that is expected here."""


def named_types(texts: Iterable[str]) -> frozenset[str]:
    """Every word of these texts that may be a type of resources: `aws_ecr_repository`, and words that are none."""
    return frozenset(word for text in texts for word in _TYPE.findall(text))


def needed_schema(answer: bytes, types: Collection[str]) -> bytes:
    """The answer with the entries of `types` alone. Raises UnreadableSchema."""
    return b"".join(
        answer[begin:end]
        for number, begin, body, end in fields(answer)
        if number not in MAPS or entry_key(answer[body:end]) in types
    )


def has_diagnostics(answer: bytes) -> bool:
    """Does the provider say that something is wrong with its schema? Such an answer is nobody's to change."""
    return any(number == DIAGNOSTICS for number, *_ in fields(answer))


def fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(number, where it begins, where its content begins, where it ends) of each field of a message of messages."""
    position = 0
    while position < len(message):
        tag, after = varint(message, position)
        if tag & 7 != _BYTES:
            raise UnreadableSchema(f"A field of kind {tag & 7} at byte {position}.")
        size, body = varint(message, after)
        end = body + size
        if end > len(message):
            raise UnreadableSchema(f"A field at byte {position} that ends after the message.")
        yield tag >> 3, position, body, end
        position = end


def entry_key(entry: bytes) -> str:
    """The key of a map's entry, "" where it has none."""
    for number, _, body, end in fields(entry):
        if number == _KEY:
            return entry[body:end].decode("utf-8", "replace")
    return ""


def varint(message: bytes, position: int) -> tuple[int, int]:
    """(the number that begins there, the position after it)."""
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
    raise UnreadableSchema(f"A number at byte {position} without an end.")
