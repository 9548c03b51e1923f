"""`--pull-secret FILE`: the imagePullSecrets that a cluster has already, as logins to sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.named_files import read_given
from orchestrator.oci.logins import DockerLogins, docker_logins, pull_secret_logins
from orchestrator.yaml_documents import UnreadableYaml, load_documents


def source_logins(files: Iterable[Path]) -> list[DockerLogins]:
    """The logins of the Secrets in these files, before those of docker and podman. Raises RefusedInput, never with content."""
    return [*(login for file in files for login in _logins_in(file)), *docker_logins()]


def _logins_in(file: Path) -> list[DockerLogins]:
    try:
        documents = list(load_documents(read_given(file).decode("utf-8")))
    except OSError as error:
        raise RefusedInput(
            f"--pull-secret {file} cannot be read: {error.strerror}.", remedy="Name a readable file."
        ) from error
    except (UnreadableYaml, UnicodeDecodeError):
        # The parser's words quote the text, which is a secret.
        raise _refused(file, "It is no YAML.") from None
    try:
        found = pull_secret_logins(_secrets(documents))
    except OrchestratorError as error:
        raise _refused(file, error.what) from None
    if not found:
        raise _refused(file, "No Secret in it has .dockerconfigjson or .dockercfg.")
    return found


def _secrets(documents: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for document in documents:
        if not isinstance(document, dict):
            continue
        if isinstance(document.get("items"), list):
            yield from (item for item in document["items"] if isinstance(item, dict))
        else:
            yield document


def _refused(file: Path, why: str) -> RefusedInput:
    return RefusedInput(
        f"--pull-secret {file} holds no logins.",
        why=why,
        remedy="Write it by: kubectl get secret NAME -o yaml.",
    )
