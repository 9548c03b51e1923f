"""An admission request -> its answer, in two pure stages with a look at the registry between them.

`read_review` gives the `Admission`: which images the table redirects, which of them need a look, and why others stay.
`review_answer` takes it with what the look found and gives the AdmissionReview. Odd things are left alone: wrong types,
text that is no image, a kind that is no Pod. As the policies do, an update is redirected only where it changes an image.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from orchestrator.environment.pods import MIRROR_POD
from orchestrator.routes.table import Redirected, Refused, RouteTable, Unchanged
from orchestrator.swapper.review_shape import Asks
from orchestrator.workloads.in_cluster import CONTAINERS
from orchestrator.workloads.paths import mapping
from orchestrator.workloads.stays import LeftAlone

VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
# The one annotation: what was swapped and why, as JSON (`annotation_of`).
ANNOTATION = "swapper.orchestrator/images"
# Bytes of all annotations of an object (apimachinery, TotalAnnotationSizeLimitB).
ANNOTATIONS_LIMIT = 256 * 1024
EPHEMERAL = "ephemeralContainers"
# Pods whose answer is kept for others with the same images: as many as a cluster has kinds of.
REMEMBERED = 1024
# At most so many images, and characters in them, of such a Pod: nobody fills the memory with others.
_FEW = 16
_SHORT = 4096
# An image of a Pod: holder, place, name, image, whether its tag may move. Last comes why it stays, or "".
Asked = tuple[str, int, str, str, bool, str]


class SwapFilter(Protocol):
    """A filter of the configuration; true leaves the container alone."""

    @property
    def asks(self) -> Asks: ...

    def skips(self, obj: Mapping[str, Any], container: Mapping[str, Any]) -> bool: ...


@dataclass(frozen=True, slots=True)
class SwapRules:
    """What decides: the table, what its policies leave alone, the filters, and which kinds of routes need a look.

    `looked_at` are the kinds of routes (`mirror`, `pull-through`) whose image is swapped only after a look. An image's
    decision is remembered: nothing but these values makes it.
    """

    table: RouteTable
    left_alone: LeftAlone = field(default_factory=LeftAlone)
    filters: tuple[SwapFilter, ...] = ()
    looked_at: frozenset[str] = frozenset({"mirror"})
    dry_run: bool = False
    _remembered: dict[tuple[Asked, ...], PodImages] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def asks(self) -> Asks:
        """What of a Pod has to be read."""
        if not self.filters:
            return "parts"
        return "whole" if any(one.asks == "whole" for one in self.filters) else "metadata"

    def images(self, asked: tuple[Asked, ...]) -> PodImages:
        """What the table says of the images of one Pod."""
        found = self._remembered.get(asked)
        if found is None:
            found = self._images(asked)
            if found.is_short:
                if len(self._remembered) >= REMEMBERED:
                    self._remembered.clear()
                self._remembered[asked] = found
        return found

    def _images(self, asked: tuple[Asked, ...]) -> PodImages:
        images = tuple([self._image(*one) for one in asked])
        looks: dict[str, SwapImage] = {}
        for image in images:
            if image.look and (image.moves or image.target not in looks):
                looks[image.target] = image
        is_short = len(images) <= _FEW and sum(len(one.image) + len(one.name) for one in images) <= _SHORT
        return PodImages(images, tuple(looks.values()), is_short)

    def _image(self, holder: str, index: int, name: str, image: str, moves: bool, stays: str) -> SwapImage:
        where = (f"/spec/{holder}/{index}/{'image/reference' if holder == 'volumes' else 'image'}", holder, name, image)
        if stays:
            return SwapImage(*where, reason=stays)
        match self.table.redirect(image):
            case Redirected(target, route):
                look = route.kind in self.looked_at
                return SwapImage(*where, target, route.kind, route.name, look, moves)
            case Unchanged(reason, unused):
                return SwapImage(*where, reason=reason, route=unused.name if unused else "")
            case Refused(reason):
                return SwapImage(*where, reason=f"refused {reason}")


@dataclass(frozen=True, slots=True, eq=False)
class SwapImage:
    """One image of the Pod that this request puts there.

    `place` is its JSON pointer, `name` the container's or volume's, `holder` the field that holds it; `target` is where the table
    sends it, "" where it stays. `reason` is why it stays, or the route. `look`: the registry is asked first. `moves`:
    the Pod asks at each start for what its tag names.
    """

    place: str
    holder: str
    name: str
    image: str
    target: str = ""
    reason: str = ""
    route: str = ""
    look: bool = False
    moves: bool = False
    # What becomes of it where nobody looks; that of others is in `_decisions`.
    at_once: SwapDecision = field(init=False, repr=False)
    _decisions: dict[tuple[bool, str], SwapDecision] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_once", SwapDecision(self, bool(self.target), self.reason))

    @property
    def key(self) -> str:
        """What the annotation calls it: `containers/web`."""
        return f"{self.holder}/{self.name}"

    def decided(self, swapped: bool, reason: str) -> SwapDecision:
        """What became of it; the same value each time."""
        found = self._decisions.get((swapped, reason))
        if found is None:
            found = self._decisions[swapped, reason] = SwapDecision(self, swapped, reason)
        return found


class PodImages(msgspec.Struct, frozen=True, eq=False):
    """All images of one Pod. `looks` are those that are swapped only after a look, each target once.

    `is_short` says that what is answered of them may be kept for the next Pod.
    """

    images: tuple[SwapImage, ...] = ()
    looks: tuple[SwapImage, ...] = ()
    is_short: bool = True


NO_IMAGES = PodImages()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look says of one target: swap it or leave the source, and why, in a word for metrics."""

    swap: bool
    reason: str


class Admission(msgspec.Struct, frozen=True):
    """A request that was read. `left` says why the whole of it stays, "" when its images are looked at one by one.

    `effects` is false for `--dry-run=server`: nothing may be copied or made for it.
    """

    version: str
    uid: str
    left: str = ""
    of: PodImages = NO_IMAGES
    namespace: str = ""
    effects: bool = True
    pod: Mapping[str, Any] = {}
    annotates: bool = False

    @property
    def images(self) -> tuple[SwapImage, ...]:
        """Those that this request puts there."""
        return self.of.images

    @property
    def looks(self) -> tuple[SwapImage, ...]:
        """Those of them that are swapped only after a look, each target once."""
        return self.of.looks


@dataclass(frozen=True, slots=True, eq=False)
class SwapDecision:
    """What became of one image: swapped or not, by which route, why. The server counts it."""

    image: SwapImage
    swapped: bool
    reason: str


class Reviewed(msgspec.Struct, frozen=True):
    """The AdmissionReview to send, as JSON, and the decisions in it."""

    answer: bytes
    decisions: tuple[SwapDecision, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The AdmissionReview."""
        found: dict[str, Any] = json.loads(self.answer)
        return found


def read_review(document: object, rules: SwapRules) -> Admission:
    """What an AdmissionReview asks for. Never raises: what cannot be read is left alone."""
    review = mapping(document)
    version = review.get("apiVersion")
    if version not in VERSIONS:
        version = VERSIONS[0]
    request = mapping(review.get("request"))
    uid = _text(request.get("uid"))
    pod = mapping(request.get("object"))
    sub = request.get("subResource") or ""
    held = pod.get("metadata")
    metadata = mapping(held)
    annotations = metadata.get("annotations")
    namespace = _text(request.get("namespace")) or _text(metadata.get("namespace"))
    left = _not_ours(request, pod, sub) or _left(rules, namespace, metadata.get("labels"), annotations)
    if left:
        return Admission(version, uid, left, namespace=namespace)
    return Admission(
        version,
        uid,
        "",
        rules.images(_asked(request, pod, sub, namespace, rules)),
        namespace=namespace,
        effects=request.get("dryRun") is not True,
        pod=pod,
        # The subresource takes no other change than its containers.
        annotates=not sub and isinstance(held, dict) and _is_annotations(annotations),
    )


def leave_review(document: object, why: str) -> Admission | None:
    """A review that is left alone as a whole, for `why`. None where it has no uid, so that nobody knows what is answered."""
    review = mapping(document)
    version = review.get("apiVersion")
    uid = _text(mapping(review.get("request")).get("uid"))
    if not uid.isascii() or not uid:
        return None
    return Admission(version if version in VERSIONS else VERSIONS[0], uid, why)


def _not_ours(request: Mapping[str, Any], pod: Mapping[str, Any], sub: object) -> str:
    resource, kind = mapping(request.get("resource")), mapping(request.get("kind"))
    if (
        _text(resource.get("group"))
        or resource.get("resource", "pods") != "pods"
        or (sub and sub != "ephemeralcontainers")
        or kind.get("kind", "Pod") != "Pod"
        or pod.get("kind", "Pod") != "Pod"
        or not isinstance(pod.get("spec"), dict)
    ):
        return "not a Pod"
    return "" if request.get("operation", "CREATE") in ("CREATE", "UPDATE") else "operation"


def _left(rules: SwapRules, namespace: str, labels: object, annotations: object) -> str:
    if annotations and MIRROR_POD in mapping(annotations):
        return "static Pod"
    stay = rules.left_alone.of_template(namespace, mapping(labels))
    return stay.why if stay is not None else ""


def _is_annotations(value: object) -> bool:
    return value is None or (isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()))


def _asked(
    request: Mapping[str, Any], pod: Mapping[str, Any], sub: object, namespace: str, rules: SwapRules
) -> tuple[Asked, ...]:
    """The images that the Pod names; each with the reason why it stays, where that needs no table."""
    spec = pod["spec"]
    before = mapping(mapping(request.get("oldObject")).get("spec"))
    seen = _with_namespace(pod, namespace) if rules.filters else pod
    asked: list[Asked] = []
    for holder in _EPHEMERAL_ALONE if sub else _HOLDERS:
        entries = spec.get(holder)
        if not entries:
            continue
        images_of = _volume_images if holder == "volumes" else _container_images
        old = {(name, image) for _, name, image, _, _ in images_of(before.get(holder))} if before else ()
        for index, name, image, pull, entry in images_of(entries):
            if old and (name, image) in old:
                asked.append((holder, index, name, image, False, "not changed"))
            elif rules.filters and _is_filtered(rules, seen, entry, name, image, holder):
                asked.append((holder, index, name, image, False, "filter"))
            else:
                # The API server has written the default of `:latest` before it asks.
                asked.append((holder, index, name, image, pull == "Always" and "@" not in image, ""))
    return tuple(asked)


_HOLDERS = (*CONTAINERS, "volumes")
_EPHEMERAL_ALONE = (EPHEMERAL,)
_Found = list[tuple[int, str, str, object, Mapping[str, Any]]]


def _container_images(entries: object) -> _Found:
    """(place in the list, name, image, pull policy, container) of those that have an image."""
    found: _Found = []
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            image = entry.get("image")
            if image and isinstance(image, str):
                found.append((index, _text(entry.get("name")), image, entry.get("imagePullPolicy"), entry))
    return found


def _volume_images(entries: object) -> _Found:
    """The same of image volumes."""
    found: _Found = []
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        of = mapping(mapping(entry).get("image"))
        image = _text(of.get("reference"))
        if image:
            found.append((index, _text(entry.get("name")), image, of.get("pullPolicy"), entry))
    return found


def _is_filtered(
    rules: SwapRules, pod: Mapping[str, Any], entry: Mapping[str, Any], name: str, image: str, holder: str
) -> bool:
    container = {"name": name, "image": image} if holder == "volumes" else entry
    return any(one.skips(pod, container) for one in rules.filters)


def _with_namespace(pod: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    """The Pod as k8s-image-swapper's filters see it: a Pod that is being made has no namespace yet, its request has."""
    metadata = mapping(pod.get("metadata"))
    return pod if metadata.get("namespace") else {**pod, "metadata": {**metadata, "namespace": namespace}}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
