"""Three replicas on the embedded AWS: each image copied once, over redelivery, a throttled table and a replica that dies."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.deletion_news import DeletionNews
from orchestrator.aws.mirror_queue import MirrorQueue
from orchestrator.aws.session import AwsSession
from orchestrator.cli.project_session import project_session
from orchestrator.cli.route import load_routes
from orchestrator.cli.swapper.shared_status import as_document, state_of
from orchestrator.cli.swapper.swap_copies import CopyHome, SwapCopies
from orchestrator.errors import OrchestratorError
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import forget_requests, recorded_requests, seed_upstream, set_faults
from orchestrator.mirroring.copy_jobs import CopyJob
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.pod_secrets import PodSecrets
from orchestrator.swapper.shared_queue import CopyPorts, SharedCopyQueue
from tests.functional.running import run
from tests.made_images import make_image
from tests.oci.strict_registry import StrictRegistry

# Throttled calls are waited for by the SDK.
pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "200000000078"
OWN = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
SOURCE = "registry.redhat.io/ubi9/ubi"
TARGET = f"{OWN}/redhat/ubi9/ubi"
QUEUE = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/copies"
DELETIONS = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/deletions"
IMAGES = 4


class Cloud:
    """A source that counts what is read of it, a registry, a queue with dead letters, a table."""

    def __init__(self, folder: Path, source: StrictRegistry) -> None:
        self.folder, self.source = folder, source
        self.project = Project(folder)
        self.project.environments_dir.mkdir()
        self.project.tfvars_path("dev").write_text(
            f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "eu-west-1"\n'
            'create_vpc_endpoints = false\nmirrors = { redhat = { source = "registry.redhat.io" } }\n'
        )
        self.local = ensure_running(self.project.local_aws_dir)
        self.environment = load_routes(self.project, "dev")
        session = self.session()
        self.sqs, dynamodb = session.client("sqs"), session.client("dynamodb")
        for name in ("copies", "copies-dead-letters", "deletions"):
            self.sqs.create_queue(QueueName=name)
        dynamodb.create_table(
            TableName="copies",
            KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.read: Counter[str] = Counter()
        source.on_request = self.hear
        held = source.repository("ubi9/ubi")
        self.layers: list[str] = []
        for number in range(IMAGES):
            image = make_image(100 + number)
            held.blobs |= image.blobs
            held.manifests |= image.manifests
            held.tags[f"9.{number}"] = image.digest
            self.layers += image.blobs

    def hear(self, method: str, path: str) -> None:
        if method == "GET" and "/blobs/" in path:
            self.read[path.rpartition("/")[2]] += 1

    @cached_property
    def opened(self) -> AwsSession:
        return project_session(self.project, self.environment, local=True)

    def session(self) -> AwsSession:
        return self.opened

    def queue(self, lease: float = 120.0) -> MirrorQueue:
        return MirrorQueue(self.session(), "copies", url=QUEUE, lease=lease)


class Replica:
    """One process' part: what it copied itself, what it heard of."""

    def __init__(self, cloud: Cloud, number: int) -> None:
        settings = partial(settings_of_repository, cloud.environment, build_route_table(cloud.environment))
        folder = cloud.folder / f"replica{number}"
        folder.mkdir(exist_ok=True)
        via = {"registry.redhat.io": f"http://{cloud.source.host}"}
        self.copies = SwapCopies(
            CopyHome(cloud.environment.registry, cloud.session, settings, folder), SwapMetrics(), via
        )
        self.own: list[tuple[str, OrchestratorError | None]] = []
        self.heard: dict[str, bool] = {}
        self.secrets: list[PodSecrets | None] = []
        ports = CopyPorts(cloud.queue, self.copies.is_there, self.copy, self.ended, self.heard.__setitem__)
        self.queue = SharedCopyQueue(ports, poll_seconds=0.05, away_seconds=0.1)

    def copy(self, source: str, target: str, secrets: PodSecrets | None) -> None:
        self.secrets.append(secrets)
        self.copies.copy(source, target, secrets)

    def ended(self, target: str, error: OrchestratorError | None) -> None:
        self.own.append((target, error))
        self.heard[target] = error is None


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with StrictRegistry() as source:
        made = Cloud(tmp_path_factory.mktemp("project"), source)
        try:
            yield made
        finally:
            stop(made.project.local_aws_dir)


@pytest.fixture
def replicas(cloud: Cloud) -> Iterator[list[Replica]]:
    found = [Replica(cloud, number) for number in range(3)]
    yield found
    for one in found:
        one.queue.close()


def waiting(condition: Callable[[], bool], told: Callable[[], object] = lambda: "it did not happen") -> None:
    ends = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < ends, told()
        time.sleep(0.02)


def test_each_image_is_copied_once_though_messages_come_twice_the_table_throttles_and_a_replica_dies(
    cloud: Cloud, replicas: list[Replica]
) -> None:
    # A replica that died has the first image: its lease ends, and another one copies it.
    dead = cloud.queue(lease=1)
    dead.submit([CopyJob(f"{SOURCE}:9.0", f"{TARGET}:9.0")])
    held = None
    while held is None and not replicas[0].own + replicas[1].own + replicas[2].own:
        held = dead.take(1)
    # The first calls of the table are throttled.
    set_faults(cloud.local, {"services": ["dynamodb"], "rate": 1, "limit": 4, "code": "ThrottlingException"})
    secrets = PodSecrets("shop", ("login",))
    try:
        for replica in replicas:
            for number in range(IMAGES):
                assert replica.queue.add(f"{SOURCE}:9.{number}", f"{TARGET}:9.{number}", secrets)
        for number in range(IMAGES):
            cloud.sqs.send_message(QueueUrl=QUEUE, MessageBody=json.dumps({"job": f"{TARGET}:9.{number}"}))
        waiting(lambda: all(len(one.heard) == IMAGES for one in replicas))
    finally:
        set_faults(cloud.local)
    assert all(all(one.heard.values()) for one in replicas)
    assert all(one.queue.oldest() == (0, 0.0) for one in replicas)
    # The table tells the others a moment before.
    waiting(lambda: sum(len(one.own) for one in replicas) >= IMAGES)
    copied = Counter(target for one in replicas for target, error in one.own if error is None)
    assert copied == {f"{TARGET}:9.{number}": 1 for number in range(IMAGES)}
    assert {layer: cloud.read[layer] for layer in cloud.layers} == dict.fromkeys(cloud.layers, 1)
    # Whichever copied knows whose secrets open it, unless the dead one's word came first.
    assert {one for replica in replicas for one in replica.secrets} <= {secrets, None}
    assert secrets in {one for replica in replicas for one in replica.secrets}
    # What is there already is nobody's work.
    late = Replica(cloud, 3)
    assert late.queue.add(f"{SOURCE}:9.1", f"{TARGET}:9.1")
    waiting(lambda: late.heard == {f"{TARGET}:9.1": True})
    assert late.own == []
    late.queue.close()


def test_what_no_source_has_is_told_to_all_and_left_for_a_minute(cloud: Cloud, replicas: list[Replica]) -> None:
    for replica in replicas:
        assert replica.queue.add(f"{SOURCE}:none", f"{TARGET}:none")
    waiting(lambda: all(one.heard == {f"{TARGET}:none": False} for one in replicas))
    assert not any(one.queue.add(f"{SOURCE}:none", f"{TARGET}:none") for one in replicas)
    waiting(lambda: sum(len(one.own) for one in replicas) == 1, lambda: [one.own for one in replicas])
    # Whoever asks for the state of the queue hears of it, with what says what to do.
    known = state_of(cloud.queue())
    (failed,) = known.failed
    assert (failed.job.target, failed.job.source) == (f"{TARGET}:none", f"{SOURCE}:none")
    assert time.time() - 120 < failed.ended <= time.time() + 1
    # Messages that another test's jobs left are given up as well.
    letters = cloud.sqs.receive_message(QueueUrl=f"{QUEUE}-dead-letters", MaxNumberOfMessages=10)["Messages"]
    assert known.dead_letters == len(letters)
    assert len([one for one in letters if f"{TARGET}:none" in one["Body"]]) == 1, [one["Body"] for one in letters]
    document: Any = as_document(known)
    assert document["failed"] == [
        {"target": f"{TARGET}:none", "source": f"{SOURCE}:none", "at": failed.ended, "why": failed.status.error}
    ]
    assert f"{SOURCE}:none does not exist: registry.redhat.io answers 404." in failed.status.error


def test_status_asks_the_queue_that_a_file_names(cloud: Cloud) -> None:
    file = cloud.folder / "swapper.yaml"
    file.write_text(f"queue: sqs\nqueueUrl: {QUEUE}\nstate: dynamodb\ntableName: copies\n")
    job = CopyJob(f"{SOURCE}:waiting", f"{TARGET}:waiting", after=frozenset({"nobody"}))
    cloud.queue().submit([job])
    where = ("-C", str(cloud.folder), "swapper", "status", "dev", "--config", str(file), "--local")
    told = run(*where, "--json")
    assert (told.code, told.json) == (0, as_document(state_of(cloud.queue()))), told.err
    assert f"{TARGET}:waiting" in {one["target"] for one in told.json["queue"]}
    lines = run(*where)
    assert f"waiting  {SOURCE}:waiting -> {TARGET}:waiting (nobody has begun it, attempts: 0)" in lines.out
    assert "(queue and table copies: messages " in lines.err
    # A folder that is named is asked instead.
    assert run(*where, "--state-dir", str(cloud.folder / "empty")).err.startswith("0 waiting, 0 copied, 0 failed")


def test_status_asks_the_queue_of_a_file_alone(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in cloud.local.variables(ACCOUNT, "eu-west-1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "swapper.yaml"
    file.write_text(
        f"queue: sqs\nqueueUrl: {QUEUE}\nstate: dynamodb\ntableName: copies\n"
        f"target:\n  type: aws\n  aws: {{accountId: '{ACCOUNT}', region: eu-west-1}}\n"
    )
    told = run("swapper", "status", "--config", str(file), "--json")
    assert (told.code, told.json) == (0, as_document(state_of(cloud.queue()))), told.err
    assert "(queue and table copies: messages " in run("swapper", "status", "--config", str(file)).err
    file.write_text(file.read_text().replace("queueUrl: ", "queueUrl: x"))
    wrong = run("swapper", "status", "--config", str(file))
    assert (wrong.code, f"{file}:2: " in wrong.err, "Traceback" in wrong.err) == (2, True, False), wrong.err


def test_a_queue_that_is_away_leaves_pods_their_source_and_says_so(cloud: Cloud) -> None:
    heard: dict[str, bool] = {}
    away = threading.Event()

    def opened() -> MirrorQueue:
        if not away.is_set():
            raise OrchestratorError("SQS does not answer.")
        return cloud.queue()

    there: set[str] = set()
    ports = CopyPorts(
        *(opened, there.__contains__, lambda _source, target, _secrets: there.add(target)),
        *(lambda target, error: heard.update({target: error is None}), heard.__setitem__),
    )
    queue = SharedCopyQueue(ports, poll_seconds=0.05, away_seconds=0.05)
    assert queue.add("x/a:1", "own/a:1")
    waiting(lambda: heard == {"own/a:1": False})
    assert queue.problems() == ["copies are not shared: SQS does not answer."]
    # The next Pod has it tried again, as soon as AWS is back.
    away.set()
    assert queue.add("x/a:1", "own/a:1")
    waiting(lambda: heard == {"own/a:1": True})
    assert not queue.problems()
    queue.close()


def test_a_deletion_that_one_replica_hears_is_forgotten_by_all(cloud: Cloud) -> None:
    now, forgotten = [1000.0], [[], [], []]  # type: ignore[var-annotated]
    news = [DeletionNews(cloud.session, DELETIONS, "copies", one.append, clock=lambda: now[0]) for one in forgotten]

    def event(repository: str, digest: str, action: str = "DELETE") -> dict[str, Any]:
        detail = {"result": "SUCCESS", "repository-name": repository, "image-digest": digest, "action-type": action}
        return {"source": "aws.ecr", "detail-type": "ECR Image Action", "detail": detail}

    def told(*events: object) -> list[list[frozenset[str]]]:
        for one in events:
            cloud.sqs.send_message(QueueUrl=DELETIONS, MessageBody=json.dumps(one))
        news[0].hear(0)
        for one in news:
            one.read()
        found = [list(one) for one in forgotten]
        for each in forgotten:
            each.clear()
        return found

    assert (
        told(event("redhat/a", "sha256:1"), event("redhat/b", "sha256:2", "PUSH"), "nonsense", {"detail": []})
        == [[frozenset({"redhat/a"})]] * 3
    )
    assert told() == [[], [], []]
    # A second image of that repository, in the same seconds and later.
    assert told(event("redhat/a", "sha256:3")) == [[frozenset({"redhat/a"})]] * 3
    now[0] += 60
    assert told(event("redhat/a", "sha256:1")) == [[frozenset({"redhat/a"})]] * 3
    cloud.sqs.send_message(QueueUrl=DELETIONS, MessageBody=json.dumps(event("redhat/c", "sha256:4")))
    with pytest.raises(OrchestratorError):
        DeletionNews(cloud.session, DELETIONS, "nowhere", forgotten[0].append).hear(0)


def test_the_role_has_the_rights_that_the_webhook_uses(cloud: Cloud) -> None:
    """Every request of a replica, beside what modules/image-swapper and its queue allow."""
    modules = [(ROOT / "modules" / name / "main.tf").read_text() for name in ("mirror-queue", "image-swapper")]
    allowed = {action for text in modules for action in re.findall(r'"((?:dynamodb|ecr|sqs):[A-Z]\w+)"', text)}
    held = cloud.source.repository("rights/app")
    image = make_image(300)
    held.blobs |= image.blobs
    held.manifests |= image.manifests
    held.tags["1"] = image.digest
    other = SwapCopies(
        CopyHome(
            cloud.environment.registry, cloud.session, lambda _: RepositorySettings("IMMUTABLE", False), cloud.folder
        ),
        SwapMetrics(),
        {},
        keeps=True,
    )
    forget_requests(cloud.local)
    replica = Replica(cloud, 4)
    try:
        assert replica.queue.add("registry.redhat.io/rights/app:1", f"{OWN}/redhat/rights/app:1")
        waiting(lambda: replica.heard == {f"{OWN}/redhat/rights/app:1": True})
    finally:
        replica.queue.close()
    news = DeletionNews(cloud.session, DELETIONS, "copies", lambda _: None)
    news.hear(0)
    news.read()
    # Settings of repositories that exist are brought to those of now.
    other.is_there(f"{OWN}/redhat/rights/app:1")
    wanted = {"ecr:PutImageTagMutability", "ecr:PutImageScanningConfiguration"}
    waiting(lambda: wanted <= _asked(cloud), lambda: _asked(cloud))
    asked = _asked(cloud)
    assert asked - allowed == set()
    assert {"ecr:CreateRepository", "ecr:PutImage", "sqs:ReceiveMessage", "dynamodb:UpdateItem"} <= asked


def test_the_role_has_the_rights_of_first_pulls(cloud: Cloud) -> None:
    """Every request of a look and of a first pull, beside what `first_pulls` adds to a role that asks for logins."""
    text = (ROOT / "modules" / "image-swapper" / "main.tf").read_text()
    statement = re.search(r'Sid += "FirstPulls"\n.*\n +Action += \[(.*)\]', text)
    assert statement is not None
    allowed = set(re.findall(r'"(ecr:\w+)"', statement[1]))
    cloud.session().client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io"
    )
    made = make_image(301)
    parts = [body.decode() for digest, (_, body) in made.manifests.items() if digest != made.digest]
    whole = made.manifests[made.digest][1].decode()
    seed_upstream(cloud.local, "quay.io", "team/app", "1", [*parts, whole])
    folder = cloud.folder / "first"
    folder.mkdir()
    home = CopyHome(
        *(cloud.environment.registry, cloud.session, lambda _: RepositorySettings(), folder), cached=lambda _: True
    )
    copies = SwapCopies(home, SwapMetrics(), {})
    forget_requests(cloud.local)
    target = f"{OWN}/quay/team/app:1"
    assert not copies.is_there(target)
    copies.copy("quay.io/team/app:1", target)
    assert copies.is_there(target)
    asked = _asked(cloud) - {"ecr:GetAuthorizationToken"}
    assert asked == {"ecr:BatchGetImage", "ecr:DescribeImages"}
    # AWS asks whoever pulls first for these as well, and no request has their names.
    assert allowed == asked | {"ecr:BatchImportUpstreamImage", "ecr:CreateRepository"}


def _asked(cloud: Cloud) -> set[str]:
    return {
        f"{one['service'].removesuffix('.dkr')}:{one['operation']}"
        for one in recorded_requests(cloud.local)
        if one["service"] != "sts"
    }
