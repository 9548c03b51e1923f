"""Pods that carry many image references, and the images read back from them by container name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

Kind = Literal["containers", "initContainers", "ephemeralContainers", "volumes"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Pods need one container; this one carries none of the references under test.
FILLER = "filler.invalid/filler:1"

Document = dict[str, Any]


def chunks(references: Sequence[str], size: int) -> Iterator[list[str]]:
    """`references` in lists of at most `size`, in order."""
    for start in range(0, len(references), size):
        yield list(references[start : start + size])


def distinct(references: Iterable[str]) -> list[str]:
    """`references` without repetitions, in order."""
    return list(dict.fromkeys(references))


def slots(references: Sequence[str], kind: Kind) -> list[Document]:
    """One container (or image volume) for each reference: `i0`, `i1`, … in order."""
    if kind == "volumes":
        return [{"name": f"i{n}", "image": {"reference": one}} for n, one in enumerate(references)]
    return [{"name": f"i{n}", "image": one} for n, one in enumerate(references)]


def pod_of(name: str, references: Sequence[str], *, namespace: str, kind: Kind = "containers") -> Document:
    """A Pod whose containers of that kind have these images, `i0`, `i1`, … in order."""
    spec: Document = {"containers": [{"name": "filler", "image": FILLER}]}
    if references:
        spec[kind] = slots(references, kind)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def images_of(pod: Document, references: Sequence[str], kind: Kind) -> dict[str, str]:
    """`{reference: image}` of a Pod made by `pod_of` with these references, after an engine had it."""
    held = {
        slot["name"]: slot["image"]["reference"] if kind == "volumes" else slot["image"] for slot in pod["spec"][kind]
    }
    if len(held) != len(references):
        raise AssertionError(f"{pod['metadata']['name']}: {len(references)} {kind} went in, {len(held)} came out")
    return {one: held[f"i{n}"] for n, one in enumerate(references)}


def list_of(documents: Sequence[Document]) -> str:
    """A `kind: List` of the documents, as JSON (which is YAML too)."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
