"""Values of a chart that nobody edits -> the values to lay over them. They hold the rewrite's changes, no more.

Helm lays mappings over each other key by key and replaces lists. A list with one changed image comes whole.
Scalars keep their text: Helm reads the same from the overrides as from the chart.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from orchestrator.workloads.yaml_tree import BrokenYaml, compose_yaml

_MAPPING = "tag:yaml.org,2002:map"
_TEXT = "tag:yaml.org,2002:str"


def changed_values(before: str, after: str) -> yaml.MappingNode:
    """The overrides that make the values `before` read as `after`. Raises BrokenYaml for what is no YAML."""
    try:
        old, new = compose_yaml(before), compose_yaml(after)
        found = _Comparison().changed(old, new) if old is not None and new is not None else None
    except RecursionError as error:
        raise BrokenYaml("it is nested too deeply, or in itself", 0) from error
    return found if isinstance(found, yaml.MappingNode) else _mapping({})


def laid_over(below: yaml.MappingNode, above: yaml.MappingNode) -> yaml.MappingNode:
    """One mapping laid over another one, as Helm does it."""
    found = {repr(key.value): (key, value) for key, value in below.value}
    for key, value in above.value:
        known = found.get(repr(key.value))
        both = known is not None and isinstance(known[1], yaml.MappingNode) and isinstance(value, yaml.MappingNode)
        found[repr(key.value)] = (key, laid_over(known[1], value)) if known is not None and both else (key, value)
    return yaml.MappingNode(_MAPPING, list(found.values()), flow_style=False)


def below_key(key: str, values: yaml.MappingNode) -> yaml.MappingNode:
    """Overrides of a chart below `key`, as the chart that holds it writes them; nothing stays nothing."""
    return _mapping({key: values}) if values.value else values


def written(values: yaml.MappingNode) -> str:
    """The overrides as text."""
    return str(yaml.serialize(values, Dumper=yaml.SafeDumper, allow_unicode=True, width=10_000))


def _mapping(entries: Mapping[str, yaml.Node]) -> yaml.MappingNode:
    pairs = [(yaml.ScalarNode(_TEXT, key), value) for key, value in entries.items()]
    return yaml.MappingNode(_MAPPING, pairs, flow_style=None if not pairs else False)


class _Comparison:
    """One walk through both trees, which have the same shape; a node that aliases share is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], yaml.Node | None] = {}

    def changed(self, old: yaml.Node, new: yaml.Node) -> yaml.Node | None:
        """What of `new` is not in `old`; None when it is the same."""
        pair = id(old), id(new)
        if pair not in self._known:
            self._known[pair] = self._compared(old, new)
        return self._known[pair]

    def _compared(self, old: yaml.Node, new: yaml.Node) -> yaml.Node | None:
        if isinstance(old, yaml.MappingNode) and isinstance(new, yaml.MappingNode):
            pairs: list[tuple[yaml.Node, yaml.Node]] = []
            for (_, before), (key, after) in zip(old.value, new.value, strict=True):
                found = self.changed(before, after)
                if found is not None:
                    pairs.append((key, found))
            return yaml.MappingNode(_MAPPING, pairs, flow_style=False) if pairs else None
        if isinstance(old, yaml.SequenceNode) and isinstance(new, yaml.SequenceNode):
            both = list(zip(old.value, new.value, strict=True))
            return None if all(self.changed(before, after) is None for before, after in both) else new
        return None if old.value == new.value else new
