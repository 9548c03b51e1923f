"""One execution of a plan: manifests and blobs as a graph of work. Threads do each as soon as it is ready."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from orchestrator.errors import OrchestratorError
from orchestrator.oci.blobs import BlobSource, BlobStream, send_blob
from orchestrator.oci.client import BegunUpload, RemoteRegistry
from orchestrator.oci.comparison import Key, check_referrers, check_sources, check_targets, put_fallback_tags
from orchestrator.oci.copies import CopyOptions, CopyReport, CopyState, Loss
from orchestrator.oci.copy_events import BlobDone, ManifestDone, Moved, Retried
from orchestrator.oci.copy_plan import BlobStep, CopyPlan, PutStep
from orchestrator.oci.copy_tree import Discovered
from orchestrator.oci.crew import Crew
from orchestrator.oci.errors import NotUsable, RegistryRefused
from orchestrator.oci.exchange import PUT_MANIFEST
from orchestrator.oci.journal import Journal
from orchestrator.oci.manifest import Manifest
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries


@dataclass(slots=True)
class _Put:
    """A manifest under way: what it still waits for, and who waits for it."""

    step: PutStep
    waits: int = 0
    followers: list[_Put] = field(default_factory=list)
    error: OrchestratorError | None = None
    done: bool = False


@dataclass(slots=True)
class _Blob:
    """A blob under way into one repository."""

    step: BlobStep
    needed_by: list[_Put] = field(default_factory=list)
    begun: bool = False
    done: bool = False


@dataclass(slots=True)
class _Share:
    """One blob among the repositories that mount from each other: where it is committed, and who waits for that."""

    committed: list[Place] = field(default_factory=list)
    waiting: list[_Blob] = field(default_factory=list)
    leader: _Blob | None = None


@dataclass(frozen=True)
class _Gate:
    """Manifests go as fast as their registry takes them; a thread that waited for its turn could do other work."""

    registry: RemoteRegistry

    def wait(self, claimed: int) -> float:
        return self.registry.try_enter(PUT_MANIFEST, claimed)


class CopyRun:
    """One execution of a plan."""

    def __init__(
        self, found: Discovered, plan: CopyPlan, registries: Registries, options: CopyOptions, journal: Journal
    ) -> None:
        self._found = found
        self._plan = plan
        self._registries = registries
        self._options = options
        self._journal = journal
        self._crew = Crew(options.threads)
        self._lock = threading.Lock()
        self._report = CopyReport([tree.result for tree in found.trees])
        self._puts: dict[Key, _Put] = {}
        self._blobs: dict[Key, _Blob] = {}
        self._shares: dict[tuple[str, str], _Share] = {}
        self._gates: dict[str, _Gate] = {}
        self._unlisted: dict[Key, list[Manifest]] = {}
        self._confirmed: set[Key] = set()
        self._listed: set[Key] = set()
        self._ready_places: dict[str, threading.Lock] = {}
        self._prepared_places: dict[Place, OrchestratorError | None] = {}

    def run(self) -> CopyReport:
        started = time.monotonic()
        self._connect()
        try:
            self._crew.run()
        except BaseException:
            self._registries.stop.set()
            raise
        self._settle()
        if self._options.verify:
            self._verify()
        self._remember()
        report = self._report
        report.seconds = time.monotonic() - started
        report.requests = self._registries.requests
        report.throttled = self._registries.throttled
        return report

    # The graph of work

    def _connect(self) -> None:
        plan = self._plan
        for step in plan.blobs:
            self._blobs[step.target, step.blob.digest] = _Blob(step)
        for put_step in plan.puts:
            self._puts[put_step.key] = _Put(put_step)
        for put in self._puts.values():
            place = put.step.wanted.target
            for digest in put.step.blobs:
                self._blobs[place, digest].needed_by.append(put)
                put.waits += 1
            for digest in put.step.after:
                self._puts[place, digest].followers.append(put)
                put.waits += 1
        for blob in self._blobs.values():
            share = self._shares.setdefault((blob.step.target.registry, blob.step.blob.digest), _Share())
            share.committed += [place for place in blob.step.mountable if place not in share.committed]
            if blob.step.leads:
                share.leader = share.leader or blob
                self._submit_blob(blob)
            elif share.committed:
                self._submit_blob(blob)
            else:
                share.waiting.append(blob)
        for put in self._puts.values():
            if put.waits == 0:
                self._submit_put(put)

    def _submit_blob(self, blob: _Blob) -> None:
        blob.begun = True
        self._crew.submit(lambda: self._do_blob(blob), order=(1, blob.step.order))

    def _submit_put(self, put: _Put) -> None:
        registry = self._registries.of(put.step.wanted.target.registry)
        gate = self._gates.setdefault(registry.name, _Gate(registry))
        self._crew.submit(lambda: self._do_put(put), order=(0, put.step.order), gate=gate)

    # Blobs

    def _do_blob(self, blob: _Blob) -> None:
        step = blob.step
        try:
            self._prepare_place(step.target)
            mounted = self._bring(blob)
        except OrchestratorError as error:
            self._blob_failed(blob, error)
            return
        self._journal.blob_sent(step.target, step.blob.digest)
        with self._lock:
            blob.done = True
            size = step.blob.size
            if mounted:
                self._report.mounted += size
                self._report.blobs_mounted += 1
            else:
                self._report.blobs_sent += 1
            ready = [put for put in blob.needed_by if self._one_less(put)]
        self._registries.tell(BlobDone(step.target, step.blob.digest, size, mounted))
        for put in ready:
            self._submit_put(put)

    def _bring(self, blob: _Blob) -> bool:
        """Whether the blob was mounted; else it was sent."""
        step = blob.step
        target = self._registries.of(step.target.registry)
        share = self._shares[step.target.registry, step.blob.digest]
        begun: BegunUpload | None = None
        if not step.leads or step.mountable:
            with self._lock:
                places = [place for place in share.committed if place != step.target]
            if places:
                try:
                    begun = target.start_upload(
                        step.target.repository, mount=step.blob.digest, source=places[0].repository
                    )
                    if begun is None:
                        return True
                except (RegistryRefused, NotUsable):
                    # A role that may not read that repository, or not mount at all, may still push here.
                    begun = None
                with self._lock:
                    self._report.refused_mounts += 1
        sources: list[tuple[BlobSource, str]] = [
            (self._registries.source(origin.registry), origin.repository) for origin in step.origins
        ]
        name = f"{step.origins[0]}, blob {step.blob.digest}"
        stream = BlobStream(
            sources,
            step.blob,
            target.budget,
            target.sleep,
            lambda why: self._registries.tell(Retried(name, why)),
        )

        def count(size: int) -> None:
            with self._lock:
                self._report.sent += size
            self._registries.tell(Moved(step.target, step.blob.digest, size))

        send_blob(stream, target, step.target.repository, begun, count)
        return False

    def _prepare_place(self, place: Place) -> None:
        """Have the repository made ready, once."""
        prepare_place = self._registries.of(place.registry).endpoint.prepare
        if prepare_place is None:
            return
        with self._lock:
            lock = self._ready_places.setdefault(str(place), threading.Lock())
        with lock:
            if place not in self._prepared_places:
                try:
                    prepare_place(place.repository)
                    self._prepared_places[place] = None
                except OrchestratorError as error:
                    self._prepared_places[place] = error
        failed = self._prepared_places[place]
        if failed is not None:
            raise failed

    def _blob_failed(self, blob: _Blob, error: OrchestratorError) -> None:
        for put in blob.needed_by:
            self._put_failed(put, error)
        self._elect(blob.step.target.registry, blob.step.blob.digest)

    def _elect(self, registry: str, digest: str) -> None:
        """The leader will not commit the blob: the first who waits sends it instead, and the rest wait for him."""
        with self._lock:
            share = self._shares[registry, digest]
            if share.committed or not share.waiting:
                return
            blob = min(share.waiting, key=lambda waiting: waiting.step.order)
            share.waiting.remove(blob)
            share.leader = blob
            blob.step.leads = True
        self._submit_blob(blob)

    # Manifests

    def _one_less(self, put: _Put) -> bool:
        put.waits -= 1
        return put.waits == 0 and put.error is None

    def _do_put(self, put: _Put) -> None:
        wanted = put.step.wanted
        place, manifest = wanted.target, wanted.manifest
        registry = self._registries.of(place.registry)
        try:
            self._prepare_place(place)
            for reference in sorted(wanted.tags) or [manifest.digest]:
                stored = registry.put_manifest(place.repository, reference, manifest)
                with self._lock:
                    self._report.manifests += 1
                    if stored.confirmed:
                        self._confirmed.add((place, reference))
                    if stored.knows_subject:
                        self._listed.add((place, manifest.digest))
                    elif manifest.subject:
                        self._unlisted.setdefault((place, manifest.subject), []).append(manifest)
                self._registries.tell(ManifestDone(place, manifest.digest, "" if ":" in reference else reference))
        except OrchestratorError as error:
            self._put_failed(put, error)
            return
        with self._lock:
            put.done = True
            ready = [follower for follower in put.followers if self._one_less(follower)]
            mounts = self._committed(put)
        for follower in ready:
            self._submit_put(follower)
        for blob in mounts:
            self._submit_blob(blob)

    def _committed(self, put: _Put) -> list[_Blob]:
        """The manifest is committed: whoever waits for one of its blobs can mount it from here."""
        released: list[_Blob] = []
        place = put.step.wanted.target
        for blob in put.step.wanted.manifest.blobs:
            share = self._shares.get((place.registry, blob.digest))
            if share is None:
                continue
            if place not in share.committed:
                share.committed.append(place)
            released += share.waiting
            share.waiting = []
        return released

    def _put_failed(self, put: _Put, error: OrchestratorError) -> None:
        """This manifest cannot come, nor what needs it; blobs that it would have led get another leader."""
        with self._lock:
            if put.error is not None or put.done:
                return
            put.error = error
            followers = list(put.followers)
        for follower in followers:
            self._put_failed(follower, error)
        place = put.step.wanted.target
        for digest in put.step.blobs:
            share = self._shares[place.registry, digest]
            leader = share.leader
            # Another manifest of the same repository may still commit it.
            if (
                leader is not None
                and leader.step.target == place
                and all(other.error is not None for other in leader.needed_by)
            ):
                self._elect(place.registry, digest)

    # The end

    def _settle(self) -> None:
        """What became of each copy, from what became of its manifests."""
        for key, error in put_fallback_tags(self._unlisted, self._registries, self._options.threads).items():
            self._puts[key].error = error
        for tree in self._found.trees:
            result = tree.result
            if result.error is not None:
                continue
            place = tree.copy.target_place
            errors = [
                put.error
                for digest in tree.manifests
                if digest not in tree.signatures
                and (put := self._puts.get((place, digest))) is not None
                and put.error is not None
            ]
            if errors:
                tree.fail(errors[0])
                continue
            if result.state is not CopyState.UNCHANGED:
                result.state = CopyState.COPIED
            for digest, (subject, tag) in tree.signatures.items():
                put = self._puts.get((place, digest))
                if put is not None and put.error is not None:
                    kind = tag.rpartition(".")[2] or put.step.wanted.manifest.artifact_type or "referrer"
                    result.lost.append(Loss(place, digest, subject, kind, _why(put.error)))
                else:
                    result.signatures += 1

    def _verify(self) -> None:
        """Source and target once more."""
        trees, threads = self._found.trees, self._options.threads
        check_sources(trees, self._registries, threads)
        check_targets(trees, lambda key: key in self._confirmed, self._registries, threads)
        unconfirmed: dict[Key, set[str]] = {}
        for put in self._puts.values():
            place, manifest = put.step.wanted.target, put.step.wanted.manifest
            if put.done and put.error is None and manifest.subject and (place, manifest.digest) not in self._listed:
                unconfirmed.setdefault((place, manifest.subject), set()).add(manifest.digest)
        check_referrers(trees, unconfirmed, self._registries, threads)

    def _remember(self) -> None:
        for tree in self._found.trees:
            result = tree.result
            if result.state in (CopyState.COPIED, CopyState.UNCHANGED) and not result.lost and not tree.settled:
                self._journal.image_complete(tree.copy.target_place, result.digest, tree.known | tree.manifests.keys())


def _why(error: OrchestratorError) -> str:
    if isinstance(error, RegistryRefused) and error.status == 405:
        return "The target refuses manifests that refer to another one (405)."
    return error.what
