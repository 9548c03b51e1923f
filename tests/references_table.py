"""The conformance table: named references and the answer of the route table, for every enforcer to agree with.

`ENVIRONMENTS` holds the variables of a few environments, `CASES` what must become of each reference in one of them.
Expectations were worked out by hand from the rules (docs: "The route table"), never by running the code. Where a family
is spelled out by a loop, the rule behind it fits in the comment above it. `tests/cluster/` runs the same cases through
admission policies, webhooks and container runtimes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.environment.model import Environment

OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SHARED = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
PLATFORM = "333333333333.dkr.ecr.us-east-1.amazonaws.com"
GOV = "444455556666.dkr.ecr.us-gov-west-1.amazonaws.com"
CHINA = "555566667777.dkr.ecr.cn-north-1.amazonaws.com.cn"
CENTRAL = "999988887777.dkr.ecr.eu-central-1.amazonaws.com"
ROOTED = "121212121212.dkr.ecr.ap-southeast-2.amazonaws.com"

_BASE = {"create_vpc_endpoints": False, "attach_ecr_policy": False}
_ROLE = "arn:aws:iam::123456789012:role/ecr-pull"


def _rule(url: str, **more: str) -> dict[str, str]:
    return {"upstream_registry_url": url, **more}


def _secret(url: str, name: str, **more: str) -> dict[str, str]:
    return _rule(url, secret_name=f"ecr-pullthroughcache/{name}", **more)


# {environment: its Terraform variables}
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    # Every kind of rule, several mirrors; digests on rules are left.
    "standard": {
        **_BASE,
        "cluster_name": "standard",
        "account_id": "123456789012",
        "aws_region": "us-east-1",
        "pull_through_cache_rules": {
            "docker-hub": _secret("registry-1.docker.io", "docker-hub"),
            "ecr-public": _rule("public.ecr.aws"),
            "quay": _rule("quay.io"),
            "k8s": _rule("registry.k8s.io"),
            "ghcr": _secret("ghcr.io", "ghcr"),
            "gitlab": _secret("registry.gitlab.com", "gitlab"),
            "azure": _secret("contoso.azurecr.io", "azure"),
            "chainguard": _secret("cgr.dev", "chainguard"),
            "shared": _rule(SHARED, custom_role_arn=_ROLE),
            "team": _rule(PLATFORM, custom_role_arn=_ROLE, upstream_repository_prefix="platform"),
        },
        "mirrors": {
            "gcr": {"source": "gcr.io"},
            "mcr": {"source": "mcr.microsoft.com"},
            "redhat": {"source": "registry.access.redhat.com"},
            "nvidia": {"source": "nvcr.io/nvidia"},
            "onprem": {"source": "registry.example.com:5000"},
            "loopback": {"source": "localhost:5000"},
            "six": {"source": "[2001:db8::1]:5000"},
            "acme-public": {"source": "ghcr.io/acme/public"},
            "hub/bitnami": {"source": "docker.io/bitnami"},
        },
        "exclude": [
            "docker.io/library/busybox",
            "docker.io/bitnami/secret",
            "quay.io/openshift",
            "ghcr.io/acme",
            "gcr.io/internal",
            "mcr.microsoft.com/windows",
            "registry.k8s.io/pause",
            "excluded.example.com",
        ],
    },
    # No way out, an include list, digests are redirected.
    "zero": {
        **_BASE,
        "cluster_name": "zero",
        "account_id": "123456789012",
        "aws_region": "us-east-1",
        "allow_upstream": False,
        "pull_through_cache_rules": {
            "docker-hub": _secret("registry-1.docker.io", "docker-hub"),
            "quay": _rule("quay.io"),
            "k8s": _rule("registry.k8s.io"),
        },
        "mirrors": {"gcr": {"source": "gcr.io"}, "redhat/catalog": {"source": "registry.redhat.io"}},
        "include": ["docker.io/library", "docker.io/grafana", "quay.io", "gcr.io/distroless", "k8s.gcr.io"],
        "exclude": ["quay.io/private", "docker.io/grafana/enterprise"],
    },
    # GovCloud has no rules: all is mirrored.
    "gov": {
        **_BASE,
        "cluster_name": "gov",
        "platform": "rosa-classic",
        "account_id": "444455556666",
        "aws_region": "us-gov-west-1",
        "mirrors": {
            "docker-hub": {"source": "index.docker.io"},
            "quay": {"source": "quay.io"},
            "official": {"source": "registry-1.docker.io/library"},
        },
        "exclude": ["index.docker.io/library/alpine"],
    },
    "china": {
        **_BASE,
        "cluster_name": "china",
        "account_id": "555566667777",
        "aws_region": "cn-north-1",
        "mirrors": {"docker-hub": {"source": "docker.io"}},
    },
    # The registry of another account and region.
    "central": {
        **_BASE,
        "cluster_name": "central",
        "account_id": "111111111111",
        "aws_region": "eu-west-1",
        "registry_account_id": "999988887777",
        "registry_region": "eu-central-1",
        "manage_registry": False,
        "digest_references": "redirect",
        "pull_through_cache_rules": {
            "docker-hub": _secret("registry-1.docker.io", "docker-hub", source="docker.io/library"),
            "monitoring": _rule("quay.io", source="quay.io/prometheus"),
        },
        "mirrors": {"quay-rest": {"source": "quay.io"}},
    },
    # ROOT: no prefix.
    "rooted": {
        **_BASE,
        "cluster_name": "rooted",
        "account_id": "121212121212",
        "aws_region": "ap-southeast-2",
        "pull_through_cache_rules": {
            "ROOT": _secret("registry-1.docker.io", "docker-hub"),
            "k8s": _rule("registry.k8s.io"),
        },
    },
}

_HOSTS = {"standard": OWN, "zero": OWN, "gov": GOV, "china": CHINA, "central": CENTRAL, "rooted": ROOTED}


def environment(name: str) -> Environment:
    """One of ENVIRONMENTS as the value that everything downstream takes."""
    return Environment(name=name, **ENVIRONMENTS[name])


def tfvars(name: str) -> str:
    """The same as the text of `environments/<name>.tfvars`."""
    return "".join(f"{key} = {json.dumps(value, indent=2)}\n" for key, value in ENVIRONMENTS[name].items())


@dataclass(frozen=True, slots=True)
class Case:
    """What becomes of `reference` in `environment`: `target` when redirected, `reason` when not."""

    name: str
    environment: str
    reference: str
    kind: Literal["redirected", "unchanged", "refused"]
    target: str | None = None
    reason: str | None = None

    @property
    def image(self) -> str:
        """The image that a Pod ends up with: policies leave alone what is unchanged or refused."""
        return self.target or self.reference

    def __str__(self) -> str:
        return f"{self.environment}: {self.name}"


S256 = "sha256:" + "0123456789abcdef" * 4
S384 = "sha384:" + "0123456789abcdef" * 6
S512 = "sha512:" + "0123456789abcdef" * 8


def _hits(environment: str, rows: list[tuple[str, str, str]]) -> Iterator[Case]:
    """Rows of (name, reference, what follows the registry's host in the target)."""
    for name, reference, below in rows:
        yield Case(name, environment, reference, "redirected", target=f"{_HOSTS[environment]}/{below}")


def _stays(environment: str, reason: str, rows: list[tuple[str, str]]) -> Iterator[Case]:
    for name, reference in rows:
        yield Case(name, environment, reference, "unchanged", reason=reason)


def _refused(environment: str, reason: str, rows: list[tuple[str, str]]) -> Iterator[Case]:
    for name, reference in rows:
        yield Case(name, environment, reference, "refused", reason=reason)


def _every_registry() -> Iterator[Case]:
    """Each route, each form of a reference: prefix, slash, repository, then tag and digest as written.

    A digest on a rule stays where the environment says leave; mirrors take digests always.
    """
    rules = {
        "public.ecr.aws": "ecr-public",
        "quay.io": "quay",
        "registry.k8s.io": "k8s",
        "ghcr.io": "ghcr",
        "registry.gitlab.com": "gitlab",
        "contoso.azurecr.io": "azure",
        "cgr.dev": "chainguard",
        SHARED: "shared",
    }
    mirrors = {
        "gcr.io": "gcr",
        "mcr.microsoft.com": "mcr",
        "registry.access.redhat.com": "redhat",
        "registry.example.com:5000": "onprem",
        "localhost:5000": "loopback",
        "[2001:db8::1]:5000": "six",
    }
    forms = {
        "one component": "app",
        "one component and tag": "app:1.2.3",
        "two components": "org/app:v1",
        "five components": "a/b/c/d/e:v1",
        "digest": f"org/app@{S256}",
        "tag and digest": f"org/app:v1@{S256}",
        "sha512 digest": f"org/app@{S512}",
    }
    for registry, prefix in {**rules, **mirrors}.items():
        for form, rest in forms.items():
            name, reference = f"{registry}, {form}", f"{registry}/{rest}"
            if registry in rules and "@" in rest:
                yield from _stays("standard", "digest", [(name, reference)])
            else:
                yield from _hits("standard", [(name, reference, f"{prefix}/{rest}")])


def _docker_hub() -> Iterator[Case]:
    yield from _hits(
        "standard",
        [
            ("official image", "nginx", "docker-hub/library/nginx"),
            ("official image with tag", "nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("official image, latest", "nginx:latest", "docker-hub/library/nginx:latest"),
            ("official image with library", "library/nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("official image with host", "docker.io/nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("official image in full", "docker.io/library/nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("index.docker.io, one component", "index.docker.io/nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("index.docker.io, in full", "index.docker.io/library/nginx", "docker-hub/library/nginx"),
            ("index.docker.io, organisation", "index.docker.io/grafana/loki:3", "docker-hub/grafana/loki:3"),
            ("registry-1.docker.io, one component", "registry-1.docker.io/nginx:1", "docker-hub/library/nginx:1"),
            ("registry-1.docker.io, in full", "registry-1.docker.io/library/nginx:1", "docker-hub/library/nginx:1"),
            ("registry-1.docker.io, organisation", "registry-1.docker.io/grafana/loki:3", "docker-hub/grafana/loki:3"),
            ("organisation", "grafana/loki:3.0.0", "docker-hub/grafana/loki:3.0.0"),
            ("organisation without tag", "grafana/loki", "docker-hub/grafana/loki"),
            ("organisation with host", "docker.io/grafana/loki:3", "docker-hub/grafana/loki:3"),
            ("three components", "docker.io/a/b/c:1", "docker-hub/a/b/c:1"),
            ("three components without host", "a/b/c:1", "docker-hub/a/b/c:1"),
            ("image called library", "library", "docker-hub/library/library"),
            ("image called localhost", "localhost", "docker-hub/library/localhost"),
            ("image called localhost with a number as tag", "localhost:5000", "docker-hub/library/localhost:5000"),
            ("image called like a host", "quay.io", "docker-hub/library/quay.io"),
            (
                "image called like a host with port",
                "registry.example.com:5000",
                "docker-hub/library/registry.example.com:5000",
            ),
            ("organisation called dockerio", "dockerio/nginx:1", "docker-hub/dockerio/nginx:1"),
            ("organisation called gcr", "gcr/app:1", "docker-hub/gcr/app:1"),
            ("organisation called like a prefix", "quay/app:1", "docker-hub/quay/app:1"),
            ("organisation called docker-hub", "docker-hub/library/nginx:1", "docker-hub/docker-hub/library/nginx:1"),
            ("organisation called localhost5000", "localhost5000/app", "docker-hub/localhost5000/app"),
            ("underscore", "my_app:1", "docker-hub/library/my_app:1"),
            ("two underscores", "my__app:1", "docker-hub/library/my__app:1"),
            ("dashes", "my---app:1", "docker-hub/library/my---app:1"),
            ("dots in the second component", "org/my.app.v2:1", "docker-hub/org/my.app.v2:1"),
            ("digits only", "123:456", "docker-hub/library/123:456"),
            ("one character", "a", "docker-hub/library/a"),
            ("digest without a name is image sha256 with a tag", S256, f"docker-hub/library/{S256}"),
            ("63 hexadecimal digits are a name", "a" * 63, "docker-hub/library/" + "a" * 63),
            ("65 hexadecimal digits are a name", "a" * 65, "docker-hub/library/" + "a" * 65),
            ("64 hexadecimal digits with a tag are a name", "a" * 64 + ":1", "docker-hub/library/" + "a" * 64 + ":1"),
            ("64 hexadecimal digits with host are a name", "docker.io/" + "a" * 64, "docker-hub/library/" + "a" * 64),
            ("upper case in the tag", "nginx:V1.25-RC_1", "docker-hub/library/nginx:V1.25-RC_1"),
            ("tag that begins with an underscore", "nginx:_1", "docker-hub/library/nginx:_1"),
            ("tag of 128 characters", "nginx:" + "t" * 128, "docker-hub/library/nginx:" + "t" * 128),
            ("tag that ends in a dot", "nginx:1.", "docker-hub/library/nginx:1."),
            ("tag that ends in a dash", "nginx:1-", "docker-hub/library/nginx:1-"),
            ("tag with dots and dashes", "nginx:1..2--3", "docker-hub/library/nginx:1..2--3"),
            ("beside an excluded image", "busybox-extras:1", "docker-hub/library/busybox-extras:1"),
            ("beside an excluded image, dot", "busybox.old:1", "docker-hub/library/busybox.old:1"),
            ("namespace named like an excluded image", "busybox/tools:1", "docker-hub/busybox/tools:1"),
            ("mirror below a path", "bitnami/redis:7", "hub/bitnami/bitnami/redis:7"),
            ("mirror below a path, with host", "docker.io/bitnami/redis:7", "hub/bitnami/bitnami/redis:7"),
            ("mirror below a path, by alias", "index.docker.io/bitnami/redis:7", "hub/bitnami/bitnami/redis:7"),
            ("mirror below a path, digest", f"bitnami/redis@{S256}", f"hub/bitnami/bitnami/redis@{S256}"),
            ("mirror below a path, both", f"bitnami/redis:7@{S256}", f"hub/bitnami/bitnami/redis:7@{S256}"),
            ("beside a mirror's path", "bitnamilegacy/redis:7", "docker-hub/bitnamilegacy/redis:7"),
            ("official image named like a mirror's path", "bitnami:1", "docker-hub/library/bitnami:1"),
            ("beside an exclude in a mirror", "bitnami/secrets:1", "hub/bitnami/bitnami/secrets:1"),
        ],
    )
    yield from _stays(
        "standard",
        "digest",
        [
            ("official image by digest", f"nginx@{S256}"),
            ("official image by tag and digest", f"nginx:1.25@{S256}"),
            ("official image by sha384 digest", f"nginx@{S384}"),
            ("official image by sha512 digest", f"nginx@{S512}"),
            ("organisation by digest", f"grafana/loki@{S256}"),
            ("index.docker.io by digest", f"index.docker.io/nginx@{S256}"),
            ("registry-1.docker.io by digest", f"registry-1.docker.io/nginx@{S256}"),
            ("docker.io in full by tag and digest", f"docker.io/library/nginx:1@{S512}"),
        ],
    )


def _own_registry() -> Iterator[Case]:
    """Whatever host the environment's registry is reached by, and whatever the repository: it stays."""
    forms = {
        "standard": [
            OWN,
            "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
            "123456789012.dkr-ecr.us-east-1.on.aws",
            "123456789012.dkr-ecr-fips.us-east-1.on.aws",
        ],
        "gov": [
            GOV,
            "444455556666.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "444455556666.dkr-ecr.us-gov-west-1.on.aws",
            "444455556666.dkr-ecr-fips.us-gov-west-1.on.aws",
        ],
        "china": [CHINA, "555566667777.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn"],
        "central": [CENTRAL, "999988887777.dkr-ecr.eu-central-1.on.aws"],
        "rooted": [ROOTED, "121212121212.dkr-ecr.ap-southeast-2.on.aws"],
        "zero": [OWN, "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com"],
    }
    rests = {
        "own repository": "app:1",
        "redirected before": "docker-hub/library/nginx:1.25",
        "redirected before, digest": f"gcr/distroless/static@{S256}",
        "no tag": "team/app",
    }
    for environment, hosts in forms.items():
        for host in hosts:
            for what, rest in rests.items():
                yield from _stays(environment, "own", [(f"{host}, {what}", f"{host}/{rest}")])


def _ecr_to_ecr() -> Iterator[Case]:
    yield from _hits(
        "standard",
        [
            ("other account", f"{SHARED}/base/java:21", "shared/base/java:21"),
            (
                "other account, FIPS host",
                "210987654321.dkr.ecr-fips.eu-west-1.amazonaws.com/base/java:21",
                "shared/base/java:21",
            ),
            (
                "other account, dual-stack host",
                "210987654321.dkr-ecr.eu-west-1.on.aws/base/java:21",
                "shared/base/java:21",
            ),
            (
                "other account, dual-stack FIPS host",
                "210987654321.dkr-ecr-fips.eu-west-1.on.aws/base/java",
                "shared/base/java",
            ),
            ("upstream prefix is taken off", f"{PLATFORM}/platform/api:1", "team/api:1"),
            ("upstream prefix, deeper", f"{PLATFORM}/platform/web/front:1", "team/web/front:1"),
            ("upstream prefix, without tag", f"{PLATFORM}/platform/api", "team/api"),
            ("upstream prefix twice", f"{PLATFORM}/platform/platform/api:1", "team/platform/api:1"),
            ("upstream prefix, dual-stack host", "333333333333.dkr-ecr.us-east-1.on.aws/platform/api:1", "team/api:1"),
        ],
    )
    yield from _stays(
        "standard",
        "no route",
        [
            ("beside the upstream prefix", f"{PLATFORM}/platforms/api:1"),
            ("outside the upstream prefix", f"{PLATFORM}/other/api:1"),
            ("upstream prefix further down", f"{PLATFORM}/x/platform/api:1"),
            ("third account", "777777777777.dkr.ecr.us-east-1.amazonaws.com/app:1"),
            ("own account in another region", "123456789012.dkr.ecr.us-west-2.amazonaws.com/app:1"),
            ("own account in another region, FIPS", "123456789012.dkr.ecr-fips.us-west-2.amazonaws.com/app:1"),
            ("other account in another region", "210987654321.dkr.ecr.us-east-1.amazonaws.com/base/java:21"),
            ("own host below another domain", f"{OWN}.example.com/app:1"),
            ("own host with something before it", f"x{OWN}/app:1"),
            ("own host with another suffix", "123456789012.dkr.ecr.us-east-1.amazonaws.com.cn/app:1"),
            ("own host with a port", f"{OWN}:443/app:1"),
            ("own host in upper case", "123456789012.DKR.ECR.US-EAST-1.AMAZONAWS.COM/app:1"),
            ("own dual-stack host with the wrong label", "123456789012.dkr.ecr.us-east-1.on.aws/app:1"),
            ("own host's API", "api.ecr.us-east-1.amazonaws.com/app:1"),
        ],
    )
    yield from _stays(
        "standard",
        "digest",
        [
            ("upstream prefix by digest", f"{PLATFORM}/platform/api@{S256}"),
            ("upstream prefix by tag and digest", f"{PLATFORM}/platform/api:1@{S256}"),
        ],
    )
    yield from _refused(
        "standard",
        "name",
        [
            ("the upstream prefix itself", f"{PLATFORM}/platform:1"),
            ("the upstream prefix itself by digest", f"{PLATFORM}/platform@{S256}"),
        ],
    )


def _paths_and_hosts() -> Iterator[Case]:
    yield from _hits(
        "standard",
        [
            ("k8s.gcr.io is registry.k8s.io", "k8s.gcr.io/kube-proxy:v1.20.0", "k8s/kube-proxy:v1.20.0"),
            ("k8s.gcr.io, deeper", "k8s.gcr.io/ingress-nginx/controller:v1", "k8s/ingress-nginx/controller:v1"),
            ("beside an exclude at registry.k8s.io", "registry.k8s.io/pause-amd64:3.9", "k8s/pause-amd64:3.9"),
            ("nvcr.io below its path", "nvcr.io/nvidia/cuda:12.4", "nvidia/nvidia/cuda:12.4"),
            ("nvcr.io, the path itself", "nvcr.io/nvidia:1", "nvidia/nvidia:1"),
            ("nvcr.io, deeper", "nvcr.io/nvidia/k8s/dcgm:1", "nvidia/nvidia/k8s/dcgm:1"),
            ("nvcr.io by digest", f"nvcr.io/nvidia/cuda@{S256}", f"nvidia/nvidia/cuda@{S256}"),
            ("route inside an exclude", "ghcr.io/acme/public/app:1", "acme-public/acme/public/app:1"),
            ("route inside an exclude, the path itself", "ghcr.io/acme/public:1", "acme-public/acme/public:1"),
            (
                "route inside an exclude, digest",
                f"ghcr.io/acme/public/app@{S256}",
                f"acme-public/acme/public/app@{S256}",
            ),
            ("beside an exclude at ghcr.io", "ghcr.io/acme-corp/app:1", "ghcr/acme-corp/app:1"),
            ("exclude as a later component", "ghcr.io/x/acme/app:1", "ghcr/x/acme/app:1"),
            ("beside an exclude at quay.io", "quay.io/openshift-release-dev/x:1", "quay/openshift-release-dev/x:1"),
            ("beside an exclude at quay.io, underscore", "quay.io/openshift_x/y:1", "quay/openshift_x/y:1"),
            ("beside an exclude at gcr.io", "gcr.io/internal2/x:1", "gcr/internal2/x:1"),
            ("exclude of another registry", "gcr.io/openshift/x:1", "gcr/openshift/x:1"),
            ("beside an exclude at mcr.microsoft.com", "mcr.microsoft.com/windows-cssc/x:1", "mcr/windows-cssc/x:1"),
            ("path that looks like a registry", "gcr.io/quay.io/app:1", "gcr/quay.io/app:1"),
            ("path that looks like docker.io", "quay.io/docker.io/library/nginx:1", "quay/docker.io/library/nginx:1"),
            ("path that looks like the own registry", f"quay.io/{OWN}/app:1", f"quay/{OWN}/app:1"),
            ("one component elsewhere gets no library", "quay.io/nginx:1", "quay/nginx:1"),
            ("library elsewhere", "quay.io/library/nginx:1", "quay/library/nginx:1"),
            ("port and tag", "registry.example.com:5000/app:5000", "onprem/app:5000"),
            ("prefix's own name as path", "gcr.io/gcr/gcr:1", "gcr/gcr/gcr:1"),
            ("long tag with port", "localhost:5000/a:" + "x" * 128, "loopback/a:" + "x" * 128),
        ],
    )
    yield from _stays(
        "standard",
        "excluded",
        [
            ("excluded image", "busybox"),
            ("excluded image with tag", "busybox:1.36"),
            ("excluded image with host", "docker.io/busybox:1.36"),
            ("excluded image in full", "docker.io/library/busybox:1.36"),
            ("excluded image by alias", "index.docker.io/busybox:1.36"),
            ("excluded image by the other alias", "registry-1.docker.io/busybox:1.36"),
            ("excluded image by digest", f"busybox@{S256}"),
            ("excluded image by tag and digest", f"busybox:1.36@{S256}"),
            ("below an excluded image", "library/busybox/glibc:1"),
            ("exclude inside a mirror", "bitnami/secret:1"),
            ("exclude inside a mirror, below", "bitnami/secret/app:1"),
            ("exclude inside a mirror, digest", f"bitnami/secret@{S256}"),
            ("excluded organisation", "quay.io/openshift/origin:1"),
            ("excluded organisation itself", "quay.io/openshift:1"),
            ("excluded organisation by digest", f"quay.io/openshift/origin@{S256}"),
            ("excluded organisation, deeper", "quay.io/openshift/a/b/c:1"),
            ("exclude around a narrower route", "ghcr.io/acme/private:1"),
            ("exclude around a narrower route, beside it", "ghcr.io/acme/publication:1"),
            ("exclude in a mirror", "gcr.io/internal/app:1"),
            ("exclude in a mirror by digest", f"gcr.io/internal/app@{S256}"),
            ("exclude below the registry", "mcr.microsoft.com/windows/servercore:ltsc2022"),
            ("exclude at registry.k8s.io", "registry.k8s.io/pause:3.9"),
            ("exclude at registry.k8s.io by its old name", "k8s.gcr.io/pause:3.2"),
            ("excluded registry without a route", "excluded.example.com/app:1"),
            ("excluded registry by digest", f"excluded.example.com/app@{S256}"),
        ],
    )
    yield from _stays(
        "standard",
        "no route",
        [
            ("unknown registry", "registry.example.org/app:1"),
            ("unknown registry by digest", f"registry.example.org/app@{S256}"),
            ("registry without its port", "registry.example.com/app:1"),
            ("registry with another port", "registry.example.com:5001/app:1"),
            ("registry with its port written differently", "registry.example.com:05000/app:1"),
            ("routed registry with port 443", "quay.io:443/org/app:1"),
            ("docker.io with port 443", "docker.io:443/library/nginx:1"),
            ("docker.io with port 443, one component", "docker.io:443/nginx:1"),
            ("index.docker.io with port 443", "index.docker.io:443/nginx:1"),
            ("registry in upper case", "QUAY.IO/org/app:1"),
            ("registry with a capital", "Quay.io/org/app:1"),
            ("docker.io with a capital", "Docker.io/library/nginx:1"),
            ("docker.io with a capital, one component", "Docker.io/nginx:1"),
            ("registry without a dot but a capital", "Registry/app:1"),
            ("localhost without port", "localhost/app:1"),
            ("localhost with another port", "localhost:5001/app:1"),
            ("Localhost with a capital", "Localhost/app:1"),
            ("host without a dot but with a port", "registry:5000/app:1"),
            ("what looks like a tag is a port", "nginx:1/2"),
            ("IPv4 address", "192.0.2.1/app:1"),
            ("IPv4 address with port", "192.0.2.1:5000/app:1"),
            ("IPv6 address without port", "[2001:db8::1]/app:1"),
            ("IPv6 address with another port", "[2001:db8::1]:5001/app:1"),
            ("IPv6 address written in full", "[2001:db8:0:0:0:0:0:1]:5000/app:1"),
            ("IPv6 address in upper case", "[2001:DB8::1]:5000/app:1"),
            ("IPv6 loopback", "[::1]/app:1"),
            ("letters in brackets", "[ABC]/app:1"),
            ("subdomain of a routed registry", "eu.gcr.io/project/app:1"),
            ("subdomain of quay.io", "cdn.quay.io/org/app:1"),
            ("routed registry as subdomain", "quay.io.example.com/org/app:1"),
            ("routed registry with something before it", "xquay.io/org/app:1"),
            ("routed registry with a dash before it", "my-gcr.io/org/app:1"),
            ("dot in a routed registry is no wildcard", "gcrxio:80/app:1"),
            ("other Azure registry", "fabrikam.azurecr.io/app:1"),
            ("registry.redhat.io is not registry.access.redhat.com", "registry.redhat.io/ubi9/ubi:1"),
            ("nvcr.io outside its path", "nvcr.io/partner/app:1"),
            ("nvcr.io beside its path", "nvcr.io/nvidia-ai/app:1"),
            ("host name of one letter", "a.b/app:1"),
            ("host with an underscore", "my_host.example.com/app:1"),
            ("host with two underscores", "my__host.example.com/app:1"),
            ("host with digits only", "1.2/app:1"),
            ("host with dashes", "my--registry.example.com/app:1"),
            ("port zero", "registry.example.com:0/app:1"),
            ("port with many digits", "registry.example.com:50000000000/app:1"),
            ("old Docker Hub host", "hub.docker.com/library/nginx:1"),
            ("registry.hub.docker.com", "registry.hub.docker.com/library/nginx:1"),
            ("Docker Hub's subdomain", "auth.docker.io/library/nginx:1"),
        ],
    )


def _lengths() -> Iterator[Case]:
    """255 characters for the path in Docker's grammar (`library/` counts), 255 for the repository in ECR."""
    yield from _hits(
        "standard",
        [
            ("255 in ECR, rule", "quay.io/" + "a" * 250, "quay/" + "a" * 250),
            (
                "255 in ECR, rule, with a long tag",
                "quay.io/" + "a" * 250 + ":" + "t" * 128,
                "quay/" + "a" * 250 + ":" + "t" * 128,
            ),
            ("255 in ECR, mirror", "gcr.io/" + "a" * 251, "gcr/" + "a" * 251),
            ("255 in ECR, mirror with digest", "gcr.io/" + "a" * 251 + f"@{S256}", "gcr/" + "a" * 251 + f"@{S256}"),
            ("255 in ECR, official image", "a" * 236, "docker-hub/library/" + "a" * 236),
            ("255 in ECR, many components", "quay.io/" + "ab/" * 83 + "a", "quay/" + "ab/" * 83 + "a"),
            ("upstream prefix makes it shorter", f"{PLATFORM}/platform/" + "a" * 246, "team/" + "a" * 246),
        ],
    )
    yield from _refused(
        "standard",
        "name",
        [
            ("256 in ECR, rule", "quay.io/" + "a" * 251),
            ("256 in ECR, mirror", "gcr.io/" + "a" * 252),
            ("256 in ECR, rule with digest", "quay.io/" + "a" * 251 + f"@{S256}"),
            ("256 in ECR, mirror with digest", "gcr.io/" + "a" * 252 + f"@{S256}"),
            ("256 in ECR, official image", "a" * 237),
            ("255 in Docker, official image", "a" * 247),
            ("255 in Docker, organisation", "b/" + "a" * 253),
            ("255 in Docker, with host", "quay.io/" + "a" * 255),
            ("registry-1.docker.io, 255 without library", "registry-1.docker.io/" + "a" * 255),
            ("long with tag", "quay.io/" + "a" * 255 + ":1"),
            ("256 in ECR, mirror below a path", "nvcr.io/nvidia/" + "a" * 242),
        ],
    )
    yield from _stays(
        "standard",
        "no route",
        [
            ("255 in Docker at an unknown registry", "registry.example.org/" + "a" * 255),
            ("255 with a long host", "a" * 60 + ".example.org/" + "b" * 255),
        ],
    )
    yield from _stays(
        "standard",
        "own",
        [("255 in the own registry", f"{OWN}/" + "a" * 255), ("250 in the own registry", f"{OWN}/" + "a" * 250)],
    )
    yield from _stays("standard", "excluded", [("long and excluded", "quay.io/openshift/" + "a" * 245)])
    yield from _refused(
        "standard",
        "syntax",
        [
            ("256 in Docker", "quay.io/" + "a" * 256),
            ("256 in Docker, official image", "a" * 248),
            ("256 in Docker, official image with host", "docker.io/" + "a" * 248),
            ("256 in Docker, index.docker.io", "index.docker.io/" + "a" * 248),
            ("256 in Docker, registry-1.docker.io", "registry-1.docker.io/" + "a" * 256),
            ("256 in Docker, several components", "quay.io/" + "ab/" * 85 + "a"),
            ("256 in Docker in the own registry", f"{OWN}/" + "a" * 256),
            ("256 in Docker, host with an underscore counts", "my_host.example.com/" + "a" * 250),
        ],
    )


def _not_references() -> Iterator[Case]:
    yield from _refused(
        "standard",
        "syntax",
        [
            ("nothing", ""),
            ("blank", " "),
            ("blank before", " nginx"),
            ("blank after", "nginx "),
            ("blank inside", "ngi nx"),
            ("tabulator", "nginx\t"),
            ("line end after the name", "nginx\n"),
            ("line end after the tag", "nginx:1\n"),
            ("line end after the digest", f"nginx@{S256}\n"),
            ("carriage return", "nginx:1\r"),
            ("line end in the host", "quay.io\n/app:1"),
            ("NUL", "nginx\0"),
            ("no-break space", "nginx\u00a0"),
            ("byte order mark", "\ufeffnginx"),
            ("64 hexadecimal digits", "0123456789abcdef" * 4),
            ("digest without a name", f"@{S256}"),
            ("tag without a name", ":1"),
            ("colon alone", ":"),
            ("at sign alone", "@"),
            ("slash alone", "/"),
            ("host without repository", "quay.io/"),
            ("host and tag without repository", "quay.io/:1"),
            ("host and digest without repository", f"quay.io/@{S256}"),
            ("slash before", "/nginx"),
            ("slash after", "library/nginx/"),
            ("slash before the tag", "library/nginx/:1"),
            ("two slashes", "quay.io//app:1"),
            ("two slashes inside", "quay.io/org//app:1"),
            ("scheme", "https://quay.io/org/app:1"),
            ("docker scheme", "docker://quay.io/org/app:1"),
            ("upper case name", "Nginx"),
            ("upper case name and tag", "NGINX:1"),
            ("upper case in the repository", "quay.io/Org/app:1"),
            ("upper case in the last component", "quay.io/org/App:1"),
            ("upper case organisation with a legal name is a host, its repository is not", "Org/App:1"),
            ("empty tag", "nginx:"),
            ("empty tag before a digest", f"nginx:@{S256}"),
            ("tag of 129 characters", "nginx:" + "t" * 129),
            ("tag with a dot first", "nginx:.1"),
            ("tag with a dash first", "nginx:-1"),
            ("tag with a plus", "nginx:1.0+build"),
            ("tag with a slash", "nginx:a/2"),
            ("two tags", "nginx:1:2"),
            ("tag with an umlaut", "nginx:ä"),
            ("tag with Arabic digits", "nginx:\u0661"),
            ("tag with an asterisk", "nginx:*"),
            ("tag after the digest", f"nginx@{S256}:1"),
            ("empty digest", "nginx@"),
            ("two digests", f"nginx@{S256}@{S256}"),
            ("digest of 63 digits", "nginx@sha256:" + "a" * 63),
            ("digest of 65 digits", "nginx@sha256:" + "a" * 65),
            ("digest in upper case", "nginx@sha256:" + "A" * 64),
            ("digest with other letters", "nginx@sha256:" + "g" * 64),
            ("digest with Arabic digits", "nginx@sha256:" + "\u0661" * 64),
            ("algorithm in upper case", "nginx@SHA256:" + "a" * 64),
            ("algorithm in upper case after a tag", "nginx:1@SHA256:" + "a" * 64),
            ("unknown algorithm", "nginx@sha1:" + "a" * 40),
            ("unknown algorithm, md5", "nginx@md5:" + "a" * 32),
            ("unknown algorithm, compound", "nginx@sha256+b64:" + "a" * 64),
            ("no algorithm", "nginx@" + "a" * 64),
            ("algorithm without digits", "nginx@sha256:"),
            ("sha512 of 64 digits", "nginx@sha512:" + "a" * 64),
            ("sha384 of 64 digits", "nginx@sha384:" + "a" * 64),
            ("dash first", "-nginx"),
            ("dash last", "nginx-"),
            ("underscore first", "_nginx"),
            ("underscore last", "nginx_"),
            ("dot first", ".nginx"),
            ("dot last", "nginx."),
            ("two dots", "ngi..nx"),
            ("three underscores", "ngi___nx"),
            ("dot and dash", "ngi.-nx"),
            ("dot and underscore", "ngi._nx"),
            ("dash and underscore", "ngi-_nx"),
            ("component of a dot", "quay.io/./app:1"),
            ("component of two dots", "quay.io/../app:1"),
            ("name with an umlaut", "nginx\u00e4"),
            ("name with a Kelvin sign", "\u212anginx"),
            ("name with a Turkish I", "ng\u0130nx"),
            ("name with a long s", "ng\u017fnx"),
            ("host with an umlaut", "m\u00fcnchen.example/app:1"),
            ("backslash", "quay.io\\app:1"),
            ("template", "{{ .Values.image }}"),
            ("variable", "${REGISTRY}/app:1"),
            ("wildcard", "quay.io/org/*"),
            ("quotation marks", '"nginx"'),
            ("query", "quay.io/org/app?tag=1"),
            ("fragment", "quay.io/org/app#1"),
            ("user and password", "user:password@quay.io/org/app:1"),
            ("host with an empty label", "quay..io/app:1"),
            ("host with a dot last", "quay.io./app:1"),
            ("host with a dash first", "-quay.io/app:1"),
            ("host with a dash last", "quay.io-/app:1"),
            ("label with a dash last", "quay-.io/app:1"),
            ("three underscores in the host", "my___host.example.com/app:1"),
            ("host with an underscore and a port", "my_host.example.com:5000/app:1"),
            ("host with an underscore and a capital", "My_host.example.com/app:1"),
            ("empty port", "quay.io:/app:1"),
            ("port that is no number", "quay.io:https/app:1"),
            ("port with Arabic digits", "quay.io:\u0665/app:1"),
            ("two ports", "quay.io:1:2/app:1"),
            ("IPv6 address without brackets", "2001:db8::1/app:1"),
            ("IPv6 address, bracket not closed", "[2001:db8::1/app:1"),
            ("IPv6 address with zone", "[fe80::1%eth0]/app:1"),
            ("IPv6 address with an IPv4 part", "[::ffff:192.0.2.1]/app:1"),
            ("empty brackets", "[]:5000/app:1"),
            ("brackets as name", "[::1]"),
            ("lower case letters in brackets are a path", "[abc]/app:1"),
            ("tag before the slash", "nginx:latest/x"),
            ("digest before the slash", f"nginx@{S256}/x"),
        ],
    )


def _without_a_way_out() -> Iterator[Case]:
    """`zero`: include is a gate; digests are redirected on rules, too."""
    yield from _hits(
        "zero",
        [
            ("included official image", "nginx:1.25", "docker-hub/library/nginx:1.25"),
            ("included official image by digest", f"nginx@{S256}", f"docker-hub/library/nginx@{S256}"),
            ("included official image by both", f"nginx:1@{S256}", f"docker-hub/library/nginx:1@{S256}"),
            ("included official image by sha512", f"nginx@{S512}", f"docker-hub/library/nginx@{S512}"),
            (
                "included official image by alias",
                f"registry-1.docker.io/nginx@{S256}",
                f"docker-hub/library/nginx@{S256}",
            ),
            ("included organisation", "grafana/loki:3", "docker-hub/grafana/loki:3"),
            (
                "included organisation, beside an exclude",
                "grafana/enterprise-logs:1",
                "docker-hub/grafana/enterprise-logs:1",
            ),
            ("included registry", "quay.io/org/app:1", "quay/org/app:1"),
            ("included registry by digest", f"quay.io/org/app@{S256}", f"quay/org/app@{S256}"),
            ("included registry by both", f"quay.io/org/app:1@{S256}", f"quay/org/app:1@{S256}"),
            ("included path of a mirror", "gcr.io/distroless/static:1", "gcr/distroless/static:1"),
            ("included path of a mirror, itself", "gcr.io/distroless:1", "gcr/distroless:1"),
            (
                "included path of a mirror by digest",
                f"gcr.io/distroless/static@{S256}",
                f"gcr/distroless/static@{S256}",
            ),
            ("included by an old name", "registry.k8s.io/pause:3.9", "k8s/pause:3.9"),
            ("included by an old name, which is written", "k8s.gcr.io/pause:3.2", "k8s/pause:3.2"),
        ],
    )
    yield from _stays(
        "zero",
        "excluded",
        [
            ("route that include does not name", "registry.redhat.io/ubi9/ubi:1"),
            ("organisation that include does not name", "bitnami/redis:7"),
            ("organisation beside an included one", "grafanalabs/x:1"),
            ("official image named like an included organisation is in library", "docker.io/graf/ana:1"),
            ("mirror's path that include does not name", "gcr.io/project/app:1"),
            ("mirror's path beside an included one", "gcr.io/distroless2/static:1"),
            ("unknown registry", "registry.example.org/app:1"),
            ("unknown registry by digest", f"registry.example.org/app@{S256}"),
            ("exclude inside an include", "quay.io/private/app:1"),
            ("exclude inside an include by digest", f"quay.io/private/app@{S256}"),
            ("exclude inside an include, organisation", "grafana/enterprise:1"),
            ("included registry with a port", "quay.io:443/org/app:1"),
            ("included registry with a capital", "Quay.io/org/app:1"),
            ("localhost", "localhost/app:1"),
            ("host with an underscore", "my_host.example.com/app:1"),
            ("IPv6", "[::1]:5000/app:1"),
        ],
    )
    yield from _hits(
        "zero", [("image called like an included organisation", "grafana:1", "docker-hub/library/grafana:1")]
    )
    yield from _refused(
        "zero",
        "name",
        [("256 in ECR", "quay.io/" + "a" * 251), ("256 in ECR by digest", "quay.io/" + "a" * 251 + f"@{S256}")],
    )
    yield from _refused("zero", "syntax", [("line end", "quay.io/org/app:1\n"), ("upper case", "quay.io/Org/app")])


def _other_environments() -> Iterator[Case]:
    yield from _hits(
        "gov",
        [
            ("longer source wins", "nginx:1", "official/library/nginx:1"),
            ("longer source wins, in full", "docker.io/library/nginx:1", "official/library/nginx:1"),
            ("longer source wins by alias", "registry-1.docker.io/nginx:1", "official/library/nginx:1"),
            ("longer source wins by digest", f"nginx@{S256}", f"official/library/nginx@{S256}"),
            ("shorter source takes the rest", "grafana/loki:3", "docker-hub/grafana/loki:3"),
            ("shorter source takes the rest by digest", f"grafana/loki@{S256}", f"docker-hub/grafana/loki@{S256}"),
            ("beside the longer source", "library2/x:1", "docker-hub/library2/x:1"),
            ("quay.io as mirror by digest", f"quay.io/org/app@{S256}", f"quay/org/app@{S256}"),
            ("quay.io as mirror by both", f"quay.io/org/app:1@{S256}", f"quay/org/app:1@{S256}"),
        ],
    )
    yield from _stays(
        "gov",
        "excluded",
        [("excluded by alias", "alpine:3"), ("excluded by alias, digest", f"docker.io/library/alpine@{S256}")],
    )
    yield from _stays(
        "gov",
        "no route",
        [
            ("no mirror", "ghcr.io/org/app:1"),
            ("no mirror for the old name", "k8s.gcr.io/pause:3"),
            ("same account in the commercial partition", "444455556666.dkr.ecr.us-east-1.amazonaws.com/app:1"),
        ],
    )
    yield from _hits(
        "china",
        [
            ("suffix of the partition", "nginx:1", "docker-hub/library/nginx:1"),
            ("digest on a mirror", f"nginx@{S256}", f"docker-hub/library/nginx@{S256}"),
        ],
    )
    yield from _stays(
        "china",
        "no route",
        [
            ("own host without .cn", "555566667777.dkr.ecr.cn-north-1.amazonaws.com/app:1"),
            ("dual-stack host of the other partition", "555566667777.dkr-ecr.cn-north-1.on.aws/app:1"),
            ("other region of China", "555566667777.dkr.ecr.cn-northwest-1.amazonaws.com.cn/app:1"),
        ],
    )
    yield from _hits(
        "central",
        [
            ("narrowed rule", "nginx:1", "docker-hub/library/nginx:1"),
            ("narrowed rule by digest", f"nginx@{S256}", f"docker-hub/library/nginx@{S256}"),
            (
                "narrowed rule of quay.io",
                "quay.io/prometheus/node-exporter:v1",
                "monitoring/prometheus/node-exporter:v1",
            ),
            ("mirror for the rest", "quay.io/org/app:1", "quay-rest/org/app:1"),
            ("beside the narrowed rule", "quay.io/prometheus-operator/x:1", "quay-rest/prometheus-operator/x:1"),
        ],
    )
    yield from _stays(
        "central",
        "no route",
        [
            ("outside the narrowed rule", "grafana/loki:3"),
            ("registry of the cluster's own account", "111111111111.dkr.ecr.eu-west-1.amazonaws.com/app:1"),
            ("central account in the cluster's region", "999988887777.dkr.ecr.eu-west-1.amazonaws.com/app:1"),
        ],
    )
    yield from _hits(
        "rooted",
        [
            ("ROOT, official image", "nginx:1.25", "library/nginx:1.25"),
            ("ROOT, without tag", "nginx", "library/nginx"),
            ("ROOT, organisation", "grafana/loki:3", "grafana/loki:3"),
            ("ROOT, deeper", "docker.io/a/b/c:1", "a/b/c:1"),
            ("ROOT, alias", "index.docker.io/nginx:1", "library/nginx:1"),
            ("ROOT, 255 characters", "b/" + "a" * 253, "b/" + "a" * 253),
            ("ROOT, official image of 255", "a" * 247, "library/" + "a" * 247),
            ("ROOT, organisation called like a prefix", "k8s/pause:3", "k8s/pause:3"),
            ("prefix beside ROOT", "registry.k8s.io/pause:3.9", "k8s/pause:3.9"),
        ],
    )
    yield from _stays("rooted", "digest", [("ROOT by digest", f"nginx@{S256}"), ("ROOT by both", f"nginx:1@{S256}")])
    yield from _stays("rooted", "no route", [("ROOT is one upstream's", "quay.io/org/app:1")])
    yield from _refused(
        "rooted", "syntax", [("ROOT, 256 characters", "b/" + "a" * 254), ("ROOT, official image of 256", "a" * 248)]
    )


CASES: list[Case] = [
    *_every_registry(),
    *_docker_hub(),
    *_own_registry(),
    *_ecr_to_ecr(),
    *_paths_and_hosts(),
    *_lengths(),
    *_not_references(),
    *_without_a_way_out(),
    *_other_environments(),
]
