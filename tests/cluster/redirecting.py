"""The engines that admit Pods, one way to put an environment's policy into each, and to take it out again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.environment.model import Environment
from orchestrator.manifests import Options, generate
from tests.cluster.api_server import ApiServer
from tests.references_table import OWN

ENGINES = ("native",)


@dataclass(frozen=True, slots=True)
class Engine:
    """`target` makes its documents; `forgets` when it takes away an annotation whose image is gone."""

    target: str
    forgets: bool = True


@contextlib.contextmanager
def redirecting(
    api_server: ApiServer, engine: Engine, of: Environment, namespace: str, *, annotate: bool = False
) -> Iterator[None]:
    """The environment's policy in this engine, for a block."""
    document = generate(of, [engine.target], Options(annotate=annotate))[0].files["policy.yaml"]
    becomes = f"{OWN}/docker-hub/library/nginx"
    with api_server.policy(document, probe="nginx", becomes=becomes, namespace=namespace):
        yield
