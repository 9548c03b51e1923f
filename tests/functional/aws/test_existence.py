"""What exists is found, kind by kind, by the id that Terraform imports it by; what AWS does not tell is an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.aws.existence import KINDS, Existing, existing
from orchestrator.aws.session import AwsSession, open_session
from orchestrator.errors import OrchestratorError
from tests.functional.aws.conftest import Target
from tests.functional.aws.scripted import endpoint, json_error

ASSUMES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ASSUMES]})
PULL = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
                "action": {"type": "expire"},
            }
        ]
    }
)


@dataclass(frozen=True)
class Wanted:
    type: str
    values: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


def policy(session: AwsSession, *, resource: str = "") -> str:
    statement = {
        "Sid": "A",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": ["ecr:ReplicateImage" if resource else "ecr:BatchGetImage"],
    }
    if resource:
        statement["Resource"] = [f"arn:aws:ecr:{session.region}:{session.account_id}:repository/*"]
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def with_repository(session: AwsSession) -> Any:
    ecr = session.client("ecr")
    ecr.create_repository(repositoryName="team/app")
    return ecr


def with_role(session: AwsSession) -> Any:
    iam = session.client("iam")
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=TRUST)
    return iam


def with_bucket(session: AwsSession) -> Any:
    s3 = session.client("s3")
    where: Any = {"LocationConstraint": session.region}
    s3.create_bucket(Bucket=f"records-{session.account_id}", CreateBucketConfiguration=where)
    return s3


def with_rule(session: AwsSession) -> Any:
    events = client(session, "events")
    events.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    return events


def client(session: AwsSession, service: str) -> Any:
    make: Any = session.client
    return make(service)


SCANS = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]
RULES = {"Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 9}}]}
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
DENIED = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::*/*", "Condition": PLAIN}
TLS_ONLY = json.dumps({"Version": "2012-10-17", "Statement": [DENIED]})
LOG_IN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}],
    }
)
# {type: (what makes it, the attributes that a plan knows, the import id)}; {account} and {region} are filled in.
MADE: dict[str, tuple[Callable[[AwsSession], Any], dict[str, str], str]] = {
    "aws_ecr_repository": (with_repository, {"name": "team/app"}, "team/app"),
    "aws_ecr_pull_through_cache_rule": (
        lambda s: s.client("ecr").create_pull_through_cache_rule(
            ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io"
        ),
        {"ecr_repository_prefix": "quay"},
        "quay",
    ),
    "aws_ecr_repository_creation_template": (
        lambda s: s.client("ecr").create_repository_creation_template(prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"]),
        {"prefix": "ROOT"},
        "ROOT",
    ),
    "aws_ecr_registry_policy": (
        lambda s: s.client("ecr").put_registry_policy(policyText=policy(s, resource="*")),
        {},
        "{account}",
    ),
    "aws_ecr_registry_scanning_configuration": (
        lambda s: client(s, "ecr").put_registry_scanning_configuration(scanType="BASIC", rules=SCANS),
        {},
        "{account}",
    ),
    "aws_ecr_lifecycle_policy": (
        lambda s: with_repository(s).put_lifecycle_policy(repositoryName="team/app", lifecyclePolicyText=LIFECYCLE),
        {"repository": "team/app"},
        "team/app",
    ),
    "aws_ecr_repository_policy": (
        lambda s: with_repository(s).set_repository_policy(repositoryName="team/app", policyText=policy(s)),
        {"repository": "team/app"},
        "team/app",
    ),
    "aws_iam_role": (with_role, {"name": "node"}, "node"),
    "aws_iam_role_policy": (
        lambda s: with_role(s).put_role_policy(RoleName="node", PolicyName="pull", PolicyDocument=LOG_IN),
        {"role": "node", "name": "pull"},
        "node:pull",
    ),
    "aws_iam_role_policy_attachment": (
        lambda s: with_role(s).attach_role_policy(RoleName="node", PolicyArn=PULL),
        {"role": "node", "policy_arn": PULL},
        f"node/{PULL}",
    ),
    "aws_cloudwatch_log_group": (
        lambda s: client(s, "logs").create_log_group(logGroupName="/aws/lambda/f"),
        {"name": "/aws/lambda/f"},
        "/aws/lambda/f",
    ),
    "aws_sns_topic": (
        lambda s: client(s, "sns").create_topic(Name="alarms"),
        {"name": "alarms"},
        "arn:aws:sns:{region}:{account}:alarms",
    ),
    "aws_cloudwatch_event_rule": (
        lambda s: client(s, "events").put_rule(Name="daily", ScheduleExpression="rate(1 day)"),
        {"name": "daily"},
        "daily",
    ),
    "aws_cloudwatch_metric_alarm": (
        lambda s: client(s, "cloudwatch").put_metric_alarm(
            AlarmName="full",
            MetricName="m",
            Namespace="n",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
        ),
        {"alarm_name": "full"},
        "full",
    ),
    "aws_cloudwatch_dashboard": (
        lambda s: client(s, "cloudwatch").put_dashboard(DashboardName="d", DashboardBody='{"widgets": []}'),
        {"dashboard_name": "d"},
        "d",
    ),
    "aws_cloudwatch_event_target": (
        lambda s: with_rule(s).put_targets(
            Rule="daily", Targets=[{"Id": "t", "Arn": f"arn:aws:lambda:{s.region}:{s.account_id}:function:f"}]
        ),
        {"rule": "daily", "target_id": "t"},
        "daily/t",
    ),
    "aws_sns_topic_policy": (
        lambda s: client(s, "sns").set_topic_attributes(
            TopicArn=client(s, "sns").create_topic(Name="alarms")["TopicArn"],
            AttributeName="Policy",
            AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": []}),
        ),
        {"arn": "arn:aws:sns:{region}:{account}:alarms"},
        "arn:aws:sns:{region}:{account}:alarms",
    ),
    "aws_s3_bucket": (with_bucket, {"bucket": "records-{account}"}, "records-{account}"),
    "aws_s3_bucket_policy": (
        lambda s: with_bucket(s).put_bucket_policy(Bucket=f"records-{s.account_id}", Policy=TLS_ONLY),
        {"bucket": "records-{account}"},
        "records-{account}",
    ),
    "aws_s3_bucket_lifecycle_configuration": (
        lambda s: with_bucket(s).put_bucket_lifecycle_configuration(
            Bucket=f"records-{s.account_id}", LifecycleConfiguration=RULES
        ),
        {"bucket": "records-{account}"},
        "records-{account}",
    ),
    "aws_s3_bucket_versioning": (
        lambda s: with_bucket(s).put_bucket_versioning(
            Bucket=f"records-{s.account_id}", VersioningConfiguration={"Status": "Enabled"}
        ),
        {"bucket": "records-{account}"},
        "records-{account}",
    ),
}
# Tested where they are used: by a name that AWS gives (journals of applies), or made by a whole environment.
ELSEWHERE = {
    "aws_dynamodb_table",
    "aws_ecr_account_setting",
    "aws_sqs_queue",
    "aws_lambda_function",
    "aws_lambda_permission",
    "aws_lambda_event_source_mapping",
    "aws_eks_pod_identity_association",
    "aws_security_group",
    "aws_vpc_endpoint",
    "aws_lambda_function_event_invoke_config",
    "aws_vpc_security_group_ingress_rule",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
}


def test_every_kind_has_its_place() -> None:
    assert set(KINDS) == set(MADE) | ELSEWHERE


@pytest.mark.parametrize("kind", MADE)
def test_it_is_absent_and_then_found_by_its_import_id(session: AwsSession, kind: str) -> None:
    make, values, wanted_id = MADE[kind]
    place = {"account": session.account_id, "region": session.region}
    wanted = Wanted(kind, {name: value.format(**place) for name, value in values.items()})
    assert existing(session, [wanted]) == (None,)
    make(session)
    (found,) = existing(session, [wanted])
    assert isinstance(found, Existing)
    assert found.id == wanted_id.format(**place)
    assert not found.is_default


def test_an_account_setting_that_nobody_chose_is_a_default(session: AwsSession) -> None:
    wanted = Wanted("aws_ecr_account_setting", {"name": "BASIC_SCAN_TYPE_VERSION"})
    (before,) = existing(session, [wanted])
    session.client("ecr").put_account_setting(name="BASIC_SCAN_TYPE_VERSION", value="CLAIR")
    (after,) = existing(session, [wanted])
    assert isinstance(before, Existing)
    assert isinstance(after, Existing)
    assert (before.is_default, after.is_default) == (True, False)
    assert after.name == "the account setting BASIC_SCAN_TYPE_VERSION = CLAIR"


def test_a_queue_is_found_by_its_name(session: AwsSession) -> None:
    assert existing(session, [Wanted("aws_sqs_queue", {"name": "pages"})]) == (None,)
    url = client(session, "sqs").create_queue(QueueName="pages")["QueueUrl"]
    (found,) = existing(session, [Wanted("aws_sqs_queue", {"name": "pages"})])
    assert isinstance(found, Existing)
    assert found.id == url


@pytest.mark.parametrize(
    ("theirs", "ours", "found"),
    [
        ({"VpcEndpointType": "Interface", "PrivateDnsEnabled": True}, {"private_dns_enabled": True}, True),
        ({"VpcEndpointType": "Interface", "PrivateDnsEnabled": True}, {"private_dns_enabled": False}, False),
        ({"VpcEndpointType": "Interface", "PrivateDnsEnabled": False}, {"private_dns_enabled": True}, False),
        ({"VpcEndpointType": "Gateway", "RouteTableIds": ["rtb-1"]}, {"route_table_ids": ["rtb-2", "rtb-1"]}, True),
        ({"VpcEndpointType": "Gateway", "RouteTableIds": ["rtb-1"]}, {"route_table_ids[0]": "rtb-1"}, True),
        ({"VpcEndpointType": "Gateway", "RouteTableIds": ["rtb-1"]}, {"route_table_ids": ["rtb-2"]}, False),
    ],
)
def test_an_endpoint_is_found_where_aws_would_refuse_a_second_one(
    session: AwsSession, theirs: dict[str, Any], ours: dict[str, Any], found: bool
) -> None:
    ec2, service = client(session, "ec2"), f"com.amazonaws.{session.region}.s3"
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    route_table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    placed = json.loads(json.dumps([theirs, ours]).replace("rtb-1", route_table))
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, **placed[0])["VpcEndpoint"]["VpcEndpointId"]
    (answer,) = existing(session, [Wanted("aws_vpc_endpoint", {"vpc_id": vpc, "service_name": service, **placed[1]})])
    assert (isinstance(answer, Existing) and answer.id == made) is found


def test_what_is_not_known_yet_and_what_no_kind_knows_is_not_asked_for(session: AwsSession) -> None:
    asked = [
        Wanted("aws_ecr_repository"),
        Wanted("aws_ecr_lifecycle_policy", {"policy": "{}"}),
        Wanted("null_resource"),
    ]
    assert existing(session, asked) == (None, None, None)


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        (Wanted("aws_ecr_registry_policy"), "ecr:GetRegistryPolicy"),
        (Wanted("aws_ecr_registry_scanning_configuration"), "ecr:GetRegistryScanningConfiguration"),
        (Wanted("aws_ecr_account_setting", {"name": "REGISTRY_POLICY_SCOPE"}), "ecr:GetAccountSetting"),
        (Wanted("aws_ecr_repository", {"name": "team/app"}), "ecr:DescribeRepositories"),
    ],
)
def test_a_question_that_is_not_permitted_is_an_error_and_no_absence(
    target: Target, wanted: Wanted, action: str
) -> None:
    with endpoint(lambda request: json_error("AccessDeniedException", "no")) as aws:
        (answer,) = existing(open_session(target, local=aws), [wanted])
    assert isinstance(answer, OrchestratorError)
    assert action in str(answer)
