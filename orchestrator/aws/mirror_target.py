"""An environment's registry as the copier sees it: logins, what it holds, its rates, and repositories made when missing.

DescribeImages and ListImages say what is there. BatchGetImage, and every request of the registry API for a
manifest, would count as a pull. That would keep images from expiring that nobody uses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.inventory import prefix_of
from orchestrator.aws.token import registry_token
from orchestrator.aws.translation import error_code, explained
from orchestrator.mirroring.repository import RepositorySettings
from orchestrator.oci import exchange as actions
from orchestrator.oci.auth import Login, Renewed
from orchestrator.oci.ports import Endpoint
from orchestrator.routes.upstreams import PrivateRegistry, ecr_registry

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

# DescribeImages and BatchCheckLayerAvailability take so many.
BATCH = 100
PAGE = 1000
# Requests a second (ECR service quotas), by the copier's actions.
RATES = {
    actions.PUT_MANIFEST: 10.0,
    actions.START_UPLOAD: 100.0,
    actions.PUT_BLOB: 100.0,
    actions.HEAD_BLOB: 1000.0,
    actions.GET_MANIFEST: 2000.0,
}


@dataclass(slots=True)
class _Listing:
    """All that a repository holds, as far as it was listed."""

    digests: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)


def ecr_endpoint(session: AwsSession, host: str) -> Endpoint | None:
    """A registry of ECR that `session` has tokens for; None for what is not ECR."""
    if ecr_registry(host) is None:
        return None
    local = session.endpoint
    logins = Renewed(lambda asked: _token_login(session, asked))
    return Endpoint(host, url=local or "", host_header=host if local else "", logins=logins)


def _token_login(session: AwsSession, host: str) -> tuple[Login, float] | None:
    registry = ecr_registry(host)
    if registry is None:
        return None
    token = registry_token(session, registry.region, registry.account)
    left = token.expires - datetime.now(UTC)
    return Login(token.user, token.password), max(0.0, left.total_seconds())


class MirrorTarget:
    """The registry of `registry`; `settings` gives those of a repository that has to be made."""

    def __init__(
        self, session: AwsSession, registry: PrivateRegistry, settings: Callable[[str], RepositorySettings]
    ) -> None:
        self._session = session
        self._registry = registry
        self._settings = settings
        self._client = session.client("ecr", registry.region)
        self._lock = threading.Lock()
        self._listings: dict[str, _Listing | None] = {}
        self._forgotten = 0
        self._groups: dict[str, Hashable | None] = {}
        self._mounts: bool | None = None
        self._on_push: list[str] | None = None
        self.absent: set[str] = set()
        self.created: list[str] = []

    # The copier's endpoints

    def endpoint(self) -> Endpoint:
        """The registry itself."""
        return Endpoint(
            self._registry.host,
            url=self._session.endpoint or "",
            host_header=self._registry.host if self._session.endpoint else "",
            logins=Renewed(self._login),
            ca=self._session.ca_bundle or "",
            limits={} if self._session.is_local else RATES,
            inventory=self,
            mount_group=self.mount_group,
            prepare=self.prepare,
        )

    def find(self, host: str) -> Endpoint | None:
        """Another account's or region's ECR, which this session has tokens for; None for what is not ECR."""
        return ecr_endpoint(self._session, host)

    def _login(self, host: str) -> tuple[Login, float] | None:
        return _token_login(self._session, host)

    # What it holds

    def tags(self, repository: str, tags: Sequence[str]) -> dict[str, str] | None:
        """{tag: digest} of those that exist; None when the repository does not."""
        found: dict[str, str] = {}
        for start in range(0, len(tags), BATCH):
            wanted = tags[start : start + BATCH]
            known = self._described(repository, wanted)
            if known is None:
                listing = self._listed(repository)
                return None if listing is None else {tag: listing.tags[tag] for tag in tags if tag in listing.tags}
            found |= known
        return found

    def _described(self, repository: str, tags: Sequence[str]) -> dict[str, str] | None:
        """{tag: digest}; None when not all of them are there."""
        if self._listings.get(repository, self) is not self:
            return None
        with explained(self._session, "ecr"):
            try:
                answer = self._client.describe_images(
                    registryId=self._registry.account,
                    repositoryName=repository,
                    imageIds=[{"imageTag": tag} for tag in tags],
                )
            except ClientError as error:
                if error_code(error) not in ("ImageNotFoundException", "RepositoryNotFoundException"):
                    raise
                return None
        found = {
            tag: detail["imageDigest"]
            for detail in answer["imageDetails"]
            # What is archived answers 404 to every pull.
            if detail.get("imageStatus", "ACTIVE") == "ACTIVE"
            for tag in detail.get("imageTags", ())
        }
        return {tag: found[tag] for tag in tags if tag in found}

    def _listed(self, repository: str) -> _Listing | None:
        with self._lock:
            if repository in self._listings:
                return self._listings[repository]
            forgotten = self._forgotten
        listing: _Listing | None = _Listing()
        with explained(self._session, "ecr"):
            try:
                pages = self._client.get_paginator("list_images").paginate(
                    registryId=self._registry.account, repositoryName=repository, PaginationConfig={"PageSize": PAGE}
                )
                for page in pages:
                    for image in page["imageIds"]:
                        listing.digests.add(image["imageDigest"])  # type: ignore[union-attr]
                        if "imageTag" in image:
                            listing.tags[image["imageTag"]] = image["imageDigest"]  # type: ignore[union-attr]
            except ClientError as error:
                if error_code(error) != "RepositoryNotFoundException":
                    raise
                listing = None
        with self._lock:
            # A caller that had it forgotten meanwhile must not hear what was there before.
            if forgotten == self._forgotten:
                self._listings[repository] = listing
            if listing is None:
                self.absent.add(repository)
            else:
                self.absent.discard(repository)
        return listing

    def forget(self) -> None:
        """Ask again what the repositories hold: something else has changed them."""
        with self._lock:
            # A repository that is absent stays so until it is listed again or made. Another thread may be about to make
            # it.
            self._forgotten += 1
            self._listings.clear()

    def manifests(self, repository: str, digests: Sequence[str]) -> set[str]:
        """Those of the manifests that the repository holds."""
        listing = self._listed(repository)
        return set() if listing is None else listing.digests.intersection(digests)

    def blobs(self, repository: str, digests: Sequence[str]) -> set[str]:
        """Those of the blobs that the repository holds."""
        if repository in self.absent:
            return set()
        found: set[str] = set()
        with explained(self._session, "ecr"):
            for start in range(0, len(digests), BATCH):
                try:
                    answer = self._client.batch_check_layer_availability(
                        registryId=self._registry.account,
                        repositoryName=repository,
                        layerDigests=list(digests[start : start + BATCH]),
                    )
                except ClientError as error:
                    if error_code(error) != "RepositoryNotFoundException":
                        raise
                    return set()
                found |= {
                    layer["layerDigest"] for layer in answer["layers"] if layer["layerAvailability"] == "AVAILABLE"
                }
        return found

    # Mounts

    def mount_group(self, repository: str) -> Hashable | None:
        """Repositories with equal encryption mount from each other, where the account has switched that on."""
        with self._lock:
            if self._mounts is None:
                self._mounts = self._setting("BLOB_MOUNTING") == "ENABLED"
            if not self._mounts:
                return None
            if repository not in self._groups:
                self._groups[repository] = self._encryption(repository)
            return self._groups[repository]

    def _setting(self, name: Any) -> str:
        # A role that may not read it, or whose AWS does not know it, copies without mounts.
        with suppress(ClientError):
            return str(self._client.get_account_setting(name=name)["value"])
        return ""

    def _encryption(self, repository: str) -> Hashable:
        if repository not in self.absent:
            with suppress(ClientError):
                (found,) = self._client.describe_repositories(
                    registryId=self._registry.account, repositoryNames=[repository]
                )["repositories"]
                given = found.get("encryptionConfiguration", {})
                return given.get("encryptionType", "AES256"), given.get("kmsKey", "")
        wanted = self._settings(repository).encryption
        return wanted["encryptionType"], wanted.get("kmsKey", "")

    # Repositories

    def prepare(self, repository: str) -> None:
        """Make the repository unless it is there, or a CREATE_ON_PUSH template will make it."""
        if repository not in self.absent or self._made_on_push(repository):
            return
        wanted = self._settings(repository)
        with explained(self._session, "ecr"):
            try:
                self._client.create_repository(
                    repositoryName=repository,
                    imageTagMutability=wanted.mutability,  # type: ignore[arg-type]
                    imageScanningConfiguration={"scanOnPush": wanted.scan_on_push},
                    encryptionConfiguration=wanted.encryption,  # type: ignore[arg-type]
                    tags=[{"Key": key, "Value": value} for key, value in sorted(wanted.tags.items())],
                )
            except ClientError as error:
                # Another run was faster.
                if error_code(error) != "RepositoryAlreadyExistsException":
                    raise
            else:
                self.created.append(repository)
            if wanted.policy:
                self._client.set_repository_policy(repositoryName=repository, policyText=wanted.policy)
            if wanted.lifecycle_policy:
                self._client.put_lifecycle_policy(
                    repositoryName=repository, lifecyclePolicyText=wanted.lifecycle_policy
                )

    def _made_on_push(self, repository: str) -> bool:
        with self._lock:
            if self._on_push is None:
                self._on_push = []
                with suppress(ClientError):
                    pages = self._client.get_paginator("describe_repository_creation_templates").paginate()
                    self._on_push = [
                        template["prefix"]
                        for page in pages
                        for template in page["repositoryCreationTemplates"]
                        if "CREATE_ON_PUSH" in template.get("appliedFor", ())
                    ]
            return prefix_of(repository, self._on_push) is not None
