"""One pull of a tag by ECR's registry API, as a node makes it: what a pull-through cache imports an image on.

ECR documents first pulls for clients of the registry API; of BatchGetImage it does not say that it starts one. Only the
manifest is asked for: ECR imports the image, or the index with its images, by itself.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import requests

from orchestrator.aws.ports import MEDIA_TYPES
from orchestrator.lifecycle.units import children_of

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

# ECR answers a first pull when it has fetched the manifest from its upstream.
SECONDS = (5, 60)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a tag names: its digest, and of an index its images; or the reason why the registry gave none."""

    digest: str = ""
    problem: str = ""
    children: tuple[str, ...] = ()


def pull_tag(session: AwsSession, repository: str, tag: str) -> Pulled:
    """Pull the manifest of `repository:tag`. Raises botocore's errors when there is no token to pull with."""
    (data,) = session.client("ecr").get_authorization_token()["authorizationData"]
    registry = str(data["proxyEndpoint"])
    user, _, password = b64decode(data["authorizationToken"]).decode().partition(":")
    url, headers = registry, {"Accept": ", ".join(MEDIA_TYPES)}
    options: dict[str, Any] = {"auth": (user, password), "verify": session.ca_bundle or True}
    if session.endpoint:
        # No name leads to the embedded AWS: it is told which registry is meant.
        url, headers["Host"] = session.endpoint, registry.removeprefix("https://")
        options["proxies"] = {"http": "", "https": ""}
    try:
        answer = requests.get(f"{url}/v2/{repository}/manifests/{tag}", headers=headers, timeout=SECONDS, **options)
    except requests.RequestException as error:
        return Pulled(problem=f"{registry} cannot be reached: {type(error).__name__}")
    if answer.status_code != 200:
        return Pulled(problem=f"{registry} answers {answer.status_code}{_reason(answer)}")
    digest = answer.headers.get("Docker-Content-Digest") or f"sha256:{sha256(answer.content).hexdigest()}"
    try:
        return Pulled(digest, children=children_of(answer.text))
    except (ValueError, RecursionError):
        return Pulled(digest)


def _reason(answer: requests.Response) -> str:
    """The registry's own words, as `: MANIFEST_UNKNOWN, Requested image not found`."""
    try:
        (first, *_) = answer.json()["errors"]
        return f": {first['code']}, {first['message']}"
    except (ValueError, LookupError, TypeError):
        return ""
