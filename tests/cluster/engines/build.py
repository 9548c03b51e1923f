"""Builds the engines that the cluster tests run: `python -m tests.cluster.engines.build` (or `make engines`).

Each folder beside this file that holds a go.mod is one Go module, pinned by its go.mod and go.sum. What it builds is kept in
`$XDG_CACHE_HOME/orchestrator/engines/<module>-<hash>/` (`~/.cache` when unset), so that another clone on the same machine
does not build it again. The hash covers go.mod, go.sum, the module's own sources, the flags and the version of Go.
Standard library only: the tests import `binary` from here.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
KUBERNETES_VERSION = "v1.36.3"
KYVERNO_VERSION = "v1.19.1"
_SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath", "GOWORK": "off"}
_COMPONENT_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True)
class GoModule:
    """A folder with a go.mod, what is built from it (`{binary: package}`), and files taken from its dependencies.

    `stamps` are string variables that the linker sets; `files` are `(module, glob)` pairs.
    """

    name: str
    binaries: dict[str, str]
    stamps: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        return HERE / self.name

    @property
    def ldflags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.stamps.items())])


MODULES = (
    GoModule("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    GoModule("distribution", {"registry": "github.com/distribution/distribution/v3/cmd/registry"}),
    GoModule("crane", {"crane": "github.com/google/go-containerregistry/cmd/crane"}),
    GoModule(
        "regclient",
        {name: f"github.com/regclient/regclient/cmd/{name}" for name in ("regctl", "regsync")},
    ),
    GoModule("cosign", {"cosign": "github.com/sigstore/cosign/v3/cmd/cosign"}),
    GoModule("actionlint", {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"}),
    GoModule("oras", {"oras": "oras.land/oras/cmd/oras"}),
    # Its schemas alone, that of what a trigger of each kind may say, too.
    GoModule(
        "keda",
        {},
        files=(
            ("github.com/kedacore/keda/v2", "config/crd/bases/keda.sh_*.yaml"),
            ("github.com/kedacore/keda/v2", "schema/generated/scalers-schema.json"),
        ),
    ),
    GoModule(
        "schemas",
        {},
        files=(
            (
                "github.com/prometheus-operator/prometheus-operator",
                "example/prometheus-operator-crd/*_servicemonitors.yaml",
            ),
            (
                "github.com/prometheus-operator/prometheus-operator",
                "example/prometheus-operator-crd/*_prometheusrules.yaml",
            ),
            ("github.com/cert-manager/cert-manager", "deploy/crds/cert-manager.io_certificates.yaml"),
            ("github.com/cert-manager/cert-manager", "deploy/crds/cert-manager.io_issuers.yaml"),
        ),
    ),
    # Prometheus' own parser of its queries: the whole of promtool takes ten times as long to build.
    GoModule("promql", {"promqlparse": "./cmd/promqlparse"}),
    GoModule("conformance", {"conformance": "github.com/opencontainers/distribution-spec/conformance"}),
    GoModule("kustomize", {"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"}),
    GoModule("helm3", {"helm3": "helm.sh/helm/v3/cmd/helm"}),
    # The newest whose Kubernetes libraries are those of helm3: most of it is then built already.
    GoModule("helm4", {"helm4": "helm.sh/helm/v4/cmd/helm"}),
    GoModule("containerd", {"hostresolve": "./cmd/hostresolve", "containerdconfig": "./cmd/containerdconfig"}),
    GoModule(
        "ecr-credential-provider",
        {"ecr-credential-provider": "k8s.io/cloud-provider-aws/cmd/ecr-credential-provider"},
    ),
    GoModule("nodeadm", {"nodeadm": "github.com/awslabs/amazon-eks-ami/nodeadm/cmd/nodeadm"}),
    GoModule(
        "openshift",
        {name: f"./cmd/{name}" for name in ("strictdecode", "idms2registries", "pullsources")},
        files=(
            ("github.com/openshift/api", "config/v1/zz_generated.crd-manifests/*_image*mirrorsets*.crd.yaml"),
            (
                "github.com/openshift/api",
                "config/v1/zz_generated.crd-manifests/*_criocredentialproviderconfigs*.crd.yaml",
            ),
        ),
    ),
    GoModule(
        "kubernetes",
        {
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kubeletcredentials": "./cmd/kubeletcredentials",
        },
        stamps={
            # Without a version an API server takes itself for 0.0 and enables nothing that is newer.
            f"{_COMPONENT_VERSION}.gitVersion": KUBERNETES_VERSION,
            f"{_COMPONENT_VERSION}.gitMajor": "1",
            f"{_COMPONENT_VERSION}.gitMinor": "36",
        },
    ),
    GoModule(
        "kyverno",
        {"kyverno": "github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno"},
        stamps={"github.com/kyverno/kyverno/pkg/version.BuildVersion": KYVERNO_VERSION},
    ),
)


class EnginesError(Exception):
    """What is wrong and what to do about it."""


def cache_root() -> Path:
    """Where builds are kept: below `$XDG_CACHE_HOME`, else `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of that variable says that a relative path is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "orchestrator" / "engines"


@functools.cache
def _go() -> str:
    found = shutil.which("go")
    if found is None:
        raise EnginesError(
            "The engines are built with Go and there is none on PATH. Install Go 1.26 or later (https://go.dev/dl), then run `make engines`."
        )
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, **_SETTINGS}


def _run(module: GoModule, *arguments: str) -> str:
    finished = subprocess.run(
        [_go(), *arguments], cwd=module.folder, env=_environment(), stdout=subprocess.PIPE, text=True, check=False
    )
    if finished.returncode != 0:
        command = " ".join(["go", *arguments])
        raise EnginesError(f"{module.folder}: `{command}` ended with {finished.returncode}; its own message is above.")
    return finished.stdout


@functools.cache
def _go_version() -> str:
    # Asked inside a module: its go.mod may have Go fetch a newer toolchain than the installed one.
    return _run(MODULES[-1], "env", "GOVERSION", "GOOS", "GOARCH")


def module_hash(module: GoModule) -> str:
    """Twelve hex digits that change when anything that goes into the module's binaries does."""
    digest = hashlib.sha256()
    sources = sorted([module.folder / "go.mod", module.folder / "go.sum", *module.folder.rglob("*.go")])
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(module.folder).as_posix()} {len(content)}\n".encode() + content)
    digest.update(repr((_go_version(), _SETTINGS, module.binaries, module.ldflags, module.files)).encode())
    return digest.hexdigest()[:12]


def module_folder(module: GoModule) -> Path:
    """Where the module's build is, or will be."""
    return cache_root() / f"{module.name}-{module_hash(module)}"


def binary(name: str) -> Path:
    """The built program of this name.

    Errors: `EnginesError` when it has not been built, with the command that does.
    """
    return _built(next(module for module in MODULES if name in module.binaries), name)


def taken_files(module_name: str) -> list[Path]:
    """The files that the module named so takes from its dependencies (`GoModule.files`), sorted."""
    module = next(module for module in MODULES if module.name == module_name)
    return sorted(_built(module, "files").iterdir())


def _built(module: GoModule, name: str) -> Path:
    path = module_folder(module) / name
    if not path.exists():
        raise EnginesError(f"{name} has not been built for these pins ({path}). Run `make engines`.")
    return path


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(module: GoModule) -> float | None:
    """Seconds it took to build the module, or None when it was there already."""
    target = module_folder(module)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A second `make engines` waits for the first one instead of doing the same work beside it.
    with _locked(target.parent / f".{module.name}.lock"):
        if target.is_dir():
            return None
        started = time.monotonic()
        scratch = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=target.parent))
        try:
            for name, package in module.binaries.items():
                _run(module, "build", f"-ldflags={module.ldflags}", "-o", str(scratch / name), package)
            if module.files:
                (scratch / "files").mkdir()
            for dependency, pattern in module.files:
                # What is built has downloaded it already; what nothing is built of has not.
                _run(module, "mod", "download", dependency)
                found = sorted(Path(_run(module, "list", "-m", "-f", "{{.Dir}}", dependency).strip()).glob(pattern))
                if not found:
                    raise EnginesError(f"{dependency} has no file like {pattern}.")
                for path in found:
                    shutil.copyfile(path, scratch / "files" / path.name)
            scratch.chmod(0o755)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return time.monotonic() - started


def main() -> int:
    try:
        for module in MODULES:
            print(f"{module.name}: ", end="", flush=True)
            seconds = build(module)
            size = sum(path.stat().st_size for path in module_folder(module).rglob("*") if path.is_file())
            state = "present" if seconds is None else f"built in {seconds:.0f} s"
            print(f"{', '.join(module.binaries)} {state}, {size / 1e6:.0f} MB", flush=True)
    except EnginesError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(cache_root())
    return 0


if __name__ == "__main__":
    sys.exit(main())
