"""What ECR can pull through, what it cannot, and the names that registries go by.

Knows the nine upstreams of ECR's pull-through cache, the aliases of public registries, and the hosts of ECR itself.
Pure: no boto3; the tables below name their sources.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.partitions import partition_for, partition_of, registry_host

DOCKER_HUB = "docker.io"
ECR_PUBLIC = "public.ecr.aws"

# {alias: canonical registry}. Docker Hub goes by three names, and k8s.gcr.io is a frozen copy of registry.k8s.io.
# ecr-public.aws.com is the dual-stack host of ECR Public (ECR Public user guide, endpoints).
REGISTRY_ALIASES = {
    "index.docker.io": DOCKER_HUB,
    "registry-1.docker.io": DOCKER_HUB,
    "k8s.gcr.io": "registry.k8s.io",
    "ecr-public.aws.com": ECR_PUBLIC,
}

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+-[0-9]+")
# Five to fifty letters and digits; a hyphen comes before the hash that a domain name label adds.
_AZURE = re.compile(r"(?=[a-z0-9-]{5,63}\.)[a-z0-9]+(?:-[a-z0-9]+)*\.azurecr\.io")


@dataclass(frozen=True, slots=True)
class PrivateRegistry:
    """The private ECR registry of an account in a region, whatever host it was reached by."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        """Name of the partition that the region is in: `aws-us-gov`."""
        return partition_of(self.region)

    @property
    def host(self) -> str:
        """The standard host: `123456789012.dkr.ecr.eu-west-1.amazonaws.com`."""
        return registry_host(self.account, self.region)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host of this registry: standard, FIPS, and both in dual stack where the partition has it."""
        return partition_for(self.region).registry_hosts(self.account, self.region)


def ecr_registry(host: str) -> PrivateRegistry | None:
    """The private ECR registry behind `host` in any of its forms; None for every other host.

    The suffix must be that of the region's partition: `….dkr.ecr.cn-north-1.amazonaws.com` is nobody's registry.
    """
    account, _, rest = host.partition(".")
    if not _ACCOUNT.fullmatch(account):
        return None
    for service in ("dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."):
        if rest.startswith(service):
            region = rest[len(service) :].partition(".")[0]
            if not _REGION.fullmatch(region):
                return None
            registry = PrivateRegistry(account, region)
            return registry if host in registry.hosts else None
    return None


def canonical_registry(host: str) -> str:
    """The one name of a registry: Docker Hub's and Kubernetes' aliases resolved, ECR hosts in their standard form."""
    if host in REGISTRY_ALIASES:
        return REGISTRY_ALIASES[host]
    ecr = ecr_registry(host)
    return ecr.host if ecr else host


def registry_names(registry: str) -> tuple[str, ...]:
    """The canonical `registry` and its aliases: `public.ecr.aws` -> itself and `ecr-public.aws.com`."""
    return (registry, *(alias for alias, canonical in REGISTRY_ALIASES.items() if canonical == registry))


@dataclass(frozen=True, slots=True)
class Upstream:
    """A registry that ECR can pull through.

    `name` is the API's `upstreamRegistry`, `url` its `upstreamRegistryUrl`, `registry` the canonical name that
    references use. `needs_credentials` asks for a secret in Secrets Manager; `ecr` upstreams of another account need an
    IAM role instead (`needs_role`).
    """

    name: str
    url: str
    registry: str
    needs_credentials: bool

    def needs_role(self, account: str) -> bool:
        """Whether a rule in the registry of `account` needs `custom_role_arn`: only to reach another account's ECR."""
        ecr = ecr_registry(self.url)
        return ecr is not None and ecr.account != account


# ECR API, CreatePullThroughCacheRule, `upstreamRegistryUrl`; botocore 1.44, enum UpstreamRegistry. The address of
# chainguard is Chainguard's own documentation's; AWS names none.
_FIXED = (
    Upstream("ecr-public", ECR_PUBLIC, ECR_PUBLIC, needs_credentials=False),
    Upstream("k8s", "registry.k8s.io", "registry.k8s.io", needs_credentials=False),
    Upstream("quay", "quay.io", "quay.io", needs_credentials=False),
    Upstream("docker-hub", "registry-1.docker.io", DOCKER_HUB, needs_credentials=True),
    Upstream("github-container-registry", "ghcr.io", "ghcr.io", needs_credentials=True),
    Upstream("gitlab-container-registry", "registry.gitlab.com", "registry.gitlab.com", needs_credentials=True),
    Upstream("chainguard", "cgr.dev", "cgr.dev", needs_credentials=True),
)
_BY_URL = {upstream.url: upstream for upstream in _FIXED}


def upstream_of(url: str) -> Upstream | None:
    """The upstream that ECR knows by `url`, a bare host as the API takes it. None when ECR has none.

    `registry-1.docker.io` -> Docker Hub (registry `docker.io`); `myteam.azurecr.io` -> Azure; an ECR host in its standard
    form -> ECR to ECR. `docker.io`, `https://quay.io` and `gcr.io` -> None.
    """
    if url in _BY_URL:
        return _BY_URL[url]
    if _AZURE.fullmatch(url):
        return Upstream("azure-container-registry", url, url, needs_credentials=True)
    ecr = ecr_registry(url)
    if ecr is not None and ecr.host == url:
        return Upstream("ecr", url, url, needs_credentials=False)
    return None
