"""What is kept and what expires, against a model that computes it from the rules one image at a time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.lifecycle.decide import Decided, decide, settled
from orchestrator.lifecycle.in_use import NOTHING_IN_USE, InUse
from orchestrator.lifecycle.retention import Retention
from orchestrator.lifecycle.units import INDEX_MEDIA_TYPES, Image, units_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)
INDEX = sorted(INDEX_MEDIA_TYPES)[0]
NO_FLOOR = Retention(keep_at_least=0)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(
    number: int,
    *tags: str,
    pushed: float = 90,
    pulled: float | None = None,
    subject: int | None = None,
    media_type: str = "application/vnd.oci.image.manifest.v1+json",
    status: str = "ACTIVE",
) -> Image:
    """`pushed` and `pulled` in days before NOW."""
    return Image(
        digest(number),
        tags,
        NOW - timedelta(days=pushed),
        None if pulled is None else NOW - timedelta(days=pulled),
        100,
        media_type,
        None if subject is None else digest(subject),
        status,
    )


def expired(
    images: Sequence[Image],
    retention: Retention = NO_FLOOR,
    children: Mapping[int, Sequence[int]] | None = None,
    in_use: InUse = NOTHING_IN_USE,
) -> set[int]:
    decided = judged(images, retention, children, in_use)
    assert [decision.image for decision in decided.decisions] == list(images)
    return {int(decision.image.digest[7:], 16) for decision in decided.expired}


def judged(
    images: Sequence[Image],
    retention: Retention,
    children: Mapping[int, Sequence[int]] | None = None,
    in_use: InUse = NOTHING_IN_USE,
) -> Decided:
    below = {digest(number): [digest(child) for child in entry] for number, entry in (children or {}).items()}
    return decide("quay/app", images, below, retention, in_use, NOW)


def is_settled(images: Sequence[Image], retention: Retention, known: Mapping[int, Sequence[int]]) -> bool:
    """What the evaluator asks before it reads indexes."""
    unread = [one.digest for one in images if one.may_have_children and int(one.digest[7:], 16) not in known]
    return settled(judged(images, retention, known), unread)


def test_never_pulled_counts_from_the_push_and_pulled_from_the_pull() -> None:
    images = [image(1, "a", pushed=31), image(2, "b", pushed=29), image(3, "c", pulled=29), image(4, "d", pulled=31)]
    assert expired(images) == {1, 4}


def test_exactly_at_the_limit_an_image_stays() -> None:
    assert expired([image(1, "a", pushed=30)]) == set()


def test_the_floor_keeps_the_newest_tagged_images_and_untagged_ones_take_no_place() -> None:
    images = [image(1, "a", pushed=99), image(2, "b", pushed=98), image(3, pushed=97), image(4, "c", pushed=96)]
    assert expired(images, Retention(keep_at_least=2)) == {1, 3}


def test_the_ceiling_expires_even_what_was_just_pulled_but_not_what_is_young() -> None:
    images = [
        image(1, "a", pulled=0),
        image(2, "b", pushed=50, pulled=0),
        image(3, "c", pushed=0.5),
        image(4, "d", pushed=0.1),
    ]
    assert expired(images, Retention(keep_at_most=1)) == {1, 2}


def test_untagged_images_have_a_limit_of_their_own() -> None:
    images = [image(1, pushed=8), image(2, "a", pushed=8), image(3, pushed=6)]
    assert expired(images, Retention(keep_at_least=0, untagged_days=7)) == {1}
    assert expired([image(1, pushed=40)], Retention(untagged_days=60)) == set()


@pytest.mark.parametrize(
    "retention",
    [
        Retention(keep_at_least=0, never=True),
        Retention(keep_at_least=0, protect_tags=("rel-*",)),
        Retention(keep_at_least=0, protect_repositories=("quay",)),
        Retention(keep_at_least=0, protect_repositories=("*/app",)),
        Retention(keep_at_least=0, expire_unpulled_days=None),
    ],
)
def test_what_is_protected_or_off_stays(retention: Retention) -> None:
    assert expired([image(1, "rel-1", pushed=400)], retention) == set()


def test_one_pull_of_any_member_keeps_an_index_its_images_and_what_is_attached() -> None:
    signature = f"sha256-{digest(1)[7:]}.sig"
    for pulled in (1, 2, 3, 4):
        images = [
            image(1, "v1", media_type=INDEX, pulled=5 if pulled == 1 else None),
            image(2, pulled=5 if pulled == 2 else None),
            image(3, signature, pulled=5 if pulled == 3 else None),
            image(4, subject=2, pulled=5 if pulled == 4 else None),
        ]
        assert expired(images, children={1: [2]}) == set()
    assert expired(
        [image(1, "v1", media_type=INDEX), image(2), image(3, signature), image(4, subject=2)], children={1: [2]}
    ) == {1, 2, 3, 4}


def test_a_child_of_two_indexes_lives_while_either_does() -> None:
    images = [image(1, "old", media_type=INDEX), image(2, "new", media_type=INDEX, pulled=1), image(3), image(4)]
    assert expired(images, children={1: [3, 4], 2: [3]}) == {1, 4}


def test_an_image_in_use_keeps_its_unit_whatever_the_ceiling_says() -> None:
    images = [image(1, "v1", media_type=INDEX), image(2), image(3, "v2", pushed=10)]
    by_digest = InUse({digest(2): "prod"}, {})
    by_tag = InUse({}, {("quay/app", "v1"): "prod"})
    elsewhere = InUse({}, {("quay/other", "v1"): "prod"})
    retention = Retention(keep_at_most=1)
    assert expired(images, retention, {1: [2]}, by_digest) == set()
    assert expired(images, retention, {1: [2]}, by_tag) == set()
    assert expired(images, retention, {1: [2]}, elsewhere) == {1, 2}


def test_what_hangs_on_an_archived_image_is_not_deleted_and_is_archived_with_it() -> None:
    images = [image(1, "v1", media_type=INDEX, status="ARCHIVED"), image(2), image(3, "v2", pulled=1), image(4)]
    assert expired(images, children={1: [2]}) == {4}
    assert expired(images, Retention(expire_action="archive"), {1: [2]}) == {2, 4}
    activating = [image(1, "v1", media_type=INDEX, status="ACTIVATING"), *images[1:]]
    assert expired(activating, Retention(expire_action="archive"), {1: [2]}) == {4}


def test_while_an_archived_index_cannot_be_read_no_untagged_image_is_deleted() -> None:
    images = [image(1, "v1", media_type=INDEX, status="ARCHIVED"), image(2), image(3, "v2"), image(4, "v3", pulled=1)]
    assert expired(images) == {3}


def test_while_an_index_comes_out_of_the_archive_unread_no_untagged_image_is_archived() -> None:
    images = [image(1, "v1", media_type=INDEX, status="ACTIVATING"), image(2), image(3, "v2"), image(4, "v3", pulled=1)]
    assert expired(images, Retention(keep_at_least=0, expire_action="archive")) == {3}


def test_what_was_used_after_the_snapshots_were_taken_stays() -> None:
    images = [image(1, "a", pulled=1), image(2, "b", pulled=3), image(3, "c", pulled=2)]
    in_use = InUse({}, {}, since=NOW - timedelta(days=2))
    assert expired(images, Retention(keep_at_least=0, expire_unpulled_days=1), in_use=in_use) == {2, 3}


def test_an_archived_image_takes_no_place_of_the_floor() -> None:
    images = [image(1, "v2", status="ARCHIVED", pushed=50), image(2, "v1", pushed=60)]
    assert expired(images, Retention()) == set()
    assert expired(images, Retention(keep_at_least=0)) == {2}


def test_images_attached_to_each_other_in_a_ring_are_one_unit() -> None:
    images = [image(1, f"sha256-{digest(2)[7:]}.sig"), image(2, f"sha256-{digest(1)[7:]}.sig", pulled=1)]
    assert expired(images) == set()


# The model


def model_members(root: int, images: Mapping[int, Image], children: Mapping[int, Sequence[int]]) -> set[int]:
    """All that hangs on `root`, by applying the rules until nothing is added."""
    members = {root}
    while True:
        more = {child for number in members for child in children.get(number, ()) if child in images}
        for number, candidate in images.items():
            for member in members:
                name = digest(member)
                tags = {f"sha256-{name[7:]}{end}" for end in ("", ".sig", ".att", ".sbom")}
                if candidate.subject == name or tags & set(candidate.tags):
                    more.add(number)
        if more <= members:
            return members
        members |= more


def model_expired(
    images: Mapping[int, Image], children: Mapping[int, Sequence[int]], retention: Retention, in_use: InUse
) -> set[int]:
    units = {number: model_members(number, images, children) for number in images}
    # A root is in no unit but those of a ring that it is part of, and the first of that.
    roots = [
        number
        for number in images
        if all(other in units[number] and other >= number for other, unit in units.items() if number in unit)
    ]

    def own(number: int) -> bool:
        return any(not tag.startswith("sha256-") for tag in images[number].tags)

    def age(moment: datetime) -> float:
        return (NOW - moment).total_seconds() / 86400

    keys = {}
    for root in roots:
        tagged = [number for number in units[root] if own(number) and images[number].status == "ACTIVE"]
        if tagged:
            keys[root] = min(
                tagged, key=lambda n: (-images[n].pushed_at.timestamp(), -images[n].last_used.timestamp(), n)
            )
    order = sorted(
        set(keys.values()), key=lambda n: (-images[n].pushed_at.timestamp(), -images[n].last_used.timestamp(), n)
    )
    kept: set[int] = set()
    for root in roots:
        unit = units[root]
        rank = order.index(keys[root]) if root in keys else None
        days = retention.expire_unpulled_days
        if rank is None and retention.untagged_days is not None:
            days = retention.untagged_days
        idle = min(age(images[number].pulled_at or images[number].pushed_at) for number in unit)
        expires = days is not None and idle > days
        if rank is not None and retention.keep_at_most is not None and rank >= retention.keep_at_most:
            expires = True
        if rank is not None and rank < retention.keep_at_least:
            expires = False
        if min(age(images[number].pushed_at) for number in unit) < retention.minimum_age_days:
            expires = False
        if retention.never or any(set(images[number].tags) & set(retention.protect_tags) for number in unit):
            expires = False
        if any(in_use.user_of("quay/app", digest(number), images[number].tags) for number in unit):
            expires = False
        statuses = {images[number].status for number in unit}
        if "ACTIVATING" in statuses or (statuses != {"ACTIVE"} and retention.expire_action == "delete"):
            expires = False
        if not expires:
            kept |= unit
    return {number for number in images if images[number].status == "ACTIVE"} - kept


@st.composite
def repositories(draw: st.DrawFn) -> tuple[dict[int, Image], dict[int, list[int]]]:
    numbers = list(range(1, draw(st.integers(1, 9)) + 1))
    tags = iter([f"t{number}" for number in range(20)])
    images, children = {}, {}
    for number in numbers:
        # What is listed or referred to has a smaller number, as content addresses make sure of.
        earlier = st.integers(1, number - 1) if number > 1 else st.nothing()
        is_index = number > 1 and draw(st.booleans())
        own = list(itertools.islice(tags, draw(st.integers(0, 2))))
        if number > 1 and draw(st.integers(0, 3)) == 0:
            own.append(f"sha256-{digest(draw(earlier))[7:]}{draw(st.sampled_from(['', '.sig', '.att', '.sbom']))}")
        if is_index:
            children[number] = draw(st.lists(earlier, max_size=3, unique=True))
        days = st.sampled_from([0.5, 2, 5, 10, 20, 40])
        pushed = draw(days)
        images[number] = image(
            number,
            *own,
            pushed=pushed,
            pulled=draw(st.none() | days.map(lambda pulled, pushed=pushed: min(pulled, pushed))),  # type: ignore[misc]
            subject=draw(st.none() | earlier) if number > 1 and not is_index else None,
            media_type=INDEX if is_index else "application/vnd.oci.image.manifest.v1+json",
            status=draw(st.sampled_from(["ACTIVE"] * 8 + ["ARCHIVED", "ACTIVATING"])),
        )
    return images, children


retentions = st.builds(
    Retention,
    expire_unpulled_days=st.none() | st.sampled_from([1, 7, 30]),
    keep_at_least=st.integers(0, 2),
    keep_at_most=st.none() | st.integers(2, 3),
    untagged_days=st.none() | st.sampled_from([3, 15, 60]),
    minimum_age_days=st.sampled_from([0, 1, 7]),
    protect_tags=st.sampled_from([(), ("t1",)]),
    never=st.sampled_from([False, False, False, True]),
    expire_action=st.sampled_from(["delete", "archive"]),
)


@given(repositories(), retentions, st.sets(st.integers(1, 9), max_size=1), st.sets(st.integers(0, 9), max_size=1))
@settings(max_examples=400, deadline=None)
def test_the_decision_is_the_models(
    repository: tuple[dict[int, Image], dict[int, list[int]]], retention: Retention, running: set[int], tags: set[int]
) -> None:
    images, children = repository
    in_use = InUse({digest(number): "x" for number in running}, {("quay/app", f"t{number}"): "x" for number in tags})
    assert expired(list(images.values()), retention, children, in_use) == model_expired(
        images, children, retention, in_use
    )


def test_an_untagged_index_is_read_when_a_tagged_part_may_give_it_other_limits() -> None:
    quick = Retention(keep_at_least=0, expire_unpulled_days=1, untagged_days=3)
    subject, part = image(1, pushed=0.5), image(5, "t0", pushed=2, subject=1)
    index = image(7, pushed=2, media_type=INDEX)
    assert expired([subject, part, index], quick) == set()
    assert expired([subject, part, index], quick, {7: [5]}) == {7}
    assert not is_settled([subject, part, index], quick, {})
    # Where every tagged image was judged by its own tags, nothing is read.
    assert is_settled([subject, image(5, "t0", pushed=0.5), index], quick, {})
    assert is_settled([subject, part], quick, {})


@given(repositories(), retentions)
@settings(max_examples=200, deadline=None)
def test_when_nothing_expires_without_knowing_the_indexes_nothing_does_with_them(
    repository: tuple[dict[int, Image], dict[int, list[int]]], retention: Retention
) -> None:
    images, children = repository
    # What is archived cannot be read: what is known of it is known before anything is read, or never.
    archived = {number: below for number, below in children.items() if not images[number].is_active}
    for known in ({}, archived):
        if is_settled(list(images.values()), retention, known):
            readable = {number: below for number, below in children.items() if images[number].is_active}
            assert not expired(list(images.values()), retention, known | readable)


@given(repositories())
@settings(max_examples=100, deadline=None)
def test_every_image_is_in_a_unit_and_no_two_units_have_the_same_root(
    repository: tuple[dict[int, Image], dict[int, list[int]]],
) -> None:
    images, children = repository
    below = {digest(number): [digest(child) for child in entry] for number, entry in children.items()}
    units = units_of(images.values(), below)
    assert {member.digest for unit in units for member in unit.members} == {image.digest for image in images.values()}
    assert len({unit.root.digest for unit in units}) == len(units)


LISTED = InUse({}, {("quay/app", "named"): "mirror_images"})


@pytest.mark.parametrize(
    ("candidate", "because"),
    [
        (image(1, "named", pushed=400), "listed"),
        (image(1, "gone", pushed=400), "not listed"),
        (image(1, "gone", pushed=2), "not listed"),
        (image(1, "gone", pushed=0.5), "young"),
        (image(1, "gone", pushed=400, pulled=29), "recently used"),
        (image(1, "gone", pushed=400, pulled=31), "not listed"),
        (image(1, pushed=400), "not listed"),
        (image(1, "run", pushed=400), "in use"),
        (image(1, "rel-1", pushed=400), "protected"),
    ],
)
def test_a_list_takes_the_place_of_floor_and_age_and_of_nothing_else(candidate: Image, because: str) -> None:
    retention = Retention(keep_at_least=5, protect_tags=("rel-*",))
    running = InUse({}, {("quay/app", "run"): "prod: Deployment/default/web"})
    decided = decide("quay/app", [candidate], {}, retention, running, NOW, LISTED)
    assert [decision.because for decision in decided.decisions] == [because]
    assert bool(decided.expired) == (because == "not listed")


def test_what_hangs_on_a_listed_image_stays_with_it_and_a_tag_that_moved_on_leaves_the_rest() -> None:
    signature = f"sha256-{digest(1)[7:]}.sig"
    images = [image(1, "named", media_type=INDEX), image(2), image(3, signature), image(4, subject=2), image(5)]
    decided = decide("quay/app", images, {digest(1): [digest(2)]}, Retention(), NOTHING_IN_USE, NOW, LISTED)
    assert [decision.image.digest for decision in decided.expired] == [digest(5)]


def test_without_a_limit_a_pull_at_any_time_keeps_what_no_list_names() -> None:
    retention = Retention(expire_unpulled_days=None)
    images = [image(1, "a", pulled=300), image(2, "b")]
    decided = decide("quay/app", images, {}, retention, NOTHING_IN_USE, NOW, LISTED)
    assert [decision.because for decision in decided.decisions] == ["no limit", "not listed"]
