"""Images of mirrors on real parts: a registry as their source, the embedded ECR, the webhook between them."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.made_repositories import MADE_BY, set_made
from orchestrator.aws.session import AwsSession
from orchestrator.cli.project_session import project_session
from orchestrator.cli.route import load_routes
from orchestrator.cli.swapper.config_file import load_settings
from orchestrator.cli.swapper.deciding import source_roles
from orchestrator.cli.swapper.swap_copies import CopyHome, SwapCopies
from orchestrator.errors import OrchestratorError
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import seed_upstream
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.logs import LOGGER
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.pod_secrets import PodSecrets
from tests.functional.running import Ran, run
from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.made_images import make_image
from tests.oci.strict_registry import StrictRegistry
from tests.unit.swapper.reviews import Document, containers, patched, pod, review

ACCOUNT = "200000000077"
OTHER = "200000000078"
OWN = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
UBI = "registry.redhat.io/ubi9/ubi"
TARGET = f"{OWN}/redhat/ubi9/ubi"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    found = Project(tmp_path_factory.mktemp("project"))
    found.environments_dir.mkdir()
    found.tfvars_path("dev").write_text(
        f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "eu-west-1"\n'
        "create_vpc_endpoints = false\nattach_ecr_policy = false\n"
        'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n'
        'mirrors = { redhat = { source = "registry.redhat.io" } }\n'
    )
    try:
        yield found
    finally:
        stop(found.local_aws_dir)


@pytest.fixture(scope="module")
def source() -> Iterator[StrictRegistry]:
    with StrictRegistry() as registry:
        image = make_image(1)
        held = registry.repository("ubi9/ubi")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags |= {f"9.{minor}": image.digest for minor in range(6)}
        yield registry


@pytest.fixture
def serve(
    project: Project, source: StrictRegistry, tmp_path: Path
) -> Callable[..., contextlib.AbstractContextManager[ServedWebhook]]:
    ensure_running(project.local_aws_dir)

    def start(*arguments: str) -> contextlib.AbstractContextManager[ServedWebhook]:
        via = f"registry.redhat.io=http://{source.host}"
        return served(project.root, tmp_path, "dev", "--local", "--via", via, *arguments)

    return start


def asked(project: Project, *words: str) -> Ran:
    ran = run("-C", str(project.root), "swapper", *words)
    assert ran.code == 0, ran.err
    return ran


def image_of(webhook: ServedWebhook, image: str, **request: Any) -> str:
    document: Document = review(pod(containers=containers(image)), **request)
    return str(patched(document, webhook.review(document))["spec"]["containers"][0]["image"])


def test_the_first_pod_keeps_its_source_and_the_next_finds_the_copy(
    serve: Callable[..., contextlib.AbstractContextManager[ServedWebhook]], project: Project
) -> None:
    with serve() as webhook:
        # A dry run of the API server has no effects.
        assert image_of(webhook, f"{UBI}:9.0", dryRun=True) == f"{UBI}:9.0"
        with ThreadPoolExecutor(8) as threads:
            first = list(threads.map(lambda _: image_of(webhook, f"{UBI}:9.0"), range(16)))
        assert set(first) <= {f"{UBI}:9.0", f"{TARGET}:9.0"}
        assert webhook.logged("copied")["target"] == f"{TARGET}:9.0"
        assert image_of(webhook, f"{UBI}:9.0") == f"{TARGET}:9.0"
        # What the source does not have is not swapped, and its copy's failure is said.
        assert image_of(webhook, f"{UBI}:none") == f"{UBI}:none"
        assert webhook.logged("not copied")["target"] == f"{TARGET}:none"
        assert image_of(webhook, f"{UBI}:none") == f"{UBI}:none"
        page = webhook.ask("GET", "/metrics")[1].decode()
        assert 'swapper_copies_total{outcome="copied"} 1.0' in page
        assert 'swapper_copies_total{outcome="failed"} 1.0' in page
        # The file tells others while the webhook runs.
        told = asked(project, "status", "dev", "--local", "--json").json
        assert told["queue"] == []
        assert [one["target"] for one in told["copied"]] == [f"{TARGET}:9.0"]
        assert [(one["target"], bool(one["what"])) for one in told["failed"]] == [(f"{TARGET}:none", True)]
        assert f"failed   {UBI}:none -> {TARGET}:none" in asked(project, "status", "dev", "--local").out
    found = {
        one: asked(project, "explain", "--local", "--json", *one.split()).json
        for one in (f"{UBI}:9.0", f"dev {UBI}:none", "quay.io/a/b:1", "example.com/a", "docker.io/Upper")
    }
    assert [(one["becomes"], one["why"][-1]) for one in found.values()] == [
        (f"{TARGET}:9.0", "it is in ECR"),
        (f"{UBI}:none", "until then the Pod keeps its source"),
        (f"{OWN}/quay/a/b:1", "it is redirected without a look: ECR pulls it through"),
        ("example.com/a", "the route table leaves it: no route"),
        ("docker.io/Upper", "the route table leaves it: refused: syntax"),
    ]
    assert found[f"dev {UBI}:none"]["why"][1:3] == [
        "it is not in ECR: it is copied beside, so that the next Pod finds it",
        f"its last copy failed: {' '.join(told['failed'][0][key] for key in ('what', 'why', 'remedy') if told['failed'][0][key])}",
    ]


def test_repositories_that_the_webhook_made_get_the_settings_of_now(
    project: Project, source: StrictRegistry, tmp_path: Path
) -> None:
    ensure_running(project.local_aws_dir)
    environment = load_routes(project, "dev")
    session = project_session(project, environment, local=True)
    ecr: Any = session.client("ecr")
    ecr.create_repository(repositoryName="redhat/others/own")
    source.repositories.setdefault("made/app", source.repositories["ubi9/ubi"])
    before = RepositorySettings(tags={"team": "a"})
    home = CopyHome(environment.registry, lambda: session, lambda _: before, tmp_path)
    via = {"registry.redhat.io": f"http://{source.host}"}
    SwapCopies(home, SwapMetrics(), via).copy("registry.redhat.io/made/app:9.0", f"{OWN}/redhat/made/app:9.0")

    def standing(name: str) -> tuple[Any, ...]:
        (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
        tags = {
            each["Key"]: each["Value"]
            for each in ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
        }
        try:
            lifecycle = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
        except ecr.exceptions.LifecyclePolicyNotFoundException:
            lifecycle = None
        return found["imageTagMutability"], found["imageScanningConfiguration"]["scanOnPush"], tags, lifecycle

    mark = {MADE_BY: "image-swapper"}
    assert standing("redhat/made/app") == ("MUTABLE", True, {"team": "a", **mark}, None)
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 3},
        "action": {"type": "expire"},
    }
    policy = json.dumps({"rules": [rule]})
    now = RepositorySettings("IMMUTABLE", False, tags={"team": "b"}, lifecycle_policy=policy)
    others = standing("redhat/others/own")
    names = {"redhat/made/app", "redhat/others/own"}

    def changed(wanted: RepositorySettings, maker: str = "image-swapper") -> list[tuple[str, tuple[str, ...]]]:
        return list(set_made(session, maker, lambda name: wanted if name in names else None, scans=True))

    # Not what another one made.
    assert changed(now, "image-swapper by a file") == []
    assert changed(now) == [("redhat/made/app", ("mutability", "scanning", "tags", "lifecycle policy"))]
    assert standing("redhat/made/app") == ("IMMUTABLE", False, {"team": "b", **mark}, {"rules": [rule]})
    assert standing("redhat/others/own") == others
    assert changed(now) == []
    # A policy that nobody names any more stays, and so does the image.
    assert changed(replace(now, lifecycle_policy="")) == []
    own = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:GetDownloadUrlForLayer"}],
        }
    )
    assert changed(replace(now, policy=own)) == [("redhat/made/app", ("policy",))]
    assert changed(replace(now, policy=own)) == []
    assert json.loads(ecr.get_repository_policy(repositoryName="redhat/made/app")["policyText"]) == json.loads(own)
    assert ecr.list_images(repositoryName="redhat/made/app")["imageIds"]

    # A process does it by itself, with its first look, unless it only explains.
    home = CopyHome(environment.registry, lambda: session, lambda _: before, tmp_path, makes=lambda name: name in names)
    SwapCopies(home, SwapMetrics(), via).is_there(f"{OWN}/redhat/made/app:9.0")
    assert standing("redhat/made/app")[2]["team"] == "b"
    SwapCopies(home, SwapMetrics(), via, keeps=True).is_there(f"{OWN}/redhat/made/app:9.0")
    ends = time.monotonic() + 120
    while standing("redhat/made/app")[:3] != ("MUTABLE", True, {"team": "a", **mark}):
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_pod_may_wait_for_its_copy(
    serve: Callable[..., contextlib.AbstractContextManager[ServedWebhook]],
) -> None:
    with serve("--copy-policy", "immediate", "--copy-deadline", "30") as webhook:
        assert image_of(webhook, f"{UBI}:9.1") == f"{TARGET}:9.1"


def test_an_image_that_only_its_pods_secret_opens_is_copied(
    project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_running(project.local_aws_dir)
    environment = load_routes(project, "dev")
    settings = partial(settings_of_repository, environment, build_route_table(environment))

    def session() -> AwsSession:
        return project_session(project, environment, local=True)

    login = base64.b64encode(b"team:hush").decode()
    document = json.dumps({"auths": {"registry.redhat.io": {"auth": login}}}).encode()
    held = {"data": {".dockerconfigjson": base64.b64encode(document).decode()}}

    class Cluster:
        def get(self, path: str) -> Document | None:
            return held if path == "/api/v1/namespaces/shop/secrets/login" else None

    with StrictRegistry(basic=("team", "hush")) as private:
        image = make_image(2)
        repository = private.repository("private/app")
        repository.blobs |= image.blobs
        repository.manifests |= image.manifests
        repository.tags |= {"1": image.digest, "2": image.digest}
        via = {"registry.redhat.io": f"http://{private.host}"}
        home = CopyHome(environment.registry, session, settings, tmp_path)
        copies = SwapCopies(home, SwapMetrics(), via, Cluster())
        asked = ("registry.redhat.io/private/app:1", f"{OWN}/redhat/private/app:1")
        with pytest.raises(OrchestratorError):
            copies.copy(*asked, PodSecrets("shop"))
        copies.copy(*asked, PodSecrets("shop", ("login",)))
        assert copies.is_there(asked[1])
        # On a full disk the journal cannot grow, and images are copied all the same.
        opened = copies._opened
        assert opened is not None
        another = make_image(3)
        repository.blobs |= another.blobs
        repository.manifests |= another.manifests
        repository.tags["3"] = another.digest
        opened[2]._base.execute("create trigger full before insert on image begin select raise(fail, 'full'); end")
        copies.copy(asked[0].replace(":1", ":3"), asked[1].replace(":1", ":3"), PodSecrets("shop", ("login",)))
        assert copies.is_there(asked[1].replace(":1", ":3"))
        assert [one.message for one in caplog.records if one.name == LOGGER] == [
            "the journal of copies cannot be written"
        ]
        # The login serves that Pod's copies, not those of the next.
        with pytest.raises(OrchestratorError):
            copies.copy(asked[0].replace(":1", ":2"), asked[1].replace(":1", ":2"), PodSecrets("shop"))


def test_the_files_lifecycle_policy_is_put_on_a_repository_that_is_made(
    serve: Callable[..., contextlib.AbstractContextManager[ServedWebhook]],
    project: Project,
    source: StrictRegistry,
    tmp_path: Path,
) -> None:
    rule = {"rulePriority": 1, "action": {"type": "expire"}}
    rule["selection"] = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    options = {"lifecyclePolicy": json.dumps({"rules": [rule]})}
    config = tmp_path / "swapper.yaml"
    config.write_text(json.dumps({"target": {"type": "aws", "aws": {"ecrOptions": options}}}))
    image = make_image(4)
    held = source.repository("kept/app")
    held.blobs |= image.blobs
    held.manifests |= image.manifests
    held.tags["1"] = image.digest
    with serve("--config", str(config)) as webhook:
        image_of(webhook, "registry.redhat.io/kept/app:1")
        assert webhook.logged("copied")["target"] == f"{OWN}/redhat/kept/app:1"
    ecr = project_session(project, load_routes(project, "dev"), local=True).client("ecr")
    found = ecr.get_lifecycle_policy(repositoryName="redhat/kept/app")["lifecyclePolicyText"]
    assert json.loads(found) == {"rules": [rule]}


def test_a_source_in_ecr_is_read_as_the_role_that_the_file_names_for_it(
    project: Project, source: StrictRegistry, tmp_path: Path
) -> None:
    config = tmp_path / "swapper.yaml"
    reader = {"accountId": OTHER, "region": "eu-west-1", "role": f"arn:aws:iam::{OTHER}:role/reader"}
    own = {"accountId": "200000000079", "region": "eu-west-1"}
    sources = [{"type": "aws", "aws": reader}, {"type": "aws", "aws": own}]
    config.write_text(json.dumps({"source": {"registries": sources}}))
    local = ensure_running(project.local_aws_dir)
    environment = load_routes(project, "dev")
    # What is to be read stands in the other account's registry.
    there = environment.model_copy(update={"account_id": OTHER})
    for folder in ("filled", "copies"):
        (tmp_path / folder).mkdir()
    session = project_session(project, there, local=True)
    filled = CopyHome(there.registry, lambda: session, lambda _: RepositorySettings(), tmp_path / "filled")
    held = f"{there.registry.host}/apps/web:1"
    SwapCopies(filled, SwapMetrics(), {"registry.redhat.io": f"http://{source.host}"}).copy(f"{UBI}:9.1", held)

    settings = load_settings(config)
    roles = source_roles(settings, "dev", lambda: local)
    assert set(roles) == {there.registry.host}
    opened: list[AwsSession] = []

    def as_reader() -> AwsSession:
        opened.append(roles[there.registry.host]())
        return opened[-1]

    home = CopyHome(
        environment.registry,
        lambda: project_session(project, environment, local=True),
        lambda _: RepositorySettings(),
        tmp_path / "copies",
        sources={there.registry.host: as_reader},
    )
    copies = SwapCopies(home, SwapMetrics(), {})
    copies.copy(held, f"{OWN}/apps/web:1")
    assert copies.is_there(f"{OWN}/apps/web:1")
    assert [one.account_id for one in opened] == [OTHER]


def test_a_first_pull_brings_what_a_rule_pulls_through(
    serve: Callable[..., contextlib.AbstractContextManager[ServedWebhook]], project: Project, tmp_path: Path
) -> None:
    session = project_session(project, load_routes(project, "dev"), local=True)
    session.client("ecr", "eu-west-1").create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io"
    )
    made = make_image(1)
    manifests = [body.decode() for digest, (_, body) in made.manifests.items() if digest != made.digest]
    whole = made.manifests[made.digest][1].decode()
    local = ensure_running(project.local_aws_dir)
    seed_upstream(local, "quay.io", "prometheus/node-exporter", "v1", [*manifests, whole])
    image, target = "quay.io/prometheus/node-exporter:v1", f"{OWN}/quay/prometheus/node-exporter:v1"
    with serve("--pull-through-policy", "exists-or-warm") as webhook:
        assert image_of(webhook, image) == image
        assert webhook.logged("copied")["target"] == target
        assert image_of(webhook, image) == target
    environment = load_routes(project, "dev")
    settings = partial(settings_of_repository, environment, build_route_table(environment))
    home = CopyHome(environment.registry, lambda: session, settings, tmp_path, cached=lambda _: True)
    copies = SwapCopies(home, SwapMetrics(), {})
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(OrchestratorError, match="for the first time by its digest"):
        copies.copy(f"{image.removesuffix(':v1')}@{digest}", f"{target.removesuffix(':v1')}@{digest}")
    with pytest.raises(OrchestratorError, match=f"names {made.digest} now"):
        copies.copy(f"{image}@{digest}", f"{target}@{digest}")


def test_without_aws_redirects_by_name_go_on(
    serve: Callable[..., contextlib.AbstractContextManager[ServedWebhook]], project: Project
) -> None:
    with serve("--copy-policy", "none") as webhook:
        assert image_of(webhook, f"{UBI}:9.2") == f"{UBI}:9.2"
        stop(project.local_aws_dir)
        document = review(pod(containers=[*containers("quay.io/team/app:1"), {"name": "ubi", "image": f"{UBI}:9.3"}]))
        status, body = webhook.ask("POST", "/webhook?timeout=2s", json.dumps(document).encode())
        assert status == 200
        images = [one["image"] for one in patched(document, json.loads(body))["spec"]["containers"]]
        assert images == [f"{OWN}/quay/team/app:1", f"{UBI}:9.3"]
        status, text = webhook.ask("GET", "/readyz")
        assert status == 200
        assert text.startswith((b"the registry did not answer in time", b"the registry cannot be asked"))
