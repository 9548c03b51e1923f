"""`mirror --queue` and three workers, as processes, on the embedded AWS: each byte once, one killed, one image that is gone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from orchestrator.local import ensure_running, stop
from orchestrator.project import Project
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

from .running import run

ACCOUNT, REGION, NAME = "210000000001", "eu-west-1", "shared"
PAUSE = 60


class World:
    """A project whose environment has a queue, and a source whose images share layers across repositories."""

    def __init__(self, folder: Path, source: StrictRegistry) -> None:
        self.project, self.source = Project(folder), source
        self.project.environments_dir.mkdir()
        self.project.tfvars_path(NAME).write_text(
            f'cluster_name = "{NAME}"\naccount_id = "{ACCOUNT}"\naws_region = "{REGION}"\n'
            "create_vpc_endpoints = false\nattach_ecr_policy = false\n"
            'mirrors = { redhat = { source = "registry.redhat.io" } }\nmirror_queue = { enabled = true }\n'
        )
        aws = ensure_running(self.project.local_aws_dir)
        values = aws.variables(ACCOUNT, REGION)
        self.clients: dict[str, Any] = {
            name: boto3.client(
                name,
                region_name=REGION,
                endpoint_url=aws.endpoint,
                aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
            )
            for name in ("ecr", "sqs", "dynamodb")
        }
        self.references: list[str] = []
        self.expected: dict[str, set[str]] = {}
        self.asked: Counter[str] = Counter()
        base = [bytes_of("base", 300_000), bytes_of("runtime", 200_000)]
        for number in range(4):
            repository = f"team/app{number}"
            maker = Maker(source, repository)
            for version in range(3):
                own = bytes_of((number, version), 100_000)
                image = maker.image(f"v{version}", layers=[*base, bytes_of(number, 150_000), own])
                maker.cosign(image)
                self.references.append(f"registry.redhat.io/{repository}:v{version}")
        self.sizes = {d: len(c) for held in source.repositories.values() for d, c in held.blobs.items()}

    def make_queue(self) -> None:
        """What modules/mirror-queue makes, by the same names."""
        sqs = self.clients["sqs"]
        dead = sqs.create_queue(QueueName=f"ecr-mirror-{NAME}-dead-letters")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 20})
        sqs.create_queue(QueueName=f"ecr-mirror-{NAME}", Attributes={"RedrivePolicy": redrive})
        self.clients["dynamodb"].create_table(
            TableName=f"ecr-mirror-{NAME}",
            KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def command(self, *words: str) -> list[str]:
        via = f"registry.redhat.io=http://{self.source.host}"
        root = str(self.project.root)
        return [sys.executable, "-m", "orchestrator", "-C", root, *words, "--via", via, "--local"]

    @contextmanager
    def worker(self, *more: str, lease: int = 15) -> Iterator[subprocess.Popen[str]]:
        command = self.command("mirror", "worker", NAME, "--lease", str(lease), *more)
        process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def digests(self, repository: str) -> set[str]:
        details = self.clients["ecr"].describe_images(repositoryName=repository)["imageDetails"]
        return {tag for detail in details for tag in detail.get("imageTags", ())}

    def dead_letters(self) -> list[dict[str, Any]]:
        sqs = self.clients["sqs"]
        url = sqs.get_queue_url(QueueName=f"ecr-mirror-{NAME}-dead-letters")["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with StrictRegistry() as source:
        made = World(tmp_path_factory.mktemp("project"), source)
        try:
            yield made
        finally:
            stop(made.project.local_aws_dir)


@pytest.mark.long
def test_three_workers_copy_each_byte_once_though_one_is_killed(world: World) -> None:
    refused = run(*world.command("mirror", NAME, *world.references, "--queue")[3:])
    assert refused.code == 2
    assert "mirror_queue = { enabled = true }" in refused.err
    world.make_queue()
    world.clients["ecr"].put_account_setting(name="BLOB_MOUNTING", value="ENABLED")

    # Whoever reads this layer first is killed before it has it.
    (held,) = [d for d, c in world.source.repository("team/app2").blobs.items() if c == bytes_of(2, 150_000)]
    reached, go_on = threading.Event(), threading.Event()

    def hear(method: str, path: str) -> None:
        if method == "GET" and "/blobs/" in path:
            world.asked[path.rpartition("/")[2]] += 1
            if path.endswith(held) and not go_on.is_set():
                reached.set()
                go_on.wait(PAUSE)

    world.source.on_request = hear
    planned = run(*world.command("mirror", NAME, *world.references, "--queue", "--no-wait", "--json")[3:])
    assert planned.code == 0, planned.err
    jobs = {job["target"]: job for job in planned.json["jobs"]}
    assert len(jobs) == 12
    assert sum(not job["after"] for job in jobs.values()) == 1, "who shares a layer waits for who brings it"

    with ExitStack() as stack:
        # Its lease ends soon; that of the others holds on a busy machine too.
        victim = stack.enter_context(world.worker(lease=3))
        assert reached.wait(PAUSE), victim.poll()
        victim.send_signal(signal.SIGKILL)
        assert victim.wait(PAUSE) == -signal.SIGKILL
        go_on.set()
        others = [stack.enter_context(world.worker("--until-empty")) for _ in range(3)]
        watched = run(*world.command("mirror", NAME, *world.references, "--queue", "--json")[3:])
        assert watched.code == 0, watched.err + watched.out
        told = [process.communicate(timeout=PAUSE)[1] for process in others]
        assert [process.returncode for process in others] == [0, 0, 0], told

    states = world.clients["dynamodb"].scan(TableName=f"ecr-mirror-{NAME}")["Items"]
    assert {item["state"]["S"] for item in states} == {"done"}
    assert max(int(item["attempts"]["N"]) for item in states) == 2, "the killed worker's image was begun again"
    for number in range(4):
        tags = world.digests(f"redhat/team/app{number}")
        assert {"v0", "v1", "v2"} <= tags
        assert sum(tag.endswith(".sig") for tag in tags) == 3
    # What the killed one was reading is read once more, and nothing else; what all share was there before.
    assert world.asked[held] == 2
    assert max(world.asked.values()) == 2
    repeated = {digest for digest, count in world.asked.items() if count == 2}
    assert all(world.sizes[digest] < 200_000 for digest in repeated)
    assert set(world.asked) == set(world.sizes)
    assert sum("copied" in text for text in told) >= 2, told

    rest = run(*world.command("mirror", NAME, *world.references, "--queue", "--json")[3:])
    assert (rest.code, rest.json["jobs"], rest.json["manifests_to_put"]) == (0, [], 0), rest.err


@pytest.mark.long
def test_what_is_gone_is_a_dead_letter_and_the_rest_comes(world: World) -> None:
    maker = Maker(world.source, "team/gone")
    shared = [bytes_of("gone", 100_000)]
    for version in ("v0", "v1"):
        maker.image(version, layers=[*shared, bytes_of(version, 1000)])
    wanted = [f"registry.redhat.io/team/gone:{version}" for version in ("v0", "v1")]
    planned = run(*world.command("mirror", NAME, *wanted, "--queue", "--no-wait", "--json")[3:]).json
    first, second = sorted(planned["jobs"], key=lambda job: len(job["after"]))
    assert second["after"] == [first["target"]]
    # The source loses what the first one is told to copy.
    del maker.held.manifests[first["source"].rpartition("@")[2]]
    with world.worker("--until-empty") as process:
        _, told = process.communicate(timeout=PAUSE)
    assert process.returncode == 0, told
    assert f"failed    {first['target']}" in told
    states = world.clients["dynamodb"].scan(TableName=f"ecr-mirror-{NAME}")["Items"]
    ended = {item["job"]["S"]: item["state"]["S"] for item in states if "team/gone" in item["job"]["S"]}
    assert ended == {first["target"]: "failed", second["target"]: "done"}
    letters = world.dead_letters()
    assert len(letters) == 1, "\n".join(str(each) for each in letters)
    (letter,) = letters
    assert letter["job"] == first["target"]
    assert "404" in letter["why"] or "does not exist" in letter["why"]
