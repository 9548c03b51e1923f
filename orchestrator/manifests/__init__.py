"""Environment → documents that make a cluster pull from ECR: admission policies, mirror sets, node configuration.

Every document is derived from the route table; none parses a reference or decides a route again. Pure: values in, text out.

The stages: `targets` chooses what an environment gets. The module of a target asks the table; `cel` and `grammar` write its
answers as expressions. `metadata` marks the objects. `document` dumps them.
"""

from orchestrator.manifests.document import TargetFiles
from orchestrator.manifests.targets import (
    GENERATORS,
    REWRITES,
    Options,
    available_targets,
    default_targets,
    folder,
    generate,
)

__all__ = [
    "GENERATORS",
    "REWRITES",
    "Options",
    "TargetFiles",
    "available_targets",
    "default_targets",
    "folder",
    "generate",
]
