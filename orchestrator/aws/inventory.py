"""Questions to the registry: do the rules work, what did AWS cache there, what holds images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import error_text, explain, explained, is_absent
from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.upstream_names import longest_prefix

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

# Rates of these calls are unpublished (service quotas page); few at a time, and the client slows down when throttled.
WORKERS = 4
PAGE = 1000
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What AWS says of one pull-through cache rule: `valid` is None when it could not tell; `failure` is its text."""

    prefix: str
    valid: bool | None
    failure: str = ""
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """A repository that a rule made AWS create. `prefix` is the rule's; under ROOT that is a guess (see there).

    `size` is the sum of its images' compressed sizes in bytes; layers that images share are counted each time.
    """

    name: str
    prefix: str
    images: int
    size: int


def validate_rules(session: AwsSession, prefixes: Sequence[str]) -> tuple[RuleCheck, ...]:
    """What `ValidatePullThroughCacheRule` says of each rule, in the order of `prefixes`.

    A call that fails does not hide the answers to the others: it gives `valid=None` and its reason.
    """
    client = session.client("ecr")

    def check(prefix: str) -> RuleCheck:
        try:
            answer = client.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
        except ClientError as error:
            if is_absent(error):
                return RuleCheck(prefix, valid=False, failure=error_text(error) or "The rule does not exist.")
            return RuleCheck(prefix, valid=None, failure=str(explain(error, session, "ecr")))
        except BotoCoreError as error:
            return RuleCheck(prefix, valid=None, failure=str(explain(error, session, "ecr")))
        return RuleCheck(
            prefix,
            valid=answer.get("isValid"),
            failure=answer.get("failure") or "",
            upstream=answer.get("upstreamRegistryUrl") or "",
        )

    return tuple(_each(check, prefixes))


def cached_repositories(
    session: AwsSession, prefixes: Collection[str], managed: Collection[str] = ()
) -> tuple[CachedRepository, ...]:
    """The repositories below `prefixes` that are not in `managed`, by name, with their images and bytes.

    AWS does not mark who created a repository. Below a rule's prefix it is the cache, unless Terraform manages it.
    With ROOT among the prefixes every other unmanaged repository may be one. It is listed with `prefix="ROOT"`; say
    so to the user before anything is removed.
    """
    client = session.client("ecr")
    owned = frozenset(managed)
    with explained(session, "ecr"):
        found = [
            (name, prefix)
            for name in _repository_names(client)
            if name not in owned and (prefix := prefix_of(name, prefixes)) is not None
        ]

        def measure(item: tuple[str, str]) -> CachedRepository | None:
            totals = _totals(client, item[0])
            return None if totals is None else CachedRepository(item[0], item[1], *totals)

        return tuple(cached for cached in _each(measure, sorted(found)) if cached is not None)


def image_count(session: AwsSession, name: str) -> int | None:
    """How many images a repository holds, None when it does not exist; raises when AWS does not let us tell."""
    with explained(session, "ecr"):
        totals = _totals(session.client("ecr"), name)
    return None if totals is None else totals[0]


def _repository_names(client: ECRClient) -> Iterator[str]:
    pages = client.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": PAGE})
    for page in pages:
        for repository in page["repositories"]:
            yield repository["repositoryName"]


def _totals(client: ECRClient, name: str) -> tuple[int, int] | None:
    """(images, bytes) of a repository, one page in memory at a time; None when it is not there (any more)."""
    images = size = 0
    try:
        pages = client.get_paginator("describe_images").paginate(
            repositoryName=name, PaginationConfig={"PageSize": PAGE}
        )
        for page in pages:
            images += len(page["imageDetails"])
            size += sum(image.get("imageSizeInBytes", 0) for image in page["imageDetails"])
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return images, size


def prefix_of(name: str, prefixes: Collection[str]) -> str | None:
    """The longest prefix that `name` lies below, at a path component's boundary; ROOT when nothing else fits."""
    # ECR takes a prefix with a slash at its end, too.
    written = {prefix.rstrip("/"): prefix for prefix in prefixes}
    found = longest_prefix(name, written, ROOT)
    return None if found is None else written[found]


def _each(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`function` of each item, a few at a time, in the order of `items`."""
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(items))) as pool:
        return list(pool.map(function, items))
