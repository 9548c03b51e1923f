"""Which of the things that a plan creates exist in AWS already? Reads only.

They come as values with Terraform's resource type and the attributes that the plan gives them. Nothing else of
Terraform's part is known here. Much of what AWS calls "put" has no error for "exists already". A create replaces what
somebody else put there, so that only a look beforehand can tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import found_or_none
from orchestrator.errors import OrchestratorError

WORKERS = 4
DEFAULT_TOPIC_POLICY = "__default_policy_ID"
# What AWS gives a registry that nobody configured. The scope depends on the registry's age: nobody chooses V1.
DEFAULT_SETTINGS = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "REGISTRY_POLICY_SCOPE": "V1", "BLOB_MOUNTING": "DISABLED"}


class Creation(Protocol):
    """What a plan creates: Terraform's type, the attributes that are known, and the id where a journal tells it."""

    @property
    def type(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Existing:
    """It exists. `id` is what Terraform imports it by, `name` what a person calls it.

    `is_default` marks a setting that stands as AWS made it: nobody chose it.
    """

    id: str
    name: str
    is_default: bool = False


Answer = Existing | OrchestratorError | None
"""It exists, AWS did not let us tell (the error says why), or it does not exist."""


def existing(session: AwsSession, creations: Sequence[Creation]) -> tuple[Answer, ...]:
    """What AWS has of each of `creations`, in their order; None also for kinds that cannot exist before."""

    def look(creation: Creation) -> Answer:
        kind = KINDS.get(creation.type)
        known = {**creation.values, "id": creation.id}
        if kind is None or not all(known.get(name) for name in kind.needs):
            return None
        place = _Place(session, creation.values, creation.id)
        try:
            found: Existing | None = found_or_none(session, kind.service, lambda: kind.look(place))
            return found
        except OrchestratorError as error:
            return error

    if len(creations) < 2:
        return tuple(map(look, creations))
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return tuple(pool.map(look, creations))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one thing is looked for: clients, its attributes, and its id where a journal tells it."""

    session: AwsSession
    values: Mapping[str, Any]
    id: str

    def __getitem__(self, name: str) -> str:
        return str(self.values[name])

    def client(self, service: str) -> Any:
        make: Any = self.session.client
        return make(service)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:{self.session.partition}:{service}:{self.session.region}:{self.session.account_id}:{rest}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of resource: which service is asked, how, and which attributes the question needs."""

    service: str
    look: Callable[[_Place], Existing | None]
    needs: tuple[str, ...] = ("name",)


def _repository(place: _Place) -> Existing | None:
    name = place["name"]
    place.client("ecr").describe_repositories(repositoryNames=[name])
    return Existing(name, f'the repository "{name}"')


def _rule(place: _Place) -> Existing | None:
    prefix = place["ecr_repository_prefix"]
    found = place.client("ecr").describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])
    return Existing(prefix, f'the pull-through cache rule "{prefix}"') if found["pullThroughCacheRules"] else None


def _template(place: _Place) -> Existing | None:
    prefix = place["prefix"]
    found = place.client("ecr").describe_repository_creation_templates(prefixes=[prefix])
    listed = found["repositoryCreationTemplates"]
    return Existing(prefix, f'the repository creation template "{prefix}"') if listed else None


def _registry_policy(place: _Place) -> Existing | None:
    place.client("ecr").get_registry_policy()
    return Existing(place.session.account_id, "the registry policy")


def _scanning(place: _Place) -> Existing | None:
    found = place.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    default = found.get("scanType", "BASIC") == "BASIC" and not found.get("rules")
    return None if default else Existing(place.session.account_id, "the registry's scanning configuration")


def _setting(place: _Place) -> Existing | None:
    name = place["name"]
    value = place.client("ecr").get_account_setting(name=name)["value"]
    return Existing(name, f"the account setting {name} = {value}", is_default=DEFAULT_SETTINGS.get(name) == value)


def _lifecycle_policy(place: _Place) -> Existing | None:
    name = place["repository"]
    place.client("ecr").get_lifecycle_policy(repositoryName=name)
    return Existing(name, f'the lifecycle policy of the repository "{name}"')


def _repository_policy(place: _Place) -> Existing | None:
    name = place["repository"]
    place.client("ecr").get_repository_policy(repositoryName=name)
    return Existing(name, f'the policy of the repository "{name}"')


def _role(place: _Place) -> Existing | None:
    place.client("iam").get_role(RoleName=place["name"])
    return Existing(place["name"], f'the role "{place["name"]}"')


def _role_policy(place: _Place) -> Existing | None:
    role, name = place["role"], place["name"]
    place.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return Existing(f"{role}:{name}", f'the policy "{name}" of the role "{role}"')


def _attachment(place: _Place) -> Existing | None:
    role, arn = place["role"], place["policy_arn"]
    if arn not in attached_policies(place.session, role):
        return None
    return Existing(f"{role}/{arn}", f'the policy {arn.rpartition("/")[2]} on the role "{role}"')


def _log_group(place: _Place) -> Existing | None:
    name = place["name"]
    pages = place.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    there = any(group["logGroupName"] == name for page in pages for group in page["logGroups"])
    return Existing(name, f'the log group "{name}"') if there else None


def _topic(place: _Place) -> Existing | None:
    arn = place.arn("sns", place["name"])
    place.client("sns").get_topic_attributes(TopicArn=arn)
    return Existing(arn, f'the topic "{place["name"]}"')


def _queue(place: _Place) -> Existing | None:
    sqs = place.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=place["name"])["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return Existing(url, f'the queue "{place["name"]}"')


def _table(place: _Place) -> Existing | None:
    place.client("dynamodb").describe_table(TableName=place["name"])
    return Existing(place["name"], f'the table "{place["name"]}"')


def _event_rule(place: _Place) -> Existing | None:
    place.client("events").describe_rule(Name=place["name"])
    return Existing(place["name"], f'the event rule "{place["name"]}"')


def _alarm(place: _Place) -> Existing | None:
    name = place["alarm_name"]
    found = place.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    return Existing(name, f'the alarm "{name}"') if found["MetricAlarms"] else None


def _dashboard(place: _Place) -> Existing | None:
    name = place["dashboard_name"]
    place.client("cloudwatch").get_dashboard(DashboardName=name)
    return Existing(name, f'the dashboard "{name}"')


def _function(place: _Place) -> Existing | None:
    name = place.id or place["function_name"]
    place.client("lambda").get_function(FunctionName=name)
    return Existing(name, f'the function "{name}"')


def _invoke_config(place: _Place) -> Existing | None:
    name = place["function_name"]
    place.client("lambda").get_function_event_invoke_config(FunctionName=name)
    return Existing(name, f'the invocation settings of the function "{name}"')


def _permission(place: _Place) -> Existing | None:
    function, sid = place["function_name"], place["statement_id"]
    policy = json.loads(place.client("lambda").get_policy(FunctionName=function)["Policy"])
    there = any(statement.get("Sid") == sid for statement in policy["Statement"])
    return Existing(f"{function}/{sid}", f'the permission "{sid}" of the function "{function}"') if there else None


def _event_source(place: _Place) -> Existing | None:
    source, function = place["event_source_arn"], place["function_name"]
    found = place.client("lambda").list_event_source_mappings(EventSourceArn=source, FunctionName=function)
    listed = found["EventSourceMappings"]
    return Existing(listed[0]["UUID"], f"the mapping of {source} to {function}") if listed else None


def _event_target(place: _Place) -> Existing | None:
    rule, target = place["rule"], place["target_id"]
    there = any(each["Id"] == target for each in place.client("events").list_targets_by_rule(Rule=rule)["Targets"])
    return Existing(f"{rule}/{target}", f'the target "{target}" of the event rule "{rule}"') if there else None


def _topic_policy(place: _Place) -> Existing | None:
    arn = place["arn"]
    policy = json.loads(place.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy") or "{}")
    # AWS gives every topic one, with an Id of its own; ours has none.
    if not policy or policy.get("Id") == DEFAULT_TOPIC_POLICY:
        return None
    return Existing(arn, f'the policy of the topic "{arn.rpartition(":")[2]}"')


def _bucket(place: _Place) -> Existing | None:
    name = place["bucket"]
    place.client("s3").head_bucket(Bucket=name)
    return Existing(name, f'the bucket "{name}"')


def _of_bucket(call: str, noun: str, absent: tuple[str, ...] = ()) -> Callable[[_Place], Existing | None]:
    """What a bucket has once, such as its policy. `absent` are S3's codes for "none"."""

    def look(place: _Place) -> Existing | None:
        from botocore.exceptions import ClientError

        name = place["bucket"]
        try:
            answer = getattr(place.client("s3"), call)(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in absent:
                return None
            raise
        if call == "get_bucket_versioning" and "Status" not in answer:
            return None
        return Existing(name, f'the {noun} of the bucket "{name}"')

    return look


def _association(place: _Place) -> Existing | None:
    cluster, namespace, account = place["cluster_name"], place["namespace"], place["service_account"]
    found = place.client("eks").list_pod_identity_associations(
        clusterName=cluster, namespace=namespace, serviceAccount=account
    )["associations"]
    if not found:
        return None
    name = f'the Pod Identity association of {namespace}/{account} in the cluster "{cluster}"'
    return Existing(f"{cluster},{found[0]['associationId']}", name)


def _endpoint(place: _Place) -> Existing | None:
    ec2, values = place.client("ec2"), place.values
    if place.id:
        found = ec2.describe_vpc_endpoints(VpcEndpointIds=[place.id])["VpcEndpoints"]
    elif values.get("vpc_id") and values.get("service_name"):
        wanted = {"vpc-id": place["vpc_id"], "service-name": place["service_name"]}
        filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
        found = [one for one in ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"] if _in_the_way(one, values)]
    else:
        return None
    # Those that are being deleted are listed for a while.
    living = [one for one in found if one.get("State", "").lower() not in ("deleting", "deleted")]
    if not living:
        return None
    id_, service = living[0]["VpcEndpointId"], living[0]["ServiceName"]
    return Existing(id_, f"the VPC endpoint {id_} of {service}")


def _in_the_way(endpoint: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Would AWS refuse one of these `values` beside it? Two may not have private names, or a route in one table."""
    if endpoint.get("VpcEndpointType") == "Gateway":
        return bool(set(endpoint.get("RouteTableIds", ())) & _entries(values, "route_table_ids"))
    return bool(endpoint.get("PrivateDnsEnabled")) and values.get("private_dns_enabled") is True


def _entries(values: Mapping[str, Any], name: str) -> set[Any]:
    """The entries of a list: a plan tells each by its own path, `route_table_ids[0]`."""
    return {*(values.get(name) or ()), *(value for path, value in values.items() if path.startswith(f"{name}["))}


def _security_group(place: _Place) -> Existing | None:
    ec2 = place.client("ec2")
    if place.id:
        found = ec2.describe_security_groups(GroupIds=[place.id])["SecurityGroups"]
    elif place.values.get("name") and place.values.get("vpc_id"):
        filters = [{"Name": "group-name", "Values": [place["name"]]}, {"Name": "vpc-id", "Values": [place["vpc_id"]]}]
        found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    else:
        return None
    if not found:
        return None
    return Existing(found[0]["GroupId"], f'the security group {found[0]["GroupId"]} ("{found[0]["GroupName"]}")')


def _group_rule(place: _Place) -> Existing | None:
    found = place.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[place.id])["SecurityGroupRules"]
    return Existing(place.id, f"the security group rule {place.id}") if found else None


# {Terraform's type: how it is looked for}. AWS names a resource that needs `id`: only the journal of its creation knows
# it.
KINDS: dict[str, Kind] = {
    "aws_ecr_repository": Kind("ecr", _repository),
    "aws_ecr_pull_through_cache_rule": Kind("ecr", _rule, ("ecr_repository_prefix",)),
    "aws_ecr_repository_creation_template": Kind("ecr", _template, ("prefix",)),
    "aws_ecr_registry_policy": Kind("ecr", _registry_policy, ()),
    "aws_ecr_registry_scanning_configuration": Kind("ecr", _scanning, ()),
    "aws_ecr_account_setting": Kind("ecr", _setting),
    "aws_ecr_lifecycle_policy": Kind("ecr", _lifecycle_policy, ("repository",)),
    "aws_ecr_repository_policy": Kind("ecr", _repository_policy, ("repository",)),
    "aws_iam_role": Kind("iam", _role),
    "aws_iam_role_policy": Kind("iam", _role_policy, ("role", "name")),
    "aws_iam_role_policy_attachment": Kind("iam", _attachment, ("role", "policy_arn")),
    "aws_cloudwatch_log_group": Kind("logs", _log_group),
    "aws_sns_topic": Kind("sns", _topic),
    "aws_sqs_queue": Kind("sqs", _queue),
    "aws_dynamodb_table": Kind("dynamodb", _table),
    "aws_cloudwatch_event_rule": Kind("events", _event_rule),
    "aws_cloudwatch_metric_alarm": Kind("cloudwatch", _alarm, ("alarm_name",)),
    "aws_cloudwatch_dashboard": Kind("cloudwatch", _dashboard, ("dashboard_name",)),
    "aws_lambda_function": Kind("lambda", _function, ("function_name",)),
    "aws_lambda_function_event_invoke_config": Kind("lambda", _invoke_config, ("function_name",)),
    "aws_lambda_permission": Kind("lambda", _permission, ("function_name", "statement_id")),
    "aws_lambda_event_source_mapping": Kind("lambda", _event_source, ("event_source_arn", "function_name")),
    "aws_cloudwatch_event_target": Kind("events", _event_target, ("rule", "target_id")),
    "aws_sns_topic_policy": Kind("sns", _topic_policy, ("arn",)),
    "aws_s3_bucket": Kind("s3", _bucket, ("bucket",)),
    "aws_s3_bucket_policy": Kind("s3", _of_bucket("get_bucket_policy", "policy", ("NoSuchBucketPolicy",)), ("bucket",)),
    "aws_s3_bucket_lifecycle_configuration": Kind(
        "s3",
        _of_bucket("get_bucket_lifecycle_configuration", "lifecycle rules", ("NoSuchLifecycleConfiguration",)),
        ("bucket",),
    ),
    "aws_s3_bucket_ownership_controls": Kind(
        "s3",
        _of_bucket("get_bucket_ownership_controls", "ownership controls", ("OwnershipControlsNotFoundError",)),
        ("bucket",),
    ),
    "aws_s3_bucket_public_access_block": Kind(
        "s3",
        _of_bucket("get_public_access_block", "public access block", ("NoSuchPublicAccessBlockConfiguration",)),
        ("bucket",),
    ),
    "aws_s3_bucket_server_side_encryption_configuration": Kind(
        "s3",
        _of_bucket("get_bucket_encryption", "encryption", ("ServerSideEncryptionConfigurationNotFoundError",)),
        ("bucket",),
    ),
    "aws_s3_bucket_versioning": Kind("s3", _of_bucket("get_bucket_versioning", "versioning"), ("bucket",)),
    "aws_eks_pod_identity_association": Kind("eks", _association, ("cluster_name", "namespace", "service_account")),
    "aws_security_group": Kind("ec2", _security_group, ()),
    "aws_vpc_endpoint": Kind("ec2", _endpoint, ()),
    "aws_vpc_security_group_ingress_rule": Kind("ec2", _group_rule, ("id",)),
}


def attached_policies(session: AwsSession, role: str) -> frozenset[str]:
    """ARNs of the managed policies on a role; raises ClientError as the SDK does."""
    pages = session.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return frozenset(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])
