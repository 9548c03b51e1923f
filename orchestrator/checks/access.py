"""Checks of who may pull (nodes) and push (CI)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.walker import check_text
from orchestrator.environment.identifiers import parse_arn
from orchestrator.environment.parts import PushRole
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.environment.value_types import REPOSITORY
from orchestrator.lifecycle.upstream_names import longest_prefix
from orchestrator.spelling import nearest

# {variable: platform that has such a thing}
PLATFORM_OF = {
    "node_role_names": "eks",
    "fargate_execution_role_names": "eks",
    "worker_role_prefix": "rosa-classic",
    "machine_pools": "rosa-hcp",
}
_CLUSTER_PROVIDER = re.compile(r"oidc\.eks\.|.*openshiftapps\.com|.*cloudfront\.net|(?:(?!oidc).)*+oidc.*\.s3\.")
# A subject with wildcards names, whole, whose tokens they are: `repo:m*` would admit every owner that begins with m.
_NARROW = re.compile(r"system:serviceaccount:[^*?:]+:|(?!system:)[^*?:]+:[^*?:/]+[:/]")
_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:[a-z0-9.*?-]+:[a-z0-9.*?-]+")


def check_access(context: Context) -> None:
    """Node access by platform, then push roles."""
    _check_platform(context)
    for name, role in context.environment.push_roles.items():
        _check_push_role(context, name, role)


def _check_platform(context: Context) -> None:
    environment = context.environment
    if not context.usable("platform"):
        return
    for variable, platform in PLATFORM_OF.items():
        if getattr(environment, variable) and platform != environment.platform:
            own = [name for name, wanted in PLATFORM_OF.items() if wanted == environment.platform]
            context.error(
                (variable,),
                f"{variable} is set, but platform is {environment.platform}.",
                why=f"Only {platform} has such a thing.",
                remedy=f"Use {' or '.join(own)}, or correct platform.",
                value=environment.platform,
            )
    own = [variable for variable, platform in PLATFORM_OF.items() if platform == environment.platform]
    named = any(getattr(environment, variable) for variable in own)
    if environment.attach_ecr_policy and not named and context.usable(*PLATFORM_OF):
        context.warn(
            ("attach_ecr_policy",),
            f"attach_ecr_policy is true, but {' and '.join(own)} {'name' if len(own) > 1 else 'names'} nothing.",
            why="No node gets the right to pull from the registry.",
            remedy=f"Set {' or '.join(own)}, or attach_ecr_policy = false when the nodes have it already.",
            value=True,
        )


def _check_push_role(context: Context, name: str, role: PushRole) -> None:
    path = ("push_roles", name)
    if role.oidc_provider_arn is not None and role.pod_identity is not None:
        context.error(
            path,
            f"{dotted(path)} has both oidc_provider_arn and pod_identity.",
            why="A role trusts one of them.",
            remedy="Remove one.",
            value=name,
        )
    elif role.oidc_provider_arn is not None:
        _check_irsa(context, path, role, role.oidc_provider_arn)
    elif role.pod_identity is not None:
        _check_pod_identity(context, path, role)
    else:
        context.error(
            path,
            f"{dotted(path)} has neither oidc_provider_arn nor pod_identity.",
            why="Nobody could assume the role.",
            remedy="Add oidc_provider_arn and subjects (IRSA), or pod_identity (EKS).",
            value=name,
        )
    _check_push_repositories(context, (*path, "repositories"), role.repositories)


def _check_irsa(context: Context, path: Path, role: PushRole, provider: str) -> None:
    if not role.subjects:
        context.error(
            (*path, "subjects"),
            f"{dotted(path)} has an oidc_provider_arn, but no subjects.",
            why="Every ServiceAccount of the cluster could push.",
            remedy='Add subjects = ["system:serviceaccount:<namespace>:<name>"].',
            at=(*path, "oidc_provider_arn"),
        )
    arn = parse_arn(provider)
    issuer = arn.resource.removeprefix("oidc-provider/") if arn else ""
    for index, subject in enumerate(role.subjects):
        _check_subject(context, (*path, "subjects", index), subject, issuer)
    if not role.audiences:
        context.error(
            (*path, "audiences"),
            f"{dotted((*path, 'audiences'))} is empty.",
            why="The role would accept tokens made for any other service.",
            remedy='Write ["sts.amazonaws.com"], or remove it to get that.',
            value=[],
        )


def _check_subject(context: Context, path: Path, subject: str, issuer: str) -> None:
    of_cluster = subject.startswith("system:") or _CLUSTER_PROVIDER.match(issuer) is not None
    if of_cluster and not _SERVICE_ACCOUNT.fullmatch(subject):
        parts = re.fullmatch(r"(?:system:serviceaccounts?:)?([a-z0-9.-]+)[:/]([a-z0-9.-]+)", subject)
        context.error(
            path,
            f"{dotted(path)} is {shown(subject)}.",
            why="Tokens of a cluster have subjects of the form system:serviceaccount:<namespace>:<name>.",
            remedy=f'Write "system:serviceaccount:{parts[1]}:{parts[2]}".'
            if parts
            else 'Write it like "system:serviceaccount:ci:builder"; * and ? are wildcards.',
            value=subject,
        )
    elif "${" in subject:
        context.error(
            path,
            f"{dotted(path)} is {shown(subject)}.",
            why="IAM puts a value of the request in the place of ${…}, such as a tag that the caller chose.",
            remedy='Write the name itself: "repo:example/app:ref:refs/heads/main".',
            value=subject,
        )
    elif not subject or (set("*?") & set(subject) and not _NARROW.match(subject)):
        context.error(
            path,
            f"{dotted(path)} is {shown(subject)}.",
            why="A wildcard before or inside the namespace (or the owner of a repository) admits strangers."
            if subject
            else "It is empty.",
            remedy='Name the namespace: "system:serviceaccount:ci:*".',
            value=subject,
        )


def _check_pod_identity(context: Context, path: Path, role: PushRole) -> None:
    here = (*path, "pod_identity")
    if context.usable("platform") and context.environment.platform != "eks":
        context.error(
            here,
            f"{dotted(here)} is set, but platform is {context.environment.platform}.",
            why="Only EKS has Pod Identity.",
            remedy="Use oidc_provider_arn and subjects.",
            value=context.environment.platform,
        )
    if role.subjects:
        context.error(
            (*path, "subjects"),
            f"{dotted(path)} has pod_identity and subjects.",
            why="Subjects belong to an OIDC provider; pod_identity names its ServiceAccount itself.",
            remedy="Remove subjects.",
            value=list(role.subjects),
        )


def _check_push_repositories(context: Context, path: Path, repositories: Sequence[str]) -> None:
    environment = context.environment
    own = environment.own_repository_names
    for index, name in enumerate(repositories):
        if not context.usable("cluster_name", "create_ecr", "ecr_repository_name", "repositories"):
            return
        if set(name) & set("*?["):
            context.error(
                (*path, index),
                f"{dotted((*path, index))} is {shown(name)}.",
                why="A pattern could also name what the cache holds, which every node pulls.",
                remedy="Name each repository.",
                value=name,
            )
            continue
        if name in own:
            continue
        if longest_prefix(name, environment.mirrors) is not None:
            check_text(context, (*path, index), name, REPOSITORY)
            continue
        guess = nearest(name, own)
        context.error(
            (*path, index),
            f"{dotted((*path, index))} is {shown(name)}, which is none of the environment's repositories.",
            why=f"Those are {', '.join(own)}."
            if own
            else "It creates none (create_ecr is false, repositories is empty).",
            remedy=f'Write "{guess}", or add it to repositories.' if guess else "Add it to repositories.",
            value=name,
        )
