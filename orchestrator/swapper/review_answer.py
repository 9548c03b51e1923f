"""What was read of a review, with what the look found -> the AdmissionReview to send: a JSON patch, and why. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import msgspec

from orchestrator.swapper.review import (
    ANNOTATION,
    ANNOTATIONS_LIMIT,
    REMEMBERED,
    Admission,
    Reviewed,
    SwapDecision,
    SwapImage,
    SwapRules,
    Verdict,
)
from orchestrator.workloads.paths import mapping

_NO_VERDICT = Verdict(False, "not looked at")
_PATH = "/metadata/annotations/" + ANNOTATION.replace("/", "~1")


def answer_review(admission: Admission, rules: SwapRules, verdicts: Mapping[str, Verdict]) -> Reviewed:
    """The AdmissionReview with its JSON patch, `allowed` always. A target without a verdict keeps its source."""
    if admission.left:
        return Reviewed(_review(admission, None, None))
    decisions = tuple([_decided(image, verdicts) if image.look else image.at_once for image in admission.images])
    annotations = mapping(admission.pod.get("metadata")).get("annotations") if admission.annotates else None
    there = annotations.get(ANNOTATION) if annotations else None
    said = (_said_again if there is None and admission.of.is_short else _said)(decisions, there, rules.dry_run)
    patch = said.patches[_place_of_annotation(admission, annotations, said.annotation)]
    return Reviewed(_review(admission, patch, said.audit), decisions)


def _review(admission: Admission, patch: _Written, audit: _Written) -> bytes:
    response: dict[str, Any] = {"uid": admission.uid, "allowed": True}
    if patch is not None:
        response["patchType"] = "JSONPatch"
        response["patch"] = patch
    if audit is not None:
        response["auditAnnotations"] = audit
    return _encode({"apiVersion": admission.version, "kind": "AdmissionReview", "response": response})


def _decided(image: SwapImage, verdicts: Mapping[str, Verdict]) -> SwapDecision:
    verdict = verdicts.get(image.target, _NO_VERDICT)
    return image.decided(verdict.swap, verdict.reason)


def _why(decision: SwapDecision) -> str:
    return f"{decision.image.route}, {decision.reason}"


# A part of the answer, written once for all Pods of the same images; None where it has none.
_Written = msgspec.Raw | None
# Where the annotation goes: nowhere, into the Pod's annotations, or with them where it has none.
_Place = Literal["nowhere", "beside", "alone"]


def _place_of_annotation(admission: Admission, annotations: Mapping[str, str] | None, value: str | None) -> _Place:
    if not admission.annotates:
        return "nowhere"
    if annotations is None:
        return "alone"
    return "beside" if value is None or _fits(annotations, value) else "nowhere"


@dataclass(frozen=True, slots=True)
class _Said:
    """What is answered of some decisions: the patch by the annotation's place, the annotation's text, the audit's annotations."""

    patches: Mapping[_Place, _Written]
    annotation: str | None
    audit: _Written


def _said(decisions: Sequence[SwapDecision], there: object, dry_run: bool) -> _Said:
    """`there` is what the annotation holds already."""
    swapped = [one for one in decisions if one.swapped]
    images = (
        [] if dry_run else [{"op": "replace", "path": one.image.place, "value": one.image.target} for one in swapped]
    )
    value = annotation_of(there, decisions, dry_run=dry_run)
    patches: dict[_Place, _Written] = {"nowhere": _patch(images)}
    if value == there:
        patches |= {"beside": patches["nowhere"], "alone": patches["nowhere"]}
    elif value is None:
        patches["beside"] = _patch([*images, {"op": "remove", "path": _PATH}])
    else:
        patches["beside"] = _patch([*images, {"op": "add", "path": _PATH, "value": value}])
        patches["alone"] = _patch(
            [*images, {"op": "add", "path": "/metadata/annotations", "value": {ANNOTATION: value}}]
        )
    audit = "; ".join(f"{one.image.key}: {one.image.image} -> {one.image.target} ({_why(one)})" for one in swapped)
    audits = {"would-swap" if dry_run else "swapped": audit}
    return _Said(patches, value, msgspec.Raw(_json(audits).encode()) if audit else None)


_said_again = lru_cache(REMEMBERED)(_said)


def _patch(operations: Sequence[Mapping[str, Any]]) -> _Written:
    if not operations:
        return None
    return msgspec.Raw(_encode(base64.b64encode(_json(operations).encode()).decode()))


def _fits(annotations: Mapping[str, str], value: str) -> bool:
    """Whether the API still takes the Pod's annotations with ours: one that says too much would cost the Pod."""
    held = {**annotations, ANNOTATION: value}
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
