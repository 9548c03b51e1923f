"""First pulls that are real: an upstream's image is fetched from the address that stands for it, and held.

At a tag's first pull ECR imports the whole image (an index with all its platforms) and its referrers. It
looks again after 24 hours. Without an address for the upstream nothing is fetched: no test reaches the internet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from orchestrator.errors import OrchestratorError
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldRepository, now
from orchestrator.local.ecr.image_manifests import read_manifest
from orchestrator.local.ecr.pulls import hold, rule_for, upstream_repository
from orchestrator.local.ecr.secrets import secret_login, secret_problem
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.ecr.templates_api import make_repository
from orchestrator.oci.auth import Login, Renewed
from orchestrator.oci.blobs import BlobStream
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.errors import Absent
from orchestrator.oci.manifest import Descriptor, Manifest, fallback_tag
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from orchestrator.routes.upstreams import canonical_registry

# Nobody nests deeper.
DEPTH = 8
BUDGET = Budget(seconds=5, attempts=4, throttled=30)


class UpstreamImport:
    """Imports for one server. Pulls of one tag wait for each other; others go on."""

    def __init__(self, ecr: EcrService) -> None:
        self._ecr = ecr
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str, str], threading.Lock] = {}

    def bring(self, context: EcrCall, name: str, tag: str) -> None:
        """Hold what `tag` names at the upstream, when a rule covers it and an address stands for its upstream.

        Raises EcrError where ECR cannot use the rule's secret or the upstream fails; an absent image stays absent.
        """
        rule = rule_for(context.registry, name)
        address = rule and self._address(rule)
        if not rule or not address:
            return
        if context.upstream.get(str(rule["upstreamRegistryUrl"]), upstream_repository(rule, name), tag):
            return  # it was put into the upstream here, and is imported from there
        with self._lock:
            lock = self._locks.setdefault((context.registry.host, name, tag), threading.Lock())
        with lock:
            if self._is_fresh(context, name, tag):
                return
            try:
                self._import(context, rule, address, name, tag)
            except Absent:
                return
            except OrchestratorError as error:
                with self._ecr.lock:
                    held = context.registry.repositories.get(name)
                    if held and held.tagged(tag):
                        return  # what is cached is served while the upstream is away
                raise EcrError("UnableToGetUpstreamImageException", error.what) from error

    def _address(self, rule: Document) -> str:
        """Where the rule's upstream is really fetched from, empty for nowhere."""
        url = str(rule["upstreamRegistryUrl"])
        upstreams = self._ecr.behaviour.upstreams
        return upstreams.get(url) or upstreams.get(canonical_registry(url), "")

    def _is_fresh(self, context: EcrCall, name: str, tag: str) -> bool:
        with self._ecr.lock:
            repository = context.registry.repositories.get(name)
            if repository is None or repository.tagged(tag) is None:
                return False
            looked = repository.looked_up.get(tag)
            age = timedelta(seconds=self._ecr.behaviour.refresh_seconds)
            # A tag that may not move is never looked up again.
            return looked is None or now() - looked < age or repository.mutability.startswith("IMMUTABLE")

    def _import(self, context: EcrCall, rule: Document, address: str, name: str, tag: str) -> None:
        login = None
        if rule["credentialArn"]:
            if secret_problem(context.registry, rule["credentialArn"]):
                raise EcrError(
                    "UnableToGetUpstreamImageException", f"The credentials for '{rule['upstreamRegistryUrl']}' fail."
                )
            login = Login(*secret_login(context.registry, rule["credentialArn"]))
        host = canonical_registry(str(rule["upstreamRegistryUrl"]))
        logins = Renewed(lambda _: (login, 3600.0), preemptive=False) if login else None
        with Registries([Endpoint(host, url=address, logins=logins)], variables={}, budget=BUDGET) as registries:
            upstream = _Upstream(registries.of(host), upstream_repository(rule, name))
            root = upstream.registry.manifest(upstream.repository, tag)
            found = [*upstream.tree(root), *upstream.referrers(root)]
            for manifest in found:
                for blob in manifest.blobs:
                    if not blob.is_foreign:
                        self._fetch(upstream, blob)
        with self._ecr.lock:
            if not self._ecr.admits_first_pull(context.registry.account_id, context.registry.region):
                raise EcrError("ThrottlingException", "Rate exceeded")
            cached = context.registry.repositories.get(name) or make_repository(
                context.registry, name, "PULL_THROUGH_CACHE"
            )
            for manifest in found:
                self._hold(cached, manifest, tag if manifest.digest == root.digest else None)
            cached.looked_up[tag] = now()

    def _fetch(self, upstream: _Upstream, blob: Descriptor) -> None:
        """Keep the blob's content unless it is here already, from whichever image."""
        store = self._ecr.blobs
        if store.holds(blob.digest):
            return
        upload = store.begin()
        stream = BlobStream([(upstream.registry, upstream.repository)], blob, BUDGET, time.sleep, lambda _: None)
        try:
            for piece in stream.pieces(0, blob.size):
                upload.write(piece)
        except BaseException:
            store.drop(upload)
            raise
        store.commit(upload, blob.digest)

    def _hold(self, cached: HeldRepository, manifest: Manifest, tag: str | None) -> None:
        for blob in manifest.blobs:
            if not blob.is_foreign:
                cached.layers[blob.digest] = blob.size
        hold(cached, read_manifest(cached, manifest.content.decode(), manifest.media_type), tag)


class _Upstream:
    """One repository of an upstream."""

    def __init__(self, registry: RemoteRegistry, repository: str) -> None:
        self.registry = registry
        self.repository = repository

    def tree(self, root: Manifest, depth: int = DEPTH) -> Iterator[Manifest]:
        """The manifests below an index, the deepest first, then itself."""
        for child in root.children if depth else ():
            yield from self.tree(self.registry.manifest(self.repository, child.digest), depth - 1)
        yield root

    def referrers(self, root: Manifest) -> Iterator[Manifest]:
        """Signatures and attestations of the image, by the referrers API or the tag that stands for it."""
        listed = self.registry.referrers(self.repository, root.digest)
        if listed is None:
            try:
                index = self.registry.manifest(self.repository, fallback_tag(root.digest))
            except Absent:
                return
            listed = tuple({"digest": child.digest} for child in index.children)
        for descriptor in listed:
            yield self.registry.manifest(self.repository, str(descriptor["digest"]))
