"""One run of `warm`: what ECR has already, one pull a tag for what it lacks, digests and platforms checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orchestrator.aws.backfill import Backfill
from orchestrator.aws.caller import check_account
from orchestrator.aws.mirror_target import MirrorTarget
from orchestrator.cli.mirror.catalogs import images_wanted
from orchestrator.cli.mirror.gather import note_gap
from orchestrator.cli.mirror.source_tags import source_tags
from orchestrator.cli.project_session import project_session
from orchestrator.errors import OrchestratorError
from orchestrator.lifecycle.ports import ROOT
from orchestrator.mirroring.operator_selection import Wanted
from orchestrator.mirroring.placing import NotCopied, Placed, place_all
from orchestrator.mirroring.repository import RepositorySettings
from orchestrator.oci.crew import for_each
from orchestrator.oci.errors import Absent
from orchestrator.oci.logins import docker_logins
from orchestrator.oci.manifest import Manifest, signature_tags
from orchestrator.oci.registries import Registries
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

# ECR publishes no rate for first pulls; each of them makes it fetch a whole image.
THREADS = 8
# ECR imports an index's images after it has answered.
IMPORT_SECONDS = 60.0
EMBEDDED = (
    " The embedded AWS fetches from what `orchestrator local up --upstream REGISTRY=URL` names, and from nowhere else."
)


class WarmState(StrEnum):
    """Of one image: before and after the pulls."""

    THERE = "there"
    MISSING = "missing"
    WARMED = "warmed"
    FAILED = "failed"


@dataclass(slots=True)
class WarmImage:
    """One tag: `digest` is what ECR names by it, `wanted` the digest of the reference or ""."""

    source: str
    target: str
    repository: str
    tag: str
    wanted: str = ""
    state: WarmState = WarmState.MISSING
    digest: str = ""
    platforms: int = 0
    signatures: list[str] = field(default_factory=list)
    problem: str = ""

    def fail(self, why: str) -> None:
        """It is not what was asked for."""
        self.state, self.problem = WarmState.FAILED, why

    def as_dict(self) -> dict[str, Any]:
        """The image for `--json`."""
        return {
            "source": self.source,
            "target": self.target,
            "state": self.state.value,
            "digest": self.digest or None,
            "platforms": self.platforms,
            "signatures": self.signatures,
            "problem": self.problem or None,
        }


class WarmRun:
    """Opened for one environment; use it as a context."""

    def __init__(self, project: Project, environment: Environment, *, local: bool, signatures: bool) -> None:
        self._table = build_route_table(environment)
        session = project_session(project, environment, local=local)
        check_account(session, environment)
        self._session, self._environment = session, environment
        self._target = MirrorTarget(session, environment.registry, lambda _: RepositorySettings())
        self._registries = Registries([self._target.endpoint()], logins=docker_logins(), find=self._target.find)
        self._host = environment.registry.host
        self._signatures = signatures
        self._local = local

    def __enter__(self) -> WarmRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._registries.close()

    def backfill(self, region: str) -> Backfill:
        """The replication into another region. Raises RefusedInput where a rule's images would not go there."""
        found = Backfill(self._session, self._environment.registry, region)
        # The repositories below the prefix ROOT have none.
        found.check("" if prefix == ROOT else prefix for prefix in self._environment.pull_through_cache_rules)
        return found

    def look(self, wishes: Sequence[Wanted]) -> tuple[tuple[NotCopied, ...], list[WarmImage]]:
        """What belongs to no rule, and the images with what ECR has of them. Pulls nothing."""
        left, placed = place_all(self._table, images_wanted(wishes, self._registries, gap=note_gap), "pull-through")
        images = list({(i.repository, i.tag, i.wanted): i for item in placed for i in self._images(item)}.values())
        by_repository: dict[str, list[WarmImage]] = {}
        for image in images:
            by_repository.setdefault(image.repository, []).append(image)
        for_each(THREADS, self._look_in, list(by_repository.items()))
        return left, images

    def _images(self, item: Placed) -> list[WarmImage]:
        if item.wish.tags is None:
            source = item.source
            tag = source.tag or ("" if source.digest else "latest")
            target = f"{item.registry}/{item.repository}{f':{tag}' if tag else ''}"
            return [WarmImage(str(source), target, item.repository, tag, source.digest or "")]
        tags = source_tags(self._registries, item) if item.wish.tags.needs_list else ()
        return [
            WarmImage(str(source), str(target), item.repository, target.tag or "latest")
            for source, target in item.pairs(tags)
        ]

    def _look_in(self, item: tuple[str, list[WarmImage]]) -> None:
        repository, images = item
        named = self._target.tags(repository, sorted({image.tag for image in images if image.tag})) or {}
        for image in images:
            image.digest = named.get(image.tag, "")
            if not image.tag:
                self._look_for_digest(image)
            elif image.digest:
                image.state = WarmState.THERE
                self._compare(image)

    def _look_for_digest(self, image: WarmImage) -> None:
        if self._target.manifests(image.repository, [image.wanted]):
            image.state, image.digest = WarmState.THERE, image.wanted
        else:
            image.fail("ECR cannot make a first pull by digest: name the tag beside it, as in name:tag@sha256:….")

    def _compare(self, image: WarmImage) -> None:
        if image.wanted and image.digest != image.wanted and image.state is not WarmState.FAILED:
            if self._target.manifests(image.repository, [image.wanted]):
                return
            image.fail(
                f"The tag {image.tag} names {image.digest} now, not {image.wanted}, which ECR cannot pull: "
                "name the digest's own tag."
            )

    def pull(self, images: Sequence[WarmImage]) -> None:
        """Pull what is missing, one request a tag; then look whether all of it has come."""
        missing = [image for image in images if image.state is WarmState.MISSING]
        pulled = dict(zip(map(id, missing), for_each(THREADS, self._pull, missing), strict=True))
        self._target.forget()
        deadline = time.monotonic() + IMPORT_SECONDS
        for image in missing:
            manifest = pulled[id(image)]
            if manifest is not None:
                self._await(image, manifest, deadline)

    def _pull(self, image: WarmImage) -> Manifest | None:
        registry = self._registries.of(self._host)
        try:
            manifest = registry.manifest(image.repository, image.tag)
        except Absent as error:
            image.fail(
                f"{error.what} The upstream has no such tag, the rule's credentials fail, or the caller lacks "
                f"ecr:BatchImportUpstreamImage or ecr:CreateRepository. ECR says the same of all.{EMBEDDED if self._local else ''}"
            )
            return None
        except OrchestratorError as error:
            image.fail(error.what)
            return None
        image.state, image.digest, image.platforms = WarmState.WARMED, manifest.digest, len(manifest.children) or 1
        if self._signatures:
            try:
                self._pull_signatures(image, manifest)
            except OrchestratorError as error:
                image.fail(f"Its signatures: {error.what}")
                return None
        return manifest

    def _pull_signatures(self, image: WarmImage, manifest: Manifest) -> None:
        """cosign's tags are tags like others; referrers come with the image, and are only counted."""
        registry = self._registries.of(self._host)
        for tag in signature_tags(manifest.digest):
            try:
                registry.manifest(image.repository, tag)
            except Absent:
                continue
            image.signatures.append(tag)
        for descriptor in registry.referrers(image.repository, manifest.digest) or ():
            image.signatures.append(str(descriptor["digest"]))

    def _await(self, image: WarmImage, manifest: Manifest, deadline: float) -> None:
        """Wait until every image of an index has come."""
        wanted = [child.digest for child in manifest.children]
        while wanted and len(self._target.manifests(image.repository, wanted)) < len(wanted):
            if time.monotonic() > deadline:
                have = len(self._target.manifests(image.repository, wanted))
                image.fail(f"ECR has {have} of the {len(wanted)} images of its index after a minute: look again later.")
                return
            time.sleep(1)
            self._target.forget()
        self._compare(image)
