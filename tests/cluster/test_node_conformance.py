"""Every reference of the conformance table through what pulls images on nodes: the registry that is asked is the table's.

Where it is not, the case is listed by name in docs/limits-cases.md, with its reason.
"""

from __future__ import annotations

import subprocess
import tomllib
from email import message_from_string
from pathlib import Path
from typing import Any, get_args

import pytest
import tomli_w
import yaml

from orchestrator.environment.model import Environment
from orchestrator.manifests import generate
from orchestrator.manifests.containerd import CERTS_D, CREDENTIALS, DOCKER_CERTS_D
from tests.cluster.node_answers import (
    COMMAND,
    Target,
    answers,
    as_pulled,
    differences,
    documented,
    registries_conf,
    section,
    table_of,
    translated,
    write_certs_d,
)
from tests.cluster.processes import EngineRunError
from tests.cluster.pulls import (
    containerd_directories,
    host_resolve,
    kubelet_credentials,
    nodeadm_check,
    pull_sources,
    registries_conf_of,
    skopeo_pull_all,
)
from tests.cluster.recording_registry import RecordingRegistry
from tests.references_table import CASES, ENVIRONMENTS, OWN, Case, environment

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("target", get_args(Target))
def test_nodes_ask_where_the_table_says_but_for_the_cases_in_limits(target: Target, tmp_path: Path) -> None:
    found = differences(target, answers(target, tmp_path))

    assert "unknown" not in found
    assert section(found) == documented(target), (
        f"docs/limits-cases.md is not what the engines do; to write it anew: {COMMAND}"
    )


# skopeo makes no request for a reference with tag and digest, none to a host with an underscore, and Go programs use no
# proxy for loopback names.
def takes(case: Case) -> bool:
    both = "@" in case.reference and ":" in case.reference.partition("@")[0].rpartition("/")[2]
    host = case.reference.partition("/")[0]
    return as_pulled(case.reference) is not None and not (
        both or host.startswith(("localhost", "127.", "[::1]")) or ("_" in host and "." in host)
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("make", [registries_conf, translated])
def test_skopeo_asks_first_whom_containers_image_names_first(
    make: type, name: str, skopeo: str, tmp_path: Path, recording_registry: RecordingRegistry
) -> None:
    path = tmp_path / "registries.conf"
    path.write_text(make(environment(name), tmp_path), "utf-8")
    # One in three for the large environment: each is a process of its own.
    cases = [case for case in CASES if case.environment == name and takes(case)][:: 3 if name == "standard" else 1]
    references = [case.reference for case in cases]

    pulls = skopeo_pull_all(skopeo, references, path, recording_registry)

    sources = pull_sources(references, path)
    first = {
        one: [
            image.replace("docker.io/", "registry-1.docker.io/", 1) if image.startswith("docker.io/") else image
            for image in answer["sources"][:1]
        ]
        for one, answer in sources.items()
    }
    asked = {one: pull.images[:1] for one, pull in pulls.items()}
    assert {one: (asked[one], first[one]) for one in references if asked[one] != first[one]} == {}


def test_without_a_way_out_skopeo_never_asks_the_source(
    skopeo: str, tmp_path: Path, recording_registry: RecordingRegistry
) -> None:
    recording_registry.missing = lambda host, repository, reference: host == OWN
    for number, make in enumerate((registries_conf, translated)):
        path = tmp_path / f"{number}.conf"
        path.write_text(make(environment("zero"), tmp_path), "utf-8")
        pulls = skopeo_pull_all(skopeo, ["nginx:1", "quay.io/a/b:1"], path, recording_registry)
        assert {one: pull.images for one, pull in pulls.items()} == {
            "nginx:1": [f"{OWN}/docker-hub/library/nginx:1"],
            "quay.io/a/b:1": [f"{OWN}/quay/a/b:1"],
        }
        assert all(pull.exit_code != 0 for pull in pulls.values())


def test_one_kind_of_mirror_set_sends_only_its_own_kind_of_pull_to_ecr(tmp_path: Path) -> None:
    tag, digest = "quay.io/a/b:1", f"quay.io/a/b@sha256:{'0' * 64}"
    for target, redirected, left in (("idms", digest, tag), ("itms", tag, digest)):
        path = tmp_path / target
        path.write_text(translated(environment("standard"), tmp_path, [target]), "utf-8")
        found = pull_sources([tag, digest], path)
        assert [one.partition("/")[0] for one in found[redirected]["sources"]] == [OWN, "quay.io"]
        assert found[left]["sources"] == [left]


def test_containerd_asks_ecr_and_then_the_source(tmp_path: Path, recording_registry: RecordingRegistry) -> None:
    certs_d = write_certs_d(environment("standard"), tmp_path / "certs.d")
    recording_registry.missing = lambda host, repository, reference: host == OWN

    host_resolve(["nginx:1"], certs_d, recording_registry)

    asked = list(dict.fromkeys(one.image for one in recording_registry.asked() if one.kind == "manifests"))
    assert asked[:2] == [f"{OWN}/docker-hub/library/nginx:1", "registry-1.docker.io/library/nginx:1"]


def test_without_a_way_out_containerd_never_asks_the_source(
    tmp_path: Path, recording_registry: RecordingRegistry
) -> None:
    certs_d = write_certs_d(environment("zero"), tmp_path / "certs.d")
    recording_registry.missing = lambda host, repository, reference: True

    found = host_resolve(["quay.io/a/b:1", f"quay.io/a/b@sha256:{'0' * 64}"], certs_d, recording_registry)

    assert {one.host for one in recording_registry.asked()} == {OWN}
    assert all("error" in answer for answer in found.values())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_containerd_pulls_from_ecr_by_requests_that_ecr_serves(
    name: str, tmp_path: Path, recording_registry: RecordingRegistry
) -> None:
    certs_d = write_certs_d(environment(name), tmp_path / "certs.d")
    hosts = host_resolve([case.reference for case in CASES if case.environment == name], certs_d)
    # A digest other than the registry's own would be refused.
    cases = [
        case
        for case in CASES
        if case.environment == name and case.target and "@" not in case.reference and takes(case)
        if hosts[case.reference]["hosts"][0]["host"] == table_of(case).registry_host
    ][:20]

    found = host_resolve([case.reference for case in cases], certs_d, recording_registry)

    assert [one for one, answer in found.items() if "error" in answer] == []
    assert {one.host for one in recording_registry.asked()} == ({table_of(cases[0]).registry_host} if cases else set())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_user_data_writes_the_same_files(name: str, tmp_path: Path) -> None:
    files = generate(on_eks(name), ["containerd", "credentials"])
    script = files[0].files["user-data.mime"].partition("us-ascii\n\n")[2].partition("\n--==")[0]
    for folder in (CERTS_D, CREDENTIALS.rpartition("/")[0]):
        script = script.replace(folder, f"{tmp_path}{folder}")

    subprocess.run(["bash", "-c", script], check=True, cwd=tmp_path)

    written = {
        str(path.relative_to(tmp_path)): path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()
    }
    wanted = {f"{CERTS_D}/{path[8:]}"[1:]: text for path, text in files[0].files.items() if path.startswith("certs.d/")}
    wanted[CREDENTIALS[1:]] = files[1].files["credential-provider-config.yaml"]
    assert written == wanted


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_kubelet_has_the_mirrors_credentials_for_every_image_that_a_mirror_takes(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(generate(on_eks(name), ["credentials"])[0].files["credential-provider-config.yaml"], "utf-8")
    cases = [case for case in CASES if case.environment == name and case.target]
    # An official image without library/ has another name there, docs/limits-cases.md.
    cases = [case for case in cases if not case.reference.startswith("registry-1.docker.io/nginx")]

    found = kubelet_credentials([case.reference for case in cases], config)

    region = environment(name).registry.region
    wrong = {one: answer["users"] for one, answer in found.items() if answer["users"] != [region]}
    # What credentials says of ECR's own hosts, and of registries with a port.
    wrong = {one: users for one, users in wrong.items() if ".dkr" not in one and users != ["public"]}
    assert {one: users for one, users in wrong.items() if users or not with_port(one)} == {}


def with_port(reference: str) -> bool:
    return ":" in reference.partition("/")[0]


def on_eks(name: str) -> Environment:
    return environment(name).model_copy(update={"platform": "eks"})


def test_without_the_registrys_region_the_provider_has_no_answer_for_a_source(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    document = generate(environment("standard"), ["credentials"])[0].files["credential-provider-config.yaml"]
    for of in (document, document.replace("AWS_REGION", "REGION")):
        config.write_text(of, "utf-8")
        found = kubelet_credentials(["quay.io/a/b:1", f"{OWN}/a:1", "public.ecr.aws/a/b:1"], config)
        assert found[f"{OWN}/a:1"]["users"] == ["us-east-1"]
        assert found["public.ecr.aws/a/b:1"]["users"] == ["public"]
        assert found["quay.io/a/b:1"]["users"] == (["us-east-1"] if of == document else [])


# nodeadm's own: with containerd 1.x of version 2, with containerd 2 of version 3.
BASES = {
    "io.containerd.grpc.v1.cri": (2, "/etc/containerd/certs.d:/etc/docker/certs.d"),
    "io.containerd.cri.v1.images": (3, "/etc/containerd/certs.d:/etc/docker/certs.d"),
}


@pytest.mark.parametrize(("version", "base"), [("1.31", 2), ("1.33", 2), ("1.34", 3), ("1.36", 3)])
def test_containerd_finds_the_mirrors_with_what_nodeadm_merges(version: str, base: int, tmp_path: Path) -> None:
    certs_d = write_certs_d(environment("standard"), tmp_path / "certs.d")
    of = environment("standard").model_copy(update={"kubernetes_version": version})
    user_data = message_from_string(generate(of, ["containerd"])[0].files["user-data.mime"])
    node_config = user_data.get_payload()[1].get_payload()  # type: ignore[union-attr, index]
    nodeadm_check(str(node_config), tmp_path)
    ours = tomllib.loads(yaml.safe_load(str(node_config))["spec"]["containerd"]["config"])
    (section,) = ours["plugins"]
    assert BASES[section][0] == base
    nodeadms = {"version": base, "plugins": {section: {"registry": {"config_path": BASES[section][1]}}}}
    # As nodeadm merges: ours over its own.
    merged = {"version": base, **ours}

    def directories(config: dict[str, Any]) -> dict[str, Any]:
        text = tomli_w.dumps(config).replace(CERTS_D, str(certs_d)).replace(DOCKER_CERTS_D, str(tmp_path / "docker"))
        return containerd_directories(text, ["quay.io", "docker.io", "example.org"], tmp_path)

    found = directories(merged)
    assert {one["config_path"] for one in found.values()} == {str(certs_d)}
    assert found["quay.io"]["found"] == str(certs_d / "quay.io")
    assert found["docker.io"]["found"] == str(certs_d / "docker.io")
    # With nodeadm's two folders containerd 2 finds none, which is why ours is needed.
    assert not directories(nodeadms)["quay.io"]["found"]


def test_a_node_config_that_nodeadm_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineRunError):
        nodeadm_check("apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfigs\n", tmp_path)


def test_certificates_of_docker_stay_where_containerd_looks(tmp_path: Path) -> None:
    script = generate(on_eks("standard"), ["containerd"])[0].files["user-data.mime"]
    script = script.partition("us-ascii\n\n")[2].partition("\n--==")[0]
    for folder in (CERTS_D, DOCKER_CERTS_D, CREDENTIALS.rpartition("/")[0]):
        script = script.replace(folder, f"{tmp_path}{folder}")
    docker = Path(f"{tmp_path}{DOCKER_CERTS_D}")
    for host in ("private.example.org:8443", "quay.io"):
        (docker / host).mkdir(parents=True)
        (docker / host / "ca.crt").write_text("certificate")

    for _ in range(2):
        subprocess.run(["bash", "-c", script], check=True, cwd=tmp_path)

    config = f'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "{tmp_path}{CERTS_D}"\n'
    found = containerd_directories(config, ["private.example.org:8443", "quay.io"], tmp_path)
    assert Path(found["private.example.org:8443"]["found"], "ca.crt").read_text() == "certificate"
    assert "ecr" in Path(found["quay.io"]["found"], "hosts.toml").read_text()


def test_bottlerockets_settings_name_the_same_mirrors() -> None:
    for name in ENVIRONMENTS:
        files = generate(environment(name), ["containerd"])[0].files
        settings = tomllib.loads(files["bottlerocket.toml"])["settings"]["container-registry"]["mirrors"]
        hosts = {path.split("/")[1]: tomllib.loads(text) for path, text in files.items() if path.startswith("certs.d/")}
        assert {one["registry"]: one["endpoint"] for one in settings} == {
            registry: list(found["host"]) for registry, found in hosts.items()
        }


def test_a_mirror_set_with_a_field_that_openshift_does_not_know_is_no_answer(tmp_path: Path) -> None:
    document = generate(environment("standard"), ["idms"])[0].files["idms.yaml"]
    with pytest.raises(EngineRunError, match="unknown field"):
        registries_conf_of(document.replace("mirrorSourcePolicy", "mirrorPolicy"), tmp_path)
