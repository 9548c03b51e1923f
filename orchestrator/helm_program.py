"""Runs `helm`: fetches charts from repositories, and renders them with the engine that will install them.

An edge that starts processes. Helm's own configuration (logins of repositories, certificates, proxies) counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError, RefusedInput

# A chart of a slow repository, and one that renders thousands of objects.
TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Helm:
    """`helm` at a path."""

    program: str

    def pull(self, repository: str, chart: str, version: str, folder: Path) -> Path:
        """Fetch a chart's archive from a repository (http, https) into the empty `folder`. Raises OrchestratorError."""
        chosen = [f"--version={version}"] if version else []
        self._run(
            f"The chart {chart} of {repository} cannot be fetched.",
            ["pull", chart, f"--repo={repository}", f"--destination={folder}", *chosen],
        )
        return next(path for path in folder.iterdir() if path.suffix == ".tgz")

    def metadata(self, chart: Path) -> str:
        """The text of its Chart.yaml. Raises OrchestratorError."""
        return self._run(f"The chart {chart.name} cannot be read.", ["show", "chart", str(chart.resolve())])

    def template(self, name: str, chart: Path, kubernetes_version: str = "") -> str:
        """The manifests that the chart renders to with its own values, and its CRDs. Raises OrchestratorError.

        `kubernetes_version` is the cluster's (`1.34`); "" for the one that helm was built with.
        """
        # Charts would make tags of `1.34` that no image has: `kubectl:v1.34`.
        chosen = [f"--kube-version={kubernetes_version}.0"] if kubernetes_version else []
        arguments = ["template", "release", str(chart.resolve()), "--include-crds", *chosen]
        return self._run(f"The chart {name} cannot be rendered with its own values.", arguments)

    def _run(self, what: str, arguments: list[str]) -> str:
        try:
            done = subprocess.run(
                [self.program, *arguments],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OrchestratorError(
                what, why=f"helm did not end in {TIMEOUT_SECONDS} seconds.", remedy="Try again, or render it yourself."
            ) from error
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise OrchestratorError(
                what,
                why=said[-1][:500] if said else f"helm ended with {done.returncode}.",
                remedy="Run the same by hand: helm template … | orchestrator mirror NAME --from -.",
            )
        return done.stdout


def find_helm(variables: Mapping[str, str] = os.environ) -> Helm:
    """`helm` on PATH. Raises RefusedInput where there is none."""
    found = shutil.which("helm", path=variables.get("PATH", os.defpath))
    if found is None:
        raise RefusedInput(
            "helm is not on PATH.",
            why="The images of a chart are known when it is rendered, and charts are rendered by helm.",
            remedy="Install helm 3 or later, or render elsewhere: helm template … | orchestrator mirror NAME --from -.",
        )
    return Helm(found)
