"""The role with which an environment's cluster writes its snapshot: modules/lifecycle-manager/usage.tf. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.constructs.manager_rights import role_resource
from orchestrator.lifecycle.in_use import snapshot_key

if TYPE_CHECKING:
    from orchestrator.constructs.cache_resources import Resource
    from orchestrator.constructs.manager_rights import ManagerNames, Statement
    from orchestrator.environment.function_parts import LifecycleManager, UsageSettings
    from orchestrator.environment.model import Environment


def usage_resources(environment: Environment, manager: LifecycleManager, names: ManagerNames) -> dict[str, Resource]:
    """{id: resource}: none where the environment's cluster writes no snapshot."""
    usage = manager.usage
    if usage is None:
        return {}
    allowed: list[Statement] = [
        {
            "Sid": "OwnSnapshot",
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [f"{names.bucket_arn}/{snapshot_key(environment.snapshot_name)}"],
        }
    ]
    if manager.kms_key_arn is not None:
        allowed.append(
            {"Sid": "Key", "Effect": "Allow", "Action": ["kms:GenerateDataKey"], "Resource": [manager.kms_key_arn]}
        )
    role = role_resource(
        environment.usage_role_name,
        f"Writes what the cluster {environment.cluster_name} runs, so that it is not expired",
        _trust(environment, usage, names),
        ("snapshot", allowed),
        manager.permissions_boundary_arn,
    )
    resources: dict[str, Resource] = {"UsageRole": role}
    if usage.pod_identity:
        resources["UsageIdentity"] = {
            "Type": "AWS::EKS::PodIdentityAssociation",
            "Properties": {
                "ClusterName": environment.cluster_name,
                "Namespace": usage.namespace,
                "ServiceAccount": usage.service_account,
                "RoleArn": {"Fn::GetAtt": ["UsageRole", "Arn"]},
            },
        }
    return resources


def _trust(environment: Environment, usage: UsageSettings, names: ManagerNames) -> Statement:
    if usage.oidc_provider_arn is not None:
        issuer = usage.oidc_provider_arn.partition(":oidc-provider/")[2]
        return {
            "Sid": "OneServiceAccountOfTheIssuer",
            "Effect": "Allow",
            "Principal": {"Federated": usage.oidc_provider_arn},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": usage.audience,
                    f"{issuer}:sub": f"system:serviceaccount:{usage.namespace}:{usage.service_account}",
                }
            },
        }
    return {
        "Sid": "OneServiceAccountOfTheCluster",
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": names.account,
                "aws:RequestTag/eks-cluster-arn": names.arn("eks", f"cluster/{environment.cluster_name}"),
                "aws:RequestTag/kubernetes-namespace": usage.namespace,
                "aws:RequestTag/kubernetes-service-account": usage.service_account,
            }
        },
    }
