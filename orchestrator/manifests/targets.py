"""Which targets there are, which ones an environment gets by default, and the folder that holds them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.manifests.containerd import containerd
from orchestrator.manifests.credentials import credentials
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.kyverno import kyverno
from orchestrator.manifests.kyverno_cel import kyverno_cel
from orchestrator.manifests.metadata import (
    DIGEST_ANNOTATION,
    MANAGED_BY,
    metadata,
    minor_version,
    object_name,
    table_digest,
)
from orchestrator.manifests.mirror_sets import digest_mirrors, tag_mirrors
from orchestrator.manifests.mirror_workers import mirror_workers
from orchestrator.manifests.narrowing import untold
from orchestrator.manifests.native import API_VERSIONS, NATIVE_SINCE, lacks_native, native, native_refused
from orchestrator.manifests.registries_conf import registries_conf
from orchestrator.manifests.rosa import rosa
from orchestrator.manifests.swapper_target import swapper_target
from orchestrator.manifests.usage import usage
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.stages import Stage

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# Where the files of targets without resources are kept.
CONFIG_MAP_NAMESPACE = "kube-system"
# Targets that rewrite references; `annotate` concerns them alone.
REWRITES = ("kyverno", "kyverno-cel", "native")


@dataclass(frozen=True, slots=True)
class Options:
    """`annotate` keeps the images as written in an annotation of the Pod; `api_version` is that of native policies.

    None means v1, where the cluster serves it. A target that is asked for by its version is given. With `stages` the
    targets of REWRITES
    redirect only the Pods that any of these selects.
    """

    annotate: bool = False
    api_version: str | None = None
    stages: Sequence[Stage] | None = None


Generator = Callable[["Environment", RouteTable, Options], TargetFiles]

GENERATORS: Mapping[str, Generator] = {
    "kyverno": lambda environment, table, options: kyverno(
        environment, table, annotate=options.annotate, stages=options.stages
    ),
    "kyverno-cel": lambda environment, table, options: kyverno_cel(
        environment, table, annotate=options.annotate, stages=options.stages
    ),
    "native": lambda environment, table, options: native(
        environment,
        table,
        api=options.api_version or API_VERSIONS[0],
        annotate=options.annotate,
        stages=options.stages,
    ),
    "idms": lambda environment, table, _: digest_mirrors(environment, table),
    "itms": lambda environment, table, _: tag_mirrors(environment, table),
    "rosa": lambda environment, table, _: rosa(environment, table),
    "containerd": lambda environment, table, _: containerd(environment, table),
    "registries-conf": lambda environment, table, _: registries_conf(environment, table),
    "credentials": lambda environment, table, _: credentials(environment, table),
    "usage": lambda environment, table, _: usage(environment, table),
    "swapper": lambda environment, table, _: swapper_target(environment, table),
    "mirror-workers": lambda environment, table, _: mirror_workers(environment, table),
}


def default_targets(environment: Environment) -> tuple[str, ...]:
    """`native` from Kubernetes 1.36 on, else `kyverno-cel`; zero-egress ROSA HCP also `idms` and `rosa`."""
    policy = "native" if minor_version(environment) >= NATIVE_SINCE else "kyverno-cel"
    if environment.platform == "rosa-hcp" and not environment.allow_upstream:
        return (policy, "idms", "rosa")
    return (policy,)


def available_targets(environment: Environment) -> tuple[str, ...]:
    """Every target that this cluster can use."""
    return tuple(name for name in GENERATORS if name != "native" or not lacks_native(environment))


def generate(
    environment: Environment, targets: Sequence[str], options: Options | None = None
) -> tuple[TargetFiles, ...]:
    """The bundle of each target, in the order asked for, each with a README and a kustomization."""
    options = options or Options()
    if options.api_version not in (None, *API_VERSIONS):
        raise RefusedInput(
            f'Unknown API version "{options.api_version}" for native policies.',
            remedy=f"Use one of {', '.join(API_VERSIONS)}.",
        )
    for target in targets:
        if target not in GENERATORS:
            raise RefusedInput(f'Unknown target "{target}".', remedy=f"Use one of {', '.join(GENERATORS)}.")
    wide = [target for target in targets if target not in REWRITES]
    if options.stages is not None and wide:
        raise RefusedInput(
            f'The target "{wide[0]}" has no stages.',
            why="The nodes' configuration holds for every Pod on them.",
            remedy=f"Name targets that look at Pods: --for {' --for '.join(REWRITES)}; or leave --stage out.",
        )
    if "native" in targets and options.api_version is None and lacks_native(environment):
        raise native_refused(environment)
    table = build_route_table(environment)
    return tuple(
        _completed(environment, GENERATORS[target](environment, table, options), options)
        for target in dict.fromkeys(targets)
    )


def _completed(environment: Environment, bundle: TargetFiles, options: Options) -> TargetFiles:
    if options.stages is not None:
        through = f"Only Pods of these stages are redirected: {', '.join(stage.name for stage in options.stages)}."
        bundle = replace(bundle, notes=(through, *untold(options.stages), *bundle.notes))
    files = dict(bundle.files)
    files["kustomization.yaml"] = dump_yaml(_kustomization(environment, bundle))
    files["README.md"] = _readme(environment, bundle, options)
    return replace(bundle, files=files)


def _config_map(environment: Environment, bundle: TargetFiles) -> str:
    return object_name(environment, f"ecr-{bundle.target}")


def _kustomization(environment: Environment, bundle: TargetFiles) -> dict[str, Any]:
    """The target's resources; files for nodes are kept in a ConfigMap, for whatever configures the nodes."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    if bundle.resources:
        return {**head, "resources": list(bundle.resources)}
    name = _config_map(environment, bundle)
    described = metadata(environment, name)
    return {
        **head,
        "configMapGenerator": [
            {
                "name": name,
                "namespace": CONFIG_MAP_NAMESPACE,
                "files": [f"{re.sub('[^a-zA-Z0-9._-]', '.', path)}={path}" for path in bundle.files],
            }
        ],
        "generatorOptions": {
            "disableNameSuffixHash": True,
            "labels": described["labels"],
            "annotations": described["annotations"],
        },
    }


def _command(environment: Environment, bundle: TargetFiles, options: Options) -> str:
    """The command that made the bundle, without where to."""
    words = ["orchestrator manifests", environment.name, "--for", bundle.target]
    if options.annotate and bundle.target in REWRITES:
        words.append("--annotate")
    if options.api_version and bundle.target == "native":
        words += ["--api-version", options.api_version]
    if options.stages is not None:
        words += ["--stage", "FILE", "--through", shlex.quote(options.stages[-1].name)]
    return " ".join(words)


def _steps(steps: Sequence[str]) -> str:
    return "\n".join(f"    {step}" for step in steps)


def _readme(environment: Environment, bundle: TargetFiles, options: Options) -> str:
    """How to apply, verify and roll back the target, and what it cannot express."""
    command = _command(environment, bundle, options)
    limits = (
        "\n".join(f"- {note}" for note in bundle.notes) or "- Nothing: this target says all that the route table says."
    )
    kept = (
        ""
        if bundle.resources
        else f"\n\n`kubectl apply -k .` keeps these files in the ConfigMap {_config_map(environment, bundle)} of namespace {CONFIG_MAP_NAMESPACE}, for the program that configures your nodes. That alone changes no pull."
    )
    return (
        f"# {bundle.target} of environment {environment.name}\n\n"
        f"Generated by {MANAGED_BY} from the route table of environment {environment.name}; do not edit. "
        f"Make it again with `{command} --out DIR`, and find out whether it is stale with `{command} --check DIR`.\n\n"
        f"{DIGEST_ANNOTATION}: `{table_digest(environment)}`\n\n"
        f"## Apply\n\n{_steps(bundle.apply)}{kept}\n\n## Verify\n\n{_steps(bundle.verify)}\n\n"
        f"## Roll back\n\n{_steps(bundle.rollback)}\n\n"
        f"## Worth knowing, and differences from the route table\n\n{limits}\n"
    )


def folder(bundles: Sequence[TargetFiles]) -> dict[str, str]:
    """All files of `bundles` as {path: text}, one folder a target."""
    return {f"{bundle.target}/{path}": text for bundle in bundles for path, text in bundle.files.items()}
