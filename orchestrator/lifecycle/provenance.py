"""Is what lies below a cached prefix the cache's own, or did somebody push it? Decided from evidence.

A name says only where a repository lies. Repositories that an environment declares are known (`Settings.own`). Of the
rest nothing
expires in a repository until one of these says that a rule can bring it back:

1. `cached/<repository>` in the bucket: ECR told (EventBridge) that it pulled into the repository.
2. The upstream has an image of it, by digest or by tag.
3. `cache_only` names its prefix: a person says that nobody pushes there.

Somebody may push into such a repository all the same: an own image, or a name for an upstream's. So each
image and each of its tags is asked for before the image is deleted. Their evidence is `cached/<repository>@<digest>`
and `cached/<repository>:<tag>`, or that the upstream has this very digest, and the tag.

Of a mirror images and their tags alone are judged, by what the source says. It has this very digest or, of an index that
was copied for some platforms, all that the index lists. An image's signatures go and stay with it.

"Its upstream does not have it" and "that could not be told" are different answers, and neither lets anything expire.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.lifecycle.index_cache import IndexCache
from orchestrator.lifecycle.ports import ROOT, CacheRule, Storage, UpstreamAnswer, Upstreams
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.units import Image
from orchestrator.lifecycle.upstream_names import longest_prefix

# So many images of a repository are asked for: one that is served is enough.
ASKED = 3
NOT_SERVED = "{host} does not have it: no rule can bring it back, so that it is taken for somebody's own"
NOT_TOLD = (
    "it cannot be told whether {host} has it, so that nothing expires (name its prefix in lifecycle_manager.cache_only "
    "where nobody pushes)"
)
# Why a single image of a cached repository stays.
STAYS: dict[UpstreamAnswer, str] = {
    "absent": "{host} does not have this image: no rule can bring it back (name its prefix in "
    "lifecycle_manager.cache_only where nobody pushes)",
    "withheld": "{host} tells nobody without a login whether it has this image. No event of ECR named it either (name its "
    "prefix in lifecycle_manager.cache_only where nobody pushes)",
    "silent": "{host} did not say whether it has this image; the next run asks again",
}
# Why a tag lets its image stay. An image with somebody's own name is pulled by that name.
TAG_STAYS = "its tag {tag} is not known to be the upstream's: {why}"

STAYS_IN_MIRROR: dict[UpstreamAnswer, str] = {
    "absent": "{host} does not have this image: it is no copy, or cannot be copied again",
    "withheld": "{host} tells nobody without a login whether it has this image (log in to {host})",
    "silent": "{host} did not say whether it has this image (log in to {host}, or try again)",
}


_UNTAGGED_COPY = re.compile(r"digest-[0-9a-f]{64}", re.ASCII)


def tag_of_digest(digest: str) -> str:
    """A mirror's tag for the copy of a digest. The rule for untagged images would expire it otherwise."""
    return f"digest-{digest.rpartition(':')[2][:64]}"


def evidence_key(repository: str, *, digest: str = "", tag: str = "") -> str:
    """Where the bucket notes that ECR pulled into the repository, or pulled this image or tag of it."""
    return f"cached/{_named(repository, digest, tag)}"


def _named(repository: str, digest: str, tag: str) -> str:
    return f"{repository}@{digest}" if digest else f"{repository}:{tag}" if tag else repository


@dataclass(frozen=True, slots=True)
class Provenance:
    """Asks for the evidence, for one run. `rules` are the registry's, or its mirrors in the shape of rules."""

    settings: Settings
    rules: Sequence[CacheRule]
    upstreams: Upstreams | None
    storage: Storage | None
    way: Literal["rule", "mirror"] = "rule"
    _doubts: dict[str, str] = field(default_factory=dict)

    def doubt(self, repository: str, images: Sequence[Image], cache: IndexCache) -> str:
        """Why the repository is not known to be the cache's; empty when it is. Raises PortError.

        `cache` remembers what was told, so that an upstream is asked once for a repository.
        """
        if repository not in self._doubts:
            self._doubts[repository] = self._doubt(repository, images, cache)
        return self._doubts[repository]

    @property
    def asks_roots_alone(self) -> bool:
        """Is what hangs on an image judged with it? Whoever signs a mirror's copies signs them in ECR."""
        return self.way == "mirror"

    def image_doubt(
        self, repository: str, image: Image, cache: IndexCache, *, listed: bool = False, parts: Sequence[str] = ()
    ) -> str:
        """Why an image, or a tag of it, is not known to be the cache's; empty when both are. Raises PortError.

        What an index lists (`listed`) comes with the index, so that its tags alone are asked for. `parts` are the digests
        that the image lists, where it is an index.
        """
        rule = self._rule(repository)
        if rule is None or rule.prefix in self.settings.cache_only:
            return ""
        stays = STAYS_IN_MIRROR if self.way == "mirror" else STAYS
        answer: UpstreamAnswer = "served"
        if not listed:
            answer = self._brought(rule, repository, cache, digest=image.digest)
        if answer == "absent" and self.way == "mirror" and parts:
            # An index that was copied for some platforms has a digest of its own.
            answers = (self._brought(rule, repository, cache, digest=part) for part in parts)
            answer = next((each for each in answers if each != "served"), "served")
        if answer != "served":
            return stays[answer].format(host=rule.upstream_url)
        for tag in image.own_tags:
            if self.way == "mirror" and _UNTAGGED_COPY.fullmatch(tag):
                continue
            answer = self._brought(rule, repository, cache, tag=tag)
            if answer != "served":
                return TAG_STAYS.format(tag=tag, why=stays[answer].format(host=rule.upstream_url))
        return ""

    def _brought(
        self, rule: CacheRule, repository: str, cache: IndexCache, *, digest: str = "", tag: str = ""
    ) -> UpstreamAnswer:
        """Did a rule bring this digest or tag, or can it? Of a mirror ECR tells nothing: its source alone is asked."""
        name = _named(repository, digest, tag)
        if cache.is_brought(name):
            return "served"
        answer: UpstreamAnswer = "silent" if self.way == "mirror" else "withheld"
        key = evidence_key(repository, digest=digest, tag=tag)
        if self.way == "rule" and self.storage is not None and self.storage.get(key) is not None:
            answer = "served"
        elif self.upstreams is not None:
            answer = self.upstreams.answer(rule.upstream_url, _at_upstream(rule, repository), digest or tag)
        if answer == "served":
            cache.learn_brought(name)
        return answer

    def unproved(self, repository: str, images: Sequence[Image]) -> str:
        """A tag of an image that no event of ECR named; empty when each was. Raises PortError. Nobody is asked."""
        for image in images:
            for tag in image.own_tags:
                keys = evidence_key(repository, digest=image.digest), evidence_key(repository, tag=tag)
                if self.storage is None or any(self.storage.get(key) is None for key in keys):
                    return tag
        return ""

    def _doubt(self, repository: str, images: Sequence[Image], cache: IndexCache) -> str:
        rule = self._rule(repository)
        if rule is None:
            return "it lies below no pull-through cache prefix"
        if self.way == "mirror":
            return ""
        if rule.prefix in self.settings.cache_only or repository in cache.cached:
            return ""
        if self.storage is not None and self.storage.get(evidence_key(repository)) is not None:
            cache.learn_cached(repository)
            return ""
        served = self._served(rule, repository, images)
        if served:
            cache.learn_cached(repository)
            return ""
        return (NOT_TOLD if served is None else NOT_SERVED).format(host=rule.upstream_url)

    def _served(self, rule: CacheRule, repository: str, images: Sequence[Image]) -> bool | None:
        # A digest proves more than a tag, but what a tag named before is gone at many upstreams.
        newest = sorted((image for image in images if image.own_tags), key=lambda image: image.pushed_at, reverse=True)
        references = [reference for image in newest[:ASKED] for reference in (image.digest, image.own_tags[0])]
        if self.upstreams is None or not references:
            return None
        return self.upstreams.serves(rule.upstream_url, _at_upstream(rule, repository), references)

    def _rule(self, repository: str) -> CacheRule | None:
        """The rule that serves the repository: the longest prefix, else ROOT's."""
        rules = {rule.prefix: rule for rule in self.rules}
        prefix = longest_prefix(repository, rules, ROOT)
        return None if prefix is None else rules[prefix]


def _at_upstream(rule: CacheRule, repository: str) -> str:
    """`docker-hub/library/nginx` -> `library/nginx`."""
    rest = repository if rule.prefix == ROOT else repository[len(rule.prefix) + 1 :]
    inner = "" if rule.upstream_prefix == ROOT else rule.upstream_prefix.strip("/")
    return f"{inner}/{rest}" if inner else rest
