"""The packaged function against the embedded AWS, run as Lambda runs it."""

from __future__ import annotations

import json
import time

import pytest

from orchestrator.local.controls import SeedImage, forget_requests, recorded_requests, set_faults
from tests.functional.lifecycle.conftest import Account, StartFunction, days_ago
from tests.functional.lifecycle.runtime import FunctionError


def old(*tags: str, **rest: object) -> SeedImage:
    """Pushed 90 days ago and never pulled."""
    return SeedImage(tags=tags, pushed_at=days_ago(90), **rest)  # type: ignore[arg-type]


def used(*tags: str, days: float = 1, **rest: object) -> SeedImage:
    """Pushed 90 days ago and pulled `days` ago."""
    return SeedImage(tags=tags, pushed_at=days_ago(90), pulled_at=days_ago(days), **rest)  # type: ignore[arg-type]


def test_it_expires_what_nobody_pulled_writes_the_audit_and_does_nothing_the_second_time(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("ecr-public", "public.ecr.aws")
    account.rule("quay", "quay.io")
    account.seed(
        "ecr-public/nginx/nginx", used("1.27"), used("1.26", days=31, size=7_000_000), old("1.25"), used("1.24")
    )
    account.seed("quay/prometheus/node-exporter", used("v1"), used("v2"))
    account.seed("team/app", old("v1"), old("v2"))
    function = start_function()

    report = function.invoke({"source": "aws.events", "detail-type": "Scheduled Event", "id": "one"})
    assert (report["processed"], report["expired"], report["failed"]) == (2, 2, {}), function.output()
    assert account.tags("ecr-public/nginx/nginx") == {"1.27", "1.24"}
    assert account.tags("team/app") == {"v1", "v2"}
    assert "Found pull-through cache prefixes: ['ecr-public', 'quay']" in function.messages()
    assert "Processed 2 pull-through cache repositories" in function.messages()
    planned, done = account.audit("planned"), account.audit()
    assert len(planned) == len(done) == 2
    (record,) = [record for record in done if record["tags"] == ["1.26"]]
    assert record["outcome"] == "deleted"
    assert record["size"] == 7_000_000
    assert record["upstream"] == "public.ecr.aws/nginx/nginx:1.26"
    assert record["reason"].startswith("not pulled for 31 days")
    assert function.metric("Expired") == 2

    forget_requests(account.local)
    again = function.invoke({"source": "manual"})
    assert (again["processed"], again["expired"], again["candidates"]) == (2, 0, [])
    assert len(account.audit()) == 2
    operations = {
        request["operation"]
        for request in recorded_requests(account.local)
        if request["account_id"] == account.account_id
    }
    assert not operations & {"BatchDeleteImage", "BatchGetImage", "GetLifecyclePolicy", "PutLifecyclePolicy"}


def test_no_rules_are_zero_repositories_and_a_success(account: Account, start_function: StartFunction) -> None:
    account.seed("team/app", old("v1"), old("v2"))
    report = start_function().invoke({})
    assert (report["processed"], report["failed"], report["prefixes"]) == (0, {}, [])
    assert account.tags("team/app") == {"v1", "v2"}


def test_an_index_its_images_and_its_signature_go_and_stay_together(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("quay", "quay.io")
    for name, pulled in (("live", 2), ("stale", 45)):
        amd, arm = account.seed("quay/app", old(name=f"{name}-amd64"), old(name=f"{name}-arm64"))
        (index,) = account.seed("quay/app", used(name, days=pulled, children=(amd, arm)))
        account.seed(
            "quay/app",
            old(f"{index.replace(':', '-')}.sig", name=f"{name}-signature"),
            old(name=f"{name}-sbom", subject=index, artifact_type="application/spdx+json"),
        )
    before = account.digests("quay/app")
    function = start_function()
    report = function.invoke({})
    assert report["failed"] == {}, function.output()
    assert (report["images"], report["expired"]) == (10, 5), function.output()
    assert len(account.digests("quay/app") & before) == 5
    assert {tag for tag in account.tags("quay/app") if not tag.startswith("sha256-")} == {"live"}
    # Reading the indexes did not count as pulling them.
    assert "counts as pulls" not in function.output()
    assert list(account.objects("cache/"))
    forget_requests(account.local)
    assert function.invoke({})["expired"] == 0
    operations = [r["operation"] for r in recorded_requests(account.local) if r["account_id"] == account.account_id]
    assert operations.count("DescribeImages") == 1
    assert "BatchGetImage" not in operations


def test_what_a_cluster_runs_stays_by_tag_by_digest_and_by_the_digest_of_a_child(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("quay", "quay.io")
    by_tag, by_digest, child, _ = account.seed(
        "quay/app", old("1"), old("2"), old(name="child"), old("gone", name="gone")
    )
    (index,) = account.seed("quay/app", old("3", children=(child,)))
    account.snapshot(
        "prod",
        {
            "reference": "quay.io/app:1",
            "target": f"{account.account_id}.dkr.ecr.eu-west-1.amazonaws.com/quay/app:1",
            "digests": [],
        },
        {"reference": "quay.io/app", "target": None, "digests": [by_digest, child], "workloads": ["CronJob/a/b"]},
    )
    function = start_function(
        CLUSTERS='["prod"]', SNAPSHOT_REQUIRED="true", RETENTION='{"default": {"keep_at_least": 0}}'
    )
    report = function.invoke({"allow_fraction": 1})
    assert report["expired"] == 1, function.output()
    assert account.digests("quay/app") == {by_tag, by_digest, child, index}


@pytest.mark.parametrize("trouble", ["missing", "stale", "broken", "of another cluster", "from the future"])
def test_without_a_snapshot_to_rely_on_nothing_is_expired_and_the_alarm_is_raised(
    account: Account, start_function: StartFunction, trouble: str
) -> None:
    account.rule("quay", "quay.io")
    account.seed("quay/app", old("1"), old("2"), used("3"))
    if trouble == "stale":
        account.snapshot("prod", taken=days_ago(3))
    elif trouble == "broken":
        account.put("snapshots/prod.json", {"version": 1, "cluster": "prod"})
    elif trouble == "of another cluster":
        account.snapshot("prod")
        account.put(
            "snapshots/prod.json", json.loads(account.objects("snapshots/")["snapshots/prod.json"]) | {"cluster": "dev"}
        )
    elif trouble == "from the future":
        account.snapshot("prod", taken=days_ago(-1))
    function = start_function(CLUSTERS='["prod"]')
    report = function.invoke({"allow_fraction": True})
    assert report["expired"] == 0
    assert "prod" in report["stopped"], report
    assert account.tags("quay/app") == {"1", "2", "3"}
    assert function.metric("SnapshotStale") == 1
    account.snapshot("prod")
    assert function.invoke({"allow_fraction": True})["expired"] == 2


def test_dry_run_says_what_would_go_and_changes_nothing(account: Account, start_function: StartFunction) -> None:
    account.rule("quay", "quay.io")
    account.seed("quay/app", old("1"), used("2"))
    function = start_function(DRY_RUN="true", NATIVE_POLICY="untagged")
    forget_requests(account.local)
    report = function.invoke({"source": "manual"})
    assert (report["dry_run"], report["expiring"], report["expired"]) == (True, 1, 0), function.output()
    changing = {"BatchDeleteImage", "PutLifecyclePolicy", "UpdateImageStorageClass"}
    assert not changing & {request["operation"] for request in recorded_requests(account.local)}
    assert "Would apply lifecycle policy to quay/app" in function.messages()
    assert function.invoke({"source": "manual", "dry_run": False})["expired"] == 1


def test_the_guard_deletes_nothing_of_a_repository_that_would_lose_more_than_half(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("quay", "quay.io")
    account.seed("quay/most", old("1"), old("2"), used("3"))
    account.seed("quay/half", old("1"), used("2"))
    function = start_function()
    report = function.invoke({})
    assert set(report["guarded"]) == {"quay/most"}
    assert account.tags("quay/most") == {"1", "2", "3"}
    assert account.tags("quay/half") == {"2"}
    assert function.metric("GuardTripped") == 1
    assert function.invoke({"source": "manual", "allow_fraction": 0.7})["expired"] == 2


def test_the_guard_of_the_account_deletes_nothing_at_all(account: Account, start_function: StartFunction) -> None:
    account.rule("quay", "quay.io")
    account.seed("quay/app", old("1"), used("2"))
    function = start_function(MAX_EXPIRE_FRACTION_ACCOUNT="0.25")
    report = function.invoke({})
    assert "guard" in report["stopped"]
    assert account.tags("quay/app") == {"1", "2"}
    assert function.metric("GuardTripped") == 1


def test_a_policy_of_somebody_else_is_preserved_and_its_repository_skipped(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("quay", "quay.io")
    account.seed("quay/theirs", old("1"), used("2"))
    account.seed("quay/ours", old("1"), used("2"))
    rule = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 90}
    theirs = json.dumps({"rules": [{"rulePriority": 1, "selection": rule, "action": {"type": "expire"}}]})
    account.ecr.put_lifecycle_policy(repositoryName="quay/theirs", lifecyclePolicyText=theirs)
    function = start_function(NATIVE_POLICY="untagged")
    report = function.invoke({})
    assert (report["policies_applied"], report["policies_preserved"], report["expired"]) == (1, 1, 1), function.output()
    assert account.tags("quay/theirs") == {"1", "2"}
    assert account.ecr.get_lifecycle_policy(repositoryName="quay/theirs")["lifecyclePolicyText"] == theirs
    assert "Policy already exists for quay/theirs, skipping" in function.messages()
    assert "Applied lifecycle policy to quay/ours" in function.messages()
    assert function.invoke({})["policies_applied"] == 0


def test_one_repository_that_fails_stops_no_other_and_is_listed(
    account: Account, start_function: StartFunction
) -> None:
    account.rule("quay", "quay.io")
    for name in ("quay/a", "quay/b", "quay/c"):
        account.seed(name, old("1"), used("2"))
    function = start_function()
    denied = {"services": ["ecr"], "operations": ["GetLifecyclePolicy"], "code": "AccessDeniedException", "limit": 1}
    set_faults(account.local, {**denied, "rate": 1.0})
    report = function.invoke({})
    set_faults(account.local)
    assert len(report["failed"]) == 1, function.output()
    assert report["expired"] == 2
    assert function.metric("RepositoriesFailed") == 1


def test_a_function_whose_settings_cannot_be_understood_does_nothing(
    account: Account, start_function: StartFunction
) -> None:
    function = start_function(RETENTION='{"default": {"keep_at_lest": 3}}', DRY_RUN="perhaps")
    with pytest.raises(FunctionError, match="keep_at_lest") as raised:
        function.invoke({})
    assert "DRY_RUN" in str(raised.value)


@pytest.mark.long
def test_more_repositories_than_one_page_go_through_the_queue(account: Account, start_function: StartFunction) -> None:
    account.rule("quay", "quay.io")
    for number in range(1001):
        account.seed(f"quay/app{number}", *((old("1"), used("2")) if number < 2 else (used("1"),)))
    sqs = account.client("sqs")
    queue = sqs.create_queue(QueueName="pages")["QueueUrl"]
    function = start_function(QUEUE_URL=queue)
    answer = function.invoke({"source": "aws.events", "detail-type": "Scheduled Event", "id": "x"})
    assert answer["fanned_out"] > 1, function.output()
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    poisoned = 0
    until = time.monotonic() + 100
    while not (reports := [key for key in account.objects("runs/") if key.endswith("/report.json")]):
        assert time.monotonic() < until, function.output()
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        if not messages:
            continue
        # As Lambda polls a queue: what is not reported as failed is deleted.
        records = [{"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages]
        failed = {item["itemIdentifier"] for item in function.invoke({"Records": records})["batchItemFailures"]}
        poisoned += len(failed)
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    report = json.loads(account.objects("runs/")[reports[0]])
    assert (report["processed"], report["expired"], report["failed"], poisoned) == (1001, 2, {}, 1), function.output()
    assert account.tags("quay/app0") == account.tags("quay/app1") == {"2"}


def test_throttling_is_waited_out(account: Account, start_function: StartFunction) -> None:
    account.rule("quay", "quay.io")
    for number in range(5):
        account.seed(f"quay/app{number}", old("1"), used("2"))
    function = start_function()
    set_faults(account.local, {"services": ["ecr"], "rate": 1.0, "limit": 4})
    try:
        report = function.invoke({}, seconds=120)
    finally:
        set_faults(account.local)
    assert (report["processed"], report["expired"], report["failed"]) == (5, 5, {}), function.output()
