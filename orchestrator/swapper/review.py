"""An admission request -> its answer, in two pure stages with a look at the registry between them.

`read_review` gives the `Admission`: which images the table redirects, which of them need a look, and why others stay.
`review_answer` takes it with what the look found and gives the AdmissionReview. Odd things are left alone: wrong types,
text that is no image, a kind that is no Pod. As the policies do, an update is redirected only where it changes an image.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

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
# Images whose answer is kept: a cluster has some thousands, and an answer takes some hundred bytes.
REMEMBERED = 16_384
# Characters of an image and its container's name. Nobody fills the memory with longer ones, which the API refuses afterwards.
LONGEST_REMEMBERED = 512


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
    _remembered: Callable[[str, int, str, str, bool, str], SwapImage] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_remembered", lru_cache(REMEMBERED)(self._asked))

    @property
    def asks(self) -> Asks:
        """What of a Pod has to be read."""
        if not self.filters:
            return "parts"
        return "whole" if any(one.asks == "whole" for one in self.filters) else "metadata"

    def image(self, holder: str, index: int, name: str, image: str, moves: bool = False, stays: str = "") -> SwapImage:
        """What the table says of the image of one container or volume; `stays` is a reason that needs no table."""
        if len(image) + len(name) <= LONGEST_REMEMBERED:
            return self._remembered(holder, index, name, image, moves, stays)
        return self._asked(holder, index, name, image, moves, stays)

    def _asked(self, holder: str, index: int, name: str, image: str, moves: bool, stays: str) -> SwapImage:
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
    size: int = field(init=False, repr=False)
    _decisions: dict[tuple[bool, str], SwapDecision] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_once", SwapDecision(self, bool(self.target), self.reason))
        object.__setattr__(self, "size", len(self.image) + len(self.name))

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look says of one target: swap it or leave the source, and why, in a word for metrics."""

    swap: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was read. `left` says why the whole of it stays, "" when its images are looked at one by one.

    `effects` is false for `--dry-run=server`: nothing may be copied or made for it.
    """

    version: str
    uid: str
    left: str = ""
    images: tuple[SwapImage, ...] = ()
    namespace: str = ""
    effects: bool = True
    pod: Mapping[str, Any] = field(default_factory=dict)
    annotates: bool = False

    @property
    def looks(self) -> tuple[SwapImage, ...]:
        """The images that are swapped only after a look, each target once."""
        found: dict[str, SwapImage] = {}
        for image in self.images:
            if image.look and (image.moves or image.target not in found):
                found[image.target] = image
        return tuple(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class SwapDecision:
    """What became of one image: swapped or not, by which route, why. The server counts it."""

    image: SwapImage
    swapped: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The AdmissionReview to send, and the decisions in it."""

    document: dict[str, Any]
    decisions: tuple[SwapDecision, ...] = ()


def read_review(document: object, rules: SwapRules) -> Admission:
    """What an AdmissionReview asks for. Never raises: what cannot be read is left alone."""
    review = mapping(document)
    version = review.get("apiVersion")
    version = version if version in VERSIONS else VERSIONS[0]
    request = mapping(review.get("request"))
    uid = _text(request.get("uid"))
    pod = mapping(request.get("object"))
    sub = request.get("subResource") or ""
    held = pod.get("metadata")
    metadata = mapping(held)
    namespace = _text(request.get("namespace")) or _text(metadata.get("namespace"))
    left = _not_ours(request, pod, sub) or _left(rules, namespace, metadata)
    if left:
        return Admission(version, uid, left, namespace=namespace)
    annotations = metadata.get("annotations")
    return Admission(
        version,
        uid,
        images=tuple(_images(request, pod, sub, namespace, rules)),
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
        or sub not in ("", "ephemeralcontainers")
    ):
        return "not a Pod"
    if kind.get("kind", "Pod") != "Pod" or pod.get("kind", "Pod") != "Pod" or not isinstance(pod.get("spec"), Mapping):
        return "not a Pod"
    return "" if request.get("operation", "CREATE") in ("CREATE", "UPDATE") else "operation"


def _left(rules: SwapRules, namespace: str, metadata: Mapping[str, Any]) -> str:
    if MIRROR_POD in mapping(metadata.get("annotations")):
        return "static Pod"
    labels = {key: value for key, value in mapping(metadata.get("labels")).items() if isinstance(value, str)}
    stay = rules.left_alone.of_template(namespace, labels)
    return stay.why if stay is not None else ""


def _is_annotations(value: object) -> bool:
    return value is None or (isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()))


def _images(
    request: Mapping[str, Any], pod: Mapping[str, Any], sub: object, namespace: str, rules: SwapRules
) -> Iterator[SwapImage]:
    spec = mapping(pod.get("spec"))
    before = mapping(mapping(request.get("oldObject")).get("spec"))
    seen = _with_namespace(pod, namespace) if rules.filters else pod
    for holder in _EPHEMERAL_ALONE if sub else _HOLDERS:
        entries = spec.get(holder)
        if not entries:
            continue
        images_of = _volume_images if holder == "volumes" else _container_images
        old = {(name, image) for _, name, image, _, _ in images_of(before.get(holder))}
        for index, name, image, pull, entry in images_of(entries):
            if old and (name, image) in old:
                yield rules.image(holder, index, name, image, stays="not changed")
            elif rules.filters and _is_filtered(rules, seen, entry, name, image, holder):
                yield rules.image(holder, index, name, image, stays="filter")
            else:
                # The API server has written the default of `:latest` before it asks.
                yield rules.image(holder, index, name, image, pull == "Always" and "@" not in image)


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
