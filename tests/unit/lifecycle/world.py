"""A registry, storage, queue and host in memory, for the manager's ports; faults and surprises on demand."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.ports import CacheRule, GoneError, PortError, Refusal, UpstreamAnswer
from orchestrator.lifecycle.settings import read_settings
from orchestrator.lifecycle.storage import MemoryStorage
from orchestrator.lifecycle.units import Image

T = TypeVar("T")
R = TypeVar("R")
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass
class World:
    """Everything behind the ports. `before` is called with (operation, repository) ahead of every registry call."""

    prefixes: Sequence[str] = ("quay",)
    repositories: dict[str, dict[str, Image]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    calls: Counter[str] = field(default_factory=Counter)
    messages: list[tuple[float, int, str]] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    clock: datetime = NOW
    seconds_left: float = float("inf")
    served: Callable[[str, str], bool | None] = lambda host, repository: True
    answers: Callable[[str, str], UpstreamAnswer] = lambda repository, digest: "served"
    before: Callable[[str, str], None] = lambda operation, repository: None
    _sent: int = 0

    def add(
        self, repository: str, name: str, *tags: str, pushed: float = 90, pulled: float | None = None, **rest: object
    ) -> str:
        """An image of a made-up manifest, `pushed` and `pulled` days ago; an index when it has `children`."""
        children = rest.pop("children", ())
        document = {"name": f"{repository} {name}", "manifests": [{"digest": child} for child in children]}  # type: ignore[attr-defined]
        text = json.dumps(document if children else {"name": f"{repository} {name}"})
        digest = digest_of(text)
        self.texts[digest] = text
        self.repositories.setdefault(repository, {})[digest] = Image(
            digest,
            tags,
            NOW - timedelta(days=pushed),
            None if pulled is None else NOW - timedelta(days=pulled),
            100,
            INDEX if children else MANIFEST,
            **rest,  # type: ignore[arg-type]
        )
        return digest

    def change(self, repository: str, digest: str, **fields: object) -> None:
        held = self.repositories[repository]
        held[digest] = replace(held[digest], **fields)  # type: ignore[arg-type]

    def manager(self, given: Mapping[str, str] | None = None, /, *, queue: bool = True, **variables: str) -> Manager:
        standard = {"MAX_EXPIRE_FRACTION_ACCOUNT": "0.5", "BUCKET": "b", "QUEUE_URL": "q"}
        settings = read_settings({**standard, **(given or {}), **variables})
        return Manager(settings, self, self.storage, self if queue else None, self, self)

    def deliver(self, manager: Manager, *, twice: bool = False, reverse: bool = False) -> list[str]:
        """Do every message, in time's order or its reverse, each once or twice; what failed."""
        failed = []
        while self.messages:
            batch = [heapq.heappop(self.messages) for _ in range(len(self.messages))]
            for due, _, message in reversed(batch) if reverse else batch:
                self.clock = max(self.clock, NOW + timedelta(seconds=due))
                for _ in range(2 if twice else 1):
                    try:
                        manager.work(message)
                    except (PortError, ValueError) as error:
                        failed.append(str(error))
        return failed

    def report(self) -> dict[str, object]:
        (content,) = [content for key, content in self.storage.objects.items() if key.endswith("/report.json")]
        document: dict[str, object] = json.loads(content)
        return document

    def tags(self, repository: str) -> set[str]:
        return {tag for image in self.repositories[repository].values() for tag in image.tags}

    # registry

    def _call(self, operation: str, repository: str = "") -> dict[str, Image]:
        self.calls[operation] += 1
        self.before(operation, repository)
        if not repository:
            return {}
        if repository not in self.repositories:
            raise GoneError("RepositoryNotFoundException", repository, operation)
        return self.repositories[repository]

    def rules(self) -> Sequence[CacheRule]:
        self._call("DescribePullThroughCacheRules")
        return [CacheRule(prefix, f"{prefix}.example") for prefix in self.prefixes]

    def repository_pages(self) -> Iterator[Sequence[str]]:
        names = list(self.repositories)
        for start in range(0, len(names), 1000):
            self._call("DescribeRepositories")
            yield names[start : start + 1000]

    def image_pages(self, repository: str) -> Iterator[Sequence[Image]]:
        for start in range(0, max(1, len(self.repositories.get(repository, {}))), 1000):
            yield list(self._call("DescribeImages", repository).values())[start : start + 1000]

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        assert 0 < len(digests) <= 100
        held = self._call("DescribeImages", repository)
        return [held[digest] for digest in digests if digest in held]

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        assert 0 < len(digests) <= 100
        held = self._call("BatchGetImage", repository)
        return {digest: self.texts[digest] for digest in digests if digest in held}

    def policy(self, repository: str) -> str | None:
        self._call("GetLifecyclePolicy", repository)
        return self.policies.get(repository)

    def put_policy(self, repository: str, text: str) -> None:
        self._call("PutLifecyclePolicy", repository)
        self.policies[repository] = text

    def delete_policy(self, repository: str) -> None:
        self._call("DeleteLifecyclePolicy", repository)
        del self.policies[repository]

    def delete(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        assert 0 < len(digests) <= 100
        held = self._call("BatchDeleteImage", repository)
        refused = []
        for digest in digests:
            parents = [held[other] for other in held if digest in self.texts[other] and other != digest]
            if digest not in held:
                refused.append(Refusal(digest, "ImageNotFound", ""))
            elif parents:
                refused.append(Refusal(digest, "ImageReferencedByManifestList", ""))
            else:
                del held[digest]
        return refused

    def archive(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        held = self._call("UpdateImageStorageClass", repository)
        refused = []
        for digest in digests:
            if digest in held and held[digest].is_active:
                held[digest] = replace(held[digest], status="ARCHIVED")
            else:
                code = "ImageStorageClassUpdateNotSupportedException" if digest in held else "ImageNotFoundException"
                refused.append(Refusal(digest, code, ""))
        return refused

    def in_use(self, repository: str) -> Mapping[str, str]:
        return {}

    # upstreams

    def serves(self, host: str, repository: str, references: Sequence[str]) -> bool | None:
        self.calls["HEAD"] += 1
        return self.served(host, repository)

    def answer(self, host: str, repository: str, reference: str) -> UpstreamAnswer:
        self.calls["HEAD of an image"] += 1
        return self.answers(repository, reference)

    # queue

    def send(self, messages: Sequence[str], *, delay: int = 0) -> None:
        for message in messages:
            assert len(message.encode()) < 262_144
            self._sent += 1
            heapq.heappush(self.messages, ((self.clock - NOW).total_seconds() + delay, self._sent, message))

    # host

    def now(self) -> datetime:
        return self.clock

    def remaining(self) -> float:
        return self.seconds_left

    def log(self, level: str, message: str, **fields: object) -> None:
        self.logs.append((level, message))

    def metrics(self, values: Mapping[str, int]) -> None:
        self.numbers.update(values)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        for item in items:
            yield item, function(item)
