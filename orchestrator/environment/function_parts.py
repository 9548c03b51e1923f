"""The parts of an Environment that its functions in AWS read: lifecycle manager, scan findings, where their zips are.

Field for field as `environments/variables.tf` has them. Pure; imports pydantic, as `parts.py` does.
"""

from __future__ import annotations

from typing import Annotated

from orchestrator.environment.markers import (
    ArnOf,
    Between,
    KmsKey,
    OneOf,
    Unique,
)
from orchestrator.environment.parts import Value
from orchestrator.environment.retention_types import (
    Days,
    ExpireWay,
    ImagePattern,
    KeptAtLeast,
    KeptAtMost,
    MinimumDays,
    OverridePattern,
    TagPattern,
)
from orchestrator.environment.route_types import (
    OidcProvider,
)
from orchestrator.environment.value_types import (
    Architecture,
    Boundary,
    ClusterName,
    Crontab,
    Emails,
    EventBridgeSchedule,
    ExpiredFraction,
    FunctionName,
    Image,
    KubernetesName,
    LogRetention,
    OwnRoleName,
    RecordsBucket,
    RecordsRetention,
    SilenceDays,
    SnapshotName,
    Topic,
    VariableName,
)


class Protect(Value):
    """Patterns of tags and repositories that never expire."""

    tags: tuple[TagPattern, ...] = ()
    repositories: tuple[ImagePattern, ...] = ()


class RetentionOverride(Value):
    """What differs from the default retention in repositories that `pattern` holds; None takes the default's."""

    pattern: OverridePattern
    expire_unpulled_days: Days | None = None
    keep_at_least: KeptAtLeast | None = None
    keep_at_most: KeptAtMost | None = None
    untagged_days: Days | None = None
    minimum_age_days: MinimumDays | None = None
    never: bool | None = None
    expire_action: ExpireWay | None = None
    protect: Protect | None = None


class RetentionSettings(Value):
    """How long cached images stay."""

    expire_unpulled_days: Days = 30
    keep_at_least: KeptAtLeast = 1
    keep_at_most: KeptAtMost | None = None
    untagged_days: Days | None = None
    minimum_age_days: MinimumDays | None = None
    never: bool = False
    expire_action: ExpireWay = "delete"
    protect: Protect | None = None
    overrides: tuple[RetentionOverride, ...] = ()


class UsageSettings(Value):
    """The role and the CronJob with which the environment's cluster writes what it runs."""

    role_name: OwnRoleName | None = None
    oidc_provider_arn: OidcProvider | None = None
    audience: str = "sts.amazonaws.com"
    pod_identity: bool = False
    namespace: KubernetesName = "ecr-usage"
    service_account: KubernetesName = "ecr-usage"
    schedule: Crontab = "17 * * * *"
    image: Image | None = None
    snapshot_name: SnapshotName | None = None
    env: dict[VariableName, str] = {}


class LifecycleManager(Value):
    """The function that keeps the registry's caches small."""

    enabled: bool = False
    name: FunctionName = "ecr-lifecycle-manager"
    schedule: EventBridgeSchedule = "cron(0 2 * * ? *)"
    architecture: Architecture = "arm64"
    memory_mb: Annotated[int, Between(128, 10240, why="Lambda takes 128 to 10240 MB.")] = 512
    timeout_seconds: Annotated[
        int,
        Between(
            60,
            900,
            why="Lambda ends a function after 900 seconds at most, and less than a minute cannot finish a page of "
            "repositories.",
        ),
    ] = 900
    max_concurrency: Annotated[int, Between(2, 1000, why="SQS event sources take 2 to 1000.")] = 5
    log_retention_days: LogRetention = 14
    reserved_concurrency: int | None = None
    permissions_boundary_arn: Boundary | None = None
    native_policy: Annotated[str, OneOf(("", "untagged", "count"))] = ""
    clusters: Annotated[tuple[ClusterName, ...], Unique()] = ()
    cache_only: Annotated[tuple[str, ...], Unique()] = ()
    snapshot_max_age_hours: Annotated[int, Between(1, 720, why="A snapshot of a month ago says nothing.")] = 48
    max_expire_fraction_repository: ExpiredFraction = 0.5
    max_expire_fraction_account: ExpiredFraction = 0.25
    bucket_name: RecordsBucket | None = None
    keep_records: bool = False
    force_destroy_records: bool = False
    kms_key_arn: Annotated[str, KmsKey(of_registry=True)] | None = None
    kms_key_admits_services: bool = False
    audit_retention_days: RecordsRetention = 365
    topic_arn: Topic | None = None
    emails: Emails = ()
    silence_days: SilenceDays = 2
    upstream_sync_failures: Annotated[int, Between(0, why="It is a number of failures that raise no alarm.")] = 0
    snapshot_writers: dict[ClusterName, Annotated[str, ArnOf("iam", "role/", "IAM role")]] = {}
    retention: RetentionSettings | None = None
    usage: UsageSettings | None = None


class ScanFindings(Value):
    """The function that reports what image scans find."""

    enabled: bool = False
    name: FunctionName = "ecr-scan-findings"
    severity: Annotated[str, OneOf(("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"))] = "HIGH"
    architecture: Architecture = "arm64"
    reserved_concurrency: Annotated[int, Between(1, why="With 0 Lambda would never call it.")] | None = None
    log_retention_days: LogRetention = 14
    permissions_boundary_arn: Boundary | None = None
    topic_arn: Topic | None = None
    emails: Emails = ()


class LambdaPackages(Value):
    """Where plain Terraform finds the functions' zips."""

    lifecycle_manager: str | None = None
    scan_findings: str | None = None
