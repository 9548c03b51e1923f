"""Names of cached repositories: which of them a rule made, and what they are called at their upstream.

The route table, the lifecycle manager and scan findings all ask here. Pure, standard library only.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.lifecycle.patterns import holds
from orchestrator.lifecycle.ports import ROOT, CacheRule
from orchestrator.lifecycle.retention import Retentions


def longest_prefix(repository: str, prefixes: Container[str], root: str = "") -> str | None:
    """The longest of the prefixes that the repository lies below, else `root` where it is one of them, else None.

    The embedded AWS matches for itself: ECR takes prefixes of other forms, such as `a/`.
    """
    path = repository
    while path := path.rpartition("/")[0]:
        if path in prefixes:
            return path
    return root if root in prefixes else None


@dataclass(frozen=True, slots=True)
class UpstreamNames:
    """The way back from ECR's names: by prefix ("" is ROOT's) the `registry[/path]` that ECR puts before the rest."""

    sources: Mapping[str, str]

    def prefix_of(self, repository: str) -> str | None:
        """The longest prefix that the repository lies below; ROOT's when no other fits, None when there is no ROOT."""
        return longest_prefix(repository, self.sources)

    def upstream_of(self, repository: str) -> str:
        """The repository at its upstream, such as `docker.io/library/nginx`; empty when no prefix fits."""
        prefix = self.prefix_of(repository)
        if prefix is None:
            return ""
        return f"{self.sources[prefix]}/{repository[len(prefix) + 1 :] if prefix else repository}"


@dataclass(frozen=True, slots=True)
class CachedNames:
    """The rules of a registry, and what their repositories are called at the upstreams."""

    rules: tuple[CacheRule, ...]
    upstreams: UpstreamNames

    @property
    def prefixes(self) -> list[str]:
        """The prefixes, sorted."""
        return sorted(rule.prefix for rule in self.rules)

    def is_cached(self, repository: str, retentions: Retentions, own: Iterable[str] = ()) -> bool:
        """May the repository be one of the cache's, by its name? `own` are patterns of what is not.

        Below ROOT nothing tells a cached repository from one that somebody made for their own images. Only those that
        an override of the retention names are taken for cached.
        """
        prefix = self.upstreams.prefix_of(repository)
        if prefix is None or any(holds(pattern, repository) for pattern in own):
            return False
        return prefix != "" or any(
            names_below_root(pattern) and holds(pattern, repository) for pattern, _ in retentions.overrides
        )


def names_below_root(pattern: str) -> bool:
    """Does an override's pattern say where ROOT's repositories are? Not `*` or `*-operator`, which hold anybody's."""
    return not pattern.startswith("*")


def cached_names(rules: Sequence[CacheRule], routes: Iterable[tuple[str, str]]) -> CachedNames:
    """The names of these rules; `routes` are (prefix, source), "" the prefix of ROOT."""
    sources = dict(routes)
    upstreams = {}
    for rule in rules:
        prefix = "" if rule.prefix == ROOT else rule.prefix
        inner = rule.upstream_prefix.strip("/") if rule.upstream_prefix != ROOT else ""
        # The part that ECR puts before the rest is the rule's. A route may be narrower, and only its registry's name is
        # better.
        registry = sources.get(prefix, rule.upstream_url).partition("/")[0]
        upstreams[prefix] = f"{registry}/{inner}" if inner else registry
    return CachedNames(tuple(rules), UpstreamNames(upstreams))


def reference(repository: str, tags: Sequence[str], digest: str) -> str:
    """How the image is pulled from `repository`: by its first tag, else by digest; empty without a repository."""
    if not repository:
        return ""
    return f"{repository}:{tags[0]}" if tags else f"{repository}@{digest}"
