"""Why pulls fail, by the words of kubelets and runtimes, and which Pods are not where the table sends their images."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.pull_failures import explain_failure
from orchestrator.workloads.verification import Verification
from tests.references_table import OWN, environment

TABLE = build_route_table(environment("standard"))
NGINX = f"{OWN}/docker-hub/library/nginx:1"
RESOLVE = f'failed to pull and unpack image "{NGINX}": failed to resolve reference "{NGINX}": '

MESSAGES = [
    (NGINX, RESOLVE + f"{NGINX}: not found", "absent or import right"),
    (
        NGINX,
        "initializing source docker://x: reading manifest 1 in x: name unknown: The repository with name 'a' does not "
        "exist in the registry with id '123456789012'",
        "absent or import right",
    ),
    (f"{OWN}/quay/a/b@sha256:{'a' * 64}", "ErrImagePull manifest unknown", "first pull of a digest"),
    (f"{OWN}/quay/a/b:1@sha256:{'a' * 64}", "code = NotFound desc = not found", "first pull of a digest"),
    ("gcr.io/a/b:1", "ErrImagePull not found", "absent"),
    (
        NGINX,
        RESOLVE + "unexpected status from HEAD request: 403 Forbidden: User: arn:aws:sts::1:assumed-role/n/i-1 is not "
        "authorized to perform: ecr:BatchImportUpstreamImage on resource: x",
        "import right",
    ),
    (NGINX, "is not authorized to perform: ecr:CreateRepository on resource", "import right"),
    (NGINX, "is not authorized to perform: ecr:BatchGetImage on resource", "pull right"),
    (
        NGINX,
        RESOLVE + "pull access denied, repository does not exist or may require authorization: authorization failed: "
        "no basic auth credentials",
        "no credentials",
    ),
    (
        "nginx:1",
        "failed to copy: httpReadSeeker: failed open: unexpected status code: 429 Too Many Requests - Server "
        "message: toomanyrequests: You have reached your pull rate limit",
        "rate limit",
    ),
    (
        NGINX,
        "denied: The authentication to the upstream registry failed. Verify that the credentials are good",
        "upstream credentials",
    ),
    (NGINX, "no match for platform in manifest: not found", "architecture"),
    (
        NGINX,
        "choosing an image from manifest list: no image found in manifest list for architecture arm64",
        "architecture",
    ),
    (NGINX, "dial tcp 10.0.0.1:443: i/o timeout", "network"),
    (NGINX, "dial tcp: lookup x on 10.0.0.2:53: no such host", "name resolution"),
    (
        NGINX,
        "Get https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/x: i/o timeout",
        "layer bucket",
    ),
    (NGINX, "tls: failed to verify certificate: x509: certificate signed by unknown authority", "certificate"),
    (NGINX, "denied: Your authorization token has expired. Reauthenticate and try again.", "expired token"),
    ("a b", "InvalidImageName Failed to apply default image tag: couldn't parse image name", "invalid name"),
    (NGINX, "ErrImageNeverPull Container image is not present with pull policy of Never", "never pulled"),
    (NGINX, 'Container image "nginx" is not present with pull policy of Never', "never pulled"),
    (NGINX, "SignatureValidationFailed: image pull failed because the signature validation failed", "signature"),
    (
        "alpine:3",
        'ImageInspectError Failed to inspect image "": rpc error: code = Unknown desc = short name mode is enforcing, '
        "but image name alpine:3 returns ambiguous list",
        "short name",
    ),
    (NGINX, 'Failed to pull image "x": pull QPS exceeded', "node's pull rate"),
    (
        NGINX,
        'code = Unimplemented desc = not implemented: media type "application/vnd.docker.distribution.manifest.v1+prettyjws" '
        "is no longer supported since containerd v2.1, please rebuild the image",
        "old format",
    ),
    (
        "a/b:1",
        "pull access denied, repository does not exist or may require authorization: server message: "
        "insufficient_scope: authorization failed",
        "absent or private",
    ),
    (
        "a/b:1",
        "reading manifest latest in docker.io/a/b: requested access to the resource is denied",
        "absent or private",
    ),
    (
        NGINX,
        "failed to copy: httpReadSeeker: failed open: failed to do request: Get "
        '"https://production.cloudflare.docker.com/registry-v2/x": dial tcp 1.2.3.4:443: i/o timeout',
        "upstream's layers",
    ),
    (NGINX, RESOLVE + "unexpected status from HEAD request to https://x/v2/a/manifests/1: 403 Forbidden", "refused"),
    (NGINX, RESOLVE + "unexpected status from HEAD request to https://x: 503 Service Unavailable", "registry's fault"),
    (
        NGINX,
        'failed commit on ref "layer-sha256:a": "layer-sha256:a" failed size validation: 1 != 2: failed precondition',
        "broken content",
    ),
    (NGINX, "failed to extract layer sha256:a: write /x: no space left on device: unknown", "limit"),
    (NGINX, "rpc error: code = Canceled desc = failed to pull and unpack image: context canceled", "cancelled"),
    # CRI-O from 1.34 on tells the image's failure and the artifact's.
    (
        NGINX,
        f"unable to pull image or OCI artifact: pull image err: initializing source docker://{NGINX}: reading manifest 1 in x: "
        "unauthorized: unauthorized to access repository: x, action: pull; artifact err: get manifest: build image source: x",
        "wrong credentials",
    ),
    (
        NGINX,
        "unable to pull image or OCI artifact: pull image err: reading manifest 1 in x: received unexpected HTTP status: 500 "
        "Internal Server Error; artifact err: get manifest: x",
        "registry's fault",
    ),
    (NGINX, "reading manifest: Manifest does not match provided manifest digest sha256:a", "broken content"),
    (NGINX, 'failed to do request: Head "https://h/v2/x": EOF', "network"),
    (NGINX, "dial tcp 1.2.3.4:443: connect: connection timed out", "network"),
    (NGINX, 'Head "https://h": http: server gave HTTP response to HTTPS client', "certificate"),
    (NGINX, "proxyconnect tcp: dial tcp 1.1.1.1:3128: connect: connection refused", "proxy"),
    (
        NGINX,
        "dial tcp: lookup h on 10.0.0.2:53: read udp 1.1.1.1:1->10.0.0.2:53: i/o timeout",
        "name resolution",
    ),
    (NGINX, "dial tcp: lookup h on [fd00:ec2::253]:53: read udp [::1]:1: i/o timeout", "name resolution"),
    (NGINX, 'CreateContainerError locating image with ID "beb": image not known', "lost on the node"),
    (NGINX, "something that nobody has seen", "unknown"),
]


@pytest.mark.parametrize(("image", "message", "cause"), MESSAGES)
def test_the_cause_of_a_failed_pull_is_named_with_a_remedy(image: str, message: str, cause: str) -> None:
    failure = explain_failure(TABLE, "standard", image, message)
    assert failure.cause == cause
    assert failure.why.endswith(".")
    assert failure.remedy
    assert "{" not in failure.remedy


def test_an_image_of_a_mirror_that_is_not_there_was_not_copied() -> None:
    mirror = next(route for route in TABLE.routes if route.kind == "mirror")
    image = f"{OWN}/{mirror.prefix}/some/app:1"
    failure = explain_failure(TABLE, "standard", image, "manifest unknown")
    assert failure.cause == "mirror not filled"
    assert f"orchestrator mirror standard {mirror.upstream}/some/app:1" in failure.remedy


def pod(image: str, image_id: str = "", reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}} if reason else {"running": {}}
    return {
        "metadata": {"namespace": "shop", "name": "web", **more},
        "spec": {"containers": [{"name": "c", "image": image}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "imageID": image_id, "state": state}]},
    }


def verdicts(table: RouteTable, item: dict[str, Any], *events: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.verdict, found.cause) for found in Verification(table, "standard", events).look(item)]


def test_a_pod_that_was_redirected_is_as_the_table_says() -> None:
    assert verdicts(TABLE, pod(NGINX, f"{OWN}/docker-hub/library/nginx@sha256:{'a' * 64}")) == []
    assert verdicts(TABLE, pod("unrouted.example/a:1")) == []


def test_a_pod_from_its_source_is_elsewhere_unless_the_node_says_otherwise() -> None:
    source = f"docker.io/library/nginx@sha256:{'a' * 64}"
    assert verdicts(TABLE, pod("nginx:1", source)) == [("elsewhere", "not redirected")]
    assert verdicts(TABLE, pod("nginx:1", f"docker-pullable://{NGINX.partition(':')[0]}@sha256:{'a' * 64}")) == []


def test_without_a_way_out_an_image_without_a_route_is_unreachable() -> None:
    assert verdicts(build_route_table(environment("zero")), pod("unrouted.example/a:1")) == [
        ("unreachable", "no route")
    ]


def test_events_say_more_than_the_status_of_a_back_off() -> None:
    item = pod(NGINX, reason="ImagePullBackOff", message=f'Back-off pulling image "{NGINX}"')
    event = {
        "type": "Warning",
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
        "message": f'Failed to pull image "{NGINX}": no match for platform in manifest',
    }
    assert verdicts(TABLE, item) == [("failing", "unknown")]
    assert verdicts(TABLE, item, event) == [("failing", "architecture")]


def test_an_event_tells_of_the_container_that_it_names() -> None:
    item = pod("alpine:3", reason="ImageInspectError")
    item["spec"]["containers"].append({"name": "d", "image": NGINX})
    item["status"]["containerStatuses"].append({"name": "d", "state": {"waiting": {"reason": "ErrImagePull"}}})
    said = {
        "c": 'Failed to inspect image "": short name mode is enforcing, but image name alpine:3 returns ambiguous list',
        "d": f'Failed to pull image "{NGINX}": dial tcp 10.0.0.1:443: i/o timeout, not alpine:3',
    }
    events = [
        {
            "type": "Warning",
            "involvedObject": {
                "kind": "Pod",
                "namespace": "shop",
                "name": "web",
                "fieldPath": f"spec.containers{{{name}}}",
            },
            "message": message,
        }
        for name, message in said.items()
    ]
    failing = [cause for verdict, cause in verdicts(TABLE, item, *events) if verdict == "failing"]
    assert failing == ["short name", "network"]


@pytest.mark.parametrize("more", [{"annotations": {"kubernetes.io/config.mirror": "x"}}])
def test_static_pods_tell_nothing(more: dict[str, Any]) -> None:
    assert verdicts(TABLE, pod("nginx:1", **more)) == []
    ended = pod("nginx:1")
    ended["status"]["phase"] = "Succeeded"
    assert verdicts(TABLE, ended) == []


def with_volume(waiting: dict[str, str] | None, image: str, mounted: str = "") -> dict[str, Any]:
    """A Pod whose container has NGINX and mounts `image`."""
    item = pod(NGINX, f"{OWN}/docker-hub/library/nginx@sha256:{'a' * 64}")
    item["spec"]["volumes"] = [{"name": "model", "image": {"reference": image}}, {"name": "tmp", "emptyDir": {}}]
    (state,) = item["status"]["containerStatuses"]
    if waiting is not None:
        state |= {"imageID": "", "state": {"waiting": waiting}}
    if mounted:
        state["volumeMounts"] = [{"name": "model", "volumeStatus": {"image": {"imageRef": mounted}}}, {"name": "tmp"}]
    return item


def test_image_volumes_are_looked_at_too() -> None:
    assert verdicts(TABLE, with_volume(None, "redis:7")) == [("elsewhere", "not redirected")]
    own = f"{OWN}/docker-hub/library/redis"
    assert verdicts(TABLE, with_volume(None, "redis:7", f"{own}@sha256:{'a' * 64}")) == []
    begun = with_volume(None, "redis:7", f"{own}@sha256:{'a' * 64}")
    waits = {"name": "late", "state": {"waiting": {}}, "volumeMounts": [{"name": "model"}]}
    begun["status"]["containerStatuses"].append(waits)
    assert verdicts(TABLE, begun) == []
    (found,) = Verification(TABLE, "standard").look(with_volume(None, "redis:7"))
    assert (found.container, found.image) == ("volume model", "redis:7")


@pytest.mark.parametrize(
    ("reason", "message", "cause"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "{}": ErrImagePull: no match for platform in manifest', "architecture"),
        ("ErrImageNeverPull", 'Container image "{}" is not present with pull policy of Never', "never pulled"),
        ("CreateContainerError", "ImageVolumeMountFailed: mount image: not a directory", "image volume"),
    ],
)  # fmt: skip
def test_a_volume_s_failure_is_told_of_its_image(reason: str, message: str, cause: str) -> None:
    volume = f"{OWN}/docker-hub/library/redis:7"
    item = with_volume({"reason": reason, "message": message.format(volume)}, volume)
    (found,) = Verification(TABLE, "standard").look(item)
    assert (found.verdict, found.container, found.cause) == ("failing", "c", cause)
    assert found.image == (volume if '"{}"' in message else NGINX)


def test_a_container_that_was_not_made_for_another_reason_is_no_image_s_failure() -> None:
    waiting = {"reason": "CreateContainerError", "message": "failed to reserve container name"}
    assert verdicts(TABLE, with_volume(waiting, NGINX)) == []


@pytest.mark.parametrize(
    "message",
    [
        'Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = failed to start sandbox "a": failed to get '
        'sandbox image "registry.k8s.io/pause:3.10": failed to pull image "registry.k8s.io/pause:3.10": dial tcp 1.2.3.4:443: '
        "i/o timeout",
        "Failed to create pod sandbox: rpc error: code = Unknown desc = error creating pod sandbox with name k8s_a: initializing "
        "source docker://registry.k8s.io/pause:3.10: pinging container registry registry.k8s.io: dial tcp 1.2.3.4:443: i/o "
        "timeout",
    ],
)
def test_the_image_of_a_sandbox_keeps_a_pod_from_starting(message: str) -> None:
    item = pod(NGINX, reason="ContainerCreating")
    event = {
        "type": "Warning",
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
        "message": message,
    }
    (found,) = Verification(TABLE, "standard", [event]).look(item)
    assert (found.container, found.image, found.cause) == ("pod sandbox", "registry.k8s.io/pause:3.10", "network")
    running = pod(NGINX, f"{OWN}/docker-hub/library/nginx@sha256:{'a' * 64}")
    assert list(Verification(TABLE, "standard", [event]).look(running)) == []


def test_images_that_a_node_has_still_to_pull_are_counted() -> None:
    def coming(*items: dict[str, Any]) -> int:
        verification = Verification(TABLE, "standard")
        for item in items:
            list(verification.look(item))
        return verification.coming

    started = pod(NGINX, reason="ContainerCreating")
    started["spec"]["nodeName"] = "n"
    assert coming(started) == 1
    started["spec"]["initContainers"] = [{"name": "i", "image": NGINX}]
    assert coming(started) == 2
    # Nobody pulls anything for a Pod without a node; what failed is a finding.
    failed = pod(NGINX, reason="ErrImagePull")
    failed["spec"]["nodeName"] = "n"
    assert coming(pod(NGINX, reason="ContainerCreating"), failed) == 0
    running = pod(NGINX)
    running["spec"]["nodeName"] = "n"
    assert coming(running) == 0
