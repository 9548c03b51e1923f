"""Images that Kubeflow offers for notebooks: `spawner_ui_config.yaml`, whose text lands in a ConfigMap.

Source: kubeflow/kubeflow, components/crud-web-apps/jupyter, "spawnerFormDefaults".
"""

from __future__ import annotations

import re

from orchestrator.workloads.formats.compose import add_image
from orchestrator.workloads.place import Found
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

FORMAT = "kubeflow"
_DEFAULTS = "spawnerFormDefaults"
_GROUP = re.compile(r"image(?:Group\w+)?", re.A)


def is_spawner(root: Node) -> bool:
    """Whether a document says what the form for a new notebook offers."""
    return isinstance(root, YamlMapping) and isinstance(root.entries().get(_DEFAULTS), YamlMapping)


def find_in_spawner(text: str, root: Node, found: Found) -> None:
    """Add the image of each group, and those that a person may choose instead, to `found`."""
    defaults = root.entries()[_DEFAULTS] if isinstance(root, YamlMapping) else None
    for key, group in defaults.entries().items() if isinstance(defaults, YamlMapping) else ():
        if not _GROUP.fullmatch(key) or not isinstance(group, YamlMapping):
            continue
        for name, value in group.entries().items():
            path = f"{_DEFAULTS}.{key}.{name}"
            if name == "value" and isinstance(value, Scalar):
                add_image(text, value, path, FORMAT, found)
            elif name == "options" and isinstance(value, YamlList):
                for index, option in enumerate(value.items):
                    if isinstance(option, Scalar):
                        add_image(text, option, f"{path}[{index}]", FORMAT, found)
