"""Images and upstreams that tests (and demonstrations) put into the embedded ECR, with the times they choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRepository, now
from orchestrator.local.ecr.image_manifests import made_up_index, made_up_manifest, read_manifest
from orchestrator.local.ecr.images_api import SCAN_INTERVAL
from orchestrator.local.ecr.pulls import first_pull, rule_for
from orchestrator.local.ecr.pushes import store
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.ecr.templates_api import make_repository

DEFAULT_SIZE = 50 * 1024 * 1024
_KNOWN = frozenset(
    {
        *("name", "tags", "manifest", "media_type", "size", "children", "subject", "artifact_type"),
        *("pushed_at", "pulled_at", "archived_at", "findings", "in_use"),
    }
)


class Simulation:
    """What the administrative paths below `/_orchestrator/ecr/` do."""

    def __init__(self, ecr: EcrService) -> None:
        self._ecr = ecr

    def put_images(self, arguments: Document) -> Document:
        """Hold images without a push; the repository is made when absent.

        `images` are documents of: `tags`; `manifest` and `media_type`, or `name` and `size` (bytes) of a made-up one;
        `children` (digests; makes an index); `subject` and `artifact_type` (makes a referrer); `pushed_at`,
        `pulled_at`, `archived_at` (seconds since 1970); `findings` of a scan; `in_use`, the number of tasks and Pods in
        which Amazon Inspector sees it. Answers `digests` in the same order.
        """
        with self._ecr.lock:
            registry = self._ecr.registry(arguments["account_id"], arguments["region"])
            name = arguments["repository"]
            repository = registry.repositories.get(name) or make_repository(registry, name, "PULL_THROUGH_CACHE")
            return {"digests": [_put(repository, image).digest for image in arguments["images"]]}

    def put_upstream(self, arguments: Document) -> Document:
        """Let an upstream hold a tag: `url`, `repository`, `tag`, `manifests` (an index last, its images before).

        A manifest is its text, or {manifest, media_type}.
        """
        manifests = [_manifest(entry) for entry in arguments["manifests"]]
        with self._ecr.lock:
            self._ecr.upstream.put(arguments["url"], arguments["repository"], arguments["tag"], manifests)
        return {}

    def pull(self, arguments: Document) -> Document:
        """The first pull of `repository` and `tag` through the cache, as a node makes it; answers `digest`."""
        with self._ecr.lock:
            context = self._ecr.context(arguments["account_id"], arguments["region"], "")
            image = first_pull(context, arguments["repository"], arguments["tag"])
            return {"digest": image.digest}

    def fill(self, arguments: Document) -> Document:
        """Pull `images` through the cache, now: the first time from an upstream that makes them up, later from ECR.

        `images` are documents of `repository`, `tag`, `size` (bytes of a made-up one), `findings` of its scan.
        Answers `images` in the same order, each with `digest`, `bytes` and whether it is `new`. Nothing is pulled where
        a rule is missing.
        """
        with self._ecr.lock:
            context = self._ecr.context(arguments["account_id"], arguments["region"], "")
            wanted = arguments["images"]
            without = sorted(
                {each["repository"] for each in wanted if not rule_for(context.registry, each["repository"])}
            )
            if without:
                return {"without_rule": without, "images": []}
            # One after the other: of two versions the later one is the newest.
            begun = now() - timedelta(milliseconds=len(wanted))
            moments = (begun + timedelta(milliseconds=number) for number in range(len(wanted)))
            pulled = [_pulled(context, each, moment) for each, moment in zip(wanted, moments, strict=True)]
            return {"without_rule": [], "images": pulled}

    def age(self, arguments: Document) -> Document:
        """Let `days` pass for all images of the registry; answers how many there are."""
        past = timedelta(days=float(arguments["days"]))
        with self._ecr.lock:
            registry = self._ecr.registry(arguments["account_id"], arguments["region"])
            for repository in registry.repositories.values():
                repository.created_at -= past
                repository.looked_up = {tag: moment - past for tag, moment in repository.looked_up.items()}
                for image in repository.images.values():
                    _make_older(image, past)
            return {"images": sum(len(repository.images) for repository in registry.repositories.values())}


def _pulled(context: EcrCall, wanted: Document, moment: datetime) -> Document:
    name, tag = wanted["repository"], wanted["tag"]
    held = context.registry.repositories.get(name)
    is_new = held is None or held.tagged(tag) is None
    image = first_pull(context, name, tag, size=int(wanted.get("size", DEFAULT_SIZE)))
    image.pulled_at = moment
    if is_new:
        image.pushed_at = moment
        image.findings = list(wanted.get("findings") or ())
        image.scanned_at = moment if image.findings else image.scanned_at
    return {"digest": image.digest, "bytes": image.size, "new": is_new}


def _make_older(image: HeldImage, past: timedelta) -> None:
    image.pushed_at -= past
    for name in ("pulled_at", "archived_at", "activated_at", "scanned_at"):
        moment = getattr(image, name)
        if moment is not None:
            setattr(image, name, moment - past)


def _manifest(entry: object) -> tuple[str, str | None]:
    if isinstance(entry, dict):
        return str(entry["manifest"]), entry.get("media_type")
    return str(entry), None


def _put(repository: HeldRepository, document: Document) -> HeldImage:
    unknown = set(document) - _KNOWN
    if unknown:
        raise ValueError(f"unknown members of an image: {', '.join(sorted(unknown))}")
    image = read_manifest(repository, _text(repository, document), document.get("media_type"))
    held = repository.images.get(image.digest)
    image = held or image
    if "size" in document:
        image.size = int(document["size"])
    tags: Sequence[str] = document.get("tags") or ()
    if not tags and held is None:
        store(repository, image, None)
    for tag in tags:
        if tag not in image.tags:
            image = store(repository, image, tag)
    image.pushed_at = _moment(document.get("pushed_at")) or image.pushed_at
    image.pulled_at = _moment(document.get("pulled_at")) or image.pulled_at
    image.archived_at = _moment(document.get("archived_at")) or image.archived_at
    image.status = "ARCHIVED" if document.get("archived_at") else image.status
    image.in_use = int(document.get("in_use", image.in_use))
    if "findings" in document:
        image.findings = list(document["findings"])
        # They are those of a scan that is long enough ago for another one to be started.
        image.scanned_at = image.pushed_at - SCAN_INTERVAL
    return image


def _text(repository: HeldRepository, document: Document) -> str:
    if "manifest" in document:
        return str(document["manifest"])
    if document.get("children"):
        return made_up_index(repository, document["children"])
    tags = document.get("tags") or [str(len(repository.images))]
    name = document.get("name") or f"{repository.name}:{tags[0]}"
    return made_up_manifest(
        name,
        int(document.get("size", DEFAULT_SIZE)),
        subject=document.get("subject"),
        artifact_type=document.get("artifact_type"),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
