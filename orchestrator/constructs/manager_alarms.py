"""The alarms of a lifecycle manager that CloudFormation makes: modules/lifecycle-manager/alarms.tf. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.constructs.manager_rights import topic_policy

if TYPE_CHECKING:
    from orchestrator.constructs.cache_resources import Resource
    from orchestrator.constructs.manager_rights import ManagerNames
    from orchestrator.environment.function_parts import LifecycleManager


def alarm_resources(manager: LifecycleManager, names: ManagerNames) -> dict[str, Resource]:
    """{id: resource}: the topic too, unless the settings name one."""
    name, own, of_environment = manager.name, "Orchestrator/Lifecycle", {"Environment": names.environment}
    of_function = {"FunctionName": name}
    resources: dict[str, Resource] = {}
    topic: Any = manager.topic_arn
    if topic is None:
        topic = {"Ref": "Topic"}
        resources["Topic"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": f"{name}-alarms",
                **({"KmsMasterKeyId": names.service_key} if names.service_key else {}),
                **(
                    {"Subscription": [{"Protocol": "email", "Endpoint": email} for email in manager.emails]}
                    if manager.emails
                    else {}
                ),
            },
        }
        resources["TopicPolicy"] = {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [topic], "PolicyDocument": topic_policy(names, topic)},
        }
    watched: tuple[tuple[str, str, str, str, dict[str, str], float, str], ...] = (
        (
            "errors",
            f"The lifecycle manager failed. Its log is /aws/lambda/{name}.",
            "AWS/Lambda",
            "Errors",
            of_function,
            0,
            "",
        ),
        (
            *("throttles", "Lambda throttled the lifecycle manager: the account's concurrency is used up."),
            *("AWS/Lambda", "Throttles", of_function, 0, ""),
        ),
        (
            "dead-letters",
            f"The lifecycle manager gave up on pages of repositories or events: see the queue {names.dead_letters}.",
            *("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": names.dead_letters}, 0, ""),
        ),
        (
            *("repositories-failed", "Some repositories could not be worked on; the log names them and why."),
            *(own, "RepositoriesFailed", of_environment, 0, "once"),
        ),
        (
            "guard",
            "A run would have expired more than max_expire_fraction, and expired nothing there. See `orchestrator "
            f"lifecycle preview {names.environment}`.",
            *(own, "GuardTripped", of_environment, 0, "once"),
        ),
        (
            "snapshot",
            "A cluster's snapshot is missing or stale: nothing is expired until its CronJob writes one again.",
            *(own, "SnapshotStale", of_environment, 0, "once"),
        ),
        (
            "upstream-sync",
            "ECR could not refresh cached images from their upstream: credentials, rate limits or the upstream itself.",
            *(own, "UpstreamSyncFailed", of_environment, manager.upstream_sync_failures, ""),
        ),
    )
    for key, description, namespace, metric, dimensions, threshold, once in watched:
        resources[f"Alarm{key.title().replace('-', '')}"] = _alarm(
            AlarmName=f"{name}-{key}",
            AlarmDescription=description,
            Namespace=namespace,
            MetricName=metric,
            Dimensions=_pairs(dimensions),
            Statistic="Maximum" if key == "dead-letters" else "Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold",
            # A run writes it once, zero too; until the next run its alarm stays as it is.
            TreatMissingData="ignore" if once else "notBreaching",
            AlarmActions=[topic],
        )
    if manager.silence_days > 0:
        resources["AlarmSilent"] = _alarm(
            AlarmName=f"{name}-silent",
            AlarmDescription=f"The lifecycle manager finished no run for {manager.silence_days} days: see its log, "
            f"/aws/lambda/{name}, and the rule {name}-schedule.",
            Namespace=own,
            MetricName="RunsFinished",
            Dimensions=_pairs(of_environment),
            Statistic="Sum",
            Period=3600,
            EvaluationPeriods=24 * manager.silence_days,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="missing",
            AlarmActions=[topic],
            InsufficientDataActions=[topic],
        )
    return resources


def _alarm(**properties: object) -> Resource:
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _pairs(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
