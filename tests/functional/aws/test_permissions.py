"""What is asked of IAM's policy simulator, and how its answers are read."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from orchestrator.aws.caller import Caller
from orchestrator.aws.deployer_policy import STATEMENTS
from orchestrator.aws.permissions import check_permissions, context_entries, samples
from orchestrator.aws.session import open_session
from orchestrator.environment.model import Environment

from .scripted import Answer, Request, endpoint, xml_error

ACCOUNT = "111111111111"


def environment(**changes: Any) -> Environment:
    values = {"name": "dev", "cluster_name": "dev", "account_id": ACCOUNT, "aws_region": "us-gov-west-1"}
    return Environment.model_validate({**values, "create_vpc_endpoints": False, **changes})


def simulation(results: str) -> Answer:
    body = (
        "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
        f"<EvaluationResults>{results}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )
    return Answer(200, body, {"Content-Type": "text/xml"})


def result(name: str, decision: str, *single: str) -> str:
    each = "".join(f"<member><EvalResourceDecision>{one}</EvalResourceDecision></member>" for one in single)
    return (
        f"<member><EvalActionName>{name}</EvalActionName><EvalDecision>{decision}</EvalDecision>"
        f"<ResourceSpecificResults>{each}</ResourceSpecificResults></member>"
    )


def asked(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body)


def names(request: Request) -> list[str]:
    return [values[0] for key, values in asked(request).items() if key.startswith("ActionNames.")]


def test_an_action_that_one_of_the_samples_allows_is_allowed() -> None:
    def answer(request: Request) -> Answer:
        return simulation("".join(result(name, "implicitDeny", "implicitDeny", "allowed") for name in names(request)))

    with endpoint(answer) as iam:
        found = check_permissions(
            open_session(environment(), local=iam), Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me"), environment()
        )
    assert found.denied == ()
    assert found.asked > 20


def test_an_explicit_deny_and_an_answer_that_is_missing_are_both_denied() -> None:
    def answer(request: Request) -> Answer:
        return simulation(
            "".join(
                result(name, "explicitDeny" if name == "ecr:PutRegistryPolicy" else "allowed")
                for name in names(request)
                if name != "ecr:DeleteRepository"
            )
        )

    with endpoint(answer) as iam:
        found = check_permissions(
            open_session(environment(), local=iam), Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me"), environment()
        )
    assert found.denied == ("ecr:DeleteRepository", "ecr:PutRegistryPolicy")


@pytest.mark.parametrize("may_get_role", [True, False])
def test_a_session_of_a_role_is_judged_by_the_role_with_its_path(may_get_role: bool) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/Admin"
    sources = set()

    def answer(request: Request) -> Answer:
        if request.operation == "GetRole":
            if not may_get_role:
                return xml_error("AccessDenied", "no")
            return Answer(
                200,
                f"<GetRoleResponse><GetRoleResult><Role><Arn>{arn}</Arn></Role></GetRoleResult></GetRoleResponse>",
                {"Content-Type": "text/xml"},
            )
        sources.add(asked(request)["PolicySourceArn"][0])
        return simulation("".join(result(name, "allowed") for name in names(request)))

    with endpoint(answer) as iam:
        check_permissions(
            open_session(environment(), local=iam),
            Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me@example.com"),
            environment(),
        )
    assert sources == {arn if may_get_role else f"arn:aws:iam::{ACCOUNT}:role/Admin"}


def test_root_is_not_simulated() -> None:
    with endpoint(lambda request: Answer(500)) as iam:
        root = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
        assert check_permissions(open_session(environment(), local=iam), root, environment()).denied == ()
        assert iam.requests == []


def test_every_statement_has_samples_and_context_in_the_environments_own_terms() -> None:
    full = environment(
        create_ecr=True,
        create_vpc_endpoints=True,
        kms_key_arn=f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/1",
        state={"bucket": "states", "kms_key_arn": f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/2"},
        pull_through_cache_rules={"hub": {"upstream_registry_url": "ghcr.io", "secret_name": "ecr-pullthroughcache/a"}},
        machine_pools={"a": {"instance_profile": "pool"}},
        push_roles={"ci": {"repositories": ["a"], "pod_identity": {"namespace": "n", "service_account": "s"}}},
        mirror_queue={"enabled": True},
        image_swapper={"enabled": True},
    )
    for statement in STATEMENTS:
        for arn in samples(statement, full):
            assert arn.startswith("arn:aws-us-gov:"), arn
            assert "*" not in arn
        if statement.resources != ("*",):
            assert samples(statement, full), statement.sid
        for entry in context_entries(statement, full):
            assert "*" not in entry["ContextKeyValues"][0]
    by_sid = {statement.sid: statement for statement in STATEMENTS}
    assert samples(by_sid["State"], full) == [
        "arn:aws-us-gov:s3:::states",
        "arn:aws-us-gov:s3:::states/orchestrator/dev/terraform.tfstate",
    ]
    assert samples(by_sid["StateKey"], full)[0].endswith("key/2")
    assert context_entries(by_sid["RepositoryKeys"], full)[0]["ContextKeyValues"] == ["ecr.us-gov-west-1.amazonaws.com"]
