"""What the principal that applies an environment must be allowed to do, each with its reason. Pure data.

`docs/deployer-policy.json` and `docs/deployer-policy.md` are made from it (`python -m scripts.write_deployer_policy`);
`doctor` asks IAM about it. Sources: the service authorization reference and the requests of a recorded apply. From
the ECR user guide: pull-through-cache-iam, repository-creation-templates-create, slr-pullthroughcache, slr-rct,
image-scanning-enhanced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.deployer_functions import FUNCTION_STATEMENTS, usage_identity
from orchestrator.aws.statements import KEY, REPOSITORY, ROLE, SECRET, Statement

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


def _has_rules(environment: Environment) -> bool:
    return environment.owns_registry and bool(environment.pull_through_cache_rules)


def _has_secrets(environment: Environment) -> bool:
    rules = environment.pull_through_cache_rules.values()
    return environment.owns_registry and any(rule.secret_name or rule.credential_arn for rule in rules)


def _has_templates(environment: Environment) -> bool:
    rules = environment.pull_through_cache_rules.values()
    return environment.owns_registry and (
        environment.root_template is not None
        or bool(environment.registry_consumer_account_ids)
        or any(rule.template is not None for rule in rules)
    )


def _passes_roles_to_ecr(environment: Environment) -> bool:
    if not environment.owns_registry:
        return False
    roles = [environment.root_template.custom_role_arn if environment.root_template else None]
    for rule in environment.pull_through_cache_rules.values():
        roles += [rule.custom_role_arn, rule.template.custom_role_arn if rule.template else None]
    return any(roles)


def _uses_keys(environment: Environment) -> bool:
    return bool(environment.kms_key_arn) or any(entry.kms_key_arn for entry in environment.repositories.values())


def _enhanced_scanning(environment: Environment) -> bool:
    return environment.owns_registry and environment.scans_enhanced


def _gives_access(environment: Environment) -> bool:
    return environment.attach_ecr_policy and bool(
        environment.node_role_names
        or environment.fargate_execution_role_names
        or environment.worker_role_prefix
        or environment.machine_pools
    )


def _pod_identity(environment: Environment) -> bool:
    manager = environment.lifecycle_manager
    usage = manager is not None and manager.usage is not None and manager.usage.pod_identity
    queue = environment.mirror_queue
    workers = (
        environment.shares_copies and queue is not None and queue.workers is not None and queue.workers.pod_identity
    )
    swapper = environment.image_swapper
    pods = environment.shares_swaps and swapper is not None and swapper.pods is not None and swapper.pods.pod_identity
    return usage or workers or pods or any(role.pod_identity for role in environment.push_roles.values())


CORE_STATEMENTS = (
    Statement(
        "Repositories",
        "Own repositories with their policies and tags. Their images are counted before one is destroyed or a "
        "lifecycle policy would expire them (ECR previews it). They are "
        "listed after a destroy where ECR made the repository.",
        (
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepository",
            "ecr:DeleteRepositoryPolicy",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetLifecyclePolicyPreview",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:StartLifecyclePolicyPreview",
            "ecr:UntagResource",
        ),
        (REPOSITORY,),
        unseen={"ecr:TagResource": "CreateRepository with tags is authorized as TagResource too."},
    ),
    Statement(
        "Registry",
        "Settings of account and region: pull-through cache rules, creation templates, registry policy, scanning and "
        "account settings. These actions know no resources.",
        (
            "ecr:CreatePullThroughCacheRule",
            "ecr:CreateRepositoryCreationTemplate",
            "ecr:DeletePullThroughCacheRule",
            "ecr:DeleteRegistryPolicy",
            "ecr:DeleteRepositoryCreationTemplate",
            "ecr:DescribePullThroughCacheRules",
            "ecr:DescribeRepositoryCreationTemplates",
            "ecr:GetAccountSetting",
            "ecr:GetRegistryPolicy",
            "ecr:GetRegistryScanningConfiguration",
            "ecr:PutAccountSetting",
            "ecr:PutRegistryPolicy",
            "ecr:PutRegistryScanningConfiguration",
            "ecr:UpdatePullThroughCacheRule",
            "ecr:UpdateRepositoryCreationTemplate",
            "ecr:ValidatePullThroughCacheRule",
        ),
        needed=lambda environment: environment.owns_registry,
    ),
    Statement(
        "TemplatesForRepositories",
        "A creation template may only set what its author may set: without these ECR refuses the template.",
        (),
        (REPOSITORY,),
        unseen={
            "ecr:CreateRepository": "Needed to make or change a creation template.",
            "ecr:PutLifecyclePolicy": "Needed for a template with a lifecycle policy.",
            "ecr:SetRepositoryPolicy": "Needed for a template with a repository policy (cross-account pull).",
        },
        needed=_has_templates,
    ),
    Statement(
        "UpstreamSecrets",
        "Upstream credentials: Terraform looks the secret up by name, `secret set` writes it.",
        (
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:PutSecretValue",
        ),
        (SECRET,),
        unseen={
            "secretsmanager:GetSecretValue": "May be asked for when ECR checks a rule's credentials.",
            "secretsmanager:TagResource": "CreateSecret with tags is authorized as TagResource too.",
        },
        needed=_has_secrets,
    ),
    Statement(
        "ServiceLinkedRoles",
        "AWS makes its service-linked roles with the caller's rights. The first rule makes that of "
        "pull-through caches, the first template that of creation templates. The first ENHANCED scanning configuration "
        "makes Amazon Inspector's.",
        (),
        ("arn:*:iam::*:role/aws-service-role/*",),
        condition={
            "StringEquals": {
                "iam:AWSServiceName": [
                    "ecr.amazonaws.com",
                    "inspector2.amazonaws.com",
                    "pullthroughcache.ecr.amazonaws.com",
                ]
            }
        },
        unseen={"iam:CreateServiceLinkedRole": "Only the first time in an account."},
        needed=lambda environment: (
            _has_rules(environment) or _has_templates(environment) or _enhanced_scanning(environment)
        ),
    ),
    Statement(
        "RolesForEcr",
        "ECR acts with a role of yours for cross-account ECR upstreams and for templates with a key or tags.",
        (),
        (ROLE,),
        condition={
            "StringEquals": {"iam:PassedToService": ["ecr.amazonaws.com", "pullthroughcache.ecr.amazonaws.com"]}
        },
        unseen={"iam:PassRole": "`custom_role_arn` of a rule or template."},
        needed=_passes_roles_to_ecr,
    ),
    Statement(
        "RepositoryKeys",
        "Repositories encrypted with a KMS key: ECR takes a grant on the key with the caller's rights.",
        (),
        (KEY,),
        condition={"StringLike": {"kms:ViaService": "ecr.*.amazonaws.com*"}},
        unseen={
            "kms:CreateGrant": "At CreateRepository.",
            "kms:DescribeKey": "At CreateRepository.",
            "kms:RetireGrant": "At DeleteRepository.",
        },
        needed=_uses_keys,
    ),
    Statement(
        "EnhancedScanning",
        "ENHANCED scanning is done by Amazon Inspector, which ECR turns on with the caller's rights.",
        (),
        unseen={
            "inspector2:Disable": "Going back to BASIC.",
            "inspector2:Enable": "Turning ENHANCED on.",
            "inspector2:ListAccountPermissions": "ECR asks what Inspector may do.",
        },
        needed=_enhanced_scanning,
    ),
    Statement(
        "Endpoints",
        "VPC endpoints and their security group. Narrow it to your VPC with a condition on ec2:Vpc where you can.",
        (
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:CreateVpcEndpoint",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:DeleteVpcEndpoints",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribePrefixLists",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
            "ec2:ModifySecurityGroupRules",
            "ec2:ModifyVpcEndpoint",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ),
        unseen={
            "ec2:CreateTags": "Creating a tagged endpoint, group or rule is authorized as CreateTags too.",
            "route53:AssociateVPCWithHostedZone": "Private DNS of an interface endpoint.",
        },
        needed=lambda environment: environment.create_vpc_endpoints,
    ),
    Statement(
        "Roles",
        "Push roles, roles of functions and of the usage CronJob, and the pull policy on the nodes' roles. A role "
        "that may write policies of any role can give itself anything: replace `role/*` by their names.",
        (
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
        ),
        (ROLE,),
        unseen={"iam:TagRole": "CreateRole with tags is authorized as TagRole too."},
        needed=lambda environment: (
            bool(environment.push_roles or environment.functions)
            or bool(environment.shares_copies and environment.mirror_queue and environment.mirror_queue.workers)
            or bool(environment.shares_swaps and environment.image_swapper and environment.image_swapper.pods)
            or usage_identity(environment)
            or _gives_access(environment)
        ),
    ),
    Statement(
        "InstanceProfiles",
        "ROSA HCP: the role of a machine pool is found through its instance profile.",
        ("iam:GetInstanceProfile",),
        ("arn:*:iam::*:instance-profile/*",),
        needed=lambda environment: environment.attach_ecr_policy and bool(environment.machine_pools),
    ),
    Statement(
        "PodIdentity",
        "Push and usage roles that Pods take through EKS Pod Identity.",
        (
            "eks:CreatePodIdentityAssociation",
            "eks:DeletePodIdentityAssociation",
            "eks:DescribePodIdentityAssociation",
            "eks:ListPodIdentityAssociations",
            "eks:UntagResource",
            "eks:UpdatePodIdentityAssociation",
        ),
        ("arn:*:eks:*:*:cluster/*", "arn:*:eks:*:*:podidentityassociation/*"),
        unseen={"eks:TagResource": "Creating a tagged association is authorized as TagResource too."},
        needed=_pod_identity,
    ),
    Statement(
        "RolesForPods",
        "EKS hands push and usage roles to Pods.",
        (),
        (ROLE,),
        condition={"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}},
        unseen={"iam:PassRole": "`role_arn` of a Pod Identity association."},
        needed=_pod_identity,
    ),
    Statement(
        "State",
        "Terraform's state and its lock file in S3. Replace the resource by your state bucket.",
        ("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"),
        ("arn:*:s3:::*",),
        needed=lambda environment: environment.state is not None,
    ),
    Statement(
        "StateKey",
        "A state bucket encrypted with a KMS key.",
        (),
        (KEY,),
        condition={"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
        unseen={
            "kms:Decrypt": "Reading state.",
            "kms:GenerateDataKey": "Writing state.",
        },
        needed=lambda environment: environment.state is not None and environment.state.kms_key_arn is not None,
    ),
    Statement(
        "Identity",
        "The check that the credentials belong to the environment's account, and `assume_role_arn`.",
        ("sts:AssumeRole", "sts:GetCallerIdentity"),
        needed=lambda environment: environment.assume_role_arn is not None,
    ),
)

# Two documents, because the whole is more than IAM takes in one managed policy.
STATEMENTS = (*CORE_STATEMENTS, *FUNCTION_STATEMENTS)

# Once for each state bucket, by whoever runs `orchestrator init --state-bucket`; no apply needs it.
STATE_BUCKET = Statement(
    "StateBucketSetup",
    "Making the state bucket, or bringing it up to the standard. Needed once, not by an apply.",
    (
        "s3:CreateBucket",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:ListBucket",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
    ),
    ("arn:*:s3:::*",),
)
