"""`serve --config FILE`, alone and with an environment: k8s-image-swapper's names, policies and filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.functional.running import run
from tests.functional.swapper.serving_webhook import served
from tests.references_table import OWN, tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review

HOST = "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com"
CONFIG = """\
dryRun: false
imageswappolicy: always
source:
  filters:
  - jmespath: "obj.metadata.namespace == 'kube-system'"
  - jmespath: "container.name == 'c1'"
target: {type: aws, aws: {accountId: 123456789012, region: ap-southeast-2, prefix: /cache}}
"""
WITHOUT_TARGET = "source: {filters: [{jmespath: \"contains(container.image, 'quay.io')\"}]}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "environments").mkdir()
    (folder / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    (folder / "alone.yaml").write_text(CONFIG)
    (folder / "policies.yaml").write_text(WITHOUT_TARGET)
    return folder


def images(document: dict[str, Any], answer: Any) -> list[str]:
    return [one["image"] for one in patched(document, answer)["spec"]["containers"]]


def test_a_file_alone_names_copies_as_k8s_image_swapper_does(project: Path, tmp_path: Path) -> None:
    document = review(pod(containers=containers("nginx:1", "quay.io/a/b", "quay.io/a/c", f"{HOST}/x")))
    with served(
        tmp_path, tmp_path / "tls", "--config", str(project / "alone.yaml"), "--state-dir", str(tmp_path / "state")
    ) as webhook:
        assert images(document, webhook.review(document)) == [
            f"{HOST}/cache/docker.io/library/nginx:1",
            "quay.io/a/b",
            f"{HOST}/cache/quay.io/a/c",
            f"{HOST}/x",
        ]


def test_an_environment_gives_the_targets_and_a_file_the_filters(project: Path, tmp_path: Path) -> None:
    document = review(pod(containers=containers("nginx", "quay.io/a/b")))
    with served(project, tmp_path, "--config", str(project / "policies.yaml")) as webhook:
        assert images(document, webhook.review(document)) == [f"{OWN}/docker-hub/library/nginx", "quay.io/a/b"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--config", "none.yaml"), "none.yaml cannot be read"),
        (("--config", "wrong.yaml"), 'There is no key logLevle. Nothing would read it. Did you mean "logLevel"?'),
        (("standard", "--config", "alone.yaml"), "target.aws.region is ap-southeast-2"),
        (("--config", "gcp.yaml"), "target.type 'gcp' cannot be used"),
        (("standard", "--config", "half.yaml"), "half.yaml:1: queue is sqs, and the other half is missing."),
        (
            ("shared", "--config", "other.yaml"),
            "other.yaml:3: tableName is copies, and image_swapper of environment shared",
        ),
        (("--config", "alone.yaml", "--tls-key-file", "a"), "A certificate comes with its key"),
    ],
)
def test_a_refused_file_ends_the_command_before_it_listens(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    (project / "wrong.yaml").write_text("logLevle: info\n")
    (project / "gcp.yaml").write_text("target: {type: gcp}\n")
    (project / "half.yaml").write_text("queue: sqs\nqueueUrl: https://sqs.eu-west-1.amazonaws.com/1/copies\n")
    url = f"https://sqs.{OWN.split('.')[3]}.amazonaws.com/{OWN.split('.')[0]}/ecr-swapper-shared"
    other = f"queue: sqs\nqueueUrl: {url}\ntableName: copies\nstate: dynamodb\n"
    (project / "other.yaml").write_text(other)
    role = "arn:aws:iam::123456789012:role/swap"
    (project / "role.yaml").write_text(f"target: {{aws: {{role: '{role}'}}}}\n")
    shared = tfvars("standard") + "image_swapper = { enabled = true }\n"
    shared += 'assume_role_arn = "arn:aws:iam::123456789012:role/deployer"\n'
    (project / "environments" / "shared.tfvars").write_text(shared)
    monkeypatch.chdir(project)

    ran = run("swapper", "serve", "--listen", "127.0.0.1:0", *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_status_is_of_a_file_or_an_environment(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("swapper", "status")
    assert (ran.code, "orchestrator swapper status [NAME] --config FILE" in ran.err) == (2, True), ran.err
    ran = run("swapper", "status", "--config", str(project / "alone.yaml"))
    assert (ran.code, ran.err.strip()) == (0, "0 waiting, 0 copied, 0 failed (.orchestrator/swapper)")
    ran = run("-C", str(project), "swapper", "status", "standard", "--config", str(project / "alone.yaml"))
    assert (ran.code, "target.aws.region is ap-southeast-2" in ran.err) == (2, True), ran.err


def test_a_file_without_a_target_needs_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k.yaml").write_text("dryRun: true\n")
    monkeypatch.chdir(tmp_path)

    ran = run("swapper", "serve", "--config", "k.yaml")
    assert ran.code == 2
    assert "target.aws.accountId is missing" in ran.err


def test_a_certificate_of_its_own_needs_a_service_a_configuration_and_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    own = ("--own-certificate", "a/b")
    for arguments, code, said in (
        (own, 2, "--webhook-configuration missing"),
        (("--webhook-configuration", "x"), 2, "--own-certificate is missing"),
        (("--own-certificate", "a", "--webhook-configuration", "x"), 2, "--own-certificate ecr-swapper/ecr-swapper"),
        ((*own, "--webhook-configuration", "x", "--tls-cert-file", "cert"), 2, "One certificate"),
        ((*own, "--webhook-configuration", "x"), 1, "runs in no Pod"),
    ):
        ran = run("-C", str(tmp_path), "swapper", "serve", *arguments)
        assert ran.code == code
        assert said in " ".join(ran.err.split())
