"""The packaged function against the embedded AWS, run as Lambda runs it."""

from __future__ import annotations

from orchestrator.local.client import SeedImage, forget_requests, recorded_requests
from tests.functional.lifecycle.conftest import Account, StartFunction, days_ago


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
