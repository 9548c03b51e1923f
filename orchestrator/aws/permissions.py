"""Is the caller allowed what the deployer policy lists? Asked of IAM's policy simulator, so nothing is tried out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.caller import Caller
from orchestrator.aws.deployer_functions import ALARM, DASHBOARD, FUNCTION, LOG_GROUP, QUEUE, RULE, TABLE, TOPIC
from orchestrator.aws.deployer_policy import STATEMENTS
from orchestrator.aws.refused_calls import DENIED
from orchestrator.aws.session import AwsSession
from orchestrator.aws.statements import KEY, REPOSITORY, ROLE, SECRET, Statement
from orchestrator.aws.translation import error_code, explained

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


@dataclass(frozen=True, slots=True)
class Permissions:
    """`denied` are the actions that the caller lacks; `asked` counts those that were looked at."""

    asked: int
    denied: tuple[str, ...]


def check_permissions(session: AwsSession, identity: Caller, environment: Environment) -> Permissions:
    """What of the statements that this environment needs the caller may not do.

    The simulator looks at the identity's own policies and boundary, and at organization policies. It does not see the
    resources' policies or a session's. Raises `OrchestratorError` when the caller may not use it (iam:SimulatePrincipalPolicy).
    """
    if identity.arn.endswith(":root"):
        return Permissions(0, ())
    asked = 0
    denied: set[str] = set()
    with explained(session, "iam"):
        source = _source_arn(session, identity)
        for statement in STATEMENTS:
            if not statement.needed(environment):
                continue
            asked += len(statement.all_actions)
            denied.update(_denied(session, source, statement, environment))
    return Permissions(asked, tuple(sorted(denied)))


def _source_arn(session: AwsSession, identity: Caller) -> str:
    """The ARN whose policies count. A role's path is not in its session's ARN, so IAM is asked for it."""
    if ":assumed-role/" not in identity.arn:
        return identity.arn
    guess = identity.policy_source_arn
    try:
        return session.client("iam").get_role(RoleName=guess.rsplit("/", 1)[-1])["Role"]["Arn"]
    except ClientError as error:
        if error_code(error) in DENIED:
            return guess
        raise


def _denied(session: AwsSession, source: str, statement: Statement, environment: Environment) -> Iterable[str]:
    request: dict[str, Any] = {"PolicySourceArn": source, "ActionNames": list(statement.all_actions)}
    resources = samples(statement, environment)
    if resources:
        request["ResourceArns"] = resources
    context = context_entries(statement, environment)
    if context:
        request["ContextEntries"] = context
    allowed: set[str] = set()
    for page in session.client("iam").get_paginator("simulate_principal_policy").paginate(**request):
        for result in page["EvaluationResults"]:
            single = [one["EvalResourceDecision"] for one in result.get("ResourceSpecificResults", [])]
            # Not every action fits every sample (buckets and objects): one that is allowed is enough.
            if "allowed" in (result["EvalDecision"], *single):
                allowed.add(result["EvalActionName"])
    return set(statement.all_actions) - allowed


def samples(statement: Statement, environment: Environment) -> list[str]:
    """Concrete ARNs that the statement is about, from the environment's own names; empty for `*`."""
    partition, region, account = environment.partition, environment.aws_region, environment.account_id
    rules = environment.pull_through_cache_rules
    here = f"arn:{partition}"
    found: list[str] = []
    for resource in statement.resources:
        if resource == REPOSITORY:
            names = list(environment.own_repository_names) or [f"{prefix}/doctor" for prefix in rules] or ["doctor"]
            found += [f"{here}:ecr:{region}:{account}:repository/{name}" for name in names[:3]]
        elif resource == SECRET:
            named = [rule.secret_name for rule in rules.values() if rule.secret_name]
            found += [f"{here}:secretsmanager:{region}:{account}:secret:{name}-AbCdEf" for name in named[:3]]
            found += [rule.credential_arn for rule in rules.values() if rule.credential_arn]
        elif resource == ROLE:
            found += [f"{here}:iam::{account}:role/{name}" for name in _role_names(environment)[:3]]
        elif resource.endswith(":role/aws-service-role/*"):
            service = "pullthroughcache.ecr.amazonaws.com"
            found.append(f"{here}:iam::{account}:role/aws-service-role/{service}/AWSServiceRoleForECRPullThroughCache")
        elif resource.endswith(":instance-profile/*"):
            pools = environment.machine_pools.values()
            found += [f"{here}:iam::{account}:instance-profile/{pool.instance_profile}" for pool in pools]
        elif resource == KEY:
            found += _keys(statement, environment)
        elif resource.endswith(":cluster/*"):
            found.append(f"{here}:eks:{region}:{account}:cluster/{environment.cluster_name}")
        elif resource.endswith(":podidentityassociation/*"):
            name = environment.cluster_name
            found.append(f"{here}:eks:{region}:{account}:podidentityassociation/{name}/a-1234567890abcdef0")
        elif resource in _OF_FUNCTIONS:
            form = _OF_FUNCTIONS[resource]
            found += [form.format(here, region, account, name) for name in _function_names(environment)]
            if resource == QUEUE:
                found += [f"{here}:sqs:{region}:{account}:{name}" for name in _shared_names(environment)]
        elif resource == TABLE:
            names = _shared_names(environment) or [environment.mirror_queue_name]
            found += [f"{here}:dynamodb:{region}:{account}:table/{name}" for name in names]
        elif statement.sid == "Records":
            found.append(f"{here}:s3:::{environment.lifecycle_bucket}")
        elif resource.startswith("arn:*:s3") and environment.state is not None:
            bucket = environment.state.bucket
            found += [f"{here}:s3:::{bucket}", f"{here}:s3:::{bucket}/{environment.state_key}"]
    return found


# {pattern of the policy: ARN of (head, region, account, name)}
_OF_FUNCTIONS = {
    FUNCTION: "{0}:lambda:{1}:{2}:function:{3}",
    RULE: "{0}:events:{1}:{2}:rule/{3}-schedule",
    QUEUE: "{0}:sqs:{1}:{2}:{3}-pages",
    TOPIC: "{0}:sns:{1}:{2}:{3}-alarms",
    LOG_GROUP: "{0}:logs:{1}:{2}:log-group:/aws/lambda/{3}",
    ALARM: "{0}:cloudwatch:{1}:{2}:alarm:{3}-errors",
    DASHBOARD: "{0}:cloudwatch::{2}:dashboard/{3}",
}


def _shared_names(environment: Environment) -> list[str]:
    """The names of queues and tables by which copies are shared."""
    copies = [environment.mirror_queue_name] if environment.shares_copies else []
    return [*copies, *([environment.image_swapper_name] if environment.shares_swaps else [])]


def _function_names(environment: Environment) -> list[str]:
    settings = (environment.lifecycle_manager, environment.scan_findings)
    return [each.name for each in settings if each and each.enabled] or [f"ecr-{environment.name}"]


def context_entries(statement: Statement, environment: Environment) -> list[dict[str, Any]]:
    """The values that the statement's condition asks for, so that a policy with the same condition allows."""
    entries = []
    for keys in statement.condition.values():
        for key, given in keys.items():
            value = given if isinstance(given, str) else given[-1]
            value = value.replace(".*.", f".{environment.aws_region}.").rstrip("*")
            entries.append({"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"})
    return entries


def _role_names(environment: Environment) -> list[str]:
    worker = [f"{environment.worker_role_prefix}-Worker-Role"] if environment.worker_role_prefix else []
    names = [*environment.push_roles, *environment.node_role_names, *environment.fargate_execution_role_names, *worker]
    return names or ["doctor"]


def _keys(statement: Statement, environment: Environment) -> list[str]:
    if statement.sid == "StateKey":
        return [environment.state.kms_key_arn] if environment.state and environment.state.kms_key_arn else []
    keys = [environment.kms_key_arn, *(entry.kms_key_arn for entry in environment.repositories.values())]
    return list(dict.fromkeys(key for key in keys if key))
