"""The targets of nodes: files, user data and credentials, held against what their readers take."""

from __future__ import annotations

import json
import subprocess
import tomllib
from email import message_from_string

import pytest
import yaml

from tests.references_table import environment
from tests.unit.manifests.golden import SHOWN, documents
from tests.unit.manifests.made_targets import bundle, changed, said


def test_node_files_are_what_their_readers_parse() -> None:
    files = {path: text for name in SHOWN for path, text in documents(name).items()}
    assert {path.rpartition(".")[2] for path in files} >= {"toml", "conf", "json", "yaml", "sh"}
    for path, text in files.items():
        if path.endswith((".toml", ".conf")):
            tomllib.loads(text)
        elif path.endswith(".json"):
            json.loads(text)
        elif path.endswith(".yaml"):
            list(yaml.safe_load_all(text))
        elif path.endswith(".sh"):
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_user_data_is_a_script_and_a_node_config() -> None:
    message = message_from_string(bundle(environment("standard"), "containerd").files["user-data.mime"])
    script, node_config = (part for part in message.walk() if not part.is_multipart())
    assert [part.get_content_type() for part in (script, node_config)] == [
        "text/x-shellscript",
        "application/node.eks.aws",
    ]
    subprocess.run(["bash", "-n"], input=str(script.get_payload()), text=True, check=True)
    spec = yaml.safe_load(str(node_config.get_payload()))
    assert (spec["apiVersion"], spec["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig")
    toml = tomllib.loads(spec["spec"]["containerd"]["config"])
    assert toml["plugins"]["io.containerd.grpc.v1.cri"]["registry"]["config_path"] == "/etc/containerd/certs.d"


@pytest.mark.parametrize(
    ("version", "section"),
    [
        (None, "io.containerd.grpc.v1.cri"),
        ("1.29", "io.containerd.grpc.v1.cri"),
        ("1.32", "io.containerd.grpc.v1.cri"),
        ("1.33", "io.containerd.grpc.v1.cri"),
        ("1.34", "io.containerd.cri.v1.images"),
        ("1.36", "io.containerd.cri.v1.images"),
    ],
)
def test_nodes_that_may_have_containerd_1_get_no_section_that_nodeadm_refuses_there(
    version: str | None, section: str
) -> None:
    text = bundle(changed("standard", kubernetes_version=version), "containerd").files["user-data.mime"]

    # nodeadm looks for these names anywhere in the text of its configuration.
    assert ("io.containerd.cri.v1" in text) == (section == "io.containerd.cri.v1.images")
    node_config = message_from_string(text).get_payload()[1].get_payload()  # type: ignore[union-attr, index]
    toml = tomllib.loads(yaml.safe_load(node_config)["spec"]["containerd"]["config"])  # type: ignore[arg-type]
    assert toml == {"plugins": {section: {"registry": {"config_path": "/etc/containerd/certs.d"}}}}


# nodeadm's own list as of July 2026, whose place ours takes.
NODEADM = """
*.dkr.ecr.*.amazonaws.com *.dkr-ecr.*.on.aws *.dkr.ecr.*.amazonaws.com.cn *.dkr-ecr.*.on.amazonwebservices.com.cn
*.dkr.ecr-fips.*.amazonaws.com *.dkr-ecr-fips.*.on.aws *.dkr.ecr.*.c2s.ic.gov *.dkr.ecr.*.sc2s.sgov.gov
*.dkr.ecr.*.cloud.adc-e.uk *.dkr.ecr.*.csp.hci.ic.gov *.dkr.ecr.*.amazonaws.eu public.ecr.aws ecr-public.aws.com
"""


@pytest.mark.parametrize("name", ["standard", "rooted", "central"])
def test_the_provider_knows_the_registrys_region_and_every_host_that_nodeadm_knows(name: str) -> None:
    of = environment(name)
    files = bundle(of, "credentials").files
    (provider,) = yaml.safe_load(files["credential-provider-config.yaml"])["providers"]
    settings = tomllib.loads(files["bottlerocket.toml"])["settings"]["kubernetes"]["credential-providers"]

    assert provider["env"] == [{"name": "AWS_REGION", "value": of.registry.region}]
    assert settings["ecr-credential-provider"]["environment"] == {"AWS_REGION": of.registry.region}
    assert set(NODEADM.split()) <= set(provider["matchImages"])
    assert settings["ecr-credential-provider"]["image-patterns"] == provider["matchImages"]
    assert files["credential-provider-config.yaml"] in bundle(of, "containerd").files["user-data.mime"]


@pytest.mark.parametrize("target", ["containerd", "credentials"])
def test_who_sees_the_token_and_that_nothing_falls_back_is_said(target: str) -> None:
    notes = said(environment("standard"), target)

    assert "source's host sees that token" in notes
    assert "no second try without credentials" in notes
    assert "fall back to the source" not in notes


def test_where_credentials_belong_to_the_mirror_a_pull_falls_back_to_its_source() -> None:
    for target in ("idms", "registries-conf"):
        assert "fall back to the source" in said(environment("standard"), target)


def test_a_source_with_a_port_gets_no_credentials_and_a_note() -> None:
    of = changed("rooted", mirrors={"own": {"source": "registry.example.com:5000"}, "other": {"source": "example.com"}})
    found = bundle(of, "credentials")

    (provider,) = yaml.safe_load(found.files["credential-provider-config.yaml"])["providers"]
    assert "example.com" in provider["matchImages"]
    assert "registry.example.com:5000" not in provider["matchImages"]
    assert "registry.example.com:5000 is left out" in "\n".join(found.notes)


def test_user_data_of_fifty_routes_fits_into_what_ec2_takes() -> None:
    mirrors = {f"team-{number}": {"source": f"registry-{number}.team.example.com:5000"} for number in range(50)}
    text = bundle(changed("standard", pull_through_cache_rules={}, mirrors=mirrors), "containerd").files
    assert len(text["user-data.mime"]) < 16_384


def test_what_containerd_cannot_tell_apart_is_said_in_notes() -> None:
    notes = said(environment("standard"), "containerd")
    assert "docker.io/bitnami has a route of its own" in notes
    assert "quay.io/openshift is excluded" in notes
    assert "nvcr.io/nvidia is left out" in notes


@pytest.mark.parametrize(
    ("platform", "target", "says"),
    [
        ("eks", "idms", "EKS nodes do not read ImageDigestMirrorSet"),
        ("eks", "registries-conf", "EKS nodes run containerd"),
        ("eks", "rosa", "ROSA HCP only"),
        ("rosa-classic", "rosa", "ROSA HCP only"),
        ("rosa-classic", "containerd", "OpenShift's nodes run CRI-O"),
        ("rosa-hcp", "containerd", "OpenShift's nodes run CRI-O"),
        ("rosa-hcp", "itms", "ROSA HCP refuses ImageTagMirrorSet"),
        ("rosa-hcp", "registries-conf", "there the target idms or rosa writes it"),
    ],
)
def test_a_target_of_other_nodes_says_so(platform: str, target: str, says: str) -> None:
    assert says in said(changed("standard", platform=platform), target)


@pytest.mark.parametrize(
    ("platform", "version", "there"),
    [
        ("rosa-classic", None, False),
        ("rosa-classic", "1.34", False),
        ("rosa-classic", "1.35", False),
        ("rosa-classic", "1.36", True),
        ("rosa-classic", "1.37", True),
        ("rosa-hcp", None, False),
        ("rosa-hcp", "1.36", False),
        ("eks", "1.36", False),
    ],
)
def test_crio_credential_providers_are_only_written_where_the_platform_has_them(
    platform: str, version: str | None, there: bool
) -> None:
    found = bundle(changed("standard", platform=platform, kubernetes_version=version), "credentials")

    assert ("crio-credential-provider-config.yaml" in found.files) == there
    # It hands out no credentials of the node's role, so that it is nobody's default.
    assert "crio-credential-provider-config.yaml" not in found.resources
    if there:
        document = yaml.safe_load(found.files["crio-credential-provider-config.yaml"])
        assert document["apiVersion"] == "config.openshift.io/v1"
        assert "no credentials of the node's role" in "\n".join(found.notes)


def test_patterns_that_openshift_does_not_take_are_left_out_of_its_credentials() -> None:
    of = changed("standard", platform="rosa-classic", kubernetes_version="1.36")
    found = bundle(of, "credentials")
    matches = yaml.safe_load(found.files["crio-credential-provider-config.yaml"])["spec"]["matchImages"]
    assert "docker.io" in matches
    assert "docker.io/bitnami" not in matches  # docker.io covers it
    assert "quay.io" not in matches  # no mirror set of ROSA Classic may name it
    assert "[2001:db8::1]:5000" not in matches
    many = {f"team-{number}": {"source": f"example.com/team-{number}"} for number in range(60)}
    few = bundle(
        changed(
            "rooted", platform="rosa-classic", kubernetes_version="1.36", pull_through_cache_rules={}, mirrors=many
        ),
        "credentials",
    )
    assert yaml.safe_load(few.files["crio-credential-provider-config.yaml"])["spec"]["matchImages"] == ["example.com"]


@pytest.mark.parametrize(
    ("platform", "namespace", "name"),
    [("rosa-classic", "openshift-config", "pull-secret"), ("rosa-hcp", "kube-system", "additional-pull-secret")],
)
def test_openshift_gets_a_job_that_may_change_its_pull_secret_and_nothing_else(
    platform: str, namespace: str, name: str
) -> None:
    of = changed("standard", platform=platform)
    found = bundle(of, "credentials")
    objects = {one["kind"]: one for one in yaml.safe_load_all(found.files["pull-secret.yaml"])}

    assert objects["Role"]["metadata"]["namespace"] == namespace
    (rule,) = objects["Role"]["rules"]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["secrets"], [name], ["get", "update"])
    (container,) = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][-2:] == ["pull-secret", "standard"]
    role = json.loads(found.files["pull-secret-role.tf.json"])["resource"]["aws_iam_role"]["ecr_pull_secret"]
    arn = objects["ServiceAccount"]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert arn == f"arn:{of.partition}:iam::{of.account_id}:role/{role['name']}"
    # Tokens live twelve hours: one run may fail.
    assert objects["CronJob"]["spec"]["schedule"] == "23 */4 * * *"
    assert "credential-provider-config.yaml" not in found.files
