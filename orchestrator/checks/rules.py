"""Checks of one pull-through cache rule: prefix, upstream, credentials, role, template."""

from __future__ import annotations

import re

from orchestrator.checks.arns import check_arn
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.templates import check_template
from orchestrator.environment.parts import PullThroughCacheRule
from orchestrator.environment.route_types import SECRET_NAME, SECRET_PREFIX
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.lifecycle.ports import ROOT
from orchestrator.partitions import has_rules, partition_for, partition_of, pulls_through
from orchestrator.routes.upstreams import Upstream, ecr_registry, upstream_of

NEVER_SUPPORTED = "ECR has pull-through cache rules for nine upstreams, and this is none of them."
# What people write for an upstream, and what ECR wants.
_ALIASES = {
    "docker.io": "registry-1.docker.io",
    "index.docker.io": "registry-1.docker.io",
    "hub.docker.com": "registry-1.docker.io",
    "registry.hub.docker.com": "registry-1.docker.io",
    "docker.com": "registry-1.docker.io",
    "k8s.gcr.io": "registry.k8s.io",
    "gitlab.com": "registry.gitlab.com",
    "github.com": "ghcr.io",
    "docker.pkg.github.com": "ghcr.io",
    "gallery.ecr.aws": "public.ecr.aws",
    "ecr-public.aws.com": "public.ecr.aws",
    "azurecr.io": "<name>.azurecr.io",
}


def check_rule(context: Context, prefix: str, rule: PullThroughCacheRule) -> None:
    """Everything about the rule that can be said without the others."""
    path: Path = ("pull_through_cache_rules", prefix)
    upstream = _check_upstream(context, path, prefix, rule)
    if upstream is not None and _check_offered(context, path, prefix, rule, upstream):
        _check_credentials(context, path, prefix, rule, upstream)
        _check_ecr_to_ecr(context, path, prefix, rule)
    if rule.template is not None:
        check_template(context, (*path, "template"), rule.template)


def _check_upstream(context: Context, path: Path, prefix: str, rule: PullThroughCacheRule) -> Upstream | None:
    here = (*path, "upstream_registry_url")
    url = rule.upstream_registry_url
    bare = re.sub(r"^[a-z]+://", "", url.strip(), flags=re.IGNORECASE)
    host, _, below = bare.partition("/")
    host = host.lower().removesuffix(":443")
    host = _ALIASES.get(host, host)
    ecr = ecr_registry(host)
    host = ecr.host if ecr else host
    what = f"rule {shown(prefix)}: upstream_registry_url is {shown(url)}."
    if not host:
        context.error(
            here,
            what,
            why="A rule pulls from a registry.",
            remedy='Write its host, such as "quay.io".',
            value=url,
        )
        return None
    if host == url:
        upstream = upstream_of(url)
        if upstream is None:
            _report_unsupported(context, here, what, prefix, url)
        return upstream
    if upstream_of(host) is None and "<" not in host:
        _report_unsupported(context, here, what, prefix, bare.rstrip("/"))
        return None
    below = below.strip("/")
    if below:
        why, extra = "ECR takes a registry's host without a path.", f' and source = "{_public(host)}/{below}"'
    elif "://" in url or url.strip() != url or url.endswith("/"):
        why, extra = "ECR takes the host alone.", ""
    else:
        why, extra = "ECR knows this upstream under one name only.", ""
    context.error(here, what, why=why, remedy=f'Write "{host}"{extra}.', value=url)
    return None


def _check_offered(context: Context, path: Path, prefix: str, rule: PullThroughCacheRule, upstream: Upstream) -> bool:
    """Does ECR offer the upstream where the environment is? Partitions without any rule are named once for all."""
    region = context.environment.aws_region
    if not context.usable("aws_region") or not has_rules(region):
        return True
    here = (*path, "upstream_registry_url")
    if not pulls_through(region, upstream.name):
        context.error(
            here,
            f"rule {shown(prefix)}: {region} has no rules for {rule.upstream_registry_url}.",
            why="In GovCloud ECR pulls through from other ECR registries of GovCloud only.",
            remedy=f'Its images must be copied: mirrors = {{ … = {{ source = "{_public(rule.upstream_registry_url)}" }} }}.',
            value=rule.upstream_registry_url,
        )
        return False
    if partition_for(region).upstreams != "all":
        context.warn(
            here,
            f"rule {shown(prefix)} pulls from one ECR registry to another in {region}.",
            why="AWS's guide allows that in GovCloud. It was never tried here, and FIPS hosts fail at the first pull.",
            remedy='When `apply` hears "This feature is disabled", write a mirror instead.',
            value=rule.upstream_registry_url,
        )
    return True


def _public(host: str) -> str:
    return "docker.io" if host == "registry-1.docker.io" else host


def _report_unsupported(context: Context, path: Path, what: str, prefix: str, source: str) -> None:
    name = prefix if re.fullmatch(r"[a-z][a-z0-9_-]*", prefix) else f'"{prefix}"'
    context.error(
        path,
        what,
        why=NEVER_SUPPORTED,
        remedy=f'Its images must be copied: mirrors = {{ {name} = {{ source = "{source.lower()}" }} }}.',
        value=source,
    )


def _check_credentials(
    context: Context, path: Path, prefix: str, rule: PullThroughCacheRule, upstream: Upstream
) -> None:
    given = [key for key in ("secret_name", "credential_arn") if getattr(rule, key) is not None]
    if not upstream.needs_credentials:
        for key in given:
            context.error(
                (*path, key),
                f"rule {shown(prefix)}: {key} is set, but {rule.upstream_registry_url} takes no credentials.",
                why="ECR pulls from a registry of its own kind by IAM."
                if ecr_registry(rule.upstream_registry_url)
                else "ECR pulls public images from there anonymously, and refuses a secret.",
                remedy="Remove it.",
                value=getattr(rule, key),
            )
        return
    if not given:
        name = prefix.lower().replace("/", "-")
        context.error(
            (*path, "secret_name"),
            f"rule {shown(prefix)}: {rule.upstream_registry_url} needs credentials.",
            why="ECR refuses a rule for it without a secret.",
            remedy=f'Add secret_name = "{SECRET_PREFIX}{name}" '
            f"and store them with `orchestrator secret set {context.environment.name} {prefix}{context.flag}`.",
        )
    elif len(given) == 2:
        context.error(
            (*path, "credential_arn"),
            f"rule {shown(prefix)}: secret_name and credential_arn are both set.",
            why="They name the same thing twice.",
            remedy="Remove one.",
            value=rule.credential_arn,
        )
    if rule.credential_arn is not None and len(given) == 1:
        _check_credential_arn(context, (*path, "credential_arn"), rule.credential_arn)


def _check_credential_arn(context: Context, path: Path, value: str) -> None:
    environment = context.environment
    arn = check_arn(
        context,
        path,
        value,
        service="secretsmanager",
        resource="secret:",
        example="Secrets Manager secret",
        region=environment.registry.region,
    )
    if arn is None:
        return
    name = arn.resource.removeprefix("secret:")
    if not SECRET_NAME.fullmatch(name):
        context.error(
            path,
            f"{dotted(path)} is {shown(value)}, the secret {shown(name)}.",
            why=f"ECR reads only secrets whose name begins {SECRET_PREFIX}; letters, digits and / _ + = . @ - follow.",
            remedy="Store the credentials in a secret of such a name.",
            value=value,
        )
    elif context.usable("account_id", "registry_account_id") and arn.account != environment.registry.account:
        context.error(
            path,
            f"{dotted(path)} is a secret of account {arn.account}.",
            why=f"ECR reads secrets of the registry's own account, {environment.registry.account}.",
            remedy="Store the credentials in that account.",
            value=value,
        )


def _check_ecr_to_ecr(context: Context, path: Path, prefix: str, rule: PullThroughCacheRule) -> None:
    environment = context.environment
    ecr = ecr_registry(rule.upstream_registry_url)
    if ecr is None:
        for key in ("custom_role_arn", "upstream_repository_prefix"):
            value = getattr(rule, key)
            if value is not None:
                source = f"{_public(rule.upstream_registry_url)}/{value}"
                context.error(
                    (*path, key),
                    f"rule {shown(prefix)}: {key} is set, but the upstream is {rule.upstream_registry_url}.",
                    why="Only rules from one ECR registry to another have it.",
                    remedy="Remove it."
                    if key == "custom_role_arn"
                    else f'Remove it; to narrow the route write source = "{source}".',
                    value=value,
                )
        return
    here = (*path, "upstream_registry_url")
    if context.usable("account_id", "aws_region", "registry_account_id", "registry_region"):
        if ecr == environment.registry:
            context.error(
                here,
                f"rule {shown(prefix)}: the upstream is the environment's own registry.",
                why="It would pull from itself.",
                remedy="Remove the rule; its images are there already.",
                value=rule.upstream_registry_url,
            )
        elif partition_of(ecr.region) != environment.partition:
            context.error(
                here,
                f"rule {shown(prefix)}: {rule.upstream_registry_url} is in the partition {partition_of(ecr.region)}.",
                why=f"The environment is in {environment.partition}; ECR does not pull across partitions.",
                remedy="Mirror its images.",
                value=rule.upstream_registry_url,
            )
        else:
            _check_upstream_role(context, path, prefix, rule, ecr.account)
    value = rule.upstream_repository_prefix
    if value is not None:
        here = (*path, "upstream_repository_prefix")
        if prefix == ROOT:
            context.error(
                here,
                f'rule "ROOT": upstream_repository_prefix is {shown(value)}.',
                why="ECR does not combine it with ROOT.",
                remedy="Remove it, or give the rule a prefix.",
                value=value,
            )


def _check_upstream_role(
    context: Context, path: Path, prefix: str, rule: PullThroughCacheRule, upstream_account: str
) -> None:
    environment = context.environment
    foreign = upstream_account != environment.registry.account
    if foreign and rule.custom_role_arn is None:
        context.error(
            (*path, "custom_role_arn"),
            f"rule {shown(prefix)}: the upstream is in account {upstream_account}, and custom_role_arn is missing.",
            why="ECR pulls from another account's registry with a role.",
            remedy=f'Add custom_role_arn = "arn:{environment.partition}:iam::{environment.registry.account}:role/…".',
        )
    elif not foreign and rule.custom_role_arn is not None:
        context.error(
            (*path, "custom_role_arn"),
            f"rule {shown(prefix)}: custom_role_arn is set, but the upstream is in the same account.",
            why="ECR takes a role only for a registry of another account.",
            remedy="Remove it.",
            value=rule.custom_role_arn,
        )
