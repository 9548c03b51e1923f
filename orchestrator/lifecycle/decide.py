"""The decision: images of a repository, its retention and use -> for every image keep or expire, and why.

The order of the reasons is the order of their power. The order: in use and protected, the age below which nothing goes,
floor, ceiling, time since a pull. The list takes the place of floor and ceiling where somebody
lists what a repository is to hold (`listed`). It also takes that of an image's age since its push. The clock is an
argument. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from orchestrator.counts import counted
from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.patterns import holds, matches
from orchestrator.lifecycle.retention import Retention
from orchestrator.lifecycle.units import Image, Unit, by_push, units_of

Verdict = Literal["keep", "expire"]
# Why, in kinds that are counted.
Because = Literal[
    "in use",
    "used since the snapshots",
    "expiry is off",
    "protected",
    "young",
    "newest",
    "recently used",
    "no limit",
    "archived",
    "not pulled",
    "too many",
    "listed",
    "not listed",
    "not at its upstream",
]


EXPIRING = frozenset({"not pulled", "too many", "not listed"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one image. `root` is the digest of its unit; of several the one that decided."""

    image: Image
    verdict: Verdict
    reason: str
    root: str
    because: Because


@dataclass(frozen=True, slots=True)
class Decided:
    """What happens to a repository: one decision for every image, in the order given, and its units."""

    decisions: tuple[Decision, ...]
    units: tuple[Unit, ...]

    @property
    def expired(self) -> tuple[Decision, ...]:
        """The decisions whose images go."""
        return tuple(decision for decision in self.decisions if decision.verdict == "expire")


def decide(
    repository: str,
    images: Sequence[Image],
    children: Mapping[str, Sequence[str]],
    retention: Retention,
    in_use: InUse,
    now: datetime,
    listed: InUse | None = None,
) -> Decided:
    """The decision for every image of `repository` at `now` (aware).

    `listed` says by tag and digest who wants an image there; None where nobody keeps a list.

    Children that are not known yet look like images of their own, which expire sooner than their index does. `settled`
    says whether their indexes need to be read. (An archived index cannot be read; while its entry is missing, what may
    be its is kept.)
    """
    units = units_of(images, children)
    ranks = _ranks(units)
    # The manifest of an archived index cannot be read: any untagged image may be one of its.
    unread = [
        image for image in images if not image.is_active and image.may_have_children and image.digest not in children
    ]
    by_image: dict[str, Decision] = {}
    for unit in units:
        because: Because = "archived"
        reason = _archived_with_it(unit, retention, unread)
        if not reason:
            because, reason = _unit_verdict(
                repository, unit, ranks.get(unit.root.digest), retention, in_use, now, listed
            )
        verdict: Verdict = "expire" if because in EXPIRING else "keep"
        for member in unit.members:
            if not member.is_active:
                by_image[member.digest] = Decision(member, "keep", member.status.lower(), unit.root.digest, "archived")
                continue
            # An image of several units goes only when all of them do.
            held = by_image.get(member.digest)
            if held is None or (held.verdict == "expire" and verdict == "keep"):
                by_image[member.digest] = Decision(member, verdict, reason, unit.root.digest, because)
    return Decided(tuple(by_image[image.digest] for image in images), units)


def settled(decided: Decided, unread: Iterable[str]) -> bool:
    """Would nothing expire, whatever the indexes with the digests `unread` list?

    An untagged index has the tags of its parts, and a unit with tags has other limits. A part that is a unit of its own
    was judged by its tags. One that hangs on another image was kept with that.
    """
    if decided.expired:
        return False
    indexes = set(unread)
    tagged_parts = any(member.own_tags and member.is_active for unit in decided.units for member in unit.members[1:])
    return not tagged_parts or not any(
        unit.newest_tagged is None and any(member.digest in indexes for member in unit.members)
        for unit in decided.units
    )


def spare(decided: Decided, doubts: Mapping[str, str]) -> Decided:
    """The decision with every unit kept whole that has one of `doubts`: why an image must stay, by digest."""
    stays: dict[str, tuple[str, str]] = {}
    for unit in decided.units:
        doubt = next((doubts[member.digest] for member in unit.members if member.digest in doubts), "")
        if doubt:
            stays.update((member.digest, (doubt, unit.root.digest)) for member in unit.members)
    return Decided(
        tuple(
            Decision(one.image, "keep", *stays[one.image.digest], "not at its upstream")
            if one.verdict == "expire" and one.image.digest in stays
            else one
            for one in decided.decisions
        ),
        decided.units,
    )


def _archived_with_it(unit: Unit, retention: Retention, unread: Sequence[Image]) -> str:
    """Why what is archived keeps this unit; empty when it does not.

    Deleting a part of what somebody archived would break it. Archiving the rest of it is what an interrupted run left.
    """
    if any(member.status == "ACTIVATING" for member in unit.members):
        return "a part of it is being brought out of the archive"
    untagged = not any(member.own_tags for member in unit.members)
    if untagged and any(image.status == "ACTIVATING" for image in unread):
        return "it may belong to an index that is being brought out of the archive"
    if retention.expire_action == "archive":
        return ""
    if any(not member.is_active for member in unit.members):
        return "a part of it is archived"
    if untagged and unread:
        return "it may belong to an archived index"
    return ""


def _ranks(units: Iterable[Unit]) -> dict[str, int]:
    """{root: rank of the unit's newest tagged image among those of all units}, the newest is 0.

    Units that share their newest tagged image share its rank: it is one image to keep.
    """
    newest = {unit.root.digest: unit.newest_tagged for unit in units}
    distinct = {image.digest: image for image in newest.values() if image}
    order = sorted(sorted(distinct), key=lambda digest: by_push(distinct[digest]), reverse=True)
    ranks = {digest: rank for rank, digest in enumerate(order)}
    return {root: ranks[image.digest] for root, image in newest.items() if image}


def _unit_verdict(
    repository: str,
    unit: Unit,
    rank: int | None,
    retention: Retention,
    in_use: InUse,
    now: datetime,
    listed: InUse | None,
) -> tuple[Because, str]:
    kept = _beyond_reach(repository, unit, retention, in_use)
    if kept is not None:
        return kept
    who = _user(repository, unit, listed) if listed is not None else ""
    if who:
        return "listed", f"named by {who}"
    age = now - unit.pushed_at
    if age < timedelta(days=retention.minimum_age_days):
        return "young", f"pushed less than {counted(retention.minimum_age_days, 'day')} ago"
    if listed is not None:
        return _unlisted(unit, retention, now)
    if rank is not None and rank < retention.keep_at_least:
        return "newest", f"one of the {retention.keep_at_least} newest tagged images"
    if rank is not None and retention.keep_at_most is not None and rank >= retention.keep_at_most:
        return "too many", f"not one of the {retention.keep_at_most} newest tagged images"
    limit = retention.expire_unpulled_days
    if rank is None and retention.untagged_days is not None:
        limit = retention.untagged_days
    what = "untagged and " if rank is None else ""
    if limit is None:
        return "no limit", "no limit applies"
    if now - unit.last_used > timedelta(days=limit):
        return "not pulled", f"{what}not pulled for {counted((now - unit.last_used).days, 'day')} (limit {limit})"
    return "recently used", f"{what}pulled or pushed within {counted(limit, 'day')}"


def _unlisted(unit: Unit, retention: Retention, now: datetime) -> tuple[Because, str]:
    """No list names it. An account that pulled it lately may run it: a push alone says nothing, as the copy itself was
    one.
    """
    pulled, limit = unit.pulled_at, retention.expire_unpulled_days
    if pulled is not None and limit is None:
        return "no limit", "it was pulled, and no limit says when that is long ago"
    if pulled is not None and limit is not None and now - pulled <= timedelta(days=limit):
        return "recently used", f"pulled within {counted(limit, 'day')}"
    return "not listed", "no list names it"


def _beyond_reach(repository: str, unit: Unit, retention: Retention, in_use: InUse) -> tuple[Because, str] | None:
    """Why the unit is kept whatever its age; None when nothing says so."""
    user = _user(repository, unit, in_use)
    if user:
        return "in use", f"in use by {user}"
    if in_use.since and unit.last_used > in_use.since:
        return "used since the snapshots", "pulled or pushed since the clusters' snapshots were taken: it may run"
    if retention.never:
        return "expiry is off", "expiry is off here (never)"
    for pattern in retention.protect_repositories:
        if holds(pattern, repository):
            return "protected", f"repository protected by {pattern}"
    for member in unit.members:
        for tag in member.tags:
            for pattern in retention.protect_tags:
                if matches(pattern, tag):
                    return "protected", f"tag {tag} protected by {pattern}"
    return None


def _user(repository: str, unit: Unit, users: InUse) -> str:
    """Who uses a member of the unit; empty when nobody does."""
    found = (users.user_of(repository, member.digest, member.tags) for member in unit.members)
    return next(filter(None, found), "")
