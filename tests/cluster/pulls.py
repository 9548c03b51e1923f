"""What pulls images on nodes, asked where it would go: skopeo and containers/image, containerd, OpenShift's translation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.engines.build import binary
from tests.cluster.pods import distinct
from tests.cluster.processes import engine_environment, run_engine
from tests.cluster.recording_registry import Asked, RecordingRegistry
from tests.cluster.token_server import TokenServer


@dataclass(frozen=True, slots=True)
class Pull:
    """A manifest fetched by skopeo: the manifests it asked for, in order, and what it said.

    `exit_code` is not 0 when no source had the image, when all are blocked, and for a digest other than the recording
    registry's own.
    """

    asked: tuple[Asked, ...]
    exit_code: int
    error: str

    @property
    def images(self) -> list[str]:
        """`host/repository:tag` of every source that was asked, in order."""
        return [one.image for one in self.asked]


def skopeo_pull(skopeo: str, reference: str, registries_conf: Path, registry: RecordingRegistry) -> Pull:
    """Have skopeo fetch one manifest. It takes a tag or a digest, not both."""
    client = registry.new_name()
    finished = run_engine(
        # A folder of drop-ins beside the file, if there is one, is not read: the file is all there is.
        [skopeo, "--registries-conf", registries_conf, "inspect", "--raw", "--no-creds", f"docker://{reference}"],
        environment=engine_environment(registries_conf.parent, **registry.environment(client)),
        check=False,
        timeout=60,
    )
    asked = tuple(one for one in registry.asked(client) if one.kind == "manifests")
    return Pull(asked, finished.returncode, finished.stderr)


def skopeo_pull_all(
    skopeo: str, references: Iterable[str], registries_conf: Path, registry: RecordingRegistry
) -> dict[str, Pull]:
    """`{reference: Pull}`, two at a time."""
    wanted = distinct(references)
    with ThreadPoolExecutor(2) as pool:
        pulls = pool.map(lambda one: skopeo_pull(skopeo, one, registries_conf, registry), wanted)
        return dict(zip(wanted, pulls, strict=True))


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _ask_lines(command: list[str | Path], references: Iterable[str], environment: dict[str, str]) -> dict[str, Any]:
    wanted = distinct(references)
    stdin = "".join(f"{json.dumps(one)}\n" for one in wanted)
    answers = _json_lines(run_engine(command, environment=environment, stdin=stdin).stdout)
    return dict(zip(wanted, answers, strict=True))


def pull_sources(references: Iterable[str], registries_conf: Path) -> dict[str, dict[str, Any]]:
    """`{reference: {"sources": [...], "blocked": bool, "error"?: str}}` by containers/image, the library of CRI-O, podman and skopeo."""
    return _ask_lines(["pullsources", registries_conf], references, engine_environment(registries_conf.parent))


def host_resolve(
    references: Iterable[str], certs_d: Path, registry: RecordingRegistry | None = None
) -> dict[str, dict[str, Any]]:
    """What containerd does with a folder of `<host>/hosts.toml`, for each reference.

    `{reference: {"name", "hosts": [{"scheme", "host", "path", "capabilities"}], "requests": [{"method", "url", "status"}], "error"?}}`.
    Requests are made only when there is a recording registry to answer them.
    """
    if registry is None:
        return _ask_lines(["hostresolve", "-hosts", certs_d], references, engine_environment(certs_d))
    environment = engine_environment(certs_d, **registry.environment())
    return _ask_lines(["hostresolve", certs_d], references, environment)


def kubelet_credentials(references: Iterable[str], config: Path) -> dict[str, dict[str, Any]]:
    """For which images the kubelet gets credentials, given its CredentialProviderConfig (version v1, YAML).

    `{reference: {"repository", "users": [...], "error"?}}`. The provider is the real ecr-credential-provider. In the place of AWS a
    server answers whose tokens have the region that was asked as their user name, and `public` for ECR Public: an empty list means
    that the kubelet has none. Errors: `EngineRunError` when the kubelet would not start with this configuration.
    """
    with TokenServer() as aws:
        environment = {
            **engine_environment(config.parent),
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "node-role",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        folder = binary("ecr-credential-provider").parent
        return _ask_lines(["kubeletcredentials", config, folder], references, environment)


def containerd_directories(config: str, hosts: Iterable[str], home: Path) -> dict[str, dict[str, Any]]:
    """What containerd makes of its configuration (TOML): `{host: {"config_path", "found", "error"?}}`.

    `config_path` is the CRI plugin's after migration, `found` the folder in which the transfer service, through which containerd
    pulls from 2.1 on, looks for the host's hosts.toml.
    """
    path = home / "config.toml"
    path.write_text(config, encoding="utf-8")
    return _ask_lines(["containerdconfig", path], hosts, engine_environment(home))


def nodeadm_check(node_config: str, home: Path) -> None:
    """Have nodeadm (of February 2024, the one that the Go proxy has) check a NodeConfig. Errors: `EngineRunError`."""
    path = home / "node-config.yaml"
    path.write_text(node_config, encoding="utf-8")
    run_engine(
        ["nodeadm", "config", "check", "--config-source", f"file://{path}"], environment=engine_environment(home)
    )


def strict_decode(documents: str, home: Path) -> list[dict[str, Any]]:
    """The YAML documents as OpenShift's and the kubelet's Go types read them.

    Errors: `EngineRunError` for an unknown kind or field, a repeated field or a wrong type.
    """
    return _json_lines(run_engine(["strictdecode"], environment=engine_environment(home), stdin=documents).stdout)


def registries_conf_of(mirror_sets: str, home: Path) -> str:
    """The registries.conf that OpenShift's nodes get from these ImageDigestMirrorSets and ImageTagMirrorSets (YAML)."""
    return run_engine(["idms2registries"], environment=engine_environment(home), stdin=mirror_sets).stdout
