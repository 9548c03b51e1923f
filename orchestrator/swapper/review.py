"""An admission request -> its answer, in two pure stages with a look at the registry between them.

`read_review` gives the `Admission`: which images the table redirects, which of them need a look, and why others stay.
`answer_review` takes it with what the look found and gives the AdmissionReview. `allowed` is always true: what is odd
(wrong types, text that is no image, a kind that is no Pod) is left alone. As the policies do, an update is redirected
only where it changes an image.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from orchestrator.environment.pods import MIRROR_POD
from orchestrator.routes.table import Answer, Redirected, Refused, RouteTable, Unchanged
from orchestrator.workloads.in_cluster import CONTAINERS
from orchestrator.workloads.paths import mapping
from orchestrator.workloads.standing import LeftAlone

VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
# The one annotation: what was swapped and why, as JSON (`annotation_of`).
ANNOTATION = "swapper.orchestrator/images"
# Bytes of all annotations of an object (apimachinery, TotalAnnotationSizeLimitB).
ANNOTATIONS_LIMIT = 256 * 1024
EPHEMERAL = "ephemeralContainers"


class SwapFilter(Protocol):
    """A filter of the configuration; true leaves the container alone."""

    def skips(self, obj: Mapping[str, Any], container: Mapping[str, Any]) -> bool: ...


@dataclass(frozen=True, slots=True)
class SwapRules:
    """What decides: the table, what its policies leave alone, the filters, and which kinds of routes need a look.

    `ask` is the table's answer for a reference; the server hands in one that remembers. `looked_at` are the kinds of routes
    (`mirror`, `pull-through`) whose image is swapped only after a look.
    """

    table: RouteTable
    left_alone: LeftAlone = field(default_factory=LeftAlone)
    filters: tuple[SwapFilter, ...] = ()
    looked_at: frozenset[str] = frozenset({"mirror"})
    dry_run: bool = False
    ask: Callable[[str], Answer] | None = None

    def answer(self, reference: str) -> Answer:
        """The table's answer."""
        return self.ask(reference) if self.ask is not None else self.table.redirect(reference)


@dataclass(frozen=True, slots=True)
class SwapImage:
    """One image of the Pod that this request puts there.

    `place` is its JSON pointer, `name` the container's or volume's, `holder` the field that holds it; `target` is where the table
    sends it, "" where it stays, and `reason` says why it stays, or by which route it goes. `look` says that the registry is asked first,
    `moves` that the Pod asks for what its tag names at each start.
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

    @property
    def key(self) -> str:
        """What the annotation calls it: `containers/web`."""
        return f"{self.holder}/{self.name}"


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


@dataclass(frozen=True, slots=True)
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
    sub = _text(request.get("subResource"))
    metadata = mapping(pod.get("metadata"))
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
        annotates=not sub and isinstance(pod.get("metadata"), Mapping) and _is_annotations(annotations),
    )


def leave_review(document: object, why: str) -> Admission | None:
    """A review that is left alone as a whole, for `why`. None where it has no uid, so that nobody knows what is answered."""
    review = mapping(document)
    version = review.get("apiVersion")
    uid = _text(mapping(review.get("request")).get("uid"))
    if not uid.isascii() or not uid:
        return None
    return Admission(version if version in VERSIONS else VERSIONS[0], uid, why)


def _not_ours(request: Mapping[str, Any], pod: Mapping[str, Any], sub: str) -> str:
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
    request: Mapping[str, Any], pod: Mapping[str, Any], sub: str, namespace: str, rules: SwapRules
) -> Iterator[SwapImage]:
    spec = mapping(pod.get("spec"))
    before = mapping(mapping(request.get("oldObject")).get("spec"))
    holders = (EPHEMERAL,) if sub else (*CONTAINERS, "volumes")
    seen: Mapping[str, Any] | None = None
    for holder in holders:
        old = {name: image for _, name, image, _ in _held(before, holder)}
        for index, name, image, container in _held(spec, holder):
            end = "image/reference" if holder == "volumes" else "image"
            found = SwapImage(f"/spec/{holder}/{index}/{end}", holder, name, image)
            if old.get(name) == image:
                yield _stays(found, "not changed")
                continue
            if rules.filters:
                seen = seen if seen is not None else _with_namespace(pod, namespace)
                as_container = {"name": name, "image": image} if holder == "volumes" else container
                if any(one.skips(seen, as_container) for one in rules.filters):
                    yield _stays(found, "filter")
                    continue
            yield _asked(found, rules, moves="@" not in image and _pulls_always(container, holder))


def _held(spec: Mapping[str, Any], holder: str) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
    """(place in the list, name, image, the container or volume) of those that have an image."""
    entries = spec.get(holder)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        # The decoder makes dicts; asking for one costs less than asking for any mapping.
        if not isinstance(entry, (dict, Mapping)):
            continue
        image = mapping(entry.get("image")).get("reference") if holder == "volumes" else entry.get("image")
        if isinstance(image, str) and image:
            yield index, _text(entry.get("name")), image, entry


def _with_namespace(pod: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    """The Pod as k8s-image-swapper's filters see it: a Pod that is being made has no namespace yet, its request has."""
    metadata = mapping(pod.get("metadata"))
    return pod if metadata.get("namespace") else {**pod, "metadata": {**metadata, "namespace": namespace}}


def _stays(image: SwapImage, reason: str, route: str = "") -> SwapImage:
    return SwapImage(image.place, image.holder, image.name, image.image, "", reason, route)


def _pulls_always(entry: Mapping[str, Any], holder: str) -> bool:
    """Of a container or volume; the API server has written the default of `:latest` before it asks."""
    of = mapping(entry.get("image")).get("pullPolicy") if holder == "volumes" else entry.get("imagePullPolicy")
    return bool(of == "Always")


def _asked(image: SwapImage, rules: SwapRules, *, moves: bool) -> SwapImage:
    match rules.answer(image.image):
        case Redirected(target, route):
            return SwapImage(
                *(image.place, image.holder, image.name, image.image),
                target=target,
                reason=route.kind,
                route=route.name,
                look=route.kind in rules.looked_at,
                moves=moves,
            )
        case Unchanged(reason, route):
            return _stays(image, reason, route.name if route else "")
        case Refused(reason):
            return _stays(image, f"refused {reason}")


def answer_review(admission: Admission, rules: SwapRules, verdicts: Mapping[str, Verdict]) -> Reviewed:
    """The AdmissionReview with its JSON patch. A target without a verdict keeps its source."""
    response: dict[str, Any] = {"uid": admission.uid, "allowed": True}
    document = {"apiVersion": admission.version, "kind": "AdmissionReview", "response": response}
    if admission.left:
        return Reviewed(document)
    decisions = tuple(_decided(image, verdicts) for image in admission.images)
    swapped = [one for one in decisions if one.swapped]
    patch = (
        []
        if rules.dry_run
        else [{"op": "replace", "path": one.image.place, "value": one.image.target} for one in swapped]
    )
    if admission.annotates:
        patch += _annotation_patch(admission.pod, decisions, dry_run=rules.dry_run)
    if patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(_json(patch).encode()).decode()
    if swapped:
        said = "; ".join(f"{one.image.key}: {one.image.image} -> {one.image.target} ({_why(one)})" for one in swapped)
        response["auditAnnotations"] = {"would-swap" if rules.dry_run else "swapped": said}
    return Reviewed(document, decisions)


def _decided(image: SwapImage, verdicts: Mapping[str, Verdict]) -> SwapDecision:
    if not image.target or not image.look:
        return SwapDecision(image, bool(image.target), image.reason)
    verdict = verdicts.get(image.target, _NO_VERDICT)
    return SwapDecision(image, verdict.swap, verdict.reason)


_NO_VERDICT = Verdict(False, "not looked at")


def _why(decision: SwapDecision) -> str:
    return f"{decision.image.route}, {decision.reason}"


def _annotation_patch(
    pod: Mapping[str, Any], decisions: Sequence[SwapDecision], *, dry_run: bool
) -> list[dict[str, Any]]:
    """The patch that makes the annotation what it should be; none where it is that already."""
    annotations = mapping(pod.get("metadata")).get("annotations")
    there = mapping(annotations).get(ANNOTATION)
    value = annotation_of(there, decisions, dry_run=dry_run)
    if value == there or (value is None and there is None):
        return []
    path = "/metadata/annotations/" + ANNOTATION.replace("/", "~1")
    if value is None:
        return [{"op": "remove", "path": path}]
    if not _fits(annotations, value):
        return []
    if annotations is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": {ANNOTATION: value}}]
    return [{"op": "add", "path": path, "value": value}]


def _fits(annotations: Any, value: str) -> bool:
    """Whether the API still takes the Pod's annotations with ours: one that says too much would cost the Pod."""
    held = {**mapping(annotations), ANNOTATION: value}
    return sum(len(text.encode(errors="replace")) for pair in held.items() for text in pair) <= ANNOTATIONS_LIMIT


def annotation_of(there: object, decisions: Sequence[SwapDecision], *, dry_run: bool) -> str | None:
    """The annotation's text, or None for none.

    `{"containers/web": {"image": "nginx", "target": "…", "why": "docker-hub, pull-through"}}`; in a dry run
    `would` stands for `target`. A reference that an earlier round or request wrote stays as long as its image still
    runs there.
    """
    earlier = _earlier(there)
    found: dict[str, dict[str, str]] = {}
    for decision in decisions:
        image = decision.image
        if decision.swapped:
            where = "would" if dry_run else "target"
            found[image.key] = {"image": image.image, where: image.target, "why": _why(decision)}
        elif _still_holds(earlier.get(image.key, {}), image.image, dry_run=dry_run):
            found[image.key] = earlier[image.key]
    if not found:
        # What a person wrote there is not taken away.
        return None if earlier else there if isinstance(there, str) else None
    return _json(dict(sorted(found.items())))


def _still_holds(entry: Mapping[str, str], image: str, *, dry_run: bool) -> bool:
    return (dry_run and "would" in entry and entry.get("image") == image) or entry.get("target") == image


def _earlier(there: object) -> dict[str, dict[str, str]]:
    """The entries of an annotation that an earlier round wrote; what is not of this form has none."""
    if not isinstance(there, str) or len(there) > ANNOTATIONS_LIMIT:
        return {}
    try:
        entries = json.loads(there)
    except (ValueError, RecursionError):
        return {}
    return {
        key: dict(entry)
        for key, entry in mapping(entries).items()
        if isinstance(entry, Mapping) and all(isinstance(value, str) for value in entry.values())
    }


_encode = msgspec.json.Encoder().encode


def _json(value: object) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        # Escapes carry text that is no Unicode, too.
        return json.dumps(value, separators=(",", ":"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
