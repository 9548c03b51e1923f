"""A file that was imported gives the same answers as the file alone, and what it loses is said."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.repository import repository_settings
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import Redirected, RouteTable
from orchestrator.swapper.import_tfvars import USUAL_REGISTRIES, ImportedTfvars, import_settings
from orchestrator.swapper.swap_config import read_swap_settings
from orchestrator.swapper.swap_settings import SwapSettings
from orchestrator.swapper.swap_targets import left_by_file, open_table
from orchestrator.workloads.stays import LeftAlone, left_alone

IMAGES = (
    "nginx",
    "nginx:1.25",
    "docker.io/grafana/grafana:11.0.0",
    "quay.io/prometheus/node-exporter:v1.8.0",
    "quay.io/prometheus-operator/operator",
    "ghcr.io/a/b@sha256:" + "0" * 64,
    "mcr.microsoft.com/dotnet/runtime:8.0@sha256:" + "1" * 64,
    "registry.k8s.io/pause:3.10",
    "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app:1",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own/app:1",
    "localhost:5000/a",
    "UPPER",
    "",
)
OTHER = "210987654321.dkr.ecr.us-west-2.amazonaws.com/team/app:1"
PODS: tuple[dict[str, Any], ...] = tuple(
    {"metadata": {"namespace": namespace, "labels": labels}}
    for namespace in ("default", "kube-system", "team-dev", "playground")
    for labels in ({}, {"app": "web"}, {"app": "db", "skip.example/images": "yes"}, {"cnpg.io/cluster": "main"})
)
# What lists say exactly.
FILTERS = (
    "obj.metadata.namespace == 'kube-system'",
    "'kube-system' == obj.metadata.namespace",
    "starts_with(obj.metadata.namespace, 'kube-')",
    "ends_with(obj.metadata.namespace, '-dev')",
    "contains(obj.metadata.namespace, 'ground')",
    "contains(['playground', 'default'], obj.metadata.namespace)",
    'contains(`["kube-system"]`, obj.metadata.namespace)',
    "obj.metadata.namespace == 'default' || obj.metadata.namespace == 'team-dev'",
    "obj.metadata.labels.app == 'web'",
    "obj.metadata.labels.app != 'web'",
    "obj.metadata.labels.\"skip.example/images\" == 'yes'",
    "obj.metadata.labels.app != null",
    "obj.metadata.labels.missing == null",
    "contains(['web', 'api'], obj.metadata.labels.app)",
    "starts_with(container.image, 'quay.io/')",
    "starts_with(container.image, 'quay.io')",
    "starts_with(container.image, 'quay.io/prometheus/')",
    "contains(container.image, 'mcr.microsoft.com')",
    "contains(container.image, '.dkr.ecr.') && contains(container.image, '.amazonaws.com')",
    "obj.metadata.labels.app",
    "obj.metadata.namespace == 'default' || obj.metadata.labels.app",
)
# What no list says, with a word of the reason.
KEPT = (
    ("obj.metadata.namespace != 'playground'", "all but one"),
    ("!contains(['a'], obj.metadata.namespace)", "all but that"),
    ("obj.metadata.namespace == 'a' && container.name == 'b'", "together"),
    ("obj.metadata.ownerReferences[0].kind == 'DaemonSet'", "compares"),
    ("obj.metadata.name == 'web'", "looks at obj.metadata.name"),
    ("container.name == 'istio-proxy'", "looks at container.name"),
    ("container.image == 'nginx:1.25'", "single references"),
    ("ends_with(container.image, ':latest')", "ends with"),
    ("starts_with(container.image, 'docker.io/')", "several names"),
    ("starts_with(container.image, 'k8s.gcr.io/')", "several names"),
    ("starts_with(container.image, 'quay.io/prom')", "quay.io/prom/"),
    ("contains(container.image, 'internal')", "this is none"),
    ("obj.metadata.namespace == 'Not A Namespace'", "no namespace"),
    ("obj.metadata.labels.app == 'not a value'", "no selector"),
    ("obj.spec.hostNetwork", "looks at that"),
    ("length(obj.spec.containers) > `1`", "looks at that"),
    ("`true`", "looks at that"),
    # A label is a text, and `||` gives it on: the filter is not true where the label is there.
    ("obj.metadata.labels.app || obj.metadata.namespace == 'default'", "its text"),
    ("obj.metadata.namespace == 'a' || obj.metadata.labels.app || obj.metadata.namespace == 'b'", "its text"),
)


def settings_of(filters: tuple[str, ...], prefix: str = "", options: str = "") -> SwapSettings:
    lines = ["source:", "  filters:", *(f"  - jmespath: {_quoted(one)}" for one in filters)]
    lines += ["  registries: [{type: aws, aws: {accountId: 210987654321, region: us-east-1}}]"]
    lines += ["target:", f"  aws: {{accountId: 123456789012, region: eu-west-1, prefix: '{prefix}'{options}}}"]
    return read_swap_settings("\n".join(lines), "k.yaml")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def environment_of(imported: ImportedTfvars) -> Environment:
    return build_environment("dev", [parse_tfvars(imported.text, "dev.tfvars")])


Ask = Callable[[dict[str, Any], str], str]


def by_file(settings: SwapSettings) -> Ask:
    """The target of a Pod's image, "" where it stays, as the file alone has it."""
    table, alone = open_table(settings, "k.yaml"), left_by_file()

    def ask(pod: dict[str, Any], image: str) -> str:
        skipped = any(one.skips(pod, {"image": image}) for one in settings.filters)
        return "" if skipped else _target(alone, table, pod, image)

    return ask


def by_environment(environment: Environment) -> Ask:
    """The same as the policies of the environment have it."""
    table = build_route_table(environment)
    alone = left_alone(environment.exclude_namespaces, environment.exclude_pods, None)
    return lambda pod, image: _target(alone, table, pod, image)


def _target(alone: LeftAlone, table: RouteTable, pod: dict[str, Any], image: str) -> str:
    if alone.of_template(pod["metadata"]["namespace"], pod["metadata"]["labels"]):
        return ""
    answer = table.redirect(image)
    return answer.target if isinstance(answer, Redirected) else ""


@pytest.mark.parametrize("filters", [(), *((one,) for one in FILTERS), FILTERS[:1] + FILTERS[8:9] + FILTERS[14:15]])
@pytest.mark.parametrize("prefix", ["", "/cache"])
def test_both_ways_give_the_same_answers(filters: tuple[str, ...], prefix: str) -> None:
    settings = settings_of(filters, prefix)
    expected = by_file(settings)
    found = by_environment(environment_of(import_settings(settings, "k.yaml", "dev")))

    for pod, image in product(PODS, IMAGES):
        assert found(pod, image) == expected(pod, image), (pod, image)


def test_a_registry_that_nobody_names_keeps_its_images() -> None:
    settings = settings_of(())
    found = by_environment(environment_of(import_settings(settings, "k.yaml", "dev")))

    assert found(PODS[0], OTHER) == ""
    assert by_file(settings)(PODS[0], OTHER) != ""


def test_the_comparison_sees_a_difference() -> None:
    kept, lost = settings_of(FILTERS[:1]), settings_of(())
    environment = environment_of(import_settings(lost, "k.yaml", "dev"))

    assert by_environment(environment)(PODS[4], "nginx") != by_file(kept)(PODS[4], "nginx")


@pytest.mark.parametrize(("expression", "word"), KEPT)
def test_what_no_list_says_is_named_with_the_reason(expression: str, word: str) -> None:
    imported = import_settings(settings_of((expression,)), "k.yaml", "dev")

    [note] = [str(one) for one in imported.notes if "filter" in str(one)]
    assert note.startswith("k.yaml:3: The filter ")
    assert word in note
    assert expression in imported.text.partition("cluster_name")[0]
    assert environment_of(imported).exclude_namespaces == ()


def test_repository_settings_become_the_mirrors_templates() -> None:
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::210987654321:root", "333333333333"]},'
        ' "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}'
    )
    key = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
    options = (
        ", ecrOptions: {imageTagMutability: IMMUTABLE, imageScanningConfiguration: {imageScanOnPush: false},"
        f" encryptionConfiguration: {{encryptionType: KMS, kmsKey: '{key}'}}, accessPolicy: '{policy}',"
        " tags: [{key: a b, value: 1 + 1}]}"
    )
    imported = import_settings(settings_of((), "/cache", options), "k.yaml", "dev")
    made = repository_settings(environment_of(imported), "cache/quay.io")

    assert (made.mutability, made.scan_on_push, made.kms_key_arn) == ("IMMUTABLE", False, key)
    assert made.tags == {"a b": "1 + 1"}
    assert "210987654321" in made.policy
    assert "333333333333" in made.policy


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (", ecrOptions: {accessPolicy: '{\"Statement\": [{\"Effect\": \"Deny\"}]}'}", "accessPolicy"),
        (", ecrOptions: {accessPolicy: '{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\"}]}'}", "accessPolicy"),
        (", ecrOptions: {accessPolicy: '{\"Statement\": 5}'}", "accessPolicy"),
        (", ecrOptions: {lifecyclePolicy: '{\"rules\": []}'}", "lifecyclePolicy"),
        (", ecrOptions: {encryptionConfiguration: {encryptionType: KMS, kmsKey: alias/ecr}}", "kmsKey"),
        (", role: arn:aws:iam::123456789012:role/x", "role arn:aws"),
    ],
)  # fmt: skip
def test_what_an_environment_cannot_say_is_a_note_with_its_place(options: str, word: str) -> None:
    imported = import_settings(settings_of((), "", options), "k.yaml", "dev")

    assert any(str(note).startswith("k.yaml:5: ") and word in note.what for note in imported.notes)
    environment_of(imported)


def test_line_breaks_cannot_leave_a_comment() -> None:
    settings = read_swap_settings(
        "source: {filters: [{jmespath: \"obj.metadata.name ==\\n'x'\"}]}\n"
        "target: {aws: {accountId: 123456789012, region: eu-west-1}}",
        "k.yaml",
    )

    imported = import_settings(settings, "a\nb.yaml", "dev")

    assert environment_of(imported).account_id == "123456789012"
    assert not any(line.startswith(("b.yaml", "'x'")) for line in imported.text.splitlines())


@pytest.mark.parametrize("account", ["", "123456789"])
def test_an_environment_needs_an_account(account: str) -> None:
    text = f"target: {{aws: {{accountId: '{account}', region: eu-west-1}}}}" if account else ""
    with pytest.raises(RefusedInput, match=r"target\.aws\.accountId"):
        import_settings(read_swap_settings(text, "k.yaml"), "k.yaml", "dev")


def test_the_usual_registries_have_a_mirror_each() -> None:
    environment = environment_of(import_settings(settings_of(()), "k.yaml", "dev", ("example.com", *USUAL_REGISTRIES)))

    assert {one.source for one in environment.mirrors.values()} == {
        *USUAL_REGISTRIES,
        "example.com",
        "210987654321.dkr.ecr.us-east-1.amazonaws.com",
    }
