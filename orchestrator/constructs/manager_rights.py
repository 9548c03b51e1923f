"""Who may do what in a lifecycle manager that CloudFormation makes: the statements of modules/lifecycle-manager. Pure.

ARNs are put together from names, as in the module, so that the policy is known before anything is made.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from orchestrator.lifecycle.in_use import SNAPSHOTS, snapshot_key
from orchestrator.lifecycle.ports import ROOT
from orchestrator.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.environment.function_parts import LifecycleManager
    from orchestrator.environment.model import Environment

Statement = dict[str, Any]


class ManagerNames:
    """Names and ARNs of one environment's lifecycle manager."""

    def __init__(self, environment: Environment, manager: LifecycleManager) -> None:
        self.account, self.region = environment.account_id, environment.aws_region
        self.environment = environment.name
        # Topic, queues and log are written by services of AWS, which a key admits only when its policy says so.
        self.service_key = manager.kms_key_arn if manager.kms_key_admits_services else None
        self.partition = partition_of(self.region)
        self.prefixes = sorted(environment.pull_through_cache_rules)
        self.caches_root = ROOT in self.prefixes
        self.pages, self.dead_letters = f"{manager.name}-pages", f"{manager.name}-dead-letters"
        self.pages_arn, self.dead_letters_arn = self.arn("sqs", self.pages), self.arn("sqs", self.dead_letters)
        self.log_arn = self.arn("logs", f"log-group:/aws/lambda/{manager.name}")
        self.bucket = environment.lifecycle_bucket
        self.bucket_arn = f"arn:{self.partition}:s3:::{self.bucket}"
        self.function = manager.name

    def arn(self, service: str, resource: str) -> str:
        """Of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def statements(environment: Environment, manager: LifecycleManager, names: ManagerNames) -> list[Statement]:
    """What the function may do."""
    reads = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetLifecyclePolicy"]
    bucket = names.bucket_arn
    found = [
        _allow("Discover", ["ecr:DescribePullThroughCacheRules", "ecr:DescribeRepositories"], ["*"]),
        _allow(
            "Cached",
            sorted([*reads, *(() if environment.dry_run_mode else _changes(manager))]),
            [names.arn("ecr", f"repository/{name}") for name in _cached_names(names, manager)],
        ),
        # Reading a manifest counts as a pull unless the reader is excluded: it would keep what it looks at.
        _allow(
            "OwnPullsDoNotCount",
            [
                *("ecr:CreatePullTimeUpdateExclusion", "ecr:ListPullTimeUpdateExclusions"),
                "ecr:RegisterPullTimeUpdateExclusion",
            ],
            ["*"],
        ),
        _allow(
            "Inspector",
            ["inspector2:ListCoverage"],
            ["*"] if environment.scans_enhanced else [],
        ),
        _allow(
            "Records", ["s3:GetObject"], [f"{bucket}/{kind}/*" for kind in ("cache", "cached", "runs", "snapshots")]
        ),
        _allow("Audit", ["s3:PutObject"], [f"{bucket}/{kind}/*" for kind in ("audit", "cache", "cached", "runs")]),
        _allow("EarlierSnapshots", ["s3:GetObjectVersion"], [f"{bucket}/{SNAPSHOTS}*"]),
        # Without it, what is absent answers as forbidden.
        _allow("AbsentIsNotForbidden", ["s3:ListBucket", "s3:ListBucketVersions"], [bucket]),
        _allow(
            "Pages",
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
            [names.pages_arn],
        ),
        _allow("DeadLetters", ["sqs:SendMessage"], [names.dead_letters_arn]),
        _allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], [manager.kms_key_arn] if manager.kms_key_arn else []),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{names.log_arn}:*"]),
    ]
    return [statement for statement in found if statement["Resource"]]


def role_resource(
    name: str, description: str, trust: Statement, policy: tuple[str, list[Statement]], boundary: str | None
) -> dict[str, Any]:
    """A role with one policy, (its name, its statements)."""
    properties: dict[str, Any] = {
        "RoleName": name,
        "Description": description,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [
            {"PolicyName": policy[0], "PolicyDocument": {"Version": "2012-10-17", "Statement": policy[1]}},
        ],
        **({"PermissionsBoundary": boundary} if boundary else {}),
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _changes(manager: LifecycleManager) -> set[str]:
    """Actions that change a repository: its expiry, and native policies."""
    changes = {"ecr:DeleteLifecyclePolicy", *(("ecr:PutLifecyclePolicy",) if manager.native_policy else ())}
    retention = manager.retention
    default = retention.expire_action if retention is not None else None
    overrides = retention.overrides if retention is not None else ()
    for action in (default, *(override.expire_action or default for override in overrides)):
        changes.add("ecr:UpdateImageStorageClass" if action == "archive" else "ecr:BatchDeleteImage")
    return changes


def _cached_names(names: ManagerNames, manager: LifecycleManager) -> list[str]:
    """Patterns of the repositories that may be changed. Below ROOT only what an override names is taken for cached."""
    found = {f"{prefix}/*" for prefix in names.prefixes if prefix != ROOT}
    if names.caches_root and manager.retention is not None:
        for override in manager.retention.overrides:
            pattern = override.pattern.rstrip("/")
            if not override.pattern.startswith("*"):
                found |= {pattern} if "*" in pattern else {pattern, f"{pattern}/*"}
    return sorted(found)


def only_tls(actions: str, *resources: str) -> Statement:
    """Nobody may do `actions` without TLS."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources) if len(resources) > 1 else resources[0],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def dead_letter_policy(names: ManagerNames, events: Sequence[str]) -> dict[str, Any]:
    """Of the queue that takes what EventBridge could not deliver."""
    undelivered = {
        "Sid": "UndeliveredEvents",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.dead_letters_arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": [names.arn("events", f"rule/{names.function}-{event}") for event in events]}
        },
    }
    return {"Version": "2012-10-17", "Statement": [only_tls("sqs:*", names.dead_letters_arn), undelivered]}


def topic_policy(names: ManagerNames, topic: object) -> dict[str, Any]:
    """Of the topic of the alarms: CloudWatch of this account may publish."""
    publishes = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": names.account}},
    }
    sealed = {**only_tls("sns:Publish", ""), "Resource": topic}
    return {"Version": "2012-10-17", "Statement": [publishes, sealed]}


def writers(names: ManagerNames, snapshot_writers: Mapping[str, str]) -> list[Statement]:
    """Roles of other accounts that write their cluster's snapshot.

    The account with a condition, and not the role. S3 refuses a policy with a role that is not there yet.
    """
    return [
        {
            "Sid": f"Writer{hashlib.sha256(cluster.encode()).hexdigest()[:16]}",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{names.partition}:iam::{arn.split(':')[4]}:root"},
            "Action": "s3:PutObject",
            "Resource": f"{names.bucket_arn}/{snapshot_key(cluster)}",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": arn}},
        }
        for cluster, arn in sorted(snapshot_writers.items())
    ]
