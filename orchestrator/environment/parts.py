"""The parts of an Environment: the objects that its variables hold, field for field as `environments/variables.tf` has them.

Pure; imports pydantic, so import it where an environment is loaded and not at start-up.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A part of an environment: frozen, and without a field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class State(Value):
    """S3 backend of an environment."""

    bucket: str
    key: str | None = None
    region: str | None = None
    kms_key_arn: str | None = None


class Repository(Value):
    """An own repository; None takes the environment's setting of the same name."""

    image_tag_mutability: str | None = None
    scan_on_push: bool | None = None
    kms_key_arn: str | None = None
    force_delete: bool | None = None
    lifecycle_policy_enabled: bool | None = None
    lifecycle_policy: str | None = None
    lifecycle_untagged_days: int | None = None
    lifecycle_keep_count: int | None = None
    pull_account_ids: tuple[str, ...] | None = None
    tags: dict[str, str] | None = None


class RootTemplate(Value):
    """Repository creation template for prefixes without one of their own."""

    description: str | None = None
    image_tag_mutability: str = "MUTABLE"
    kms_key_arn: str | None = None
    custom_role_arn: str | None = None
    resource_tags: dict[str, str] = {}


class Template(RootTemplate):
    """Repository creation template of one prefix."""

    pull_account_ids: tuple[str, ...] = ()


class PullThroughCacheRule(Value):
    """One ECR pull-through cache rule."""

    upstream_registry_url: str
    upstream_repository_prefix: str | None = None
    source: str | None = None
    secret_name: str | None = None
    credential_arn: str | None = None
    custom_role_arn: str | None = None
    template: Template | None = None


class Mirror(Value):
    """An upstream whose images are copied below a prefix."""

    source: str


class RegistryScanningRule(Value):
    """Which repositories are scanned how often."""

    scan_frequency: str
    repository_patterns: tuple[str, ...]


class RegistryScanning(Value):
    """Scanning of the whole registry."""

    scan_type: str
    rules: tuple[RegistryScanningRule, ...] = ()


class MachinePool(Value):
    """A machine pool of ROSA HCP."""

    instance_profile: str
    attach_ecr_policy: bool = True


class PodIdentity(Value):
    """The ServiceAccount that an EKS Pod Identity association names."""

    namespace: str
    service_account: str


class PushRole(Value):
    """A role that lets CI push."""

    repositories: tuple[str, ...]
    oidc_provider_arn: str | None = None
    subjects: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ("sts.amazonaws.com",)
    pod_identity: PodIdentity | None = None
    permissions_boundary_arn: str | None = None


class Protect(Value):
    """Patterns of tags and repositories that never expire."""

    tags: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()


class RetentionOverride(Value):
    """What differs from the default retention in repositories that `pattern` holds; None takes the default's."""

    pattern: str
    expire_unpulled_days: int | None = None
    keep_at_least: int | None = None
    keep_at_most: int | None = None
    untagged_days: int | None = None
    minimum_age_days: int | None = None
    never: bool | None = None
    expire_action: str | None = None
    protect: Protect | None = None


class Retention(Value):
    """How long cached images stay."""

    expire_unpulled_days: int = 30
    keep_at_least: int = 1
    keep_at_most: int | None = None
    untagged_days: int | None = None
    minimum_age_days: int | None = None
    never: bool = False
    expire_action: str = "delete"
    protect: Protect | None = None
    overrides: tuple[RetentionOverride, ...] = ()


class Usage(Value):
    """The role and the CronJob with which the environment's cluster writes what it runs."""

    role_name: str | None = None
    oidc_provider_arn: str | None = None
    audience: str = "sts.amazonaws.com"
    pod_identity: bool = False
    namespace: str = "ecr-usage"
    service_account: str = "ecr-usage"
    schedule: str = "17 * * * *"
    image: str | None = None
    snapshot_name: str | None = None
    env: dict[str, str] = {}


class LifecycleManager(Value):
    """The function that keeps the registry's caches small."""

    enabled: bool = False
    name: str = "ecr-lifecycle-manager"
    schedule: str = "cron(0 2 * * ? *)"
    architecture: str = "arm64"
    memory_mb: int = 512
    timeout_seconds: int = 900
    max_concurrency: int = 5
    log_retention_days: int = 14
    reserved_concurrency: int | None = None
    permissions_boundary_arn: str | None = None
    native_policy: str = ""
    clusters: tuple[str, ...] = ()
    snapshot_max_age_hours: int = 48
    max_expire_fraction_repository: float = 0.5
    max_expire_fraction_account: float = 0.25
    bucket_name: str | None = None
    keep_records: bool = False
    force_destroy_records: bool = False
    kms_key_arn: str | None = None
    kms_key_admits_services: bool = False
    audit_retention_days: int = 365
    topic_arn: str | None = None
    emails: tuple[str, ...] = ()
    silence_days: int = 2
    upstream_sync_failures: int = 0
    snapshot_writers: dict[str, str] = {}
    retention: Retention | None = None
    usage: Usage | None = None


class ScanFindings(Value):
    """The function that reports what image scans find."""

    enabled: bool = False
    name: str = "ecr-scan-findings"
    severity: str = "HIGH"
    architecture: str = "arm64"
    reserved_concurrency: int | None = None
    log_retention_days: int = 14
    permissions_boundary_arn: str | None = None
    topic_arn: str | None = None
    emails: tuple[str, ...] = ()


class Monitoring(Value):
    """The registry's dashboard and alarms."""

    enabled: bool = False
    name: str | None = None
    storage_alarm_gib: int | None = None
    pulls_alarm: int | None = None
    topic_arn: str | None = None
    emails: tuple[str, ...] = ()


class LambdaPackages(Value):
    """Where plain Terraform finds the functions' zips."""

    lifecycle_manager: str | None = None
    scan_findings: str | None = None
