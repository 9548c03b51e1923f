"""Every target's documents, what is said about them, and who gets which."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from orchestrator.environment.model import Environment
from orchestrator.errors import RefusedInput
from orchestrator.manifests import (
    GENERATORS,
    Options,
    available_targets,
    default_targets,
    folder,
    generate,
)
from orchestrator.manifests.metadata import table_digest
from tests import random_tables
from tests.references_table import ENVIRONMENTS, environment
from tests.unit.manifests.golden import COMMAND, GOLDEN, SHOWN, documents
from tests.unit.manifests.made_targets import bundle, changed, said


@pytest.mark.parametrize("name", SHOWN)
def test_documents_are_those_that_were_last_looked_at(name: str) -> None:
    root = GOLDEN / name
    golden = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}

    assert documents(name) == golden, f"Look at the difference; to write them anew: {COMMAND}"


def test_documents_are_the_same_bytes_in_every_process_and_for_every_order_of_routes() -> None:
    program = (
        "import hashlib; from tests.unit.manifests.golden import *;"
        "print({n: hashlib.sha256(repr(documents(n)).encode()).hexdigest() for n in SHOWN})"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    here = {name: hashlib.sha256(repr(documents(name)).encode()).hexdigest() for name in SHOWN}
    assert elsewhere.strip() == repr(here)
    variables = ENVIRONMENTS["standard"]
    turned: dict[str, Any] = {
        name: dict(reversed(value.items())) if isinstance(value, dict) else value for name, value in variables.items()
    }
    turned |= {name: list(reversed(variables[name])) for name in ("exclude",)}
    assert folder(generate(Environment(name="standard", **turned), list(GENERATORS))) == documents("eks")


@pytest.mark.parametrize(
    ("variables", "targets"),
    [
        ({}, ("kyverno-cel",)),
        ({"kubernetes_version": "1.35"}, ("kyverno-cel",)),
        ({"kubernetes_version": "1.9"}, ("kyverno-cel",)),
        ({"kubernetes_version": "1.36"}, ("native",)),
        ({"kubernetes_version": "1.100"}, ("native",)),
        ({"platform": "rosa-hcp"}, ("kyverno-cel",)),
        ({"platform": "rosa-classic", "allow_upstream": False}, ("kyverno-cel",)),
        ({"platform": "eks", "allow_upstream": False, "kubernetes_version": "1.36"}, ("native",)),
        ({"platform": "rosa-hcp", "allow_upstream": False}, ("kyverno-cel", "idms", "rosa")),
        ({"platform": "rosa-hcp", "allow_upstream": False, "kubernetes_version": "1.37"}, ("native", "idms", "rosa")),
    ],
)
def test_default_targets_follow_version_platform_and_the_way_out(
    variables: dict[str, Any], targets: tuple[str, ...]
) -> None:
    assert default_targets(changed("rooted", **variables)) == targets


def test_an_unknown_target_or_version_is_refused_with_those_that_exist() -> None:
    with pytest.raises(RefusedInput) as refused:
        generate(environment("standard"), ["openshift"])
    assert "kyverno-cel" in refused.value.remedy
    with pytest.raises(RefusedInput, match="v2"):
        bundle(environment("standard"), "native", api_version="v2")


def test_a_target_that_is_asked_for_twice_comes_once() -> None:
    assert [one.target for one in generate(environment("standard"), ["idms", "native", "idms"])] == ["idms", "native"]


@pytest.mark.parametrize("name", SHOWN)
def test_every_object_carries_labels_and_the_tables_digest(name: str) -> None:
    of = SHOWN[name]
    for one in generate(of, available_targets(of)):
        for path in one.resources:
            for document in yaml.safe_load_all(one.files[path]):
                metadata = document["metadata"]
                assert metadata["annotations"]["orchestrator/route-table"] == table_digest(of)
                assert metadata["labels"] == {
                    "app.kubernetes.io/managed-by": "orchestrator",
                    "app.kubernetes.io/part-of": "ecr-pull-through",
                    "app.kubernetes.io/instance": of.name,
                }
        assert table_digest(of) in one.files["README.md"]


@pytest.mark.parametrize(
    "variables",
    [
        {"exclude": ["quay.io/x"]},
        {"include": ["quay.io"]},
        {"allow_upstream": False},
        {"digest_references": "redirect"},
        {"mirrors": {}},
        {"pull_through_cache_rules": {}},
        {"registry_account_id": "999988887777"},
    ],
)
def test_the_digest_changes_with_whatever_changes_an_answer(variables: dict[str, Any]) -> None:
    assert table_digest(changed("standard", **variables)) != table_digest(environment("standard"))


def test_the_digest_changes_with_the_way_out_alone() -> None:
    with_way_out, without = (
        changed("standard", allow_upstream=value, digest_references="redirect") for value in (True, False)
    )
    assert table_digest(with_way_out) != table_digest(without)


def test_the_digest_does_not_change_with_what_changes_none() -> None:
    exclude = [*ENVIRONMENTS["standard"]["exclude"][::-1], "quay.io/openshift"]
    assert table_digest(changed("standard", exclude=exclude, tags={"a": "b"})) == table_digest(environment("standard"))


def test_every_target_has_a_kustomization_and_a_readme_that_names_its_command() -> None:
    options = Options(annotate=True, api_version="v1beta1")
    for one in generate(environment("standard"), list(GENERATORS), options):
        assert yaml.safe_load(one.files["kustomization.yaml"])["kind"] == "Kustomization"
        readme = one.files["README.md"]
        for part in ("## Apply", "## Verify", "## Roll back", *one.notes):
            assert part in readme
        (command,) = set(re.findall("`(orchestrator manifests .*?) --(?:out|check) DIR`", readme))
        assert command.startswith(f"orchestrator manifests standard --for {one.target}")
        assert ("--annotate" in command) == (one.target in ("kyverno", "kyverno-cel", "native"))
        assert ("--api-version v1beta1" in command) == (one.target == "native")


def test_what_mirror_sets_cannot_say_is_said_in_notes() -> None:
    notes = said(environment("standard"), "idms")
    for source in ("docker.io/library/busybox", "quay.io/openshift", "ghcr.io/acme", "gcr.io/internal"):
        assert f"{source} is excluded" in notes
    assert "excluded.example.com" not in notes
    assert "[2001:db8::1]:5000 is left out" in notes
    assert "tags need the target itms" in notes
    assert "first pull of a digest" in notes
    assert "longer than ECR allows" in notes
    assert "210987654321.dkr.ecr.eu-west-1.amazonaws.com is mirrored under this name only" in notes
    assert "digests need the target idms" in said(environment("standard"), "itms")


def test_sources_that_rosa_classic_forbids_are_left_out_with_a_note() -> None:
    mirrors = {
        "one": {"source": "quay.io/team"},
        "two": {"source": "registry.access.redhat.com/ubi9"},
        "three": {"source": "registry.redhat.io"},
        "four": {"source": "registry.connect.redhat.com"},
    }
    of = changed("gov", mirrors=mirrors, exclude=[])
    for target in ("idms", "itms"):
        found = bundle(of, target)
        spec = yaml.safe_load(found.files[f"{target}.yaml"])["spec"]
        assert [one["source"] for (entries,) in [spec.values()] for one in entries] == ["registry.connect.redhat.com"]
        for source in ("quay.io/team", "registry.access.redhat.com/ubi9", "registry.redhat.io"):
            assert f"{source} is left out: ROSA Classic" in "\n".join(found.notes)


def test_on_hosted_control_planes_mirror_sets_say_that_they_are_refused() -> None:
    of = SHOWN["rosa-zero-egress"]
    for target in ("idms", "itms"):
        found = bundle(of, target)
        assert found.files[f"{target}.yaml"].startswith("# ROSA with hosted control planes refuses")
        assert "target rosa" in found.notes[0]


def test_rosas_script_and_terraform_name_the_same_mirrors() -> None:
    files = bundle(SHOWN["rosa-zero-egress"], "rosa").files
    script = dict(re.findall("^mirror (\\S+) (\\S+)$", files["image-mirrors.sh"], re.MULTILINE))
    terraform = json.loads(files["image-mirrors.tf.json"])
    idms = yaml.safe_load(bundle(SHOWN["rosa-zero-egress"], "idms").files["idms.yaml"])["spec"]["imageDigestMirrors"]
    assert {source: [mirror] for source, mirror in script.items()} == terraform["locals"]["image_mirrors"]
    assert {one["source"]: one["mirrors"] for one in idms} == terraform["locals"]["image_mirrors"]


def test_failure_policy_and_excluded_namespaces_come_from_the_environment() -> None:
    of = changed("rooted", failure_policy="Fail", exclude_namespaces=["a", "b-*", "*c"])
    for target in ("native", "kyverno-cel"):
        for document in yaml.safe_load_all(bundle(of, target).files["policy.yaml"]):
            if document["kind"] != "MutatingAdmissionPolicyBinding":
                assert document["spec"]["failurePolicy"] == "Fail"
                condition = document["spec"]["matchConditions"][0]
                assert "^(?:a|b-.*|.*c)$" in condition["expression"]
    spec = yaml.safe_load(bundle(of, "kyverno").files["policy.yaml"])["spec"]
    assert spec["failurePolicy"] == "Fail"
    for rule in spec["rules"]:
        assert rule["exclude"]["any"][0]["resources"]["namespaces"] == ["a", "b-*", "*c"]


def test_clusters_with_names_that_kubernetes_refuses_get_objects_that_it_takes() -> None:
    of = Environment(
        name="E" + "x" * 61 + "_.y", cluster_name="My_Cluster", account_id="1" * 12, aws_region="us-east-1"
    )
    for target in ("native", "kyverno", "kyverno-cel", "idms"):
        found = bundle(of, target)
        for document in yaml.safe_load_all(found.files[found.resources[0]]):
            assert document["metadata"]["name"].startswith("my-cluster-ecr")
            assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == "E" + "x" * 61


@pytest.mark.parametrize("name", ["1e5", "0o17", "1_0e3", "on", "0x1F", "12", "1.5", "null", "~", "2001-01-01", "1:30"])
def test_a_name_that_yaml_could_take_for_something_else_stays_text(name: str) -> None:
    of = Environment(name=name, cluster_name=name, account_id="1" * 12, aws_region="us-east-1")
    line = next(line for line in bundle(of, "idms").files["idms.yaml"].splitlines() if "instance" in line)
    assert ast.literal_eval(line.partition(": ")[2]) == name


@pytest.mark.parametrize(
    ("platform", "version"), [("eks", "1.34"), ("eks", "1.33"), ("eks", "1.31"), ("rosa-hcp", "1.35")]
)
def test_native_policies_are_refused_where_the_cluster_is_too_old(platform: str, version: str) -> None:
    of = changed("rooted", platform=platform, kubernetes_version=version)

    with pytest.raises(RefusedInput) as refused:
        bundle(of, "native")

    assert version in refused.value.why
    assert ("4.23" in refused.value.why) == (platform != "eks")
    assert "--for kyverno-cel" in refused.value.remedy
    assert ("--api-version v1beta1" in refused.value.remedy) == (version in ("1.34", "1.35"))
    assert ("--api-version v1alpha1" in refused.value.remedy) == (version == "1.33")
    assert "native" not in available_targets(of)
    for api_version in ("v1beta1", "v1alpha1", "v1"):
        assert (
            f"admissionregistration.k8s.io/{api_version}\n"
            in bundle(of, "native", api_version=api_version).files["policy.yaml"]
        )


@pytest.mark.parametrize("version", [None, "1.36", "1.40"])
def test_native_policies_are_made_where_the_cluster_may_have_them(version: str | None) -> None:
    of = changed("rooted", kubernetes_version=version)
    assert "native" in available_targets(of)
    assert "policy.yaml" in bundle(of, "native").files


def test_a_cluster_policy_says_which_kyverno_ends_it() -> None:
    found = bundle(environment("standard"), "kyverno")
    document = yaml.safe_load(found.files["policy.yaml"])
    assert document["metadata"]["annotations"]["orchestrator/kyverno-versions"] == "< 1.20"
    assert "1.20 refuses to write one" in "\n".join(found.notes)
    for name in ENVIRONMENTS:
        assert "kyverno" not in default_targets(environment(name))


def test_excluded_pods_come_from_the_environment() -> None:
    of = changed("rooted", exclude_pods=["app=web,tier in (a, b)", "!mine"])
    for target in ("native", "kyverno-cel"):
        for document in yaml.safe_load_all(bundle(of, target).files["policy.yaml"]):
            if "variables" in document["spec"]:
                expression = document["spec"]["matchConditions"][-1]["expression"]
                assert '("app" in l && l["app"] in ["web"])' in expression
                assert '!("mine" in l)' in expression
                assert "cnpg.io" not in expression
    for rule in yaml.safe_load(bundle(of, "kyverno").files["policy.yaml"])["spec"]["rules"]:
        selectors = [one["resources"]["selector"] for one in rule["exclude"]["any"] if "selector" in one["resources"]]
        assert selectors == [
            {
                "matchExpressions": [
                    {"key": "app", "operator": "In", "values": ["web"]},
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                ]
            },
            {"matchExpressions": [{"key": "mine", "operator": "DoesNotExist"}]},
        ]
    nobody = changed("rooted", exclude_pods=[], exclude_namespaces=[])
    text = bundle(nobody, "native").files["policy.yaml"]
    assert "pod-is-not-excluded" not in text
    assert "kubernetes.io/config.mirror" in text


@pytest.mark.long
def test_every_target_is_made_for_environments_that_nobody_thought_of() -> None:
    for seed in range(40):
        for one in generate(random_tables.environment(seed), list(GENERATORS), Options(annotate=True)):
            for path, text in one.files.items():
                assert text.endswith("\n"), path
                if path.endswith(".yaml"):
                    assert list(yaml.safe_load_all(text))
