"""Pull-through cache rules: what AWS accepts, and what it refuses with which error.

Source: ECR API reference (CreatePullThroughCacheRule and its errors) and the user guide's list of upstreams.
"""

from __future__ import annotations

import re

from orchestrator.lifecycle.ports import ROOT
from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, now, page
from orchestrator.local.ecr.secrets import check_secret, secret_problem
from orchestrator.partitions import pulls_through
from orchestrator.routes.upstreams import ecr_registry

MAX_RULES = 50

# {URL: API name}: the upstreams that are one host.
UPSTREAMS = {
    "public.ecr.aws": "ecr-public",
    "registry.k8s.io": "k8s",
    "quay.io": "quay",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}
NEED_SECRET = frozenset(
    {
        "docker-hub",
        "github-container-registry",
        "gitlab-container-registry",
        "azure-container-registry",
        "chainguard",
    }
)
_AZURE = re.compile(r"[a-zA-Z0-9]{5,50}\.azurecr\.io")

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role/.+")


def _key(prefix: str) -> str:
    # AWS takes a trailing slash as given: `quay` and `quay/` are one prefix.
    return prefix.rstrip("/")


def upstream_name(url: str) -> str | None:
    """The API's name for an upstream URL, or None when ECR cannot pull through it."""
    if url in UPSTREAMS:
        return UPSTREAMS[url]
    if _AZURE.fullmatch(url):
        return "azure-container-registry"
    ecr = ecr_registry(url)
    return "ecr" if ecr and ecr.host == url else None


def create_rule(context: EcrCall, params: Document) -> Document:
    registry = context.registry
    url = params["upstreamRegistryUrl"]
    name = upstream_name(url)
    if not pulls_through(registry.region, name or ""):
        # AWS offers no such rules there (user guide); the wording is the one it uses for switched-off features.
        raise EcrError("ValidationException", "This feature is disabled")
    if name is None or params.get("upstreamRegistry", name) != name:
        raise EcrError(
            "UnsupportedUpstreamRegistryException",
            f"The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again",
        )
    prefix = params["ecrRepositoryPrefix"]
    if _key(prefix) in registry.rules:
        raise EcrError(
            "PullThroughCacheRuleAlreadyExistsException",
            f"A pull through cache rule with the specified prefix '{prefix}' already exists in the registry with id "
            f"'{registry.account_id}'",
        )
    if len(registry.rules) >= MAX_RULES:
        raise EcrError(
            "LimitExceededException",
            f"The maximum number of pull through cache rules ({MAX_RULES}) for the registry with id "
            f"'{registry.account_id}' has been reached.",
        )
    _check_ecr_upstream(context, params, name)
    _check_credentials(context, params.get("credentialArn"), name)
    moment = now()
    rule = {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": url,
        "upstreamRegistry": name,
        "createdAt": moment,
        "updatedAt": moment,
        "registryId": registry.account_id,
        "credentialArn": params.get("credentialArn"),
        "customRoleArn": params.get("customRoleArn"),
        "upstreamRepositoryPrefix": params.get("upstreamRepositoryPrefix") or (ROOT if name == "ecr" else None),
    }
    registry.rules[_key(prefix)] = rule
    return _without(rule, "updatedAt")


def _check_ecr_upstream(context: EcrCall, params: Document, name: str) -> None:
    upstream_prefix = params.get("upstreamRepositoryPrefix")
    if name != "ecr":
        if params.get("upstreamRepositoryPrefix"):
            raise invalid_parameter("upstreamRepositoryPrefix", "only supported when the upstream registry is ECR")
        if params.get("customRoleArn"):
            _check_role(context, params["customRoleArn"], name)
        return
    upstream = ecr_registry(params["upstreamRegistryUrl"])
    assert upstream is not None
    if (upstream.account, upstream.region) == (context.registry.account_id, context.registry.region):
        raise invalid_parameter("upstreamRegistryUrl", "the upstream registry must not be the registry itself")
    if upstream.account != context.registry.account_id and not params.get("customRoleArn"):
        raise invalid_parameter("customRoleArn", "required when the upstream is the ECR registry of another account")
    if params.get("customRoleArn"):
        _check_role(context, params["customRoleArn"], name)
    if upstream_prefix and upstream_prefix != ROOT and params["ecrRepositoryPrefix"] == ROOT:
        raise invalid_parameter(
            "upstreamRepositoryPrefix", "must be ROOT or absent when the ECR repository prefix is ROOT"
        )


def _check_role(context: EcrCall, role_arn: str, name: str) -> None:
    """A role of a rule: for upstream ECR only, and of the registry's own account (API reference)."""
    if name != "ecr":
        raise invalid_parameter("customRoleArn", "only supported when the upstream registry is ECR")
    match = _ROLE.fullmatch(role_arn)
    if match is None or match["account"] != context.registry.account_id:
        raise invalid_parameter("customRoleArn", "must be the ARN of a role in the account of the registry")


def _check_credentials(context: EcrCall, credential_arn: str | None, name: str) -> None:
    if credential_arn:
        if name not in NEED_SECRET:
            raise invalid_parameter("credentialArn", f"credentials are not supported for the upstream registry {name}")
        check_secret(context.registry, credential_arn)
    elif name in NEED_SECRET:
        raise EcrError(
            "UnsupportedUpstreamRegistryException",
            "The specified upstream registry requires authentication. "
            "Specify a valid Secrets Manager ARN and try again",
        )


def _rule(context: EcrCall, prefix: str) -> Document:
    rule = context.registry.rules.get(_key(prefix))
    if rule is None:
        raise EcrError(
            "PullThroughCacheRuleNotFoundException",
            f"Pull through cache rule for the prefix '{prefix}' does not exist in the registry with id "
            f"'{context.registry.account_id}'",
        )
    return rule


def describe_rules(context: EcrCall, params: Document) -> Document:
    wanted = params.get("ecrRepositoryPrefixes")
    if wanted:
        if params.get("maxResults") or params.get("nextToken"):
            raise invalid_parameter("maxResults", "must not be used together with ecrRepositoryPrefixes")
        return {"pullThroughCacheRules": [_rule(context, prefix) for prefix in wanted]}
    rules, token = page(sorted(context.registry.rules.values(), key=lambda r: r["ecrRepositoryPrefix"]), params, 100)
    return {"pullThroughCacheRules": rules, "nextToken": token}


def update_rule(context: EcrCall, params: Document) -> Document:
    """UpdatePullThroughCacheRule, which sets credentials or a role; neither can be taken away again.

    The model of AWS China, which is older, requires `credentialArn`; today's has it optional because of the role. One
    of the two is required.
    """
    rule = _rule(context, params["ecrRepositoryPrefix"])
    name = rule["upstreamRegistry"]
    if not params.get("credentialArn") and not params.get("customRoleArn"):
        raise invalid_parameter("credentialArn", "one of credentialArn and customRoleArn is required")
    if params.get("customRoleArn"):
        _check_role(context, params["customRoleArn"], name)
    if params.get("credentialArn"):
        _check_credentials(context, params["credentialArn"], name)
    rule.update({member: params[member] for member in ("credentialArn", "customRoleArn") if params.get(member)})
    rule["updatedAt"] = now()
    return _without(rule, "createdAt", "upstreamRegistry", "upstreamRegistryUrl")


def delete_rule(context: EcrCall, params: Document) -> Document:
    rule = _rule(context, params["ecrRepositoryPrefix"])
    del context.registry.rules[_key(rule["ecrRepositoryPrefix"])]
    return _without(rule, "updatedAt", "upstreamRegistry")


def validate_rule(context: EcrCall, params: Document) -> Document:
    """ValidatePullThroughCacheRule: is the secret there and of ECR's shape? The upstream is not asked."""
    rule = _rule(context, params["ecrRepositoryPrefix"])
    failure = secret_problem(context.registry, rule["credentialArn"]) if rule["credentialArn"] else None
    answer = _without(rule, "createdAt", "updatedAt", "upstreamRegistry")
    return {**answer, "isValid": failure is None, "failure": failure.message if failure else None}


def _without(rule: Document, *names: str) -> Document:
    return {name: value for name, value in rule.items() if name not in names}


OPERATIONS = {
    "CreatePullThroughCacheRule": create_rule,
    "DescribePullThroughCacheRules": describe_rules,
    "UpdatePullThroughCacheRule": update_rule,
    "DeletePullThroughCacheRule": delete_rule,
    "ValidatePullThroughCacheRule": validate_rule,
}
