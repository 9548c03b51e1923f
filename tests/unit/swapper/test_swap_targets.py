"""A file alone names copies as k8s-image-swapper does."""

from __future__ import annotations

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.routes.reference import parse_reference
from orchestrator.routes.table import Redirected, Refused, Unchanged
from orchestrator.swapper.swap_config import read_swap_settings
from orchestrator.swapper.swap_targets import OpenTable, left_by_file, open_table

HOST = "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com"
DIGEST = "sha256:" + "9b" * 32


def table(prefix: str = "", region: str = "ap-southeast-2") -> OpenTable:
    text = f"target: {{aws: {{accountId: 123456789012, region: {region}, prefix: '{prefix}'}}}}"
    return open_table(read_swap_settings(text, "swapper.yaml"), "swapper.yaml")


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.25", "docker.io/library/nginx:1.25"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("docker.io/grafana/grafana:11", "docker.io/grafana/grafana:11"),
        ("registry-1.docker.io/library/nginx", "registry-1.docker.io/library/nginx"),
        ("quay.io/a/b", "quay.io/a/b"),
        ("k8s.gcr.io/pause:3.9", "k8s.gcr.io/pause:3.9"),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9"),
        (f"quay.io/a/b:1@{DIGEST}", f"quay.io/a/b:1@{DIGEST}"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        ("localhost/a", "localhost/a"),
        ("210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app", "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "/cache", "cache/", "/a/b/"])
def test_a_copy_is_named_after_its_source(image: str, path: str, prefix: str) -> None:
    found = table(prefix).redirect(image)

    inner = prefix.strip("/")
    assert isinstance(found, Redirected)
    assert found.target == f"{HOST}/{inner}/{path}" if inner else f"{HOST}/{path}"
    assert found.route.kind == "mirror"
    assert table(prefix).redirect(found.target) == Unchanged("own")


@pytest.mark.parametrize("image", ["localhost:5000/a", "[::1]:5000/a", "Registry.example/a", "10.0.0.1:443/a"])
def test_a_host_that_is_no_part_of_a_name_keeps_its_images(image: str) -> None:
    assert table().redirect(image) == Unchanged("no route")


def test_what_is_no_image_is_left_alone() -> None:
    assert isinstance(table().redirect("quay.io/UPPER/case"), Refused)
    assert isinstance(table("/cache").redirect("quay.io/" + "a" * 250), Refused)


def test_the_way_back_gives_the_source() -> None:
    assert table("/cache").upstream_of("cache/quay.io/a/b") == "quay.io/a/b"
    assert table("/cache").upstream_of("other/quay.io/a/b") == ""
    assert table().upstream_of("team/app") == ""
    found = table("/cache").at_source(parse_reference(f"{HOST}/cache/quay.io/a/b:1"))
    assert str(found) == "quay.io/a/b:1"
    route = table("/cache").route_of("cache/quay.io/a")
    assert route is not None
    assert route.name == "cache/quay.io"


def test_china_has_its_own_suffix() -> None:
    assert table(region="cn-north-1").registry_host.endswith(".cn-north-1.amazonaws.com.cn")


@pytest.mark.parametrize("text", ["", "dryRun: true", "target: {aws: {prefix: /cache}}"])
def test_a_file_without_a_target_cannot_stand_alone(text: str) -> None:
    with pytest.raises(RefusedInput, match=r"target\.aws\.accountId is missing"):
        open_table(read_swap_settings(text, "swapper.yaml"), "swapper.yaml")


def test_pods_that_their_operator_would_remake_are_left_alone() -> None:
    stay = left_by_file().of_template("db", {"cnpg.io/cluster": "main"})

    assert stay is not None
    assert left_by_file().of_template("kube-system", {"app": "web"}) is None
