"""What Helm prints into a template for a value, which is not always what is written."""

from __future__ import annotations

from orchestrator.workloads.references import Reading, read_as_helm
from orchestrator.workloads.yaml_tree import Node, Scalar


def printed(node: Node | None) -> str:
    """What Helm prints for a node, "" for null and what is no scalar."""
    reading = _reading(node)
    return "" if reading is None else reading.text.strip()


def printed_otherwise(node: Scalar) -> str | None:
    """What Helm prints for a scalar where that is not what is written: 1.1 for `1.10`."""
    reading = _reading(node)
    return reading.text if reading is not None and reading.changed else None


def _reading(node: Node | None) -> Reading | None:
    if not isinstance(node, Scalar):
        return None
    return read_as_helm(node.value, plain=node.style == "plain" and node.tag is None)
