"""What rules and mirrors claim: the source of each, checked one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.sources import known_source
from orchestrator.environment.parts import PullThroughCacheRule
from orchestrator.environment.source_form import judge_source
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.lifecycle.ports import ROOT
from orchestrator.partitions import pulls_through
from orchestrator.routes.source import Source, covers, parse_source
from orchestrator.routes.upstreams import canonical_registry, ecr_registry, upstream_of

NAMED = 8  # prefixes that one warning lists


@dataclass(frozen=True, slots=True)
class Claim:
    """What one rule or mirror takes: a source, and where it was written."""

    path: Path
    prefix: str
    source: Source

    @property
    def word(self) -> str:
        """What messages call it."""
        return "rule" if self.path[0] == "pull_through_cache_rules" else "mirror"


def rule_claims(context: Context) -> list[Claim]:
    """The sources of all rules whose upstream and source are good."""
    claims = []
    for prefix, rule in context.environment.pull_through_cache_rules.items():
        path: Path = ("pull_through_cache_rules", prefix)
        if upstream_of(rule.upstream_registry_url) is None:
            continue
        source = _rule_source(context, path, rule)
        if source is not None:
            claims.append(Claim(path, prefix, source))
    return claims


def _rule_source(context: Context, path: Path, rule: PullThroughCacheRule) -> Source | None:
    registry = canonical_registry(rule.upstream_registry_url)
    if rule.source is None:
        return Source(registry, rule.upstream_repository_prefix or "")
    fault = judge_source(rule.source, registry)
    if fault is not None:
        why, remedy = fault
        here = (*path, "source")
        context.error(here, f"{dotted(here)} is {shown(rule.source)}.", why=why, remedy=remedy, value=rule.source)
        return None
    source = parse_source(rule.source)
    whole = Source(registry, rule.upstream_repository_prefix or "")
    if not covers(whole, source):
        shown_whole = f"{whole.registry}/{whole.path}" if whole.path else whole.registry
        context.error(
            (*path, "source"),
            f"{dotted((*path, 'source'))} is {shown(rule.source)}.",
            why=f"The rule pulls from {shown_whole}: a source can only narrow that.",
            remedy=f'Write "{shown_whole}/<path>", or remove it.',
            value=rule.source,
        )
        return None
    return source


def mirror_claims(context: Context) -> list[Claim]:
    """The sources of all mirrors that name one; the own registry is refused on the way."""
    environment = context.environment
    claims = []
    instead_of_rules = set()
    for prefix, mirror in environment.mirrors.items():
        path: Path = ("mirrors", prefix)
        source = known_source(mirror.source)
        if source is None:
            continue
        if is_own_registry(context, source):
            context.error(
                (*path, "source"),
                f"{dotted((*path, 'source'))} is the environment's own registry.",
                why="Its images are there already.",
                remedy="Remove the mirror.",
                value=mirror.source,
            )
            continue
        upstream = upstream_of("registry-1.docker.io" if source.registry == "docker.io" else source.registry)
        if (
            upstream
            and context.usable("aws_region")
            and pulls_through(environment.aws_region, upstream.name)
            and environment.allow_upstream
        ):
            instead_of_rules.add(prefix)
            context.warn(
                (*path, "source"),
                f"{dotted((*path, 'source'))} is {shown(mirror.source)}, which ECR can pull through.",
                why="A mirror holds only what was copied; a rule fetches by itself.",
                remedy="Write it as a rule unless you want to choose the images.",
                value=mirror.source,
            )
        claims.append(Claim(path, prefix, source))
    if len(claims) == len(environment.mirrors):
        _warn_about_copies(context, [claim for claim in claims if claim.prefix not in {ROOT, *instead_of_rules}])
    return claims


def _warn_about_copies(context: Context, claims: list[Claim]) -> None:
    """A route is a promise, and nobody keeps that of a mirror by itself."""
    # A mirror with images that `orchestrator mirror` copies keeps its promise by them.
    copied = {place for name in context.environment.mirror_images for place in _ancestors(name)}
    claims = [
        claim for claim in claims if "/".join(filter(None, (claim.source.registry, claim.source.path))) not in copied
    ]
    if not claims:
        return
    more = f" and {len(claims) - NAMED} more" if len(claims) > NAMED else ""
    prefixes = ", ".join(f"{claim.prefix}/" for claim in claims[:NAMED]) + more
    context.warn(
        ("mirrors",),
        f"Images below {prefixes} are pulled from ECR only, and ECR cannot pull them through.",
        why="A mirror holds what was copied, in repositories that exist: ECR makes none when an image is pulled.",
        remedy=f"Name them in mirror_images, and run `orchestrator mirror {context.environment.name}{context.flag}` "
        "before the cluster is redirected.",
        value=[claim.prefix for claim in claims],
    )


def _ancestors(image: str) -> Iterator[str]:
    """`quay.io/a/b` -> `quay.io`, `quay.io/a`, `quay.io/a/b`: the sources that hold it."""
    end = image.find("/")
    while end != -1:
        yield image[:end]
        end = image.find("/", end + 1)
    yield image


def is_own_registry(context: Context, source: Source) -> bool:
    """Is it the registry that the environment's cluster pulls from?"""
    environment = context.environment
    ecr = ecr_registry(source.registry)
    return (
        ecr is not None
        and context.usable("account_id", "aws_region", "registry_account_id", "registry_region")
        and ecr == environment.registry
    )
