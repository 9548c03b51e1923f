"""The shards of `IndexCache` in the bucket. Without one, a run only makes more calls: nothing here fails it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.lifecycle.index_cache import IndexCache, cache_key
from orchestrator.lifecycle.ports import Host, PortError, Storage


@dataclass(frozen=True, slots=True)
class StoredCaches:
    """Reads and writes shards; `storage` is None where nothing is remembered between runs."""

    storage: Storage | None
    host: Host

    def read(self, shard: str) -> IndexCache:
        """The shard as it was kept; an empty one where it cannot be read, with a line in the log."""
        if self.storage is None or not shard:
            return IndexCache()
        try:
            return IndexCache(self.storage.get(cache_key(shard)))
        except PortError as error:
            self.host.log("WARNING", f"The cache {shard} cannot be read, going on without: {error}")
            return IndexCache()

    def keep(self, shard: str, cache: IndexCache) -> None:
        """Write what was learned; a failure has a line in the log."""
        if self.storage is None or not shard or not cache.dirty:
            return
        try:
            self.storage.put(cache_key(shard), cache.dump())
        except PortError as error:
            self.host.log("WARNING", f"The cache {shard} cannot be written, going on without: {error}")
