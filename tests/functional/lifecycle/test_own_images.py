"""Own images are no cache: on the embedded AWS, by the command, whatever their prefix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.functional.lifecycle.test_function import old, used

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.lifecycle.world import World

INDEX = "application/vnd.oci.image.index.v1+json"
OWN = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"by": "CI"}})


def test_what_is_declared_or_pushed_below_a_cached_prefix_stays_and_preview_says_why(
    make_world: Callable[..., World],
) -> None:
    world = make_world("keep_at_least = 0", after='repositories = { "quay/own" = {} }')
    for name in ("quay/own", "quay/ci/app"):
        world.aws.ecr.create_repository(repositoryName=name)
        world.aws.seed(name, old("1"), old("2"), used("3"), used("4"))
    world.aws.seed("quay/app", old("1"), used("2"))

    preview = world.run("preview", "dev", "--local", "--json", "--all").json
    assert [row["repository"] for row in preview["repositories"]] == ["quay/app"]
    assert "no rule can bring it back" in preview["skipped"]["quay/ci/app"]
    assert preview["kept"] == {"recently used": 3, "the repository is skipped": 2}
    assert {row["repository"] for row in preview["kept_images"]} == {"quay/app", "quay/ci/app"}
    text = world.run("preview", "dev", "--local", "--all").out
    assert "Kept: 3 recently used, 2 the repository is skipped" in text

    assert world.run("run", "dev", "--local", "--yes").code == 0
    assert world.aws.tags("quay/own") == world.aws.tags("quay/ci/app") == {"1", "2", "3", "4"}
    assert world.aws.tags("quay/app") == {"2"}


def test_what_ci_pushed_into_a_cached_repository_stays_and_the_cache_beside_it_goes(
    make_world: Callable[..., World],
) -> None:
    world = make_world("keep_at_least = 0")
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    pushed = world.aws.ecr.put_image(
        repositoryName="quay/app", imageManifest=OWN, imageManifestMediaType=INDEX, imageTag="own"
    )
    own = pushed["image"]["imageId"]["imageDigest"]
    # The same image, made older.
    world.aws.seed("quay/app", old("own", manifest=OWN, media_type=INDEX))

    preview = world.run("preview", "dev", "--local", "--json", "--all").json
    (reason,) = [row["reason"] for row in preview["kept_images"] if row["digest"] == own]
    assert "does not have this image" in reason
    assert world.run("run", "dev", "--local", "--yes").code == 0
    assert world.aws.tags("quay/app") == {"own", "2", "3"}


def test_what_somebody_gave_a_name_of_their_own_in_a_cached_repository_stays(make_world: Callable[..., World]) -> None:
    world = make_world("keep_at_least = 0")
    world.aws.seed("quay/app", old("1"), old("2"), used("3"), used("4"))
    held = world.aws.ecr.batch_get_image(repositoryName="quay/app", imageIds=[{"imageTag": "1"}])["images"][0]
    # AWS's own way of giving an image another tag.
    world.aws.ecr.put_image(
        repositoryName="quay/app",
        imageManifest=held["imageManifest"],
        imageManifestMediaType=held["imageManifestMediaType"],
        imageTag="approved",
    )
    # Reading it was a pull, which is made older.
    world.aws.seed("quay/app", used("1", "approved", days=89, manifest=held["imageManifest"]))
    preview = world.run("preview", "dev", "--local", "--json", "--all").json
    reasons = [row["reason"] for row in preview["kept_images"] if "approved" in row["tags"]]
    assert any("its tag approved is not known to be the upstream's" in reason for reason in reasons)
    assert world.run("run", "dev", "--local", "--yes").code == 0
    assert world.aws.tags("quay/app") == {"1", "approved", "3", "4"}
