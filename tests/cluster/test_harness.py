"""The engines and the harness around them work, each shown on the smallest document that it acts on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.engines.build import KUBERNETES_VERSION, MODULES
from tests.cluster.kyverno import kyverno_apply, kyverno_mutate
from tests.cluster.pods import KINDS, Kind, pod_of
from tests.cluster.processes import EngineRunError, wait_until
from tests.cluster.pulls import (
    host_resolve,
    kubelet_credentials,
    pull_sources,
    registries_conf_of,
    skopeo_pull,
    skopeo_pull_all,
    strict_decode,
)
from tests.cluster.recording_registry import DIGEST, RecordingRegistry
from tests.cluster.smoke_policies import CACHE, CLUSTER_POLICY, MUTATING_POLICY, native

pytestmark = pytest.mark.cluster

OTHER_DIGEST = "sha256:" + "5" * 64
MIRROR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IDMS = f"""
apiVersion: config.openshift.io/v1
kind: ImageDigestMirrorSet
metadata:
  name: smoke
spec:
  imageDigestMirrors:
    - source: quay.io
      mirrors: [{MIRROR}/quay]
      mirrorSourcePolicy: NeverContactSource
"""
ITMS = IDMS.replace("ImageDigestMirrorSet", "ImageTagMirrorSet").replace("imageDigestMirrors", "imageTagMirrors")
REGISTRIES_CONF = f"""
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "{MIRROR}/docker-hub"
"""
HOSTS_TOML = f"""
server = "https://registry-1.docker.io"

[host."https://{MIRROR}/v2/docker-hub"]
capabilities = ["pull", "resolve"]
override_path = true
"""

KUBELET_CREDENTIALS = """
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: ecr-credential-provider
    matchImages: ["*.dkr.ecr.*.amazonaws.com", docker.io]
    defaultCacheDuration: 12h
    apiVersion: credentialprovider.kubelet.k8s.io/v1
"""


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.create_namespace()


@pytest.fixture
def registries_conf(tmp_path: Path) -> Path:
    path = tmp_path / "registries.conf"
    path.write_text(REGISTRIES_CONF, encoding="utf-8")
    return path


@pytest.fixture
def certs_d(tmp_path: Path) -> Path:
    folder = tmp_path / "certs.d" / "docker.io"
    folder.mkdir(parents=True)
    (folder / "hosts.toml").write_text(HOSTS_TOML, encoding="utf-8")
    return folder.parent


def test_the_versions_that_are_stamped_are_those_of_the_go_modules() -> None:
    for module in MODULES:
        pins = (module.folder / "go.mod").read_text(encoding="utf-8")
        for version in {value for value in module.stamps.values() if value.startswith("v")}:
            assert f"/{module.name} {version}" in pins


def test_the_api_server_and_kubectl_are_of_the_pinned_version(api_server: ApiServer) -> None:
    answer = api_server.kubectl("version").stdout

    assert f"Client Version: {KUBERNETES_VERSION}" in answer
    assert f"Server Version: {KUBERNETES_VERSION}" in answer


def test_without_a_policy_every_image_is_admitted_as_written(api_server: ApiServer, namespace: str) -> None:
    references = ["nginx", "quay.io/a/b:1", f"ghcr.io/a/b@{OTHER_DIGEST}", "nginx", "not A reference"]

    for kind in KINDS:
        admitted = api_server.admit_images(references, namespace=namespace, kind=kind, per_pod=2)
        assert admitted == {one: one for one in references}


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_a_native_policy_changes_images_wherever_a_pod_has_them(
    version: str, api_server: ApiServer, namespace: str
) -> None:
    references = ["nginx", "quay.io/a/b:1", f"{CACHE}/there"]
    expected = {
        "nginx": f"{CACHE}/nginx",
        "quay.io/a/b:1": f"{CACHE}/quay.io/a/b:1",
        f"{CACHE}/there": f"{CACHE}/there",
    }

    with api_server.policy(native("smoke", version), probe="probe:1", becomes=f"{CACHE}/probe:1", namespace=namespace):
        admitted: dict[Kind, dict[str, str]] = {
            kind: api_server.admit_images(references, namespace=namespace, kind=kind) for kind in KINDS
        }

    assert admitted == dict.fromkeys(KINDS, expected)
    assert api_server.admit_images(["nginx"], namespace=namespace) == {"nginx": "nginx"}


def test_an_admitted_pod_is_stored_only_on_demand(api_server: ApiServer, namespace: str) -> None:
    api_server.admit([pod_of("tried", ["nginx"], namespace=namespace)])
    api_server.admit([pod_of("kept", ["nginx"], namespace=namespace)], keep=True)

    assert api_server.kubectl("get", "pods", "-n", namespace, "-o", "name").stdout.split() == ["pod/kept"]


def test_the_api_server_refuses_a_policy_with_an_error_in_its_cel(api_server: ApiServer) -> None:
    broken = native("broken").replace("lists.range(", "lists.rang(")

    with pytest.raises(EngineRunError, match="undeclared reference to 'rang'"):
        api_server.kubectl("create", "--dry-run=server", "-f", "-", stdin=broken)


@pytest.mark.parametrize(
    ("policy", "passes"),
    [pytest.param(CLUSTER_POLICY, 2, id="ClusterPolicy"), pytest.param(MUTATING_POLICY, 4, id="MutatingPolicy")],
)
def test_kyverno_changes_images_wherever_a_pod_has_them(policy: str, passes: int, tmp_path: Path) -> None:
    references = ["nginx", "quay.io/a/b:1", f"{CACHE}/there"]
    expected = {
        "nginx": f"{CACHE}/nginx",
        "quay.io/a/b:1": f"{CACHE}/quay.io/a/b:1",
        f"{CACHE}/there": f"{CACHE}/there",
    }

    for kind in KINDS:
        assert kyverno_mutate(policy, references, folder=tmp_path, kind=kind, per_pod=2) == expected

    pods = [pod_of(name, ["nginx"], namespace="default") for name in ("one", "two")]
    run = kyverno_apply(policy, pods, tmp_path)
    assert (run.rules, run.resources, run.passed, run.failed, run.errors) == (1, 2, passes, 0, 0)


def test_a_policy_that_kyverno_leaves_out_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineRunError, match="printed 0 of 1 Pods"):
        kyverno_mutate(native("unwrapped"), ["nginx"], folder=tmp_path)


def test_openshifts_own_schemas_check_mirror_sets(openshift_api_server: ApiServer) -> None:
    dry_run = ("create", "--dry-run=server", "-f", "-")

    openshift_api_server.kubectl(*dry_run, stdin=f"{IDMS}---{ITMS}")
    with pytest.raises(EngineRunError, match="Unsupported value"):
        openshift_api_server.kubectl(*dry_run, stdin=IDMS.replace("NeverContactSource", "Never"))


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    program = """
import os, sys, time
from pathlib import Path
from tests.cluster.processes import running
with running(["/bin/sleep", "600"], log=Path(sys.argv[1]), environment={}) as process:
    print(process.pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)

    def is_gone() -> bool:
        try:
            os.kill(server, 0)
        except ProcessLookupError:
            return True
        # Where nobody collects orphans a dead one stays listed.
        return Path(f"/proc/{server}/stat").read_text().rpartition(") ")[2].startswith("Z")

    wait_until(is_gone, "the server is gone", seconds=10)


def test_skopeo_asks_the_mirror_and_nobody_else(
    skopeo: str, registries_conf: Path, recording_registry: RecordingRegistry
) -> None:
    pull = skopeo_pull(skopeo, "nginx:1.25", registries_conf, recording_registry)

    assert pull.exit_code == 0, pull.error
    assert pull.images == [f"{MIRROR}/docker-hub/library/nginx:1.25"]


def test_skopeo_falls_back_to_the_source_when_the_mirror_has_not_got_the_image(
    skopeo: str, registries_conf: Path, recording_registry: RecordingRegistry
) -> None:
    recording_registry.missing = lambda host, repository, reference: host == MIRROR

    pull = skopeo_pull(skopeo, f"nginx@{DIGEST}", registries_conf, recording_registry)

    assert pull.exit_code == 0, pull.error
    assert pull.images == [
        f"{MIRROR}/docker-hub/library/nginx@{DIGEST}",
        f"registry-1.docker.io/library/nginx@{DIGEST}",
    ]
    assert [one.status for one in pull.asked] == [404, 200]


def test_pulls_at_the_same_time_are_told_apart(
    skopeo: str, registries_conf: Path, recording_registry: RecordingRegistry
) -> None:
    references = [f"team/app{number}:1" for number in range(12)]

    pulls = skopeo_pull_all(skopeo, references, registries_conf, recording_registry)

    assert {one: pull.images for one, pull in pulls.items()} == {
        one: [f"{MIRROR}/docker-hub/{one}"] for one in references
    }


def test_pull_sources_agrees_with_skopeo_and_says_why_a_reference_is_refused(registries_conf: Path) -> None:
    found = pull_sources(["nginx:1.25", "quay.io/a/b", "UPPER", "trailing\n"], registries_conf)

    assert found["nginx:1.25"]["sources"] == [f"{MIRROR}/docker-hub/library/nginx:1.25", "docker.io/library/nginx:1.25"]
    assert found["quay.io/a/b"]["sources"] == ["quay.io/a/b:latest"]
    assert "must be lowercase" in found["UPPER"]["error"]
    assert "invalid reference format" in found["trailing\n"]["error"]
    for digest in (OTHER_DIGEST, "sha512:" + "5" * 128):
        both = f"nginx:1@{digest}"
        assert pull_sources([both], registries_conf)[both]["sources"] == [
            f"{MIRROR}/docker-hub/library/nginx@{digest}",
            f"docker.io/library/nginx@{digest}",
        ]


def test_containerd_asks_the_hosts_of_hosts_toml_in_order(certs_d: Path, recording_registry: RecordingRegistry) -> None:
    recording_registry.missing = lambda host, repository, reference: host == MIRROR

    found = host_resolve(["nginx:1.25"], certs_d, recording_registry)["nginx:1.25"]

    assert "error" not in found
    assert found["name"] == "docker.io/library/nginx:1.25"
    assert found["hosts"][0] == {
        "scheme": "https",
        "host": MIRROR,
        "path": "/v2/docker-hub",
        "capabilities": ["pull", "resolve"],
    }
    asked = [one.image for one in recording_registry.asked() if one.kind == "manifests"]
    assert asked[0] == f"{MIRROR}/docker-hub/library/nginx:1.25"
    assert "registry-1.docker.io/library/nginx:1.25" in asked
    assert found["requests"][0] == {
        "method": "HEAD",
        "url": f"https://{MIRROR}/v2/docker-hub/library/nginx/manifests/1.25?ns=docker.io",
        "status": 404,
    }
    assert (asked[-1], found["requests"][-1]["method"]) == (f"registry-1.docker.io/library/nginx@{DIGEST}", "GET")


def test_containerd_makes_no_request_when_only_its_hosts_are_asked_for(certs_d: Path) -> None:
    found = host_resolve(["nginx", "quay.io/a/b", "UPPER"], certs_d)

    assert [one["host"] for one in found["nginx"]["hosts"]] == [MIRROR, "registry-1.docker.io"]
    assert [one["host"] for one in found["quay.io/a/b"]["hosts"]] == ["quay.io"]
    assert found["nginx"]["requests"] == []
    assert "must be lowercase" in found["UPPER"]["error"]


def test_strict_decoding_reads_what_openshift_and_the_kubelet_read(tmp_path: Path) -> None:
    crio = """
apiVersion: config.openshift.io/{version}
kind: CRIOCredentialProviderConfig
metadata: {{name: cluster}}
spec:
  matchImages: [docker.io]
"""
    documents = [IDMS, ITMS, KUBELET_CREDENTIALS, crio.format(version="v1"), crio.format(version="v1alpha1")]

    decoded = strict_decode("---".join(documents), tmp_path)

    assert [one["kind"] for one in decoded] == [
        "ImageDigestMirrorSet",
        "ImageTagMirrorSet",
        "CredentialProviderConfig",
        "CRIOCredentialProviderConfig",
        "CRIOCredentialProviderConfig",
    ]
    assert decoded[0]["spec"]["imageDigestMirrors"][0]["mirrors"] == [f"{MIRROR}/quay"]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        pytest.param(IDMS.replace("source:", "sources:"), 'unknown field "spec.imageDigestMirrors', id="unknown field"),
        pytest.param(IDMS + "  imageDigestMirrors: []\n", 'key "imageDigestMirrors" already set', id="repeated field"),
        pytest.param(IDMS.replace("DigestMirrorSet", "DigestMirror"), "no kind", id="unknown kind"),
        pytest.param(IDMS.replace("name: smoke", "name: [smoke]"), "cannot unmarshal", id="wrong type"),
    ],
)
def test_strict_decoding_refuses(document: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(EngineRunError) as refused:
        strict_decode(IDMS + "---" + document, tmp_path)

    assert "document 2" in str(refused.value)
    assert complaint in str(refused.value)


def test_the_kubelet_asks_its_plugin_for_what_match_images_names(tmp_path: Path) -> None:
    config = tmp_path / "credentials.yaml"
    config.write_text(KUBELET_CREDENTIALS, encoding="utf-8")

    found = kubelet_credentials(["nginx:1", f"{MIRROR}/quay/a/b", "quay.io/a/b", "UPPER"], config)

    assert found["nginx:1"]["repository"] == "docker.io/library/nginx"
    assert {one: answer["users"] for one, answer in found.items()} == {
        # The provider is asked, and has no region to ask in.
        "nginx:1": [],
        f"{MIRROR}/quay/a/b": ["eu-west-1"],
        "quay.io/a/b": [],
        "UPPER": [],
    }


def test_the_kubelet_refuses_to_start_with_a_pattern_that_it_cannot_match(tmp_path: Path) -> None:
    config = tmp_path / "credentials.yaml"
    config.write_text(KUBELET_CREDENTIALS.replace("docker.io]", '"docker.io:x"]'), encoding="utf-8")

    with pytest.raises(EngineRunError, match="matchImages"):
        kubelet_credentials([], config)


def test_openshifts_translation_sends_digests_and_tags_their_own_ways(
    skopeo: str, tmp_path: Path, recording_registry: RecordingRegistry
) -> None:
    path = tmp_path / "registries.conf"
    path.write_text(registries_conf_of(IDMS, tmp_path), encoding="utf-8")
    by_digest, by_tag = f"quay.io/a/b@{DIGEST}", "quay.io/a/b:1"

    pulls = skopeo_pull_all(skopeo, [by_digest, by_tag], path, recording_registry)

    assert pulls[by_digest].images == [f"{MIRROR}/quay/a/b@{DIGEST}"]
    # NeverContactSource blocks the source for tags too, for which there is no mirror.
    assert pulls[by_tag].images == []
    assert pulls[by_tag].exit_code != 0

    path.write_text(registries_conf_of(f"{IDMS}---{ITMS}", tmp_path), encoding="utf-8")
    assert skopeo_pull(skopeo, by_tag, path, recording_registry).images == [f"{MIRROR}/quay/a/b:1"]
