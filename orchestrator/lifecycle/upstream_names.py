"""Names of cached repositories: which of them a rule made, and what they are called at their upstream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.lifecycle.patterns import holds
from orchestrator.lifecycle.ports import CacheRule
from orchestrator.lifecycle.retention import Retentions

ROOT = "ROOT"


@dataclass(frozen=True, slots=True)
class CachedNames:
    """The rules of a registry, and by prefix the sources of the routes, of which the registry's name is used."""

    rules: tuple[CacheRule, ...]
    sources: Mapping[str, str]

    @property
    def prefixes(self) -> list[str]:
        """The prefixes, sorted."""
        return sorted(rule.prefix for rule in self.rules)

    def rule_of(self, repository: str) -> CacheRule | None:
        """The rule below whose prefix a repository lies, the longest; ROOT's when no other fits."""
        fitting = [rule for rule in self.rules if repository.startswith(f"{rule.prefix}/")]
        if fitting:
            return max(fitting, key=lambda rule: len(rule.prefix))
        return next((rule for rule in self.rules if rule.prefix == ROOT), None)

    def is_cached(self, repository: str, retentions: Retentions) -> bool:
        """Is the repository one of the cache's?

        Below ROOT nothing tells a cached repository from one that somebody made for their own images: only those that
        an override of the retention names are taken for cached.
        """
        rule = self.rule_of(repository)
        if rule is None:
            return False
        return rule.prefix != ROOT or any(
            names_below_root(pattern) and holds(pattern, repository) for pattern, _ in retentions.overrides
        )

    def upstream_of(self, repository: str) -> str:
        """The repository at its upstream, such as `registry-1.docker.io/library/nginx`; empty when no rule fits."""
        rule = self.rule_of(repository)
        if rule is None:
            return ""
        rest = repository if rule.prefix == ROOT else repository[len(rule.prefix) + 1 :]
        inner = rule.upstream_prefix if rule.upstream_prefix not in ("", ROOT) else ""
        source = self.sources.get("" if rule.prefix == ROOT else rule.prefix, rule.upstream_url)
        # What ECR puts before the rest is the rule's; a route may be narrower, and only its registry's name is better.
        return "/".join(part for part in (source.partition("/")[0], inner.strip("/"), rest) if part)


def names_below_root(pattern: str) -> bool:
    """Does an override's pattern say where ROOT's repositories are? Not `*` or `*-operator`, which hold anybody's."""
    return not pattern.startswith("*")


def cached_names(rules: Sequence[CacheRule], routes: Iterable[tuple[str, str]]) -> CachedNames:
    """The names of these rules; `routes` are (prefix, source), "" the prefix of ROOT."""
    return CachedNames(tuple(rules), dict(routes))


def reference(repository: str, tags: Sequence[str], digest: str) -> str:
    """How the image is pulled from `repository`: by its first tag, else by digest; empty without a repository."""
    if not repository:
        return ""
    return f"{repository}:{tags[0]}" if tags else f"{repository}@{digest}"
