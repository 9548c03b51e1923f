"""A review's bytes -> the parts of it that decide, as dictionaries. Pure.

Parts that nothing here asks for are skipped, and no value is made of them. Variables, probes and mounts are most of a Pod. A document
with a part of another shape than the API's is read whole. `review` then says what stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

import msgspec

# What of a Pod is asked for: what decides, its metadata as well, or anything.
Asks = Literal["parts", "metadata", "whole"]


_typed: Any = TypedDict
_list: Any = list


def _shape(**of: Any) -> Any:
    """The type of a dictionary that holds these of its keys and none of its others."""
    return _typed("shape", of, total=False)


_CONTAINERS = _list[_shape(name=Any, image=Any, imagePullPolicy=Any)] | None
_SPEC = _shape(
    **dict.fromkeys(("containers", "initContainers", "ephemeralContainers"), _CONTAINERS),
    volumes=_list[_shape(name=Any, image=Any)] | None,
    **dict.fromkeys(("imagePullSecrets", "serviceAccountName", "serviceAccount"), Any),
)
_POD = _shape(kind=Any, metadata=_shape(namespace=Any, labels=Any, annotations=Any), spec=_SPEC)
_POD_WITH_METADATA = _shape(kind=Any, metadata=Any, spec=_SPEC)


def _review(pod: Any) -> Any:
    """The type of a review of such a Pod."""
    keys = ("uid", "kind", "resource", "subResource", "namespace", "operation", "dryRun")
    request = _shape(**dict.fromkeys(keys, Any), object=pod | None, oldObject=_POD | None)
    return _shape(apiVersion=Any, request=request)


_decode_whole = msgspec.json.Decoder().decode
_DECODE: Mapping[Asks, Callable[[bytes], object]] = {
    "parts": msgspec.json.Decoder(_review(_POD)).decode,
    "metadata": msgspec.json.Decoder(_review(_POD_WITH_METADATA)).decode,
    "whole": _decode_whole,
}


def decode_review(body: bytes, asks: Asks = "parts") -> object:
    """The document, of a Pod only what is asked for.

    Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError for what is no JSON.
    """
    try:
        return _DECODE[asks](body)
    except msgspec.ValidationError:
        return _decode_whole(body)
