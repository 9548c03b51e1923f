"""Single settings of a chart by their dotted names, as `set` and Argo CD's parameters have them, made a mapping."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.workloads.yaml_tree import Scalar, YamlMapping


def nested_settings(settings: Iterable[tuple[str, Scalar]]) -> YamlMapping:
    """`image.tag` as the key `tag` in the mapping `image`; the values keep their places."""
    root = YamlMapping([], 0)
    for name, value in settings:
        *way, last = name.split(".")
        here = root
        for key in way:
            inner = next((node for old, node in here.pairs if isinstance(old, Scalar) and old.value == key), None)
            if not isinstance(inner, YamlMapping):
                inner = YamlMapping([], value.start)
                here.pairs.append((Scalar(key, value.start, value.start, "plain"), inner))
            here = inner
        here.pairs.append((Scalar(last, value.start, value.start, "plain"), value))
    return root
