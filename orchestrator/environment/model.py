"""The Environment: what one `environments/<name>.tfvars` says, typed and checked.

Its fields are exactly the variables of `environments/variables.tf`, with the same names, types and defaults, plus
`name`. Everything downstream (route table, manifests, Terraform, reports) reads this value and nothing else. Pure; this
module imports pydantic, so import it where an environment is loaded and not at start-up.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from orchestrator.environment.function_parts import LambdaPackages, LifecycleManager, ScanFindings
from orchestrator.environment.markers import (
    AccountId,
    Accounts,
    ArnOf,
    Entries,
    Form,
    InAccount,
    KmsKey,
    LifecyclePolicy,
    OneOf,
    Tags,
    Unique,
)
from orchestrator.environment.parts import (
    Beside,
    ImageSwapper,
    MachinePool,
    Mirror,
    MirrorImage,
    MirrorQueueSettings,
    Monitoring,
    OwnRepository,
    PullThroughCacheRule,
    PushRole,
    RegistryScanning,
    RootTemplate,
    StateBackend,
    Value,
)
from orchestrator.environment.platforms import PLATFORMS
from orchestrator.environment.pods import SHIPPED_SELECTORS, is_pod_selector
from orchestrator.environment.route_types import (
    Block,
    Blocks,
    MirrorPrefix,
    NamespacePattern,
    PulledBy,
    RouteTableId,
    RulePrefix,
    SecurityGroupId,
    SourceText,
    SubnetId,
    VpcId,
)
from orchestrator.environment.value_types import (
    AccountSetting,
    AnyClusterName,
    BucketName,
    KeepCount,
    KubernetesVersion,
    MachinePoolName,
    Mutability,
    OwnRepositoryName,
    Profile,
    PushRoleName,
    RegionName,
    RoleName,
    SingleRepositoryName,
    UntaggedDays,
    WorkerRolePrefix,
)
from orchestrator.lifecycle.in_use import snapshot_key
from orchestrator.partitions import partition_for, partition_of
from orchestrator.routes.upstreams import PrivateRegistry

AssumedRole = Annotated[
    str,
    ArnOf(
        "iam",
        "role/",
        "IAM role",
        owner=InAccount(
            "{path} is a role of account {account}.",
            why="The environment is in {own}; no other account's credentials are used.",
            remedy="Name a role of that account, or correct account_id.",
        ),
    ),
]
RoleNames = Annotated[tuple[RoleName, ...], Unique()]
ExtraEndpoint = Annotated[
    str,
    OneOf(
        ("s3", "sts", "logs"),
        meant=(("ecr", ""), ("ecr.api", ""), ("ecr.dkr", "")),
        why_not="The ECR endpoints are always created with create_vpc_endpoints.",
    ),
]
Selector = Annotated[
    str,
    Form(
        is_pod_selector,
        why="It is a label selector, as `kubectl get pods -l` takes it: a comma is an and, several entries are an or.",
        remedy='Write it like "cnpg.io/cluster", "app=web" or "tier in (db, cache),!debug".',
    ),
]
# IAM's limit.
MAX_ROLE_NAME = 64
# With dead letters and the region of the workers' role behind it.
MAX_QUEUE_NAME = 40


class Environment(Value):
    """One environment: account, region, platform, routes. Field for field the variables of `variables.tf`."""

    name: str

    environment: str | None = None
    cluster_name: AnyClusterName
    platform: Annotated[str, OneOf(PLATFORMS)] = "eks"
    kubernetes_version: KubernetesVersion | None = None
    account_id: Annotated[str, AccountId()]
    aws_region: RegionName
    aws_profile: Profile | None = None
    assume_role_arn: AssumedRole | None = None
    aws_provider_version: Annotated[str, OneOf(("5", "6"))] = "5"
    # Protection adds a tag of its own to a repository.
    tags: Annotated[dict[str, str], Tags(limit=49)] = {}
    state: StateBackend | None = None

    create_ecr: bool = False
    ecr_repository_name: SingleRepositoryName = ""
    ecr_prevent_destroy: bool = False
    repositories: dict[OwnRepositoryName, OwnRepository] = {}
    image_tag_mutability: Mutability = "MUTABLE"
    scan_on_push: bool = True
    kms_key_arn: Annotated[str, KmsKey()] | None = None
    force_delete: bool = False
    lifecycle_policy_enabled: bool = True
    lifecycle_policy: Annotated[str, LifecyclePolicy()] | None = None
    lifecycle_untagged_days: UntaggedDays = 14
    lifecycle_keep_count: KeepCount = 30
    pull_account_ids: PulledBy = ()
    protected_only: bool = False
    others: Beside | None = None

    create_vpc_endpoints: bool = True
    vpc_id: VpcId | None = None
    private_subnet_ids: Annotated[tuple[SubnetId, ...], Unique()] = ()
    # One block, or all of a VPC that has several.
    vpc_cidr: Block | Blocks | None = None
    endpoint_security_group_ids: Annotated[
        tuple[SecurityGroupId, ...],
        Unique(),
        Entries(
            0,
            16,
            why="AWS takes at most 16 security groups on a network interface (5 unless the quota was raised).",
            remedy="Remove some.",
        ),
    ] = ()
    extra_vpc_endpoints: Annotated[tuple[ExtraEndpoint, ...], Unique()] = ()
    endpoint_registry_account_ids: PulledBy = ()
    endpoint_s3_bucket_names: Annotated[tuple[BucketName, ...], Unique()] = ()
    private_route_table_ids: Annotated[tuple[RouteTableId, ...], Unique()] = ()

    pull_through_cache_rules: dict[RulePrefix, PullThroughCacheRule] = {}
    mirrors: dict[MirrorPrefix, Mirror] = {}
    mirror_images: dict[str, MirrorImage] = {}
    include: tuple[SourceText, ...] = ()
    exclude: tuple[SourceText, ...] = ()
    exclude_namespaces: tuple[NamespacePattern, ...] = (
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "openshift-*",
        "redhat-*",
        "kyverno",
    )
    exclude_pods: Annotated[tuple[Selector, ...], Unique()] = SHIPPED_SELECTORS
    allow_upstream: bool = True
    digest_references: Annotated[str, OneOf(("leave", "redirect"))] | None = None
    failure_policy: Annotated[str, OneOf(("Ignore", "Fail"))] = "Ignore"
    generate_idms: bool = False

    manage_registry: bool = True
    registry_account_id: Annotated[str, AccountId()] | None = None
    registry_region: RegionName | None = None
    registry_consumer_account_ids: Annotated[tuple[str, ...], Accounts(cannot_be_own=True)] = ()
    registry_scanning: RegistryScanning | None = None
    registry_account_settings: dict[AccountSetting, str] = {}
    # Statements as IAM writes them: a check looks at their form.
    registry_policy_statements: Any = ()
    root_template: RootTemplate | None = None

    attach_ecr_policy: bool = True
    attach_managed_policy: bool | None = None
    node_role_names: RoleNames = ()
    fargate_execution_role_names: RoleNames = ()
    worker_role_prefix: WorkerRolePrefix | None = None
    machine_pools: dict[MachinePoolName, MachinePool] = {}

    push_roles: dict[PushRoleName, PushRole] = {}

    dry_run_mode: bool = False
    lifecycle_manager: LifecycleManager | None = None
    scan_findings: ScanFindings | None = None
    mirror_queue: MirrorQueueSettings | None = None
    image_swapper: ImageSwapper | None = None
    monitoring: Monitoring | None = None
    lambda_packages: LambdaPackages | None = None

    @property
    def partition(self) -> str:
        """AWS partition of the region: aws, aws-us-gov, aws-cn, …"""
        return partition_of(self.aws_region)

    @property
    def vpc_cidrs(self) -> tuple[str, ...]:
        """The blocks that the endpoints' own security group admits, one or several as they were written."""
        given = self.vpc_cidr
        return (given,) if isinstance(given, str) else given or ()

    @property
    def registry(self) -> PrivateRegistry:
        """The registry that the cluster pulls from: its own account's and region's, or the central one."""
        return PrivateRegistry(self.registry_account_id or self.account_id, self.registry_region or self.aws_region)

    @property
    def registry_host(self) -> str:
        """Host of that registry: `<account>.dkr.ecr.<region>.<suffix of the partition>`."""
        return self.registry.host

    @property
    def effective_digest_references(self) -> str:
        """`digest_references`, or its default: leave where a pull may fall back to its source, else redirect."""
        return self.digest_references or ("leave" if self.allow_upstream else "redirect")

    @property
    def uses_central_registry(self) -> bool:
        """Does the cluster pull from a registry of another account or region?"""
        return self.registry != PrivateRegistry(self.account_id, self.aws_region)

    @property
    def owns_registry(self) -> bool:
        """Does this environment create what belongs to the account and region of its registry?"""
        return self.manage_registry and not self.uses_central_registry

    @property
    def scans_enhanced(self) -> bool:
        """Does Amazon Inspector scan the registry?"""
        return self.registry_scanning is not None and self.registry_scanning.scan_type == "ENHANCED"

    @property
    def attaches_managed_policy(self) -> bool:
        """Do the roles of its nodes get AWS's own pull policy, too? On ROSA nothing else gives it to them."""
        wanted = self.platform.startswith("rosa-") if self.attach_managed_policy is None else self.attach_managed_policy
        return self.attach_ecr_policy and wanted

    @property
    def named_node_roles(self) -> tuple[str, ...]:
        """Roles of the cluster's nodes that its file names; those of machine pools only AWS knows."""
        workers = () if self.worker_role_prefix is None else (f"{self.worker_role_prefix}-Worker-Role",)
        return (*self.node_role_names, *self.fargate_execution_role_names, *workers)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that this environment deploys, by the names of their packages."""
        wanted = {"lifecycle_manager": self.lifecycle_manager, "scan_findings": self.scan_findings}
        return tuple(name for name, settings in wanted.items() if settings and settings.enabled and self.owns_registry)

    @property
    def lifecycle_bucket(self) -> str:
        """Bucket of snapshots and audit log, as the environment that owns the registry names it unless told otherwise."""
        named = self.lifecycle_manager and self.lifecycle_manager.bucket_name
        return named or f"ecr-lifecycle-{self.registry.account}-{self.registry.region}"

    @property
    def snapshot_place(self) -> str:
        """Where this cluster's snapshot goes: `s3://<bucket>/snapshots/<snapshot name>.json`."""
        return f"s3://{self.lifecycle_bucket}/{snapshot_key(self.snapshot_name)}"

    @property
    def state_key(self) -> str:
        """Key of this environment's Terraform state in its bucket."""
        given = self.state.key if self.state else None
        return given or f"orchestrator/{self.name}/terraform.tfstate"

    @property
    def keeps_records(self) -> bool:
        """Does this environment make the bucket of snapshots and audit log?"""
        return self.owns_registry and bool(
            self.functions or (self.lifecycle_manager and self.lifecycle_manager.keep_records)
        )

    @property
    def snapshot_name(self) -> str:
        """What the snapshot of the environment's cluster is called, there and among the owner's `clusters`."""
        usage = self.lifecycle_manager and self.lifecycle_manager.usage
        return (usage and usage.snapshot_name) or self.cluster_name

    @property
    def usage_role_name(self) -> str:
        """Role with which the environment's cluster writes its snapshot, as the root module names it.

        IAM knows no regions, so that the name has one. One that is too long ends in the beginning of its digest.
        """
        usage = self.lifecycle_manager and self.lifecycle_manager.usage
        if usage and usage.role_name:
            return usage.role_name
        name = f"{self.cluster_name}-ecr-usage-{self.aws_region}"
        if len(name) <= MAX_ROLE_NAME:
            return name
        return f"{name[: MAX_ROLE_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    @property
    def shares_copies(self) -> bool:
        """Does this environment make the queue and the table by which workers share copies?"""
        return bool(self.mirror_queue and self.mirror_queue.enabled and not self.uses_central_registry)

    @property
    def mirror_queue_name(self) -> str:
        """Queue and table by which workers share copies, as the root module names them. A long name ends in a digest."""
        if self.mirror_queue and self.mirror_queue.name:
            return self.mirror_queue.name
        return self._queue_name("ecr-mirror")

    def _queue_name(self, kind: str) -> str:
        name = f"{kind}-{self.name.replace('.', '-')}"
        if len(name) <= MAX_QUEUE_NAME:
            return name
        return f"{name[: MAX_QUEUE_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    @property
    def mirror_worker_role_name(self) -> str:
        """Role of workers in the cluster, as the module names it. IAM knows no regions, so that the name has one."""
        return f"{self.mirror_queue_name}-{self.aws_region}"

    @property
    def shares_swaps(self) -> bool:
        """Does this environment make what replicas of the webhook share?"""
        return bool(self.image_swapper and self.image_swapper.enabled and not self.uses_central_registry)

    @property
    def image_swapper_name(self) -> str:
        """Queue and table of the webhook's replicas, as the root module names them; one too long ends in a digest."""
        return (self.image_swapper and self.image_swapper.name) or self._queue_name("ecr-swapper")

    @property
    def image_swapper_role_name(self) -> str:
        """Role of the webhook's Pods, as the module names it."""
        return f"{self.image_swapper_name}-{self.aws_region}"

    def queue_url(self, name: str) -> str:
        """Where SQS has a queue of this environment."""
        suffix = partition_for(self.aws_region).dns_suffix
        return f"https://sqs.{self.aws_region}.{suffix}/{self.account_id}/{name}"

    @property
    def own_repository_names(self) -> tuple[str, ...]:
        """Names of the repositories that this environment creates, the single one first."""
        single = (self.ecr_repository_name or f"{self.cluster_name.lower()}-registry",) if self.create_ecr else ()
        return (*single, *(name for name in self.repositories if name not in single))

    def repository_path(self, name: str) -> tuple[str, ...]:
        """Where the file says the name of a repository that this environment creates."""
        return ("repositories", name) if name in self.repositories else ("ecr_repository_name",)

    def variables(self) -> dict[str, Any]:
        """The Terraform variables as JSON values, `environment` filled in."""
        values = self.model_dump(mode="json", exclude={"name"})
        return {**values, "environment": self.name}
