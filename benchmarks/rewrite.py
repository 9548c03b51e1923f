"""`orchestrator rewrite` beside kustomize, kbld and PyYAML's C loader on the same files: MB/s and memory.

`python -m benchmarks.rewrite [--files N]`. The files are made here, some five kilobytes each: Deployments, schemas, values of charts and what
has no image. kustomize gets a part of them, because its time grows with the square of its resources; it comes from `make engines` or PATH.
kbld is asked where it is on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import machine, measure
from tests.cluster.engines.build import binary
from tests.references_table import tfvars

KUSTOMIZE_FILES = 300
LOAD = (
    "import sys, yaml, pathlib\n"
    "for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.yaml')):\n"
    "    list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))\n"
)
NOISE = "".join(
    f"    setting-{index}: 'a value that is as long as values are, number {index}'\n" for index in range(60)
)


def deployment(index: int) -> str:
    containers = "".join(
        f"      - name: c{number}\n        image: quay.io/team/app-{number}:v{index}.{number} # kept\n        env:\n"
        + "".join(f"        - name: SETTING_{one}\n          value: 'something of {index}'\n" for one in range(25))
        for number in range(3)
    )
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{index}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n{containers}"
    )


def quiet(index: int) -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{index}\n  annotations:\n{NOISE}spec:\n  ports:\n  - port: 80\n"


def schema(index: int) -> str:
    fields = "".join(
        f"              image{one}:\n                description: An image or something else, field {one}\n"
        "                type: string\n"
        for one in range(40)
    )
    return (
        f"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things{index}.example.com\n"
        "spec:\n  group: example.com\n  names: {kind: Thing, plural: things}\n  scope: Namespaced\n  versions:\n"
        "  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n"
        f"        properties:\n          spec:\n            type: object\n            properties:\n{fields}"
    )


def fill(folder: Path, count: int, *, images: bool = True) -> int:
    """Write the files, a kustomization over them, and say how many bytes they have."""
    size = 0
    for index in range(count):
        text = (deployment, quiet, schema)[index % 3](index) if images else quiet(index)
        path = folder / f"group-{index // 100}" / f"{index}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        size += len(text)
    return size


def tell(name: str, size: int, command: Sequence[str], work: Path) -> None:
    # An installed program is compiled: the first command leaves that here, whatever the shell says of it.
    wanted = {"PYTHONPATH": str(Path.cwd()), "HOME": str(work), "PYTHONPYCACHEPREFIX": str(work / "compiled")}
    environment = {**os.environ, **wanted, "PYTHONDONTWRITEBYTECODE": ""}
    done = measure(command, cwd=work, environment=environment)
    if done.exit_code not in {0, 3}:
        print(f"{name}: failed: {done.output[-300:]}")
        return
    speed = size / 1e6 / done.wall
    each = size / 1e6 / done.cpu
    print(
        f"{name}: {done.wall:.1f} s, {speed:.2f} MB/s, CPU {done.cpu:.1f} s ({each:.2f} MB/s), peak {done.peak >> 20} MB"
    )


def main() -> int:
    """Measure each tool that is there; 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    count = parser.parse_args().files
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "environments").mkdir()
        (work / "environments/standard.tfvars").write_text(tfvars("standard"))
        size, part = fill(work / "files", count), fill(work / "part", KUSTOMIZE_FILES)
        without = fill(work / "without", count, images=False)
        ours = [sys.executable, "-m", "orchestrator", "-C", str(work), "rewrite", "standard"]
        (work / "empty").mkdir()
        tell("orchestrator rewrite --check, empty folder, before it is compiled", 0, [*ours, "empty", "--check"], work)
        print(f"{count} files, {size / 1e6:.0f} MB; kustomize and kbld: {KUSTOMIZE_FILES} files, {part / 1e6:.1f} MB")
        tell("orchestrator rewrite --check", size, [*ours, "files", "--check"], work)
        tell("orchestrator rewrite --check, no image anywhere", without, [*ours, "without", "--check"], work)
        tell("PyYAML, C loader, reading alone", size, [sys.executable, "-c", LOAD, "files"], work)
        listed = sorted(str(path.relative_to(work / "part")) for path in (work / "part").rglob("*.yaml"))
        entries = "".join(f"- {path}\n" for path in listed)
        images = "".join(f"- {{name: quay.io/team/app-{one}, newName: own.example/app-{one}}}\n" for one in range(3))
        (work / "part/kustomization.yaml").write_text(f"resources:\n{entries}images:\n{images}")
        kustomize = shutil.which("kustomize") or str(binary("kustomize"))
        tell("kustomize build", part, [kustomize, "build", "part"], work)
        kbld = shutil.which("kbld")
        if kbld is None:
            print("kbld: not on PATH")
        else:
            (work / "part/kustomization.yaml").unlink()
            tell("kbld", part, [kbld, "-f", "part", "--imgpkg-lock-output", "lock.yaml"], work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
