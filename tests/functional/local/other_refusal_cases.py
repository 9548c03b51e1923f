"""What provokes each refusal of the services beside ECR, and the account in which it does."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.functional.local.conftest import Clients, trust

ECR_API = "com.amazonaws.eu-west-1.ecr.api"


def grant(action: str, resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Place:
    """An account with clients, and shorthands for what the cases need."""

    def __init__(self, clients: Clients, account: str) -> None:
        self.account = account
        # EC2's model alone takes longer to load than a call: each client is made for the cases that need it.
        self.clients = functools.cache(clients)

    ec2 = property(lambda self: self.clients("ec2"))
    iam = property(lambda self: self.clients("iam"))
    s3 = property(lambda self: self.clients("s3"))
    functions = property(lambda self: self.clients("lambda"))
    events = property(lambda self: self.clients("events"))
    queues = property(lambda self: self.clients("sqs"))

    def vpc(self) -> str:
        vpc = str(self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    def subnet(self, vpc: str, third: int = 1, zone: str = "eu-west-1a") -> str:
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{third}.0/24", AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def group(self, vpc: str, name: str = "g") -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"])

    def default_group(self, vpc: str) -> str:
        only = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return str(self.ec2.describe_security_groups(Filters=only)["SecurityGroups"][0]["GroupId"])

    def endpoint(self, vpc: str, *subnets: str, groups: tuple[str, ...] = (), **more: Any) -> str:
        made = self.ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=ECR_API,
            VpcEndpointType="Interface",
            SubnetIds=list(subnets),
            SecurityGroupIds=list(groups),
            PrivateDnsEnabled=True,
            **more,
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def role(self, name: str = "r", service: str = "lambda.amazonaws.com") -> str:
        return str(self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"])

    def policy(self, name: str = "p") -> str:
        return str(self.iam.create_policy(PolicyName=name, PolicyDocument=grant("s3:*"))["Policy"]["Arn"])

    def attach(self, number: int) -> None:
        for index in range(number):
            self.iam.attach_role_policy(RoleName="r", PolicyArn=self.policy(f"p{index}"))

    def bucket(self) -> str:
        name = f"bucket-{self.account}"
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        return name

    def function(self, role: str | None = None, **more: Any) -> Any:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("x.py", "def handle(event, context): return 1")
        given = {"Runtime": "python3.12", "Handler": "x.handle", "Code": {"ZipFile": held.getvalue()}, **more}
        return self.functions.create_function(FunctionName="f", Role=role or self.role(), **given)

    def queue(self, seconds: int = 60) -> str:
        self.queues.create_queue(QueueName="q", Attributes={"VisibilityTimeout": str(seconds)})
        return f"arn:aws:sqs:eu-west-1:{self.account}:q"

    def map_queue(self) -> Any:
        arn = f"arn:aws:sqs:eu-west-1:{self.account}:q"
        return self.functions.create_event_source_mapping(FunctionName="f", EventSourceArn=arn)

    def secret_that_goes(self) -> Any:
        secrets = self.clients("secretsmanager")
        secrets.create_secret(Name="s", SecretString="x")
        secrets.delete_secret(SecretId="s")
        return secrets


def group_of_an_endpoint(p: Place) -> None:
    vpc = p.vpc()
    group = p.group(vpc)
    p.endpoint(vpc, p.subnet(vpc), groups=(group,))
    p.ec2.delete_security_group(GroupId=group)


def group_of_a_rule(p: Place) -> None:
    vpc = p.vpc()
    group, other = p.group(vpc), p.group(vpc, "other")
    pair = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]}
    p.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[pair])
    p.ec2.delete_security_group(GroupId=group)


def group_of_an_interface(p: Place) -> None:
    vpc = p.vpc()
    group = p.group(vpc)
    p.ec2.create_network_interface(SubnetId=p.subnet(vpc), Groups=[group])
    p.ec2.delete_security_group(GroupId=group)


def subnet_of_an_endpoint(p: Place) -> None:
    vpc = p.vpc()
    subnet = p.subnet(vpc)
    p.endpoint(vpc, subnet)
    p.ec2.delete_subnet(SubnetId=subnet)


def vpc_with_a_gateway(p: Place) -> None:
    vpc = p.vpc()
    p.ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3", VpcEndpointType="Gateway")
    p.ec2.delete_vpc(VpcId=vpc)


def vpc_with_a_group(p: Place) -> None:
    vpc = p.vpc()
    p.group(vpc)
    p.ec2.delete_vpc(VpcId=vpc)


def main_route_table(p: Place) -> None:
    only = [{"Name": "vpc-id", "Values": [p.vpc()]}]
    table = p.ec2.describe_route_tables(Filters=only)["RouteTables"][0]["RouteTableId"]
    p.ec2.delete_route_table(RouteTableId=table)


def interface_of_an_endpoint(p: Place) -> None:
    vpc = p.vpc()
    p.endpoint(vpc, p.subnet(vpc))
    (interface,) = p.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkInterfaces"]
    p.ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])


def absent_group(p: Place) -> None:
    vpc = p.vpc()
    p.endpoint(vpc, p.subnet(vpc), groups=("sg-0123456789abcdef0",))


def absent_group_later(p: Place) -> None:
    vpc = p.vpc()
    made = p.endpoint(vpc, p.subnet(vpc))
    p.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddSecurityGroupIds=["sg-0123456789abcdef0"])


def group_of_another_vpc(p: Place) -> None:
    vpc = p.vpc()
    p.endpoint(vpc, p.subnet(vpc), groups=(p.group(p.vpc()),))


def second_private_name(p: Place) -> None:
    vpc = p.vpc()
    p.endpoint(vpc, p.subnet(vpc))
    p.endpoint(vpc, p.subnet(vpc, 2, "eu-west-1b"))


def private_name_without_host_names(p: Place) -> None:
    vpc = p.vpc()
    p.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    p.endpoint(vpc, p.subnet(vpc))


def two_subnets_of_a_zone(p: Place) -> None:
    vpc = p.vpc()
    p.endpoint(vpc, p.subnet(vpc), p.subnet(vpc, 2))


def second_gateway(p: Place) -> None:
    vpc = p.vpc()
    table = p.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    given = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": [table]}
    for _ in range(2):
        p.ec2.create_vpc_endpoint(**given, VpcEndpointType="Gateway")


def attached_policy(p: Place) -> None:
    p.role()
    arn = p.policy()
    p.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    p.iam.delete_policy(PolicyArn=arn)


def eleventh_policy(p: Place) -> None:
    p.role()
    p.attach(11)


def long_inline_policies(p: Place) -> None:
    p.role()
    for name in ("a", "b"):
        long = grant("s3:GetObject", [f"arn:aws:s3:::{'b' * 60}{index}" for index in range(75)])  # type: ignore[arg-type]
        p.iam.put_role_policy(RoleName="r", PolicyName=name, PolicyDocument=long)


def trust_later(p: Place) -> None:
    p.role()
    p.iam.update_assume_role_policy(RoleName="r", PolicyDocument=grant("sts:AssumeRole"))


def broken_bucket_policy(p: Place) -> None:
    p.s3.put_bucket_policy(Bucket=p.bucket(), Policy="{nope")


def policy_of_another_bucket(p: Place) -> None:
    other = grant("s3:GetObject", "arn:aws:s3:::other/*", Principal={"AWS": p.account})
    p.s3.put_bucket_policy(Bucket=p.bucket(), Policy=other)


def public_policy(p: Place) -> None:
    bucket = p.bucket()
    p.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    p.s3.put_bucket_policy(Bucket=bucket, Policy=grant("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*"))


def statement_twice(p: Place) -> None:
    p.function()
    given = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    for _ in range(2):
        p.functions.add_permission(FunctionName="f", StatementId="a", **given)


def impatient_queue(p: Place) -> None:
    p.function(Timeout=120)
    p.queue(60)
    p.map_queue()


def role_without_queue(p: Place) -> None:
    p.function(Timeout=10)
    p.queue(60)
    p.map_queue()


def sixth_target(p: Place) -> None:
    p.events.put_rule(Name="e", ScheduleExpression="rate(1 day)")
    topic = f"arn:aws:sns:eu-west-1:{p.account}:t"
    p.events.put_targets(Rule="e", Targets=[{"Id": str(index), "Arn": topic} for index in range(5)])
    p.events.put_targets(Rule="e", Targets=[{"Id": "5", "Arn": topic}])


def queue_later(p: Place) -> None:
    url = p.queues.create_queue(QueueName="q")["QueueUrl"]
    p.queues.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "901"})


def retention(p: Place) -> None:
    logs = p.clients("logs")
    logs.create_log_group(logGroupName="/l")
    logs.put_retention_policy(logGroupName="/l", retentionInDays=2)


def address(p: Place) -> None:
    topic = p.clients("sns").create_topic(Name="t")["TopicArn"]
    p.clients("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="nobody")


def later(**change: Any) -> Callable[[Place], None]:
    def case(p: Place) -> None:
        p.function()
        p.functions.update_function_configuration(FunctionName="f", **change)

    return case


MEMORY: dict[str, Any] = {"MemorySize": 64}
VARIABLES: dict[str, Any] = {"Environment": {"Variables": {"TEXT": "x" * 4096}}}
# (operation, error, what provokes it); several where one check knows several reasons.
CASES: tuple[tuple[str, str, Callable[[Place], Any]], ...] = (
    ("DeleteSecurityGroup", "DependencyViolation", group_of_an_endpoint),
    ("DeleteSecurityGroup", "DependencyViolation", group_of_a_rule),
    ("DeleteSecurityGroup", "DependencyViolation", group_of_an_interface),
    ("DeleteSecurityGroup", "CannotDelete", lambda p: p.ec2.delete_security_group(GroupId=p.default_group(p.vpc()))),
    ("DeleteSubnet", "DependencyViolation", subnet_of_an_endpoint),
    ("DeleteVpc", "DependencyViolation", vpc_with_a_gateway),
    ("DeleteVpc", "DependencyViolation", vpc_with_a_group),
    ("DeleteRouteTable", "DependencyViolation", main_route_table),
    ("DeleteNetworkInterface", "InvalidNetworkInterface.InUse", interface_of_an_endpoint),
    ("CreateVpcEndpoint", "InvalidSecurityGroupID.NotFound", absent_group),
    ("ModifyVpcEndpoint", "InvalidSecurityGroupID.NotFound", absent_group_later),
    ("CreateVpcEndpoint", "InvalidParameter", group_of_another_vpc),
    ("CreateVpcEndpoint", "InvalidParameter", second_private_name),
    ("CreateVpcEndpoint", "InvalidParameter", private_name_without_host_names),
    ("CreateVpcEndpoint", "DuplicateSubnetsInSameZone", two_subnets_of_a_zone),
    ("CreateVpcEndpoint", "RouteAlreadyExists", second_gateway),
    ("DeletePolicy", "DeleteConflict", attached_policy),
    ("AttachRolePolicy", "LimitExceeded", eleventh_policy),
    ("PutRolePolicy", "LimitExceeded", long_inline_policies),
    ("CreateRole", "MalformedPolicyDocument", lambda p: p.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")),
    ("UpdateAssumeRolePolicy", "MalformedPolicyDocument", trust_later),
    ("PutBucketPolicy", "MalformedPolicy", broken_bucket_policy),
    ("PutBucketPolicy", "MalformedPolicy", policy_of_another_bucket),
    ("PutBucketPolicy", "AccessDenied", public_policy),
    (
        "PutSecretValue",
        "InvalidRequestException",
        lambda p: p.secret_that_goes().put_secret_value(SecretId="s", SecretString="y"),
    ),
    (
        "CreateSecret",
        "InvalidRequestException",
        lambda p: p.secret_that_goes().create_secret(Name="s", SecretString="y"),
    ),
    ("CreateFunction", "ValidationException", lambda p: p.function(**MEMORY)),
    ("UpdateFunctionConfiguration", "ValidationException", later(**MEMORY)),
    ("CreateFunction", "InvalidParameterValueException", lambda p: p.function(p.role("e", "ec2.amazonaws.com"))),
    ("CreateFunction", "InvalidParameterValueException", lambda p: p.function(**VARIABLES)),
    ("UpdateFunctionConfiguration", "InvalidParameterValueException", later(**VARIABLES)),
    (
        "UpdateFunctionConfiguration",
        "InvalidParameterValueException",
        lambda p: later(Role=p.role("e", "ec2.amazonaws.com"))(p),
    ),
    ("AddPermission", "ResourceConflictException", statement_twice),
    ("CreateEventSourceMapping", "InvalidParameterValueException", impatient_queue),
    ("CreateEventSourceMapping", "InvalidParameterValueException", role_without_queue),
    ("PutRule", "ValidationException", lambda p: p.events.put_rule(Name="e", ScheduleExpression="rate(1 days)")),
    (
        "PutRule",
        "ValidationException",
        lambda p: p.events.put_rule(Name="e", ScheduleExpression="cron(0 2 * * * * *)"),
    ),
    ("PutTargets", "LimitExceededException", sixth_target),
    ("PutRetentionPolicy", "InvalidParameterException", retention),
    (
        "CreateQueue",
        "InvalidAttributeValue",
        lambda p: p.queues.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "10"}),
    ),
    ("SetQueueAttributes", "InvalidAttributeValue", queue_later),
    ("Subscribe", "InvalidParameter", address),
)
