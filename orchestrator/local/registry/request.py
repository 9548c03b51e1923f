"""One request of the registry API as a value, with its body as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import RawIOBase
from typing import Any
from urllib.parse import parse_qs

from orchestrator.local.registry.replies import CHUNK


@dataclass(frozen=True, slots=True)
class RegistryRequest:
    """`query` has the first value of each name; `headers` has lower-case names."""

    method: str
    path: str
    host: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    stream: RawIOBase = field(repr=False)

    def chunks(self) -> Iterator[memoryview]:
        """The body as it comes; each chunk is overwritten by the next."""
        buffer = memoryview(bytearray(CHUNK))
        while count := self.stream.readinto(buffer):
            yield buffer[:count]


def read_request(environ: Mapping[str, Any]) -> RegistryRequest:
    """The request of a WSGI environment, whose input ends where the body ends."""
    headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name[:5] == "HTTP_"}
    headers["content-type"] = str(environ.get("CONTENT_TYPE", ""))
    query = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    return RegistryRequest(
        method=str(environ["REQUEST_METHOD"]),
        path=str(environ.get("PATH_INFO", "")),
        host=str(environ.get("HTTP_HOST", "")),
        query={name: values[0] for name, values in query.items()},
        headers=headers,
        stream=environ["wsgi.input"],
    )
