"""Every key of k8s-image-swapper's file, as loosely typed as its reader takes it; what it would ignore is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from orchestrator.swapper.swap_config import InvalidSwapSettings, read_swap_settings
from orchestrator.swapper.swap_settings import (
    SwapRepository,
    SwapSettings,
    SwapSource,
    SwapTarget,
)

WHOLE = """\
dryRun: true
logLevel: trace
logFormat: console
listenAddress: 0.0.0.0:9443
imageSwapPolicy: always
imageCopyPolicy: force
imageCopyDeadline: 1m30s
pullThroughPolicy: exists-or-warm
tlsCertFile: /tls/tls.crt
tlsKeyFile: /tls/tls.key
source:
  filters:
    - jmespath: "obj.metadata.namespace == 'kube-system'"
  registries:
    - type: aws
      aws: {accountId: 234567890123, region: us-east-1, role: arn:aws:iam::234567890123:role/read}
target:
  type: aws
  aws:
    accountId: 012345678901
    region: ap-southeast-2
    role: arn:aws:iam::123456789012:role/write
    prefix: /cache
    ecrOptions:
      tags:
        - {key: CreatedBy, value: k8s-image-swapper}
        - {key: Cost, value: 12}
      imageTagMutability: IMMUTABLE
      imageScanningConfiguration: {imageScanOnPush: false}
      encryptionConfiguration: {encryptionType: KMS, kmsKey: alias/ecr}
      accessPolicy: |
        {"Version": "2008-10-17", "Statement": []}
      lifecyclePolicy: '{"rules": []}'
queue: sqs
queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/copies
state: dynamodb
tableName: copies
"""


def read(text: str, **environ: str) -> SwapSettings:
    return read_swap_settings(text, "swapper.yaml", {key.replace("__", "."): value for key, value in environ.items()})


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(InvalidSwapSettings) as caught:
        read(text, **environ)
    assert all(problem.remedy for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_every_key_is_read() -> None:
    settings = read(WHOLE)

    assert settings == SwapSettings(
        dry_run=True,
        log_level="trace",
        log_format="console",
        listen_address="0.0.0.0:9443",
        swap_policy="always",
        copy_policy="force",
        copy_deadline=90.0,
        pull_through_policy="exists-or-warm",
        tls_cert_file="/tls/tls.crt",
        tls_key_file="/tls/tls.key",
        filters=settings.filters,
        source_registries=(SwapSource("234567890123", "us-east-1", "arn:aws:iam::234567890123:role/read"),),
        target=SwapTarget(
            "012345678901",
            "ap-southeast-2",
            "arn:aws:iam::123456789012:role/write",
            "cache",
            SwapRepository(
                access_policy='{"Version": "2008-10-17", "Statement": []}',
                lifecycle_policy='{"rules": []}',
                tags=(("CreatedBy", "k8s-image-swapper"), ("Cost", "12")),
                image_tag_mutability="IMMUTABLE",
                scan_on_push=False,
                encryption_type="KMS",
                kms_key="alias/ecr",
            ),
        ),
        queue="sqs",
        queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/copies",
        state="dynamodb",
        table_name="copies",
    )
    assert [one.expression for one in settings.filters] == ["obj.metadata.namespace == 'kube-system'"]
    assert settings.said["target.aws.region"].line == 21


def test_keys_have_no_case() -> None:
    lines = [
        line if '"Version"' in line else line.replace(key, key.upper() if odd % 2 else key.lower(), 1)
        for odd, line in enumerate(WHOLE.splitlines())
        for key in [line.strip(" -{").partition(":")[0]]
    ]

    assert read("\n".join(lines)) == read(WHOLE)


@pytest.mark.parametrize("text", ["", "---\n", "{}", "null", "# nothing\n", "source:\ntarget:\ndryRun:\n"])
def test_a_file_that_says_nothing_has_the_defaults(text: str) -> None:
    settings = read(text)

    assert settings == SwapSettings()
    assert (settings.swap_policy, settings.copy_policy, settings.copy_deadline) == ("exists", "delayed", 8.0)
    assert (settings.listen_address, settings.dry_run, settings.target) == (":8443", False, None)
    assert (settings.log_level, settings.log_format) == ("info", "json")
    assert (settings.tls_cert_file, settings.tls_key_file, settings.table_name) == (None, None, None)
    repository = SwapTarget().repository
    assert (repository.access_policy, repository.encryption_type, repository.kms_key) == ("", "AES256", "")


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ('dryRun: "true"', "dry_run", True),
        ("dryRun: 1", "dry_run", True),
        ("dryRun: T", "dry_run", True),
        ("dryRun: 'False'", "dry_run", False),
        ("dryRun: 0", "dry_run", False),
        ('imageCopyDeadline: "8s"', "copy_deadline", 8.0),
        ("imageCopyDeadline: 1.5s", "copy_deadline", 1.5),
        ("imageCopyDeadline: 500ms", "copy_deadline", 0.5),
        ("imageCopyDeadline: 2m", "copy_deadline", 120.0),
        ("imageCopyDeadline: 9000000000", "copy_deadline", 9.0),
        ("imageCopyDeadline: 9e9", "copy_deadline", 9.0),
        ("imageCopyDeadline: 0", "copy_deadline", 8.0),
        ("logLevel: INFO", "log_level", "info"),
        ("listenAddress: '[::]:8443'", "listen_address", "[::]:8443"),
        ("tlsCertFile: ''", "tls_cert_file", None),
        ("target: {aws: {accountId: 123456789012, region: eu-west-1}}", "target", SwapTarget("123456789012", "eu-west-1")),
        ("target: {aws: {accountId: 1.23456789012e+11, region: a-b-1}}", "target", None),
        ("target: {aws: {accountId: '012345678901', region: eu-west-1}}", "target", SwapTarget("012345678901", "eu-west-1")),
        ("target: {aws: {prefix: cache/}}", "target", SwapTarget(prefix="cache")),
        ("target: {aws: {ecrOptions: {tags: {key: a, value: true}}}}", "target", SwapTarget(repository=SwapRepository(tags=(("a", "1"),)))),
        ("target: {aws: {ecrOptions: {encryptionConfiguration: {encryptionType: AES256, kmsKey: string}}}}", "target", SwapTarget()),
    ],
)  # fmt: skip
def test_types_are_as_loose_as_its_reader(line: str, field: str, value: object) -> None:
    if "e+11" in line:
        line, value = line.replace("a-b-1", "eu-west-1"), SwapTarget("123456789012", "eu-west-1")
    assert getattr(read(line), field) == value


def test_one_filter_may_stand_for_a_list() -> None:
    assert len(read("source: {filters: {jmespath: container.name == 'a'}}").filters) == 1


def test_anchors_and_merge_keys_are_followed() -> None:
    text = "target: &t\n  aws: &a {accountId: 123456789012, region: eu-west-1}\nsource:\n  registries:\n  - {type: aws, aws: {<<: *a, region: us-east-1}}\n"

    assert read(text).source_registries == (SwapSource("123456789012", "us-east-1"),)


def test_the_environment_wins_over_the_file() -> None:
    settings = read(
        "dryRun: false\ntarget: {aws: {region: eu-west-1, accountId: 123456789012}}",
        DRYRUN="true",
        TARGET__AWS__REGION="us-east-1",
    )

    assert settings.dry_run
    assert settings.target is not None
    assert settings.target.region == "us-east-1"


def test_the_environment_says_only_what_its_reader_knows() -> None:
    settings = read("logFormat: json", LOGLEVEL="debug", LOGFORMAT="", QUEUE="sqs", QUEUEURL="https://sqs/1/q")

    assert settings == replace(SwapSettings(), queue="sqs", queue_url="https://sqs/1/q")


def test_a_wrong_variable_is_named() -> None:
    assert problems("dryRun: true", DRYRUN="maybe")[0].startswith("environment variable DRYRUN: dryRun 'maybe'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dryrunn: true", ["swapper.yaml:1: There is no key dryrunn.", 'Did you mean "dryRun"?']),
        ("\ntarget:\n  aws:\n    regoin: eu-west-1", [":4: There is no key target.aws.regoin", '"region"']),
        ("target: {type: gcp}", ["target.type 'gcp'", "Amazon ECR"]),
        ("target: {type: gcp, gcp: {location: a, projectId: b, repositoryId: c}}", ["target.type 'gcp'"]),
        ("source: {registries: [{type: gcp, gcp: {location: a}}]}", ["source.registries[0].type 'gcp'"]),
        ("source: {registries: [{aws: {accountId: 1}}]}", ["source.registries[0] has no type"]),
        ("source: {registries: [{type: aws, aws: {region: eu-west-1}}]}", ["has no accountId"]),
        ("source: {filters: [{jmespath: '.'}]}", [":1: source.filters: jmespath '.' does not compile"]),
        ("source: {filters: [{}]}", ["source.filters[0] has no jmespath"]),
        ("source: {filters: [{jmespth: a}]}", ["jmespth", '"jmespath"']),
        ("source: {filters: [abc]}", ["source.filters[0] cannot be read", "one value"]),
        ("dryRun: yes", ["dryRun 'yes'", "neither true nor false"]),
        ("dryRun: []", ["dryRun cannot be read", "a list"]),
        ("dryRun: true\nDRYRUN: false", [":2: DRYRUN cannot be read", "line 1"]),
        ("imageSwapPolicy: Always", ['Did you mean "always"?']),
        ("imageSwapPolicy: exist", ['Did you mean "exists"?']),
        ("imageCopyPolicy: later", ["delayed, immediate, force, none"]),
        ("imageCopyDeadline: 8", ["nanoseconds"]),
        ("imageCopyDeadline: '8'", ["duration of Go"]),
        ("imageCopyDeadline: 1e400", ["duration of Go"]),
        ("imageCopyDeadline: -8s", ["cannot be used"]),
        ("imageCopyDeadline: soon", ["duration of Go"]),
        ("logLevel: loud", ["logLevel 'loud'"]),
        ("logFormat: xml", ["logFormat 'xml'"]),
        ("listenAddress: 8443", ["listenAddress '8443'"]),
        ("listenAddress: ':99999'", ["65535"]),
        ("tlsCertFile: /a", ["tlsCertFile '/a'", "tlsKeyFile"]),
        ("target: {aws: {accountId: abc, region: eu-west-1}}", ["target.aws.accountId 'abc'"]),
        ("target: {aws: {accountId: 123456789012}}", ["no region"]),
        ("target: {aws: {role: admin}}", ["ARN of an IAM role"]),
        ("target: {aws: {prefix: /Cache}}", ["'cache'"]),
        ("target: {aws: {ecrOptions: {imageTagMutability: mutable}}}", ['"MUTABLE"']),
        ("target: {aws: {ecrOptions: {encryptionConfiguration: {encryptionType: KMS}}}}", ["kmsKey"]),
        ("target: {aws: {ecrOptions: {accessPolicy: '{'}}}", ["JSON"]),
        ("target: {aws: {ecrOptions: {lifecyclePolicy: '[]'}}}", ["JSON object"]),
        ("target: {aws: {ecrOptions: {tags: [{value: a}]}}}", ["tags[0]", "has a key"]),
        ("target: {aws: {ecrOptions: {tags: [{key: a}, {key: a}]}}}", ["tags[1]", "already"]),
        ("queue: kafka", ["queue 'kafka'"]),
        ("pullThroughPolicy: exist-or-warm", ['"exists-or-warm"']),
        ("queue: sqs", ["queueUrl"]),
        ("tableName: copies", ["state is not dynamodb"]),
        ("queue: sqs\nqueueUrl: copies", ["URL of an SQS queue"]),
        ("- a", ["The file cannot be read"]),
        ("dryRun: [", ["This is not YAML"]),
        ("a" * (2 << 20), ["characters"]),
        ("[" * 300, ["nested"]),
        ("? {a: b}\n: c", ["A key of it is no text"]),
    ],
)  # fmt: skip
def test_what_nobody_would_read_is_refused_with_its_place(text: str, words: list[str]) -> None:
    found = problems(text)

    assert found[0].startswith("swapper.yaml")
    assert all(word in "\n".join(found) for word in words), found


def test_all_problems_are_told_at_once_by_line() -> None:
    found = problems("logLevel: loud\ndryRun: maybe\nsource:\n  filters:\n  - jmespath: '.'\n  fitlers: []\n")

    assert [one.split(":")[1] for one in found] == ["1", "2", "5", "6"]


def test_a_broken_file_says_only_that_it_is_broken() -> None:
    assert len(problems("dryRun: 'a\n")) == 1


def test_a_damaged_file_gives_settings_or_problems() -> None:
    pieces = ("null", "[]", "{}", "- ", ": ", "'", '"', "0x1F", "1e400", ".nan", "1_0", "&a ", "*a", "<<: *a", "\t", "\0", "!!binary aGk=", "?", "9" * 99)  # fmt: skip
    chance = random.Random(7)
    for _ in range(300):
        text = WHOLE
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            cut = chance.choice((0, chance.randint(1, 20)))
            text = text[:at] + chance.choice(pieces) + text[at + cut :]
        outcome: object
        try:
            outcome = read(text)
        except InvalidSwapSettings as refused:
            outcome = refused.problems
        assert outcome, text
