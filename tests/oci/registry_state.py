"""What a `StrictRegistry` holds: repositories with their content, the faults that strike, and the login that it asks for."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Repository:
    """What one repository holds. Manifests are (media type, bytes)."""

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)

    def references(self, digest: str) -> bool:
        return any(digest.encode() in content for _, content in self.manifests.values())


@dataclass
class Faults:
    """What goes wrong, as shares of the answers (0 to 1); `only` limits it to requests that it is true for.

    `away` says until when (monotonic) connections are cut; `drip` is seconds between single bytes of a blob.
    """

    flip: float = 0.0
    cut: float = 0.0
    wrong_manifest: float = 0.0
    error: float = 0.0
    throttle: float = 0.0
    retry_after: str = ""
    upload_cut: float = 0.0
    drip: float = 0.0
    drip_share: float = 1.0
    away: float = 0.0
    no_ranges: bool = False
    at_most: int = 10**9
    only: Callable[[str, str], bool] = lambda method, path: True
    random: random.Random = field(default_factory=lambda: random.Random(7))
    happened: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, kind: str, method: str, path: str) -> bool:
        share = getattr(self, kind)
        if not share or not self.only(method, path):
            return False
        if kind == "flip" and ("/tags/list" in path or "/referrers/" in path):
            # A list has no digest: what is changed in it is noticed by TLS alone (docs/limits.md).
            return False
        with self.lock:
            if self.happened.total() >= self.at_most or self.random.random() >= share:
                return False
            self.happened[kind] += 1
            return True


@dataclass
class Bearer:
    """Tokens for user and password (or anybody), each good for `seconds`, and only for the repositories of its scope."""

    user: str = ""
    password: str = ""
    seconds: float = 300.0
    issued: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
