"""Each image of a cached repository is asked for before it is deleted: what nothing can bring back stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from orchestrator.aws.ports import UpstreamRegistries
from orchestrator.aws.ports.ecr_registry import MEDIA_TYPES
from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.index_cache import IndexCache, cache_key
from orchestrator.lifecycle.ports import UpstreamAnswer
from tests.unit.lifecycle.world import World

CACHED = "quay/team/app"


def run(world: World, action: str = "delete", **variables: str) -> dict[str, object]:
    retention = {"expire_unpulled_days": 30, "keep_at_least": 1, "expire_action": action}
    settings = {"MAX_EXPIRE_FRACTION_ACCOUNT": "1", "MAX_EXPIRE_FRACTION_REPOSITORY": "1"}
    given = {**settings, "RETENTION": json.dumps({"default": retention}), **variables}
    return world.manager(queue=False, **given).start("test")


def mixed(answer: UpstreamAnswer) -> tuple[World, str]:
    """A cached repository into which a pipeline pushed `own`, of which the upstream says `answer`."""
    world = World()
    world.add(CACHED, "cached", "1.0", pushed=90)
    own = world.add(CACHED, "own", "own", pushed=85)
    world.add(CACHED, "newest", "2.0", pushed=40)
    world.answers = lambda _repository, digest: answer if digest == own else "served"
    return world, own


@pytest.mark.parametrize("answer", ["absent", "withheld", "silent"])
def test_an_image_that_the_upstream_cannot_be_seen_to_serve_stays_in_a_cached_repository(
    answer: UpstreamAnswer,
) -> None:
    world, _ = mixed(answer)
    report = run(world)
    assert world.tags(CACHED) == {"own", "2.0"}
    assert (report["expired"], report["failed"]) == (1, {})


def test_who_says_that_nobody_pushes_there_lets_it_go() -> None:
    world, _ = mixed("absent")
    run(world, CACHE_ONLY='["quay"]')
    assert world.tags(CACHED) == {"2.0"}
    assert world.calls["HEAD of an image"] == 0


def test_the_archive_loses_nothing_and_so_takes_it() -> None:
    world, own = mixed("absent")
    run(world, "archive")
    assert world.repositories[CACHED][own].status == "ARCHIVED"


@pytest.mark.parametrize(("named", "stays"), [(True, False), (False, True)])
def test_an_event_that_names_the_digest_is_evidence_for_this_image_alone(named: bool, stays: bool) -> None:
    world, own = mixed("withheld")
    pulled = {"image-digest": own, "image-tag": "own"} if named else {}
    detail = {"repository-name": CACHED, "sync-status": "SUCCESS", **pulled}
    event = {"detail-type": "ECR Pull Through Cache Action", "detail": detail}
    dispatch(event, "request", lambda: world.manager(queue=False), world)
    run(world)
    assert ("own" in world.tags(CACHED)) is stays


@pytest.mark.parametrize("value", ["", "sha256:../../x", 7, None])
def test_an_event_with_a_digest_or_tag_that_is_none_notes_the_repository_alone(value: object) -> None:
    world = World()
    detail = {"repository-name": CACHED, "sync-status": "SUCCESS", "image-digest": value, "image-tag": value}
    event = {"detail-type": "ECR Pull Through Cache Action", "detail": detail}
    dispatch(event, "request", lambda: world.manager(queue=False), world)
    assert list(world.storage.objects) == [f"cached/{CACHED}"]


def test_an_index_is_asked_for_and_its_images_come_with_it() -> None:
    world = World()
    children = [world.add(CACHED, name, pushed=90) for name in ("amd64", "arm64")]
    index = world.add(CACHED, "index", "1.0", pushed=90, children=children)
    world.add(CACHED, "newest", "2.0", pushed=40)
    asked: list[str] = []
    world.answers = lambda _repository, digest: asked.append(digest) or "absent"  # type: ignore[func-returns-value]
    run(world)
    assert asked == [index]
    assert world.repositories[CACHED].keys() >= {index, *children}


def test_a_signature_that_somebody_pushed_keeps_what_it_signs() -> None:
    world = World()
    image = world.add(CACHED, "cached", "1.0", pushed=90)
    signature = world.add(CACHED, "signature", "sha256-" + image.removeprefix("sha256:") + ".sig", pushed=90)
    world.add(CACHED, "newest", "2.0", pushed=40)
    world.answers = lambda _repository, digest: "absent" if digest == signature else "served"
    run(world)
    assert world.repositories[CACHED].keys() >= {image, signature}


def test_what_was_told_is_remembered_until_the_image_is_gone() -> None:
    world, own = mixed("served")
    run(world, DRY_RUN="true")
    asked = world.calls["HEAD of an image"]
    run(world, DRY_RUN="true")
    # Two images, each by its digest and its tag.
    assert (asked, world.calls["HEAD of an image"]) == (4, 4)
    run(world)
    world.add(CACHED, "other", "3.0", pushed=39)
    run(world)
    (shard,) = [content for key, content in world.storage.objects.items() if key.startswith(cache_key("")[:6])]
    assert f"{CACHED}@{own}" not in IndexCache(shard).brought


def test_a_repository_with_somebodys_image_gets_no_native_policy() -> None:
    world, _ = mixed("absent")
    run(world, NATIVE_POLICY="count")
    assert CACHED not in world.policies
    world, _ = mixed("served")
    run(world, NATIVE_POLICY="count")
    assert CACHED in world.policies


def tell(world: World, **detail: str) -> dict[str, object]:
    """An event of ECR's about a pull into the repository, and what the function answers."""
    named = {"repository-name": CACHED, "sync-status": "SUCCESS", **detail}
    event = {"detail-type": "ECR Pull Through Cache Action", "detail": named}
    return dispatch(event, "request", lambda: world.manager(queue=False, NATIVE_POLICY="count"), world)


GIVEN = {
    "a name of CI's for an image of the upstream's": ("1.0", "approved"),
    "a name of CI's alone": ("approved",),
    "two names, of which one is moved": ("approved", "1.0", "0.9"),
}


@pytest.mark.parametrize("tags", GIVEN.values(), ids=GIVEN)
def test_an_image_stays_whose_name_only_somebody_gave(tags: tuple[str, ...]) -> None:
    world = World()
    world.add(CACHED, "image", *tags, pushed=90)
    world.add(CACHED, "other", "1.1", pushed=80)
    world.add(CACHED, "newest", "2.0", pushed=40)
    world.answers = lambda _repository, reference: "absent" if reference == "approved" else "served"
    report = run(world)
    assert world.tags(CACHED) == {*tags, "2.0"}
    assert report["expired"] == 1


def test_an_image_of_an_index_stays_with_it_when_somebody_gave_it_a_name() -> None:
    world = World()
    children = [world.add(CACHED, "amd64", "approved", pushed=90), world.add(CACHED, "arm64", pushed=90)]
    index = world.add(CACHED, "index", "1.0", pushed=90, children=children)
    world.add(CACHED, "newest", "2.0", pushed=40)
    world.answers = lambda _repository, reference: "absent" if reference == "approved" else "served"
    run(world)
    assert world.repositories[CACHED].keys() >= {index, *children}


@pytest.mark.parametrize(("event", "stays"), [("1.0", False), ("other", True)])
def test_an_event_that_named_the_tag_is_evidence_for_it(event: str, stays: bool) -> None:
    world = World()
    digest = world.add(CACHED, "image", "1.0", pushed=90)
    world.add(CACHED, "newest", "2.0", pushed=40)
    world.answers = lambda _repository, _reference: "withheld"
    tell(world, **{"image-digest": digest, "image-tag": event})
    run(world)
    assert ("1.0" in world.tags(CACHED)) is stays


def test_no_event_gives_a_native_policy_to_a_repository_with_an_image_that_none_named() -> None:
    world, _ = mixed("absent")
    cached = next(digest for digest, image in world.repositories[CACHED].items() if "1.0" in image.tags)
    answer = tell(world, **{"image-digest": cached, "image-tag": "1.0"})
    assert (answer["applied"], world.policies) == (0, {})
    # Nor does a pipeline's own push.
    pushed = {"detail-type": "ECR Image Action", "detail": {"action-type": "PUSH", "result": "SUCCESS"}}
    pushed["detail"]["repository-name"] = CACHED  # type: ignore[index]
    answer = dispatch(pushed, "request", lambda: world.manager(queue=False, NATIVE_POLICY="count"), world)
    assert (answer["applied"], world.policies) == (0, {})


def test_an_event_gives_one_to_a_repository_whose_images_were_all_named() -> None:
    world = World()
    held = {tag: world.add(CACHED, tag, tag, pushed=1) for tag in ("1.0", "2.0")}
    answers = [tell(world, **{"image-digest": digest, "image-tag": tag}) for tag, digest in held.items()]
    assert [answer["applied"] for answer in answers] == [0, 1]
    assert CACHED in world.policies


ANSWERS = {
    "a registry without the digest's header": {"Content-Type": "application/vnd.oci.image.index.v1+json"},
    "with a character set": {"Content-Type": "Application/vnd.docker.distribution.manifest.v2+json; charset=utf-8"},
    "an old registry": {"Content-Type": "application/json", "Docker-Content-Digest": "sha256:" + "a" * 64},
    "a page for people": {"Content-Type": "text/html"},
    "nothing": {},
    "another image": {"Docker-Content-Digest": "sha256:" + "b" * 64},
}


class Registry(BaseHTTPRequestHandler):
    """Answers the status that the tag says, or the headers that stand under the repository's number."""

    def do_HEAD(self) -> None:
        *_, repository, _, reference = self.path.split("/")
        self.send_response(200 if ":" in reference else int(reference))
        headers = list(ANSWERS.values())[int(repository)] if repository.isdigit() else {"Content-Type": MEDIA_TYPES[0]}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "by_digest", "by_tag"),
    [
        ("a registry without the digest's header", "served", "served"),
        ("with a character set", "served", "served"),
        ("an old registry", "served", "served"),
        ("a page for people", "silent", "silent"),
        ("nothing", "silent", "silent"),
        ("another image", "silent", "served"),
    ],
)
def test_a_page_that_is_found_under_every_name_is_no_image(
    kind: str, by_digest: str, by_tag: str, registry: str
) -> None:
    upstreams, repository = UpstreamRegistries(registry), str(list(ANSWERS).index(kind))
    assert upstreams.answer("quay.io", repository, "sha256:" + "a" * 64) == by_digest
    assert upstreams.answer("quay.io", repository, "200") == by_tag
    assert upstreams.serves("quay.io", repository, ["200"]) is (True if by_tag == "served" else None)


def test_only_an_answer_of_not_found_is_absent_and_a_registry_that_is_down_is_silent(registry: str) -> None:
    upstreams = UpstreamRegistries(registry)
    told = {status: upstreams.answer("quay.io", "a", status) for status in ("200", "404", "401", "403", "429", "503")}
    assert told == {
        "200": "served",
        "404": "absent",
        "401": "withheld",
        "403": "withheld",
        "429": "silent",
        "503": "silent",
    }
    assert UpstreamRegistries("http://127.0.0.1:1").answer("quay.io", "a", "200") == "silent"
