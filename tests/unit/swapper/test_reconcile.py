"""What a file and an environment both say is the same, or is refused with its place."""

from __future__ import annotations

import pytest

from orchestrator.checks.check import build_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.swapper.import_tfvars import import_settings
from orchestrator.swapper.reconcile import reconcile
from orchestrator.swapper.swap_config import InvalidSwapSettings, read_swap_settings

KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
POLICY = (
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "ACCOUNT"}, "Action":'
    ' ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}'
)
TFVARS = f"""
cluster_name = "dev"
account_id = "123456789012"
aws_region = "eu-west-1"
create_vpc_endpoints = false
attach_ecr_policy = false
scan_on_push = true
tags = {{ team = "a" }}
mirrors = {{
  "cache/quay.io" = {{
    source = "quay.io"
    template = {{
      image_tag_mutability = "MUTABLE"
      kms_key_arn = "{KEY}"
      pull_account_ids = ["210987654321"]
      resource_tags = {{ cost = "7" }}
    }}
  }}
}}
"""


def environment(text: str = TFVARS) -> Environment:
    return build_environment("dev", [parse_tfvars(text, "dev.tfvars")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "imageSwapPolicy: always",
        "target: {aws: {accountId: 123456789012, region: eu-west-1, prefix: /cache}}",
        "target: {aws: {role: 'arn:aws:iam::123456789012:role/x'}}",
        "target: {aws: {ecrOptions: {imageTagMutability: MUTABLE, tags: [{key: cost, value: 7}, {key: new, value: 1}]}}}",
        f"target: {{aws: {{ecrOptions: {{encryptionConfiguration: {{encryptionType: KMS, kmsKey: '{KEY}'}}}}}}}}",
        f"target: {{aws: {{ecrOptions: {{accessPolicy: '{POLICY.replace('ACCOUNT', '210987654321')}'}}}}}}",
        "target: {aws: {ecrOptions: {lifecyclePolicy: '{}'}}}",
    ],
)
def test_what_agrees_gets_the_environments_registry(text: str) -> None:
    found = reconcile(read_swap_settings(text, "k.yaml"), environment())

    assert found.target is not None
    assert (found.target.account, found.target.region) == ("123456789012", "eu-west-1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accountId: 210987654321, region: eu-west-1", ["accountId is 210987654321", "account_id", "123456789012"]),
        ("accountId: 123456789012, region: us-east-1", ["region is us-east-1", "aws_region", "eu-west-1"]),
        ("prefix: other", ["prefix is other", "cache/quay.io"]),
        ("prefix: cach", ["prefix is cach", "cache/quay.io"]),
        ("ecrOptions: {imageTagMutability: IMMUTABLE}", ["IMMUTABLE", "template.image_tag_mutability"]),
        ("ecrOptions: {imageScanningConfiguration: {imageScanOnPush: false}}", ["imageScanOnPush is false", "scan_on_push"]),
        ("ecrOptions: {encryptionConfiguration: {encryptionType: AES256}}", ["encryptionType is AES256", KEY]),
        ("ecrOptions: {encryptionConfiguration: {encryptionType: KMS, kmsKey: alias/x}}", ["alias/x", KEY]),
        ("ecrOptions: {tags: [{key: cost, value: 8}]}", ["tags cost is 8"]),
        ("ecrOptions: {tags: [{key: team, value: b}]}", ["tags team is b"]),
        (f"ecrOptions: {{accessPolicy: '{POLICY.replace('ACCOUNT', '333333333333')}'}}", ["pull_account_ids"]),
        ("ecrOptions: {accessPolicy: '{}'}", ["pull_account_ids"]),
    ],
)  # fmt: skip
def test_what_contradicts_is_refused_with_its_place(text: str, words: list[str]) -> None:
    settings = read_swap_settings(f"\ntarget: {{aws: {{{text}}}}}", "k.yaml")

    with pytest.raises(InvalidSwapSettings) as caught:
        reconcile(settings, environment())
    said = str(caught.value)
    assert "environment dev" in said
    assert all(word in said for word in words), said
    assert said.startswith("k.yaml:2: ")


def test_a_default_contradicts_nothing() -> None:
    plain = TFVARS.partition("scan_on_push")[0]
    text = (
        "target: {aws: {ecrOptions: {imageTagMutability: IMMUTABLE,"
        " imageScanningConfiguration: {imageScanOnPush: false}, encryptionConfiguration: {encryptionType: AES256}}}}"
    )

    assert reconcile(read_swap_settings(text, "k.yaml"), environment(plain)).target is not None


def test_a_file_agrees_with_the_environment_that_was_made_of_it() -> None:
    text = (
        "target: {aws: {accountId: 123456789012, region: eu-west-1, prefix: /cache, ecrOptions: {imageTagMutability: IMMUTABLE,"
        f" tags: [{{key: a, value: b}}], encryptionConfiguration: {{encryptionType: KMS, kmsKey: '{KEY}'}},"
        f" accessPolicy: '{POLICY.replace('ACCOUNT', '210987654321')}', imageScanningConfiguration: {{imageScanOnPush: false}}}}}}}}"
    )
    settings = read_swap_settings(text, "k.yaml")
    imported = import_settings(settings, "k.yaml", "dev")

    assert reconcile(settings, environment(imported.text)).target == settings.target
