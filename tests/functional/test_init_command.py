"""`orchestrator init` from the user's side: what it writes is valid, and it never harms what is there."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.session import open_session
from orchestrator.cli.main import main
from orchestrator.environment.model import Environment
from orchestrator.local import LocalAws, ensure_running, stop
from orchestrator.project import Project
from orchestrator.terraform.binary import find_terraform
from tests.terminal import drain

from .running import Ran, run

DEV = ("--platform", "eks", "--region", "eu-west-1", "--account-id", "111122223333")
VPC = ("--vpc-id", "vpc-0123456789abcdef1", "--subnet", "subnet-0123456789abcdef1", "--vpc-cidr", "10.0.0.0/16")


def init(root: Path, name: str, *arguments: str) -> Ran:
    return run("-C", str(root), "init", name, *arguments)


def assert_valid(root: Path, warnings: tuple[str, ...] = ()) -> None:
    ran = run("-C", str(root), "validate", "--all")
    told = [line for line in ran.out.splitlines() if "warning:" in line]
    assert ran.code == 0, ran.out + ran.err
    assert len(told) == len(warnings), ran.out
    assert all(expected in line for expected, line in zip(warnings, told, strict=True)), ran.out


def test_an_empty_folder_becomes_a_project(tmp_path: Path) -> None:
    ran = init(tmp_path, "dev", *DEV)
    assert ran.code == 0, ran.err
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == [".gitignore", "environments/common.tfvars", "environments/dev.tfvars"]
    assert_valid(tmp_path)
    environment = Project(tmp_path).load("dev")
    assert list(environment.pull_through_cache_rules) == ["ecr-public", "k8s", "quay"]
    assert environment.create_vpc_endpoints is False
    assert environment.tags == {"managed-by": "orchestrator"}


@pytest.mark.parametrize(
    ("platform", "region", "extra"),
    [
        (platform, region, extra)
        for platform, region, extra in product(
            ("eks", "rosa-classic", "rosa-hcp"),
            ("eu-west-1", "us-gov-west-1", "cn-north-1"),
            ((), VPC, ("--zero-egress", "--vpc-id", "vpc-0123456789abcdef1")),
        )
    ],
)
def test_every_kind_of_environment_is_valid_as_written(
    tmp_path: Path, platform: str, region: str, extra: tuple[str, ...]
) -> None:
    ran = init(tmp_path, "x", "--platform", platform, "--region", region, "--account-id", "111122223333", *extra)
    assert ran.code == 0, ran.err
    # Where ECR has no rules, the registries are mirrors, and what to copy only their owner knows.
    assert_valid(tmp_path, ("mirror_images",) if region != "eu-west-1" else ())
    environment = Project(tmp_path).load("x")
    assert environment.create_vpc_endpoints == (extra == VPC)
    assert bool(environment.pull_through_cache_rules) == (region == "eu-west-1")
    assert bool(environment.mirrors) == (region != "eu-west-1")
    assert environment.allow_upstream == ("--zero-egress" not in extra)


def test_the_text_is_formatted_as_terraform_does(tmp_path: Path) -> None:
    init(tmp_path, "dev", *DEV, *VPC, "--upstream", "docker-hub", "--upstream", "quay", "--node-role", "node")
    init(tmp_path, "gov", "--platform", "rosa-classic", "--region", "us-gov-west-1", "--account-id", "111122223333")
    init(
        tmp_path,
        "hcp",
        "--platform",
        "rosa-hcp",
        "--region",
        "us-east-1",
        "--account-id",
        "111122223333",
        "--zero-egress",
    )
    terraform = find_terraform()
    command = [*terraform.command, "fmt", "-check", "-diff", str(tmp_path / "environments")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_flags_end_up_in_the_file(tmp_path: Path) -> None:
    flags = ("--cluster-name", "main", "--upstream", "docker-hub", "--node-role", "a", "--node-role", "b")
    assert init(tmp_path, "dev", *DEV, *VPC, *flags).code == 0
    environment = Project(tmp_path).load("dev")
    assert environment.cluster_name == "main"
    assert environment.node_role_names == ("a", "b")
    assert environment.attach_ecr_policy is True
    assert environment.pull_through_cache_rules["docker-hub"].secret_name == "ecr-pullthroughcache/docker-hub"
    assert environment.private_subnet_ids == ("subnet-0123456789abcdef1",)


def test_a_second_environment_of_an_account_and_region_uses_the_first_ones_registry(tmp_path: Path) -> None:
    init(tmp_path, "dev", *DEV, *VPC, "--upstream", "docker-hub")
    ran = init(tmp_path, "test", *DEV, "--vpc-id", "vpc-0123456789abcdef1")
    assert ran.code == 0, ran.err
    test = Project(tmp_path).load("test")
    assert test.manage_registry is False
    assert list(test.pull_through_cache_rules) == ["docker-hub"]
    assert "dev manages them" in (tmp_path / "environments/test.tfvars").read_text()
    assert_valid(tmp_path)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "environments" / "dev.tfvars"
    path.parent.mkdir()
    path.write_text("mine")
    ran = init(tmp_path, "dev", *DEV)
    assert ran.code == 2
    assert "exists already" in ran.err
    assert path.read_text() == "mine"
    assert sorted(file.name for file in path.parent.iterdir()) == ["dev.tfvars"]


def test_an_existing_common_file_is_kept_and_counts(tmp_path: Path) -> None:
    common = tmp_path / "environments" / "common.tfvars"
    common.parent.mkdir()
    common.write_text('tags = { team = "x" }\n')
    assert init(tmp_path, "dev", *DEV).code == 0
    assert common.read_text() == 'tags = { team = "x" }\n'
    assert Project(tmp_path).load("dev").tags == {"team": "x"}


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("dev",), ["--platform, --region, --account-id are missing", "--region eu-west-1 "]),
        (
            ("dev", "--platform", "rosa-hcp", "--zero-egress", "--region", "eu-west-1"),
            ["--account-id is missing", "Add --account-id 111122223333, with your own values."],
        ),
        (("dev", *DEV[:4], "--account-id", "12"), ['account_id is "12"', "12 digits"]),
        (("dev", *DEV[:2], "--region", "nowhere", *DEV[4:]), ['aws_region is "nowhere"']),
        (("dev", *DEV, "--vpc-id", "x"), ['vpc_id is "x"']),
        (
            ("dev", *DEV, "--worker-role-prefix", "x", "--platform", "rosa-hcp"),
            ["--worker-role-prefix is given", "Only rosa-classic"],
        ),
        (("dev", *DEV[:2], "--region", "us-gov-west-1", *DEV[4:], "--upstream", "quay"), ["--upstream cannot be used"]),
        (("common", *DEV), ['cannot be called "common"']),
        (("default", *DEV), ['cannot be called "default"']),
        (("../x", *DEV), ['cannot be called "../x"', 'Try "x"']),
        (("a/b", *DEV), ['Try "b"']),
        (("-x", *DEV), []),
        (("", *DEV), ["cannot be called"]),
        (("a b", *DEV), ['Try "a-b"']),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(
    tmp_path: Path, arguments: tuple[str, ...], parts: list[str]
) -> None:
    ran = run("-C", str(tmp_path), "init", *arguments)
    assert ran.code == 2
    for part in parts:
        assert part in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.rglob("*")) == []


def test_json_lists_what_was_written(tmp_path: Path) -> None:
    document = init(tmp_path, "dev", *DEV, "--json").json
    assert document["written"] == ["environments/common.tfvars", "environments/dev.tfvars", ".gitignore"]
    assert document["bucket"] is None


Answered = Callable[..., tuple[int, str]]


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """(exit code, what stood on the terminal) of `init NAME ARGUMENTS` in this process, whose questions are answered a line each."""

    def run_on_terminal(*arguments: str, answers: str) -> tuple[int, str]:
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        master, slave = pty.openpty()
        seen: list[bytes] = []
        reader = threading.Thread(target=drain, args=(master, seen))
        reader.start()
        os.write(master, answers.encode())
        with os.fdopen(slave, "r+b", buffering=0) as raw:
            # An object for each stream, as a process has: a text over a terminal cannot be read and written in turn.
            streams = {
                name: io.TextIOWrapper(raw, "utf-8", write_through=True) for name in ("stdin", "stdout", "stderr")
            }
            with monkeypatch.context() as patch:
                for name, stream in streams.items():
                    patch.setattr(sys, name, stream)
                with pytest.raises(SystemExit) as ended:
                    main(["-C", str(tmp_path), "init", *arguments])
            for stream in streams.values():
                stream.detach()
        reader.join()
        os.close(master)
        assert isinstance(ended.value.code, int)
        return ended.value.code, b"".join(seen).decode()

    return run_on_terminal


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path: Path, answered: Answered) -> None:
    code, shown = answered(
        "dev", "--platform", "eks", answers="eu-west-1\n111122223333\n\nnope\ndocker-hub quay\nMy_Bucket\n\n"
    )
    assert code == 0, shown
    assert '"My_Bucket": Bucket names have 3 to 63' in " ".join(shown.split())
    environment = Project(tmp_path).load("dev")
    assert (environment.aws_region, environment.account_id, environment.cluster_name) == (
        "eu-west-1",
        "111122223333",
        "dev",
    )
    assert list(environment.pull_through_cache_rules) == ["docker-hub", "quay"]
    assert '"nope" is not among' in shown
    # Nobody is signed in here: that is said, and keeps nothing from being written.
    assert "note: the cluster was not looked up" in " ".join(shown.split())
    assert environment.state is None
    assert "`orchestrator plan dev --local`" in " ".join(shown.split())


def test_a_name_that_no_cluster_has_is_asked_for_again(tmp_path: Path, answered: Answered) -> None:
    flags = ("--platform", "rosa-hcp", "--region", "us-east-1", "--account-id", "111122223333", "--upstream", "quay")
    code, shown = answered("Dev.1", *flags, answers="\n\xfcber\nmain\n\n")
    assert code == 0, shown
    assert "ROSA cluster names have 1 to 54 lower case letters" in " ".join(shown.split())
    assert Project(tmp_path).load("Dev.1").cluster_name == "main"


@pytest.mark.parametrize("answers", ["\x04", "eks\n\x04", "eks\nus-east-1\n111122223333\ndev\n\x04"])
def test_whoever_ends_the_questions_has_written_nothing(tmp_path: Path, answered: Answered, answers: str) -> None:
    code, shown = answered("dev", answers=answers)
    assert (code, "Aborted." in shown, list(tmp_path.iterdir())) == (130, True, [])


################################################################################
# The bucket for the state, in the embedded AWS
################################################################################


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    state_dir = Project(tmp_path).local_aws_dir
    running = ensure_running(state_dir)
    yield running
    stop(state_dir)


def buckets(project: Project, name: str, aws: LocalAws) -> list[str]:
    client = open_session(project.load(name), local=aws).client("s3")
    return [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]


def test_the_bucket_is_made_and_named_in_the_new_file(tmp_path: Path, aws: LocalAws) -> None:
    ran = init(tmp_path, "dev", *DEV, "--state-bucket", "my-state", "--local")
    assert ran.code == 0, ran.err
    assert "`orchestrator plan dev --local`" in ran.out, "the bucket is in the embedded AWS, and so is the next step"
    assert "Made the bucket my-state in eu-west-1." in ran.out
    state = Project(tmp_path).load("dev").state
    assert state is not None
    assert (state.bucket, state.key, state.region) == ("my-state", None, None)
    assert buckets(Project(tmp_path), "dev", aws) == ["my-state"]


def test_an_existing_environment_gets_its_bucket_without_losing_a_byte(tmp_path: Path, aws: LocalAws) -> None:
    init(tmp_path, "dev", *DEV)
    path = tmp_path / "environments" / "dev.tfvars"
    before = path.read_bytes() + b"# mine, without a newline"
    path.write_bytes(before)
    ran = init(tmp_path, "dev", "--state-bucket", "my-state", "--state-region", "us-east-1", "--local")
    assert ran.code == 0, ran.err
    assert path.read_bytes().startswith(before)
    state = Project(tmp_path).load("dev").state
    assert state is not None
    assert (state.bucket, state.region) == ("my-state", "us-east-1")
    after = path.read_bytes()
    again = init(tmp_path, "dev", "--state-bucket", "my-state", "--local")
    assert again.code == 0, again.err
    assert "The bucket my-state exists." in again.out
    assert path.read_bytes() == after


def test_another_bucket_than_the_files_is_refused(tmp_path: Path) -> None:
    init(tmp_path, "dev", *DEV)
    path = tmp_path / "environments" / "dev.tfvars"
    path.write_text(path.read_text() + 'state = { bucket = "first" }\n')
    ran = init(tmp_path, "dev", "--state-bucket", "second", "--local")
    assert ran.code == 2
    assert "keeps its state in first, not in second" in ran.err


def test_a_bucket_name_that_s3_refuses_writes_no_file(tmp_path: Path) -> None:
    ran = init(tmp_path, "dev", *DEV, "--state-bucket", "My_Bucket", "--local")
    assert ran.code == 2
    assert 'state.bucket is "My_Bucket"' in ran.err
    assert not (tmp_path / "environments").exists()


def test_a_bucket_that_cannot_be_made_costs_no_answer(tmp_path: Path) -> None:
    ran = init(
        tmp_path, "dev", *DEV, "--cluster-name", "main", "--state-bucket", "my-state", "--state-region", "us-east-1"
    )
    assert ran.code == 1
    assert "there are no usable AWS credentials" in ran.err
    assert "`orchestrator init dev --state-bucket my-state --state-region us-east-1`" in ran.err
    assert "Next:" not in ran.out, "the error names the next step"
    environment = Project(tmp_path).load("dev")
    assert (environment.cluster_name, environment.state) == ("main", None)


################################################################################
# The cluster, in the embedded AWS
################################################################################


def make_cluster(aws: LocalAws) -> tuple[str, list[str]]:
    """(VPC, private subnets of different zones) of a cluster `dev` with one node group and a public subnet."""
    project = Environment.model_validate(
        {"name": "dev", "cluster_name": "dev", "account_id": "111122223333", "aws_region": "us-east-1"}
    )
    make: Any = open_session(project, local=aws).client
    ec2, eks = make("ec2"), make("eks")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    zones = ["us-east-1a", "us-east-1b", "us-east-1b", "us-east-1a"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(zones)
    ]
    ec2.modify_subnet_attribute(SubnetId=subnets[3], MapPublicIpOnLaunch={"Value": True})
    role = "arn:aws:iam::111122223333:role/eks/dev-nodes"
    eks.create_cluster(name="dev", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.create_nodegroup(clusterName="dev", nodegroupName="a", nodeRole=role, subnets=subnets[:1])
    return vpc, [subnets[0], min(subnets[1:3])]


def test_on_a_terminal_it_offers_what_eks_says_of_the_cluster(
    tmp_path: Path, aws: LocalAws, answered: Answered
) -> None:
    vpc, private = make_cluster(aws)
    flags = ("--platform", "eks", "--region", "us-east-1", "--account-id", "111122223333", "--local")
    code, shown = answered("dev", *flags, answers="dev\nquay\ny\ny\n")
    assert code == 0, shown
    environment = Project(tmp_path).load("dev")
    assert environment.node_role_names == ("dev-nodes",)
    assert (environment.create_vpc_endpoints, environment.vpc_id) == (True, vpc)
    assert list(environment.private_subnet_ids) == private
    assert environment.vpc_cidrs == ("10.7.0.0/16",)
    planned = run("-C", str(tmp_path), "validate", "dev")
    assert planned.code == 0, planned.out
