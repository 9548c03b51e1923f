"""What the deployer must be allowed for functions, the queue of copies and monitoring. Pure data.

Source: the service authorization reference, and the requests of a recorded apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.statements import KEY, ROLE, Statement

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

FUNCTION = "arn:*:lambda:*:*:function:*"
RULE = "arn:*:events:*:*:rule/*"
QUEUE = "arn:*:sqs:*:*:*"
TABLE = "arn:*:dynamodb:*:*:table/*"
TOPIC = "arn:*:sns:*:*:*"
LOG_GROUP = "arn:*:logs:*:*:log-group:*"
ALARM = "arn:*:cloudwatch:*:*:alarm:*"
DASHBOARD = "arn:*:cloudwatch::*:dashboard/*"
BUCKET = "arn:*:s3:::*"


def _functions(environment: Environment) -> bool:
    return bool(environment.functions)


def _manager(environment: Environment) -> bool:
    return "lifecycle_manager" in environment.functions


def _reserves(environment: Environment) -> bool:
    settings = {"lifecycle_manager": environment.lifecycle_manager, "scan_findings": environment.scan_findings}
    deployed = [settings[name] for name in environment.functions]
    return any(one is not None and one.reserved_concurrency is not None for one in deployed)


def _records(environment: Environment) -> bool:
    return environment.keeps_records


def _empties_records(environment: Environment) -> bool:
    manager = environment.lifecycle_manager
    return _records(environment) and manager is not None and manager.force_destroy_records


def _dashboard(environment: Environment) -> bool:
    return environment.monitoring is not None and environment.monitoring.enabled


def _encrypted(environment: Environment) -> bool:
    manager = environment.lifecycle_manager
    return _records(environment) and manager is not None and manager.kms_key_arn is not None


def _queues(environment: Environment) -> bool:
    return _functions(environment) or environment.shares_copies or environment.shares_swaps


def usage_identity(environment: Environment) -> bool:
    """Does the environment make a role for the CronJob that writes snapshots?"""
    return environment.lifecycle_manager is not None and environment.lifecycle_manager.usage is not None


FUNCTION_STATEMENTS = (
    Statement(
        "Functions",
        "The functions of the lifecycle manager and of scan findings, who may call them, and calling them by hand.",
        (
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionEventInvokeConfig",
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionEventInvokeConfig",
            "lambda:GetPolicy",
            "lambda:InvokeFunction",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
            "lambda:PutFunctionEventInvokeConfig",
            "lambda:RemovePermission",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ),
        (FUNCTION,),
        unseen={"lambda:TagResource": "CreateFunction with tags is authorized as TagResource too."},
        needed=_functions,
    ),
    Statement(
        "ReservedConcurrency",
        "`reserved_concurrency` of a function; the second one when it is taken out again.",
        ("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"),
        (FUNCTION,),
        needed=_reserves,
    ),
    Statement(
        "QueueOfTheFunction",
        "The lifecycle manager's queue calls its function. These actions are authorized on the mapping or on nothing.",
        (
            "lambda:CreateEventSourceMapping",
            "lambda:DeleteEventSourceMapping",
            "lambda:GetEventSourceMapping",
            "lambda:ListEventSourceMappings",
            "lambda:UpdateEventSourceMapping",
        ),
        needed=_manager,
    ),
    Statement(
        "RolesForFunctions",
        "Lambda runs the functions with their roles.",
        (),
        (ROLE,),
        condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        unseen={"iam:PassRole": "`role` of a function."},
        needed=_functions,
    ),
    Statement(
        "Events",
        "The schedule, and ECR's and Inspector's events.",
        (
            "events:DeleteRule",
            "events:DescribeRule",
            "events:ListTagsForResource",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:UntagResource",
        ),
        (RULE,),
        unseen={"events:TagResource": "PutRule with tags is authorized as TagResource too."},
        needed=lambda environment: _functions(environment) or environment.shares_swaps,
    ),
    Statement(
        "Queues",
        "Pages of repositories, what the functions gave up, copies that are shared, and deletions.",
        (
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListQueueTags",
            "sqs:SetQueueAttributes",
            "sqs:UntagQueue",
        ),
        (QUEUE,),
        unseen={"sqs:TagQueue": "CreateQueue with tags is authorized as TagQueue too."},
        needed=_queues,
    ),
    Statement(
        "CopyTable",
        "The table of copies that workers, or replicas of the webhook, share.",
        (
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:ListTagsOfResource",
            "dynamodb:UntagResource",
            "dynamodb:UpdateTimeToLive",
        ),
        (TABLE,),
        unseen={"dynamodb:TagResource": "CreateTable with tags is authorized as TagResource too."},
        needed=lambda environment: environment.shares_copies or environment.shares_swaps,
    ),
    Statement(
        "Topics",
        "The topics that tell of alarms and findings.",
        (
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetSubscriptionAttributes",
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:Unsubscribe",
            "sns:UntagResource",
        ),
        (TOPIC,),
        unseen={"sns:TagResource": "CreateTopic with tags is authorized as TagResource too."},
        needed=lambda environment: _functions(environment) or _dashboard(environment),
    ),
    Statement(
        "Logs",
        "The functions' log groups.",
        (
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:ListTagsForResource",
            "logs:PutRetentionPolicy",
            "logs:UntagResource",
        ),
        (LOG_GROUP,),
        unseen={"logs:TagResource": "CreateLogGroup with tags is authorized as TagResource too."},
        needed=_functions,
    ),
    Statement(
        "LogGroups",
        "Log groups are looked up by their prefix, which AWS authorizes on all of them.",
        ("logs:DescribeLogGroups",),
        needed=_functions,
    ),
    Statement(
        "Alarms",
        "Alarms and the dashboard.",
        (
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DeleteDashboards",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutDashboard",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:UntagResource",
        ),
        (ALARM, DASHBOARD),
        unseen={"cloudwatch:TagResource": "PutMetricAlarm with tags is authorized as TagResource too."},
        needed=lambda environment: _functions(environment) or _dashboard(environment),
    ),
    Statement(
        "Records",
        "The bucket of snapshots and audit log, and whether it holds anything before it goes. Replace the resource by it.",
        (
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
        ),
        (BUCKET,),
        needed=_records,
    ),
    Statement(
        "EmptyingRecords",
        "Emptying that bucket when it is destroyed, where `lifecycle_manager.force_destroy_records` says so.",
        (),
        (f"{BUCKET}/*",),
        unseen={
            "s3:DeleteObject": "Of what has no older versions.",
            "s3:DeleteObjectVersion": "The bucket is versioned.",
        },
        needed=_empties_records,
    ),
    Statement(
        "KeyOfRecords",
        "Bucket, queues, topic and logs encrypted with a KMS key.",
        (),
        (KEY,),
        unseen={
            "kms:Decrypt": "Lambda checks that the function can read its queue.",
            "kms:DescribeKey": "At CreateLogGroup and CreateTopic.",
            "kms:GenerateDataKey": "At CreateQueue and CreateTopic.",
        },
        needed=_encrypted,
    ),
)
