"""The engines that admit Pods, one way to put an environment's policy into each, and to take it out again."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.environment.model import Environment
from orchestrator.manifests import Options, generate
from orchestrator.manifests.webhook_configuration import webhook_configuration
from tests.cluster.api_server import ApiServer
from tests.functional.swapper.serving_webhook import ServedWebhook, served
from tests.references_table import ENVIRONMENTS, OWN

ENGINES = ("native", "webhook")


@dataclass(frozen=True, slots=True)
class Engine:
    """`documents` gives what is applied for an environment, as YAML, with or without annotations of originals."""

    documents: Callable[[Environment, bool], str]


def policy_engine(target: str) -> Engine:
    """The engine of a target of `manifests`."""
    return Engine(lambda of, annotate: str(generate(of, [target], Options(annotate=annotate))[0].files["policy.yaml"]))


def webhook_document(of: Environment, webhook: ServedWebhook) -> str:
    """The webhook's configuration for a process on loopback."""
    client = {
        "url": f"https://127.0.0.1:{webhook.port}/webhook",
        "caBundle": base64.b64encode(webhook.cert.read_bytes()).decode(),
    }
    return str(yaml.safe_dump(webhook_configuration(of, client, None)))


@contextlib.contextmanager
def webhook_engine(folder: Path) -> Iterator[Engine]:
    """Processes of `swapper serve` on loopback, one for each list of excluded Pods, for a block.

    Images of mirrors are swapped without a look: what is asked here is how the API server and the webhook talk.
    """
    with contextlib.ExitStack() as stack:
        running: dict[tuple[str, ...], ServedWebhook] = {}

        def documents(of: Environment, annotate: bool) -> str:
            assert not annotate
            if of.exclude_pods not in running:
                project = folder / str(len(running))
                (project / "environments").mkdir(parents=True)
                variables = {**ENVIRONMENTS["standard"], "exclude_pods": list(of.exclude_pods)}
                text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in variables.items())
                (project / "environments" / "standard.tfvars").write_text(text)
                always = ("--swap-policy", "always", "--copy-policy", "none")
                running[of.exclude_pods] = stack.enter_context(served(project, project / "tls", *always))
            return webhook_document(of, running[of.exclude_pods])

        yield Engine(documents)


@contextlib.contextmanager
def redirecting(
    api_server: ApiServer, engine: Engine, of: Environment, namespace: str, *, annotate: bool = False
) -> Iterator[None]:
    """The environment's policy in this engine, for a block."""
    becomes = f"{OWN}/docker-hub/library/nginx"
    with api_server.policy(engine.documents(of, annotate), probe="nginx", becomes=becomes, namespace=namespace):
        yield
