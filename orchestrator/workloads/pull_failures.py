"""A kubelet's words about a failed pull -> the cause and the remedy, in the light of the route table.

A registry answers "not found" for many things. So its cause differs for a pull-through route, a mirror and a
digest. The words are those of the kubelet, containerd 1.7 to 2.2, CRI-O 1.28 to 1.35 and ECR. Sources
and public bug reports have them. `docs/limits.md` says what was never seen on AWS.

The kubelet's are in pkg/kubelet/images/image_manager.go and kuberuntime/kuberuntime_manager.go (1.36), the CRI's in
cri-api/pkg/errors. containerd's are in core/remotes/docker, core/transfer and internal/cri/server (2.1, 2.2). CRI-O's are in
server/image_pull.go and internal/storage/image.go. From 1.34 on it pulls an artifact where an image fails, and tells both
("pull image err: …; artifact err: …"). Registries' own are those of go.podman.io/image and of the distribution specification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import Route, RouteTable

# Reasons of a waiting container that mean: its image is not there.
WAITING = frozenset(
    {
        *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"),
        *("ImageInspectError", "SignatureValidationFailed", "CreateContainerError"),
    }
)


@dataclass(frozen=True, slots=True)
class PullFailure:
    """Why a pull fails: `cause` in a word that programs compare, `why` for people, and a remedy."""

    cause: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Sign:
    """Words that give a cause away; the first sign that matches counts, so that the narrow ones stand first."""

    words: re.Pattern[str]
    cause: str
    why: str
    remedy: str


def _sign(words: str, cause: str, why: str, remedy: str) -> _Sign:
    return _Sign(re.compile(words, re.I | re.S), cause, why, remedy)


_SIGNS = (
    _sign(
        r"InvalidImageName|couldn't parse image|invalid reference format|InvalidImageReference",
        "invalid name",
        "The reference is none that a container runtime takes.",
        "Correct it where the workload is written: `orchestrator route {name} '{image}'` says what is wrong.",
    ),
    _sign(
        r"ErrImageNeverPull|is (?:not )?present (?:on host )?with pull policy of Never",
        "never pulled",
        "imagePullPolicy is Never, and the node does not have the image. From Kubernetes 1.35 on, an image that other credentials pulled counts as missing, too.",
        "Set imagePullPolicy to IfNotPresent.",
    ),
    _sign(
        r"short[- ]name mode is enforcing|returns ambiguous list|did not resolve to an alias",
        "short name",
        "The node looks in several registries for a name without one, and refuses to choose (CRI-O from 1.34 on).",
        "Write the registry before the name, or let an enforcer send the Pod to ECR: `orchestrator route {name} '{image}'`.",
    ),
    _sign(
        r"pull QPS exceeded",
        "node's pull rate",
        "The kubelet itself holds back pulls (registryPullQPS); no registry was asked.",
        "Wait, or raise registryPullQPS and registryBurst of the kubelet.",
    ),
    _sign(
        r"manifest\.v1\+prettyjws|schema ?1 manifest|unsupported manifest media type|is no longer supported since containerd",
        "old format",
        "The image is in Docker's first format, which runtimes read no more (containerd from 2.1 on).",
        "Build it again, or copy it with a tool that converts it: `skopeo copy --format v2s2`.",
    ),
    _sign(
        r"toomanyrequests|429 Too Many Requests|pull rate limit",
        "rate limit",
        "The registry answers that too many pulls were made.",
        "Let the pull go through ECR: `orchestrator route {name} '{image}'` says whether a route takes it.",
    ),
    _sign(
        r"no match for platform in manifest|no matching manifest for|no image found in (?:manifest|image index)|"
        r"does not match the specified platform|exec format error",
        "architecture",
        "The image has no variant for the node's architecture.",
        "Copy or warm all platforms, or let a nodeSelector on kubernetes.io/arch choose nodes that it is for.",
    ),
    _sign(
        r"upstream registry (?:failed|requires)|upstream credentials|credentials? .{0,60}upstream|"
        r"UpstreamUnauthorized|UnableToAccessSecret|UnableToDecryptSecret|SecretNotFound|"
        r"authentication to the upstream",
        "upstream credentials",
        "ECR cannot log in at the upstream with the secret of the rule.",
        "Store good ones: `orchestrator secret set {name} {rule}`; `orchestrator doctor {name}` looks at the secret.",
    ),
    _sign(
        r"UpstreamTooManyRequests|upstream .{0,40}(?:rate|limit)",
        "upstream rate limit",
        "The upstream refuses ECR's own pulls.",
        "Give the rule credentials of an account with a higher limit, or wait.",
    ),
    _sign(
        r"(?:is not authorized to perform|not authorized to perform): ecr:(?:BatchImportUpstreamImage|CreateRepository)",
        "import right",
        "The node's role may pull, and may not make ECR import an image for the first time.",
        "Give node access to the cache: `node_access` in {name}.tfvars, then `orchestrator apply {name}`.",
    ),
    _sign(
        r"is not authorized to perform: kms:|KMS.{0,40}(?:denied|access)|KmsException",
        "encryption key",
        "The caller may not use the key that encrypts the repository.",
        "Grant kms:Decrypt on the key to ECR's callers, or name another key in the template.",
    ),
    _sign(
        r"is not authorized to perform: ecr:|explicit deny|no (?:identity|resource)-based policy allows",
        "pull right",
        "The node's role may not pull from this repository.",
        "Attach the pull policy: `node_access` in {name}.tfvars; for a registry of another account its policy too.",
    ),
    _sign(
        r"authorization token has expired|ExpiredToken|token (?:is|has) expired",
        "expired token",
        "The node uses a token of ECR that is older than twelve hours.",
        "Refresh it: a credential provider on the node, or a pull secret that is renewed in time.",
    ),
    _sign(
        r"407 Proxy Authentication Required|proxyconnect ",
        "proxy",
        "The node's proxy does not let the pull through.",
        "Let the runtime reach the registry without it: add the registry's host to NO_PROXY of the node.",
    ),
    _sign(
        r"incorrect username or password|invalid username/password|unauthorized: unauthorized to access",
        "wrong credentials",
        "The registry refuses the credentials that the node sends, or they have no right to this repository.",
        "Correct the pull secret or the credential provider of that registry.",
    ),
    _sign(
        r"requested access to the resource is denied|insufficient_scope",
        "absent or private",
        "The registry shows no such repository to this caller: it does not exist, or wants a login.",
        "Correct the reference, or give the workload credentials for that registry.",
    ),
    _sign(
        r"no basic auth credentials|401 Unauthorized|unauthorized: authentication required|authorization failed|"
        r"Missing Region|unable to retrieve auth token",
        "no credentials",
        "The node sends no credentials to the registry.",
        "On EKS give the kubelet a credential provider: `orchestrator manifests {name} --for credentials`; "
        "elsewhere a pull secret.",
    ),
    _sign(
        r"SignatureValidationFailed|signature (?:verification|validation)|Source image rejected",
        "signature",
        "The node's signature policy refuses the image.",
        "Copy its signatures with the image, or correct the policy.",
    ),
    _sign(
        r"production\.cloudflare\.docker\.com|r2\.cloudflarestorage\.com|cdn\d*\.quay\.io|quayio-production|"
        r"pkg-containers\.githubusercontent|prod-registry-k8s-io",
        "upstream's layers",
        "The pull was sent on to the upstream's own storage, which the node cannot reach.",
        "ECR sends pulls on until its copy is complete: pull again in some minutes. `orchestrator warm` makes it ahead of time.",
    ),
    _sign(
        r"starport-layer-bucket|\.s3[.-][a-z0-9.-]*amazonaws",
        "layer bucket",
        "The manifest came, and the layers in S3 cannot be reached.",
        "Let the S3 gateway endpoint and its policy admit the registry's layer bucket: `create_vpc_endpoints` in {name}.tfvars.",
    ),
    _sign(
        r"x509:|certificate (?:signed by|has expired|is not)|tls: |server gave HTTP response to HTTPS client",
        "certificate",
        "The node does not trust the registry's certificate, or the registry has none.",
        "Add the authority to the node's trust store; a proxy that opens TLS is the usual reason.",
    ),
    _sign(
        r"no such host|server misbehaving|name resolution|Temporary failure in name|"
        r"lookup [^\s:]+(?: on (?:\[[^\]\s]+\]|[^\s:]+):\d+)?: [^;]{0,80}i/o timeout",
        "name resolution",
        "The registry's name cannot be resolved on the node.",
        "Look at the VPC's DNS and at the private DNS of the endpoints ecr.api and ecr.dkr.",
    ),
    _sign(
        r"i/o timeout|context deadline exceeded|DeadlineExceeded|connection refused|network is unreachable|"
        r"no route to host|connection reset|TLS handshake timeout|RegistryUnavailable|(?:connection|operation) timed out|"
        r"(?:failed to do request|pinging container registry)[^;]{0,2000}\": EOF",
        "network",
        "The registry cannot be reached from the node.",
        "Without a way out the image must come from the environment's registry. Look at its endpoints and their "
        "security groups: `orchestrator doctor {name}`.",
    ),
    _sign(
        r"failed size validation|unexpected commit (?:digest|size)|wrong diff id|invalid tar header|unexpected EOF|"
        r"(?:gzip|zstd|flate|unpigz): |digest did not match|does not match provided manifest digest",
        "broken content",
        "The content differs from the manifest's digest: it was cut off or changed on the way.",
        "Pull again; where it stays so, look at proxies before the registry, then copy the image anew.",
    ),
    _sign(
        r"image not known|does not resolve to an image ID",
        "lost on the node",
        "The node says that it pulled the image, and does not have it (CRI-O#10241).",
        "Remove it on the node (`crictl rmi`), and make the Pod anew.",
    ),
    _sign(
        r"ImageVolumeMountFailed",
        "image volume",
        "The runtime cannot mount the image as a volume.",
        "Image volumes need containerd 2.1 or CRI-O 1.31, and a path in the image that is a directory.",
    ),
    _sign(
        r"quota|LimitExceeded|limit exceeded|no space left on device",
        "limit",
        "A limit is reached, on the node's disk or in the account.",
        "Look at the message, free space, or ask for a higher quota.",
    ),
)
_ABSENT = re.compile(
    r"not found|manifest unknown|name unknown|repository .{0,200}does not exist|NotFound|404|pull access denied|"
    r"RepositoryNotFound|ImageNotFound",
    re.I | re.S,
)

# What a status alone says. Runtimes ask by HEAD, whose answers have no words.
_STATUSES = (
    _sign(
        r"403 Forbidden|\bdenied\b",
        "refused",
        "The registry refuses without a word why. The node's rights, its token or the policy of an endpoint may be the reason.",
        "`orchestrator doctor {name}` looks at the rights; then at the endpoints' policies and the node's clock.",
    ),
    _sign(
        r"\b50[0234] (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)",
        "registry's fault",
        "The registry answered with an error of its own.",
        "Pull again; where it stays so, look at the registry's status page, or at the upstream of the rule.",
    ),
    _sign(
        r"context canceled|code = Canceled",
        "cancelled",
        "The pull was ended before it was complete: no progress for some time, or the kubelet started anew.",
        "Pull again; for large images raise the runtime's image_pull_progress_timeout.",
    ),
)


def explain_failure(table: RouteTable, environment: str, image: str, message: str) -> PullFailure:
    """The cause of a failed pull of `image`, from what the kubelet said (reason and message together)."""
    route = _route(table, image)
    for sign in _SIGNS:
        if sign.words.search(message):
            return PullFailure(sign.cause, sign.why, _filled(sign.remedy, environment, image, route))
    if _ABSENT.search(message):
        return _absent(table, environment, image, route)
    for sign in _STATUSES:
        if sign.words.search(message):
            return PullFailure(sign.cause, sign.why, _filled(sign.remedy, environment, image, route))
    return PullFailure(
        "unknown", "None of the known messages matches.", "Read the message; `kubectl describe pod` has all of it."
    )


def _absent(table: RouteTable, environment: str, image: str, route: Route | None) -> PullFailure:
    """ "Not found", which has a cause of its own for every kind of route."""
    if route is None:
        return PullFailure(
            "absent",
            "The registry does not have this image, or does not show it to this caller.",
            "Correct the reference, or give the workload credentials for that registry.",
        )
    if route.kind == "mirror":
        return PullFailure(
            "mirror not filled",
            f"{route.source} is a mirror: what nobody copied is not there.",
            f"Copy it: `orchestrator mirror {environment} {_upstream(table, image)}`.",
        )
    if "@" in image:
        return PullFailure(
            "first pull of a digest",
            "ECR cannot pull an image for the first time by its digest.",
            f"Make the first pull by tag ahead of time: `orchestrator warm {environment} {_upstream(table, image)}`.",
        )
    return PullFailure(
        "absent or import right",
        "The upstream does not have this image, or the node's role may not make ECR import it. ECR answers both alike.",
        f"Look at the upstream's tags; then at `node_access` (ecr:BatchImportUpstreamImage and ecr:CreateRepository) in "
        f"{environment}.tfvars.",
    )


def _route(table: RouteTable, image: str) -> Route | None:
    """The route that an image of the environment's own registry came by."""
    try:
        reference = parse_reference(image)
    except InvalidReference:
        return None
    if reference.domain not in table.own_hosts:
        return None
    return table.route_of(reference.path)


def _upstream(table: RouteTable, image: str) -> str:
    reference = parse_reference(image)
    return str(table.at_source(reference) or reference)


def _filled(remedy: str, environment: str, image: str, route: Route | None) -> str:
    rule = route.name if route is not None else "RULE"
    return remedy.replace("{name}", environment).replace("{image}", image).replace("{rule}", rule)
