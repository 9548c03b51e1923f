"""`orchestrator plan` next to bare Terraform: the same environments, the same unchanged state, one run.

    python -m benchmarks.plan [--environments 1 4 8] [--rounds 3] [--json FILE]

Compared are (a) `terraform plan` in a shell loop, (b) the same through `xargs -P2`, (c) `terragrunt run --all plan` where
Terragrunt is on PATH. All use the working directories that the orchestrator made, already initialised, against the
embedded AWS. Wall and CPU seconds and peak private memory of each whole process tree; medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.measure import Measurement, machine, measure
from orchestrator.local import ensure_running, stop
from orchestrator.project import Project
from orchestrator.terraform.binary import find_terraform
from orchestrator.terraform.providers import provider_environment

ACCOUNT = "1111222233{:02d}"
REGION = "eu-west-1"
TFVARS = """\
environment          = "{name}"
cluster_name         = "{name}"
account_id           = "{account}"
aws_region           = "{region}"
create_vpc_endpoints = false
create_ecr           = true
repositories         = {{ "{name}/web" = {{}} }}

pull_through_cache_rules = {{
  ecr-public = {{ upstream_registry_url = "public.ecr.aws", template = {{}} }}
  quay       = {{ upstream_registry_url = "quay.io", template = {{}} }}
  k8s        = {{ upstream_registry_url = "registry.k8s.io" }}
}}
"""


def write_project(folder: Path, count: int) -> list[str]:
    """`count` environments, each in an account of its own: eleven resources."""
    names = [f"env{index:02d}" for index in range(count)]
    (folder / "environments").mkdir(parents=True)
    for index, name in enumerate(names):
        text = TFVARS.format(name=name, account=ACCOUNT.format(index), region=REGION)
        (folder / "environments" / f"{name}.tfvars").write_text(text, encoding="utf-8")
    return names


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> Measurement:
    """One measured run, which must succeed."""
    result = measure(command, cwd=folder, environment=environment)
    if result.exit_code != 0:
        sys.exit(f"{shlex.join(command)} ended with {result.exit_code}:\n{result.output}")
    return result


def bare_commands(folder: Path, names: list[str], terraform: list[str]) -> str:
    """One shell line an environment: `terraform plan` in its working directory, with its account's keys."""
    aws = ensure_running(Project(folder).local_aws_dir)
    lines = []
    for index, name in enumerate(names):
        variables = {**aws.variables(ACCOUNT.format(index), REGION), "TF_WORKSPACE": name}
        root = folder / ".orchestrator" / "local" / name / "root"
        settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in sorted(variables.items()))
        lines.append(
            f"env {settings} {shlex.join(terraform)} -chdir={shlex.quote(str(root))} plan -input=false -no-color"
        )
    return "\n".join(lines) + "\n"


def contenders(folder: Path, names: list[str]) -> dict[str, list[str]]:
    """{contender: command} for these environments."""
    orchestrator = [sys.executable, "-m", "orchestrator"]
    terraform = list(find_terraform().command)
    commands = folder / "plans.sh"
    commands.write_text(bare_commands(folder, names, terraform), encoding="utf-8")
    found = {
        "orchestrator": [*orchestrator, "plan", *names, "--local"],
        "orchestrator, no shared provider": [*orchestrator, "plan", *names, "--local", "--no-shared-provider"],
        "shell loop": ["sh", "-ec", commands.read_text(encoding="utf-8")],
        "xargs -P2": ["sh", "-c", f"xargs -P2 -d '\\n' -I LINE sh -c LINE < {shlex.quote(str(commands))}"],
    }
    if shutil.which("terragrunt"):
        found["terragrunt"] = terragrunt(folder, names, terraform)
    return found


def terragrunt(folder: Path, names: list[str], terraform: list[str]) -> list[str]:
    """A unit for each working directory; Terragrunt runs Terraform there."""
    tree = folder / "terragrunt"
    aws = ensure_running(Project(folder).local_aws_dir)
    for index, name in enumerate(names):
        unit = tree / name
        shutil.copytree(folder / ".orchestrator" / "local" / name, unit, symlinks=True)
        variables = {**aws.variables(ACCOUNT.format(index), REGION), "TF_WORKSPACE": name}
        block = {"terraform": {"extra_arguments": {"account": {"commands": ["plan"], "env_vars": variables}}}}
        (unit / "root" / "terragrunt.hcl.json").write_text(json.dumps(block), encoding="utf-8")
    return [
        "terragrunt",
        "run",
        "--all",
        "plan",
        "--non-interactive",
        "--working-dir",
        str(tree),
        "--tf-path",
        *terraform,
    ]


def compare(count: int, rounds: int) -> dict[str, list[Measurement]]:
    """Every contender, in turn, `rounds` times, on `count` environments."""
    with tempfile.TemporaryDirectory(prefix="benchmark-plan-") as scratch:
        folder = Path(scratch)
        names = write_project(folder, count)
        environment = {**os.environ, **provider_environment(folder)}
        try:
            apply = [sys.executable, "-m", "orchestrator", "apply", *names, "--local", "--yes"]
            run(apply, folder, environment)
            commands = contenders(folder, names)
            results: dict[str, list[Measurement]] = {name: [] for name in commands}
            for _ in range(rounds):
                for name, command in commands.items():
                    results[name].append(run(command, folder, environment))
            return results
        finally:
            stop(Project(folder).local_aws_dir)


def report(count: int, results: dict[str, list[Measurement]]) -> None:
    """A table of medians, and each contender's wall time as a multiple of the orchestrator's."""
    own = statistics.median(result.wall for result in results["orchestrator"])
    print(f"\n{count} environment{'s' if count > 1 else ''}")
    print(f"{'':34}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'wall ratio':>12}")
    for name, runs in results.items():
        wall = statistics.median(one.wall for one in runs)
        cpu = statistics.median(one.cpu for one in runs)
        peak = statistics.median(one.peak for one in runs) / 2**20
        print(f"{name:34}{wall:9.2f}{cpu:9.2f}{peak:10.0f}{wall / own:12.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write every run to this file")
    options = parser.parse_args()
    print(machine())
    collected = {}
    for count in options.environments:
        results = compare(count, options.rounds)
        report(count, results)
        collected[count] = {
            name: [{key: value for key, value in asdict(one).items() if key != "output"} for one in runs]
            for name, runs in results.items()
        }
    if options.json:
        options.json.write_text(json.dumps(collected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
