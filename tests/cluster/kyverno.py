"""The Kyverno CLI: what a ClusterPolicy or MutatingPolicy does to Pods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.pods import Document, Kind, chunks, distinct, images_of, pod_of
from tests.cluster.processes import EngineRunError, engine_environment, run_engine

# The CLI takes long for each Pod, less for each container.
REFERENCES_PER_POD = 60

_SUMMARY = re.compile(r"^pass: (\d+), fail: (\d+), warn: (\d+), error: (\d+), skip: (\d+)", re.MULTILINE)
_APPLYING = re.compile(r"^Applying (\d+) policy rule\(s\) to (\d+) resource\(s\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KyvernoRun:
    """What `kyverno apply` counted, and the Pods that it printed, by name: changed or not, but not those it left out."""

    rules: int
    resources: int
    passed: int
    failed: int
    warned: int
    errors: int
    skipped: int
    pods: dict[str, Document]
    output: str


def kyverno_apply(policy: str, pods: Sequence[Document], folder: Path) -> KyvernoRun:
    """Apply a policy (YAML) to Pods. `folder` takes its files.

    The CLI silently leaves out policies that it does not understand, with exit code 0: look at `passed` and at the images.
    A MutatingPolicy is counted twice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {"policy": folder / "policy.yaml", "pods": folder / "pods.yaml", "output": folder / "mutated.yaml"}
    written["policy"].write_text(policy, encoding="utf-8")
    written["pods"].write_text("\n---\n".join(map(json.dumps, pods)), encoding="utf-8")
    written["output"].unlink(missing_ok=True)
    finished = run_engine(
        [
            "kyverno",
            "apply",
            written["policy"],
            "--resource",
            written["pods"],
            "-o",
            written["output"],
            "--remove-color",
        ],
        environment=engine_environment(folder),
        check=False,
    )
    said = finished.stdout + finished.stderr
    summary, applying = _SUMMARY.search(said), _APPLYING.search(said)
    if summary is None or applying is None:
        raise EngineRunError(f"kyverno apply ended with {finished.returncode} and no count:\n{said}")
    passed, failed, warned, errors, skipped = map(int, summary.groups())
    mutated = {
        document["metadata"]["name"]: document
        for document in yaml.load_all(written["output"].read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if document
    }
    rules, resources = map(int, applying.groups())
    return KyvernoRun(rules, resources, passed, failed, warned, errors, skipped, mutated, said)


def kyverno_mutate(
    policy: str,
    references: Iterable[str],
    *,
    folder: Path,
    namespace: str = "default",
    kind: Kind = "containers",
    per_pod: int = REFERENCES_PER_POD,
) -> dict[str, str]:
    """`{reference: image}` after the policy had Pods with these images in that namespace.

    Errors: `EngineRunError` when the CLI left out a Pod (as it does with all of them for a policy that it does not understand),
    or counted a failure or an error.
    """
    groups = list(chunks(distinct(references), per_pod))
    pods = [pod_of(f"pod-{n}", group, namespace=namespace, kind=kind) for n, group in enumerate(groups)]
    run = kyverno_apply(policy, pods, folder)
    if len(run.pods) != len(pods) or run.failed or run.errors:
        raise EngineRunError(f"kyverno apply printed {len(run.pods)} of {len(pods)} Pods, or had errors:\n{run.output}")
    found = {}
    for pod, group in zip(pods, groups, strict=True):
        found.update(images_of(run.pods[pod["metadata"]["name"]], group, kind))
    return found
