"""Which values of a synthesised stack change, and what is said of those that are not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.constructs.cluster_images import ImageRedirects
from orchestrator.constructs.nearest_scope import claim, nearest
from orchestrator.constructs.terrain_redirects import StackRedirects, changed, redirect_stack
from orchestrator.constructs.terrain_text import write_stack
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import RefusedInput

HEAD = 'cluster_name = "dev"\naccount_id = "111122223333"\ncreate_vpc_endpoints = false\n'
RULES = 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
MIRRORS = 'mirrors = { quay = { source = "quay.io" } }\n'
HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
TASK = ("resource", "aws_ecs_task_definition", "web", "container_definitions")


def redirects(region: str = "eu-west-1", routes: str = RULES) -> ImageRedirects:
    text = f'{HEAD}aws_region = "{region}"\n{routes}'
    return ImageRedirects(build_environment("dev", [parse_tfvars(text, "environments/dev.tfvars")]))


def resource(type_: str, **values: Any) -> dict[str, Any]:
    return {"resource": {type_: {"web": {"//": {"metadata": {"path": "stack/web"}}, **values}}}}


def task(definitions: str) -> dict[str, Any]:
    return resource("aws_ecs_task_definition", container_definitions=definitions)


def answer(stack: dict[str, Any]) -> StackRedirects:
    return redirect_stack(redirects(), stack, "stack", lambda _: True)


@pytest.mark.parametrize(
    ("stack", "before"),
    [
        (resource("kubernetes_pod", spec=[{"container": [{"image": "@"}]}]), "quay.io/a/b:1"),
        (resource("kubernetes_cron_job_v1", spec=[{"init_container": [{"image": "@"}]}]), "quay.io/a/b"),
        (task('[{"name": "ü \\"q\\"", "image": "@"}]'), "quay.io/a/b:1"),
        (task('[{"arn": "${aws_sns_topic.x["k"].arn}", "image": "@"}]'), "quay.io/a/b:1"),
        (
            resource("kubernetes_pod", note='say "so" \\ or ${not["so"]}', container=[{"image": "@"}]),
            "quay.io/a/b:1",
        ),
        (task('${jsonencode([{"image" = "@", "n" = var.n}])}'), "quay.io/a/b:1"),
        (resource("helm_release", values=["image: {repository: @, tag: '1'}"]), "quay.io/a/b"),
        (resource("helm_release", values=["n: 1\nweb:\n  image: @\nrole: ${aws_iam_role.x.arn}\n"]), "quay.io/a/b:1"),
        (resource("helm_release", values=['${yamlencode({"image" = {"repository" = "@"}})}']), "quay.io/a/b"),
        (resource("helm_release", set=[{"name": "web.image", "value": "@"}]), "quay.io/a/b:1"),
        (
            resource(
                "kubernetes_manifest",
                manifest={
                    "apiVersion": "monitoring.coreos.com/v1",
                    "kind": "Prometheus",
                    "spec": {"image": "@", "text": 'a\n"b"'},
                },
            ),
            "quay.io/a/b:1",
        ),
        (resource("kubectl_manifest", yaml_body="kind: Pod\nspec: {containers: [{image: @}]}"), "quay.io/a/b:1"),
        ({"module": {"web": {"image": "@"}}}, "quay.io/a/b:1"),
        ({"locals": {"web_image": "@"}}, "quay.io/a/b:1"),
        ({"variable": {"x": {"default": "@"}}, **resource("kubernetes_pod", container=[{"image": "${var.x}"}])}, "quay.io/a/b:1"),
    ],
)  # fmt: skip
def test_an_image_is_redirected_and_nothing_else_changes(stack: dict[str, Any], before: str) -> None:
    written = json.loads(json.dumps(stack).replace("@", before))
    said = answer(written)
    assert changed(written, said.values) == json.loads(
        json.dumps(stack).replace("@", f"{HOST}/{before.replace('.io', '')}")
    )
    assert (len(said.values), said.unknown) == (1, ())
    # What is redirected stays.
    assert answer(changed(written, said.values)) == StackRedirects({}, ())


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (
            resource("kubernetes_pod", spec=[{"container": [{"image": "quay.io/a/b:${var.tag}"}]}]),
            'stack/web: spec[0].container[0].image has "quay.io/a/b:${var.tag}", which is known at deployment only.',
        ),
        (task('${file("x.json")}'), "stack/web: container_definitions is made at deployment"),
        (resource("helm_release", values=["a: 1", "${data.x.y.z}"]), "stack/web: values[1] is made at deployment"),
        (resource("kubernetes_manifest", manifest="${yamldecode(x.y.z)}"), "stack/web: manifest is made at deployment"),
        (task('[{"image": "${var.x}"}]'), 'stack/web: container_definitions has "${var.x}", which'),
    ],
)
def test_what_is_not_known_stays_and_is_said_with_its_place(stack: dict[str, Any], said: str) -> None:
    found = answer(stack)
    assert found.values == {}
    (text,) = found.unknown
    assert text.startswith(said)


@pytest.mark.parametrize(
    "image",
    [
        "${aws_ecr_repository.own.repository_url}:1",
        "${data.aws_ecr_image.own.image_uri}",
        f"{HOST}/own:1",
        "example.com/a:1",
        f"quay.io/a/b@sha256:{64 * 'a'}",
    ],
)
def test_what_needs_no_redirect_is_left_in_silence(image: str) -> None:
    assert answer(resource("kubernetes_pod", container=[{"image": image}])) == StackRedirects({}, ())


def test_a_name_of_one_word_is_found_beside_what_a_deployment_fills_in() -> None:
    hub = 'pull_through_cache_rules = { hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" } }\n'
    stack = task('[{"arn": "${aws_sns_topic.x["k"].arn}", "image": "alpine"}]')
    found = redirect_stack(redirects(routes=hub), stack, "stack", lambda _: True)
    assert found.values[TASK].endswith(f'"image": "{HOST}/hub/library/alpine"}}]')


def test_disks_of_machines_stay() -> None:
    assert answer(resource("google_compute_instance", disk=[{"image": "quay.io/a/b:1"}])).values == {}


def test_elements_of_another_scope_stay() -> None:
    definitions = '[{"image": "quay.io/a/b:1"}, {"image": "${var.x}"}]'
    asked: list[str] = []

    def of_nobody(path: str) -> bool:
        asked.append(path)
        return False

    assert redirect_stack(redirects(), task(definitions), "stack", of_nobody) == StackRedirects({}, ())
    assert set(asked) == {"stack/web"}


def test_govcloud_and_china_have_their_own_hosts() -> None:
    stack = task('[{"image": "quay.io/a/b:1"}]')
    for region, host in (
        ("us-gov-west-1", "111122223333.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ):
        found = redirect_stack(redirects(region, MIRRORS), stack, "stack", lambda _: True)
        assert found.values == {TASK: f'[{{"image": "{host}/quay/a/b:1"}}]'}


def test_each_value_of_the_text_is_found_by_each_of_its_characters() -> None:
    written = write_stack(task('[{"image": "quay.io/a/b:1"}]') | {"module": {"web": {"image": "é", "n": 1}}})
    assert [leaf.path for leaf in written.leaves] == [TASK, ("module", "web", "image")]
    for leaf in written.leaves:
        assert written.text[leaf.start : leaf.end] == leaf.value
        assert {written.leaf(index) for index in range(leaf.start, leaf.end)} == {leaf}
        assert written.leaf(leaf.end) is None
    assert written.leaf(0) is None


class Program:
    """Stands for the root of a program."""


def test_a_construct_belongs_to_the_nearest_scope() -> None:
    root = Program()
    assert nearest(root, "web/pods") is None
    assert claim(root, "", "dev")
    assert claim(root, "web", "prod")
    assert not claim(root, "web", "prod")
    assert [nearest(root, path) for path in ("web/pods/a", "web", "webs/pods", "")] == ["web", "web", "", ""]
    with pytest.raises(RefusedInput, match='below "the app" are redirected by the environment dev already'):
        claim(root, "", "prod")
    assert nearest(Program(), "web") is None
