"""An environment's lifecycle manager as CloudFormation resources: what modules/lifecycle-manager makes. Pure.

Names, rights and alarms are those of the module. A test holds them against Terraform's plan of the same environment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.checks.function_variables import function_variables
from orchestrator.constructs.cache_resources import Resource
from orchestrator.constructs.manager_alarms import alarm_resources
from orchestrator.constructs.manager_rights import (
    ManagerNames,
    dead_letter_policy,
    only_tls,
    role_resource,
    statements,
    writers,
)
from orchestrator.constructs.ownership import owned_manager
from orchestrator.constructs.usage_role import usage_resources
from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.audit import PREFIX as AUDIT

if TYPE_CHECKING:
    from orchestrator.environment.function_parts import LifecycleManager
    from orchestrator.environment.model import Environment

# Days that what the function leaves for itself is kept, as in modules/lifecycle-manager/bucket.tf.
_KEPT_DAYS = {"cache": 90, "findings": 365, "runs": 30}


def manager_resources(environment: Environment, code: dict[str, Any]) -> dict[str, Resource]:
    """{id: resource} of the function, what calls it, its records and its alarms.

    `code` is where the function's zip is, CloudFormation's `Code`. Raises RefusedInput where the environment has no
    lifecycle manager, and for what only the module makes.
    """
    manager = _manager(environment)
    names = ManagerNames(environment, manager)
    tags = [{"Key": key, "Value": value} for key, value in sorted(environment.tags.items())]
    resources = {
        **_function(environment, manager, names, code),
        **_pages(manager, names),
        **_events(manager, names),
        **_records(manager, names),
        **alarm_resources(manager, names),
        **usage_resources(environment, manager, names),
    }
    for resource in resources.values():
        if tags and resource["Type"] in _TAGGED:
            resource["Properties"]["Tags"] = tags
    return resources


# The types that take a list of tags; an alarm's topic and the rest below do too.
_TAGGED = frozenset(
    {
        *("AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::IAM::Role", "AWS::Lambda::Function"),
        *("AWS::Lambda::EventSourceMapping", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SNS::Topic"),
        "AWS::SQS::Queue",
        "AWS::EKS::PodIdentityAssociation",
    }
)


def _manager(environment: Environment) -> LifecycleManager:
    manager = owned_manager(environment)
    if manager.force_destroy_records:
        raise RefusedInput(
            "lifecycle_manager.force_destroy_records empties the bucket, which CloudFormation cannot.",
            environment=environment.name,
            remedy="Leave it out; a stack that is deleted keeps the bucket.",
        )
    return manager


def _function(
    environment: Environment, manager: LifecycleManager, names: ManagerNames, code: dict[str, Any]
) -> dict[str, Resource]:
    key = names.service_key
    variables = {**function_variables(environment, manager), "QUEUE_URL": {"Ref": "Pages"}}
    trust = {
        "Sid": "Lambda",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = role_resource(
        f"{manager.name}-{names.region}",
        "Expires cached images of ECR",
        trust,
        ("lifecycle-manager", statements(environment, manager, names)),
        manager.permissions_boundary_arn,
    )
    function = {
        "FunctionName": manager.name,
        "Description": "Expires cached images that nobody pulls and nothing runs",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.12",
        "Handler": "lifecycle_manager.handler.handle",
        "Architectures": [manager.architecture],
        "MemorySize": manager.memory_mb,
        "Timeout": manager.timeout_seconds,
        "Code": code,
        "Environment": {"Variables": variables},
        **(
            {}
            if manager.reserved_concurrency is None
            else {"ReservedConcurrentExecutions": manager.reserved_concurrency}
        ),
    }
    return {
        "Role": role,
        # Without it the function's first line would make a log group without retention.
        "Log": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/aws/lambda/{manager.name}",
                "RetentionInDays": manager.log_retention_days,
                **({"KmsKeyId": key} if key else {}),
            },
        },
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function, "DependsOn": ["Log"]},
        "Retries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 2,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}},
            },
        },
    }


def _pages(manager: LifecycleManager, names: ManagerNames) -> dict[str, Resource]:
    key = names.service_key
    sealed: dict[str, Any] = {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}
    return {
        "DeadLetters": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": names.dead_letters, "MessageRetentionPeriod": 1209600, **sealed},
        },
        "DeadLettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "DeadLetters"}],
                "PolicyDocument": dead_letter_policy(names, sorted(_event_patterns(names, manager))),
            },
        },
        "Pages": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": names.pages,
                "VisibilityTimeout": manager.timeout_seconds + 60,
                "MessageRetentionPeriod": 345600,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 5,
                },
                **sealed,
            },
        },
        "PagesPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Pages"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [only_tls("sqs:*", names.pages_arn)]},
            },
        },
        "PagesCall": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Pages", "Arn"]},
                "FunctionName": {"Ref": "Function"},
                "BatchSize": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": manager.max_concurrency},
            },
        },
    }


def _event_patterns(names: ManagerNames, manager: LifecycleManager) -> dict[str, dict[str, Any]]:
    """{event: what its rule has beside name and target}."""
    pattern = {"source": ["aws.ecr"], "account": [names.account]}
    watched = ["FAILED"] if manager.native_policy == "" else ["FAILED", "SUCCESS"]
    sync = {**pattern, "detail-type": ["ECR Pull Through Cache Action"], "detail": {"sync-status": watched}}
    found: dict[str, dict[str, Any]] = {
        "schedule": {"Description": "Expire cached images", "ScheduleExpression": manager.schedule},
        "sync": {"Description": "ECR cached an image, or failed to", "EventPattern": sync},
    }
    if manager.native_policy:
        detail: dict[str, Any] = {"action-type": ["PUSH"], "result": ["SUCCESS"]}
        below = {**detail, "repository-name": [{"prefix": f"{prefix}/"} for prefix in names.prefixes]}
        pushed = {**pattern, "detail-type": ["ECR Image Action"]}
        # The names as EventBridge takes them: its patterns have 2,048 characters.
        filtered = bool(names.prefixes) and not names.caches_root and len(_compact({**pushed, "detail": below})) <= 2048
        found["images"] = {
            "Description": "An image was pushed below a pull-through prefix",
            "EventPattern": {**pushed, "detail": below if filtered else detail},
        }
    return found


def _events(manager: LifecycleManager, names: ManagerNames) -> dict[str, Resource]:
    resources: dict[str, Resource] = {}
    for event, made in sorted(_event_patterns(names, manager).items()):
        rule, permission = f"Event{event.capitalize()}", f"Call{event.capitalize()}"
        target = {
            "Id": "lifecycle-manager",
            "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
            "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
        }
        properties = {"Name": f"{manager.name}-{event}", "Targets": [target], **made}
        resources[rule] = {"Type": "AWS::Events::Rule", "Properties": properties}
        resources[permission] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
            },
        }
    return resources


def _records(manager: LifecycleManager, names: ManagerNames) -> dict[str, Resource]:
    """The bucket; it stays when the stack is deleted, because what was deleted is restored from it."""
    rules: list[dict[str, Any]] = [
        {
            "Id": "audit",
            "Status": "Enabled",
            "Prefix": AUDIT,
            "ExpirationInDays": manager.audit_retention_days,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
        *(
            {"Id": name, "Status": "Enabled", "Prefix": f"{name}/", "ExpirationInDays": days}
            for name, days in _KEPT_DAYS.items()
        ),
        {
            "Id": "older-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": manager.audit_retention_days},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
    sealed: dict[str, Any] = {"SSEAlgorithm": "AES256"}
    if manager.kms_key_arn is not None:
        sealed = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": manager.kms_key_arn}
    bucket = {
        "BucketName": names.bucket,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ),
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"BucketKeyEnabled": manager.kms_key_arn is not None, "ServerSideEncryptionByDefault": sealed}
            ]
        },
        "LifecycleConfiguration": {"Rules": rules},
    }
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Records": {"Type": "AWS::S3::Bucket", "Properties": bucket, **kept},
        "RecordsPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Records"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        only_tls("s3:*", names.bucket_arn, f"{names.bucket_arn}/*"),
                        *writers(names, manager.snapshot_writers),
                    ],
                },
            },
            **kept,
        },
    }


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
