"""The parts of an Environment: the objects that its variables hold, field for field as `environments/variables.tf` has them.

Pure; imports pydantic, so import it where an environment is loaded and not at start-up."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from orchestrator.environment.markers import (
    Between,
    Entries,
    Form,
    KmsKey,
    LifecyclePolicy,
    OneOf,
    Tags,
    Unique,
)
from orchestrator.environment.route_types import (
    OidcProvider,
    PulledBy,
    RoleOfRegistry,
    SecretName,
    SourceText,
    UpstreamPrefix,
)
from orchestrator.environment.value_types import (
    Alarm,
    Audience,
    Boundary,
    BucketName,
    Description,
    Emails,
    Image,
    InstanceProfile,
    KeepCount,
    KubernetesName,
    Mutability,
    PodNamespace,
    PodServiceAccount,
    QueueName,
    RegionName,
    ScanPattern,
    StateKey,
    Topic,
    UntaggedDays,
    VariableName,
)


class Value(BaseModel):
    """A part of an environment: frozen, and without a field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StateBackend(Value):
    """S3 backend of an environment."""

    bucket: BucketName
    key: StateKey | None = None
    region: RegionName | None = None
    kms_key_arn: str | None = None


class OwnRepository(Value):
    """An own repository; None takes the environment's setting of the same name."""

    image_tag_mutability: Mutability | None = None
    scan_on_push: bool | None = None
    kms_key_arn: Annotated[str, KmsKey()] | None = None
    force_delete: bool | None = None
    lifecycle_policy_enabled: bool | None = None
    lifecycle_policy: Annotated[str, LifecyclePolicy()] | None = None
    lifecycle_untagged_days: UntaggedDays | None = None
    lifecycle_keep_count: KeepCount | None = None
    pull_account_ids: PulledBy | None = None
    tags: Annotated[dict[str, str], Tags(limit=49)] | None = None


class RootTemplate(Value):
    """Repository creation template for prefixes without one of their own."""

    description: Description | None = None
    image_tag_mutability: Mutability = "MUTABLE"
    kms_key_arn: Annotated[str, KmsKey(of_registry=True)] | None = None
    custom_role_arn: RoleOfRegistry | None = None
    resource_tags: Annotated[dict[str, str], Tags()] = {}


class Template(RootTemplate):
    """Repository creation template of one prefix."""

    pull_account_ids: PulledBy = ()


class PullThroughCacheRule(Value):
    """One ECR pull-through cache rule."""

    upstream_registry_url: str
    upstream_repository_prefix: UpstreamPrefix | None = None
    source: str | None = None
    secret_name: SecretName | None = None
    credential_arn: str | None = None
    custom_role_arn: RoleOfRegistry | None = None
    template: Template | None = None


class Mirror(Value):
    """An upstream whose images are copied below a prefix; `template` are the settings of repositories made for them."""

    source: SourceText
    template: Template | None = None


Platform = Annotated[
    str,
    Form(
        re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?"),
        why="A platform is os/architecture, and /variant where there is one.",
        remedy='Write it like "linux/amd64".',
    ),
]


class MirrorImage(Value):
    """Which tags of an image `orchestrator mirror` copies: those that any of the first three names; the newest of them."""

    tags: Annotated[tuple[str, ...], Unique()] = ()
    tag_patterns: Annotated[tuple[str, ...], Unique()] = ()
    versions: str | None = None
    newest: Annotated[int, Between(1, why="With none of them there is nothing to copy.")] | None = None
    platforms: Annotated[tuple[Platform, ...], Unique()] = ()


class RegistryScanningRule(Value):
    """Which repositories are scanned how often."""

    scan_frequency: str
    repository_patterns: Annotated[
        tuple[ScanPattern, ...],
        Entries(1, 100, why="AWS takes 1 to 100 patterns in a rule.", remedy='Write ["*"] for all repositories.'),
    ]


class Beside(Value):
    """What others own beside the environment, as the planner finds it: the root module's `others`, never in a file."""

    registry_policy_statements: str = "[]"
    registry_policy_scope: str | None = None
    scan_type: str | None = None
    scanning_rules: tuple[RegistryScanningRule, ...] = ()
    attached_roles: tuple[str, ...] = ()


class RegistryScanning(Value):
    """Scanning of the whole registry."""

    scan_type: Annotated[str, OneOf(("BASIC", "ENHANCED"))]
    rules: Annotated[
        tuple[RegistryScanningRule, ...],
        Entries(
            0,
            2,
            why="AWS takes at most two: one for each frequency.",
            remedy="Put the patterns of one frequency into one rule.",
        ),
    ] = ()


class MachinePool(Value):
    """A machine pool of ROSA HCP."""

    instance_profile: InstanceProfile
    attach_ecr_policy: bool = True


class PodIdentity(Value):
    """The ServiceAccount that an EKS Pod Identity association names."""

    namespace: PodNamespace
    service_account: PodServiceAccount


class PushRole(Value):
    """A role that lets CI push."""

    repositories: Annotated[
        tuple[str, ...],
        Entries(1, why="The role could push nowhere.", remedy="Name at least one repository.", said="{path} is empty."),
    ]
    oidc_provider_arn: OidcProvider | None = None
    subjects: tuple[str, ...] = ()
    audiences: tuple[Audience, ...] = ("sts.amazonaws.com",)
    pod_identity: PodIdentity | None = None
    permissions_boundary_arn: Boundary | None = None


class MirrorWorkers(Value):
    """The role and the Deployment of workers in the environment's cluster; `most` of them at once."""

    oidc_provider_arn: OidcProvider | None = None
    audience: str = "sts.amazonaws.com"
    pod_identity: bool = False
    namespace: KubernetesName = "ecr-mirror"
    service_account: KubernetesName = "ecr-mirror"
    image: Image | None = None
    most: Annotated[int, Between(1, 1000, why="It is a number of Pods.")] = 10
    env: dict[VariableName, str] = {}


class MirrorQueueSettings(Value):
    """The queue and the table by which workers share copies."""

    enabled: bool = False
    name: QueueName | None = None
    permissions_boundary_arn: Boundary | None = None
    workers: MirrorWorkers | None = None


class SwapperPods(Value):
    """How the webhook's Pods take their role."""

    oidc_provider_arn: OidcProvider | None = None
    audience: str = "sts.amazonaws.com"
    pod_identity: bool = False


class ImageSwapper(Value):
    """What replicas of the webhook share: queue, table, the queue of deletions, and the role of their Pods.

    `lifecycle_policies` and `first_pulls` are rights of that role.
    """

    enabled: bool = False
    name: QueueName | None = None
    permissions_boundary_arn: Boundary | None = None
    lifecycle_policies: bool = False
    first_pulls: bool = False
    pods: SwapperPods | None = None


class Monitoring(Value):
    """The registry's dashboard and alarms."""

    enabled: bool = False
    name: (
        Annotated[
            str,
            Form(
                re.compile(r"[0-9A-Za-z_-]{1,200}"),
                why="CloudWatch takes 1 to 200 letters, digits, hyphens and underscores.",
                remedy="Write another name, or remove it to get ecr-<environment>.",
            ),
        ]
        | None
    ) = None
    storage_alarm_gib: Alarm | None = None
    pulls_alarm: Alarm | None = None
    topic_arn: Topic | None = None
    emails: Emails = ()
