"""A day of a cluster in a minute: three real `swapper serve` on the embedded AWS, and everything that goes wrong with them.

Pods come all the time. Meanwhile replicas are killed (SIGKILL) and started again, images are deleted from ECR, the source is
away or throttles, DynamoDB throttles, certificates are renewed. The webhook's times are divided by `FACTOR`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from orchestrator.cli.project_session import project_session
from orchestrator.cli.route import load_routes
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import set_faults
from orchestrator.project import Project
from tests.functional.swapper.serving_webhook import ServedWebhook, make_certificate, served
from tests.made_images import make_image
from tests.oci.registry_state import Faults
from tests.oci.strict_registry import StrictRegistry
from tests.unit.swapper.reviews import containers, pod, review

FACTOR = 100.0
ACCOUNT = "200000000079"
SOURCE = "registry.redhat.io/day/app"
REPOSITORY = "redhat/day/app"
TARGET = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{REPOSITORY}"
# What was deleted may be believed to be there for five minutes, and a little for this machine.
BELIEVED = 300 / FACTOR + 2.0
CLIENTS = 4


@dataclass
class Seen:
    """What became of the Pods. `broken` were sent to an image that was not there, `stale` to one that had just been deleted."""

    swapped: int = 0
    kept: int = 0
    failed_open: int = 0
    stale: int = 0
    broken: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


class Day:
    """The cluster, its registry and its source. `tags` are what its Pods run."""

    def __init__(self, folder: Path, source: StrictRegistry, *, images: int, seed: int) -> None:
        self._folder, self._source = folder, source
        self._random = random.Random(seed)
        self.project = Project(folder / "project")
        self.project.environments_dir.mkdir(parents=True)
        self.project.tfvars_path("dev").write_text(
            f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "eu-west-1"\ncreate_vpc_endpoints = false\n'
            'mirrors = { redhat = { source = "registry.redhat.io" } }\nimage_swapper = { enabled = true }\n'
        )
        self._local = ensure_running(self.project.local_aws_dir)
        environment = load_routes(self.project, "dev")
        self._session = project_session(self.project, environment, local=True)
        self._name = environment.image_swapper_name
        self._make()
        self.tags = [f"1.{number}" for number in range(images)]
        held = source.repository("day/app")
        for number, tag in enumerate(self.tags):
            image = make_image(5000 + number)
            held.blobs |= image.blobs
            held.manifests |= image.manifests
            held.tags[tag] = image.digest
        self.seen = Seen()
        self.lives: Counter[str] = Counter(self.tags)
        self._lock = threading.Lock()
        self._there: set[str] = set()
        self._deleted: dict[str, float] = {}
        self._running: list[tuple[ServedWebhook, contextlib.ExitStack] | None] = [None, None, None]
        self._lines: list[dict[str, Any]] = []
        self._asked = 0

    def _make(self) -> None:
        for name in (self._name, f"{self._name}-dead-letters", f"{self._name}-deletions"):
            self._session.client("sqs").create_queue(QueueName=name)
        self._session.client("dynamodb").create_table(
            TableName=self._name,
            KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    # The replicas

    def start(self, number: int) -> None:
        """Start a replica, where none runs under this number."""
        stack = contextlib.ExitStack()
        via = f"registry.redhat.io=http://{self._source.host}"
        folder = self._folder / f"replica{number}"
        webhook = stack.enter_context(
            served(
                *(self.project.root, folder, "dev", "--local", "--via", via),
                *("--state-dir", str(folder / "state"), "--reload-seconds", "0.2", "--drain-seconds", "0"),
                program=("-m", "tests.functional.swapper.shortened_serve", str(FACTOR)),
            )
        )
        with self._lock:
            self._running[number] = webhook, stack

    def kill(self, number: int) -> None:
        """SIGKILL: what it copies in this moment is another's after the lease."""
        with self._lock:
            found, self._running[number] = self._running[number], None
        if found is None:
            return
        found[0].process.kill()
        found[1].close()
        self._lines += [{**line, "pid": found[0].process.pid} for line in found[0].lines]

    # What happens

    def delete(self, tag: str) -> None:
        """Delete an image from ECR, which tells of it."""
        ecr: Any = self._session.client("ecr")
        answer = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])
        if not answer["images"]:
            return
        with self._lock:
            self._there.discard(tag)
            self._deleted[tag] = time.monotonic()
            self.lives[tag] += 1
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])
        detail = {"result": "SUCCESS", "repository-name": REPOSITORY, "action-type": "DELETE"}
        detail["image-digest"] = answer["images"][0]["imageId"]["imageDigest"]
        event = {"source": "aws.ecr", "detail-type": "ECR Image Action", "detail": detail}
        sqs = self._session.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{self._name}-deletions")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
        with self._lock:
            self._deleted[tag] = time.monotonic()

    def happen(self) -> None:
        """One event of the day."""
        kind = self._random.choice(["kill", "delete", "delete", "away", "throttled", "certificate", "table"])
        with contextlib.suppress(Exception) if kind == "delete" else contextlib.nullcontext():
            match kind:
                case "kill":
                    number = self._random.randrange(3)
                    self.kill(number)
                    self.start(number)
                case "delete":
                    self.delete(self._random.choice(self.tags))
                case "away":
                    self._source.faults.away = time.monotonic() + 1.0
                case "throttled":
                    self._source.faults = Faults(throttle=0.5, retry_after="1", at_most=10)
                case "certificate":
                    number = self._random.randrange(3)
                    make_certificate(self._folder / f"replica{number}", "renewed")
                case "table":
                    set_faults(
                        self._local, {"services": ["dynamodb"], "rate": 0.3, "limit": 4, "code": "ThrottlingException"}
                    )
        self.seen.events[kind] += 1

    # The Pods

    def admit(self, number: int, connections: dict[int, HTTPSConnection]) -> None:
        """One Pod of one to three of the images, by a replica that the Service picks."""
        chance = random.Random(number)
        # A few images are what most Pods run.
        tags = chance.sample(self.tags, chance.randint(1, 3))
        body = json.dumps(review(pod(containers=containers(*(f"{SOURCE}:{tag}" for tag in tags))))).encode()
        with self._lock:
            up = [one for one in self._running if one is not None]
            replica = chance.choice(up)[0] if up else None
        images = self._answer(replica, body, connections) if replica is not None else None
        for place, tag in enumerate(tags):
            self._judge(tag, None if images is None else images.get(f"/spec/containers/{place}/image"), images is None)

    def _answer(
        self, replica: ServedWebhook, body: bytes, connections: dict[int, HTTPSConnection]
    ) -> dict[str, str] | None:
        """{place: image} of the patch; None where the webhook did not answer, so that the API server goes on without it."""
        for _ in range(2):
            connection = connections.get(replica.port)
            if connection is None:
                connection = connections[replica.port] = HTTPSConnection(
                    "127.0.0.1", replica.port, timeout=10, context=_trusting()
                )
            try:
                connection.request("POST", "/webhook?timeout=10s", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                found = json.loads(answer.read())["response"]
            except (OSError, HTTPException, ValueError):
                # A connection that was closed meanwhile is opened anew, as any client does.
                connections.pop(replica.port).close()
                continue
            patch = json.loads(base64.b64decode(found["patch"])) if "patch" in found else []
            return {one["path"]: one["value"] for one in patch if isinstance(one["value"], str)}
        return None

    def _judge(self, tag: str, image: str | None, failed: bool) -> None:
        with self._lock:
            self.seen.failed_open += failed
            self.seen.kept += image is None and not failed
            if image is None:
                return
            self.seen.swapped += 1
            if tag in self._there:
                return
            deleted = self._deleted.get(tag)
        ecr: Any = self._session.client("ecr")
        there = bool(ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])["images"])
        with self._lock:
            if self._deleted.get(tag) != deleted:
                return
            if there:
                self._there.add(tag)
            elif deleted is not None and time.monotonic() - deleted < BELIEVED:
                self.seen.stale += 1
            else:
                self.seen.broken.append(f"{image} is not there")

    def run(self, admissions: int, seconds: float) -> None:
        """So many Pods, events spread over at least `seconds`, then every image once more until the registry has it."""
        ended = threading.Event()

        def events() -> None:
            while not ended.wait(seconds / 30):
                self.happen()

        def client(first: int) -> None:
            connections: dict[int, HTTPSConnection] = {}
            began = time.monotonic()
            for number in range(first, admissions, CLIENTS):
                # Not faster than the day goes by.
                time.sleep(max(0.0, began + seconds * number / admissions - time.monotonic()))
                self.admit(number, connections)
            for one in connections.values():
                one.close()

        with ThreadPoolExecutor(3) as starting:
            list(starting.map(self.start, range(3)))
        thread = threading.Thread(target=events)
        thread.start()
        try:
            with ThreadPoolExecutor(CLIENTS) as clients:
                list(clients.map(client, range(CLIENTS)))
        finally:
            ended.set()
            thread.join()
        self._source.faults = Faults()
        set_faults(self._local)

    def missing(self, seconds: float = 120.0) -> set[str]:
        """The images that the registry does not come to have, although Pods go on asking for them."""
        ends = time.monotonic() + seconds
        ecr: Any = self._session.client("ecr")
        connections: dict[int, HTTPSConnection] = {}
        number = 10**9
        while True:
            ids = [{"imageTag": tag} for tag in self.tags]
            there = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=ids)["images"]
            missing = set(self.tags) - {one["imageId"]["imageTag"] for one in there}
            if not missing or time.monotonic() > ends:
                break
            for _ in range(20):
                number += 1
                self.admit(number, connections)
            time.sleep(0.3)
        for one in connections.values():
            one.close()
        return missing

    def end(self) -> Counter[str]:
        """End the replicas. {tag: copies that a replica said to have ended}."""
        for number in range(3):
            found, self._running[number] = self._running[number], None
            if found is not None:
                found[1].close()
                self._lines += [{**line, "pid": found[0].process.pid} for line in found[0].lines]
        told = [str(line["target"]) for line in self._lines if line["message"] == "copied" and "target" in line]
        return Counter(target.rpartition(":")[2] for target in told)


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def day(folder: Path, *, images: int = 24, seed: int = 7) -> Iterator[Day]:
    """A day that has not begun; its servers end with the block."""
    with StrictRegistry() as source:
        source.keep_log = False
        made = Day(folder, source, images=images, seed=seed)
        try:
            yield made
        finally:
            made.end()
            stop(made.project.local_aws_dir)
