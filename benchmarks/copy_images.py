"""`orchestrator.oci` next to skopeo, crane, regctl, regsync and oras: the same graph of images, the same registries, one run.

    python -m benchmarks.copy_images [--delays 0 0.04] [--rates] [--tools ours skopeo crane regctl regsync oras]
    python -m benchmarks.copy_images --graph layers --delays 0 --rounds 3

`--graph layers` is four images of four layers of 64 MiB that share nothing: there the bytes count, and what is shown is
megabytes for each CPU-second of the tool. Without it, the graph is like that of ocync's published corpus: 39 images under 51 tags, about 295 MB of unique blobs, 22 cosign tags and
39 referrers. Source and target are strict registries in processes of their own; the target mounts only what a committed manifest
refers to, as ECR does. With a delay, each connection carries 25 MB/s; with `--rates`, the target has ECR's published rates.
Wall and CPU seconds and peak private memory are of the whole process tree of the tool; requests, 429s, mounts and bytes that
came twice are counted by the registries. "least" is what the graph needs at least: see `least_requests`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import machine, measure
from tests.cluster.engines.build import EnginesError, binary
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry

# Requests a second, from ECR's service quotas.
RATES = {"put-manifest": 10.0, "start-upload": 100.0, "put-blob": 100.0, "get-manifest": 2000.0}
BANDWIDTH = 25e6
REPOSITORIES, TAGS, COSIGN, REFERRERS, UNIQUE = 39, 51, 22, 39, 295_000_000


def fill(source: StrictRegistry) -> list[str]:
    """Put the graph into the source; the references `repository:tag` to copy."""
    chance = random.Random(2026)
    bases = [[bytes_of(("base", n, layer), 0) for layer in range(3)] for n in range(6)]
    sizes = [[chance.randint(200_000, 6_000_000) for _ in range(3)] for _ in range(6)]
    bases = [[bytes_of(("base", n, layer), sizes[n][layer]) for layer in range(3)] for n in range(6)]
    total = sum(map(sum, sizes))
    plan = [(repository, platform) for repository in range(REPOSITORIES) for platform in range(1 + repository % 3)]
    own = 8
    weights = [chance.paretovariate(1.1) for _ in range(len(plan) * own)]
    scale = (UNIQUE - total) / sum(min(weight, 60.0) for weight in weights)
    weight = iter(weights)
    references, subjects = [], []
    for repository in range(REPOSITORIES):
        maker = Maker(source, f"library/app{repository:02}")
        children = {}
        for platform in range(1 + repository % 3):
            layers = list(bases[(repository + platform * 5) % 6])
            layers += [
                bytes_of((repository, platform, n), int(min(next(weight), 60.0) * scale) + 50) for n in range(own)
            ]
            name = ("amd64", "arm64", "s390x")[platform]
            children[f"linux/{name}"] = maker.image(layers=layers, config=(repository, platform))
        tags = ["v1", "latest"] if repository < TAGS - REPOSITORIES else ["v1"]
        if len(children) == 1:
            (root,) = children.values()
            for tag in tags:
                maker.held.tags[tag] = root["digest"]
        else:
            root = maker.index(*tags, children=children)
        references += [f"{maker.name}:{tag}" for tag in tags]
        subjects.append((maker, root, list(children.values())))
    for number in range(COSIGN):
        maker, root, _ = subjects[number]
        maker.cosign(root)
    for number in range(REFERRERS):
        maker, root, children_of = subjects[number]
        subject = root if number % 3 else children_of[-1]
        if number % 13 == 12:
            subject = maker.referrer(subject, (number, "first"))
        maker.referrer(subject, number)
    return references


def fill_layers(source: StrictRegistry) -> list[str]:
    """Put large images that share nothing into the source; the references `repository:tag` to copy."""
    for repository in range(4):
        layers = [bytes_of((repository, layer), 64 * 2**20) for layer in range(4)]
        Maker(source, f"large/app{repository}").image("v1", layers=layers, config=repository)
    return [f"large/app{repository}:v1" for repository in range(4)]


FILLED = {"corpus": fill, "layers": fill_layers}


def least_requests(source: StrictRegistry, references: list[str]) -> dict[str, int]:
    """The fewest requests that move the graph with all signatures: each manifest read once, asked once for referrers, and put
    once a tag; tags listed once a repository; three requests a unique blob, one a mount.
    """
    manifests = sum(len(repository.manifests) for repository in source.repositories.values())
    untagged = sum(len(set(r.manifests) - set(r.tags.values())) for r in source.repositories.values())
    puts = untagged + sum(len(r.tags) for r in source.repositories.values())
    holdings = [set(r.blobs) for r in source.repositories.values()]
    unique = len(set().union(*holdings))
    mounts = sum(map(len, holdings)) - unique
    read = len(references) + manifests - REPOSITORIES
    total = read + manifests + len(source.repositories) + puts + 3 * unique + mounts
    return {"manifests": manifests, "puts": puts, "blobs": unique, "mounts": mounts, "total": total}


# A registry in a process of its own, told by lines on its standard input what to do.


def serve(role: str) -> None:
    """Be the target, or a source that holds the graph of this name, until standard input ends."""
    registry = StrictRegistry()
    registry.keep_log = False
    references = FILLED[role](registry) if role in FILLED else []
    with registry:
        hello: dict[str, Any] = {"host": registry.host, "references": references}
        if references:
            hello["least"] = least_requests(registry, references)
            hello["bytes"] = sum(
                len(content)
                for content in {d: c for r in registry.repositories.values() for d, c in r.blobs.items()}.values()
            )
        print(json.dumps(hello), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            registry.delay = command.get("delay", 0.0)
            registry.bandwidth = command.get("bandwidth", 0.0)
            registry.rates = command.get("rates", {})
            if command.get("clear"):
                registry.repositories.clear()
            answer = {
                "requests": dict(registry.requests),
                "throttled": registry.throttled,
                "mounted": registry.mounted,
                "received": sum(registry.received.values()),
                "twice": sum(count - 1 for count in registry.received.values()),
                "refused": registry.refused[:3],
                "manifests": sum(len(r.manifests) for r in registry.repositories.values()),
                "tags": sum(len(r.tags) for r in registry.repositories.values()),
            }
            registry.requests.clear()
            registry.received.clear()
            registry.throttled = registry.mounted = 0
            registry.refused = []
            print(json.dumps(answer), flush=True)


@dataclass
class Served:
    """A registry's process."""

    role: str
    process: subprocess.Popen[str] = field(init=False)
    hello: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.copy_images", "--serve", self.role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hello = self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def tell(self, **command: Any) -> dict[str, Any]:
        """Set the conditions; what happened since the last time."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._read()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


# The tools


def ours(source: str, target: str, journal: str, *references: str) -> None:
    """What is measured as ours, in a process of its own."""
    from orchestrator.oci import Copy, Endpoint, Journal, Registries, copy_images
    from orchestrator.routes.reference import parse_reference

    copies = [Copy(parse_reference(f"{source}/{r}"), parse_reference(f"{target}/{r}")) for r in references]
    limits = RATES if os.environ.get("BENCHMARK_RATES") else {}
    with Registries([Endpoint(target, limits=limits)]) as registries:
        report = copy_images(copies, registries, journal=Journal(Path(journal)))
    for result in report.results:
        if result.error or result.lost:
            print(result.error, result.lost)
    print(f"sent {report.sent} refused mounts {report.refused_mounts} 429s {report.throttled} {report.requests}")
    sys.exit(0 if report.ok else 1)


def command_of(tool: str, source: str, target: str, references: Iterable[str], work: Path) -> list[str]:
    """The command line that copies everything, four at once as people do it."""
    if tool == "ours":
        return [
            sys.executable,
            "-m",
            "benchmarks.copy_images",
            "--ours",
            source,
            target,
            str(work / "journal"),
            *references,
        ]
    if tool == "regsync":
        # JSON is YAML, too.
        logins = [{"registry": host, "tls": "disabled"} for host in (source, target)]
        sync = [{"source": f"{source}/{r}", "target": f"{target}/{r}", "type": "image"} for r in references]
        defaults = {"parallel": 4, "referrers": True, "digestTags": True}
        document = {"version": 1, "creds": logins, "defaults": defaults, "sync": sync}
        (work / "regsync.yml").write_text(json.dumps(document), encoding="utf-8")
        return [str(binary(tool)), "once", "-v", "error", "-c", str(work / "regsync.yml")]
    single = {
        "skopeo": f"skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false docker://{source}/{{}} docker://{target}/{{}}",
        "crane": "{binary} copy --insecure " + f"{source}/{{}} {target}/{{}}",
        "regctl": "{binary} image copy -v error --referrers --digest-tags " + f"{source}/{{}} {target}/{{}}",
        "oras": "{binary} cp -r --no-tty --from-plain-http --to-plain-http " + f"{source}/{{}} {target}/{{}}",
    }[tool]
    program = single.replace("{binary}", str(binary(tool))) if "{binary}" in single else single
    if tool == "regctl":
        for host in (source, target):
            subprocess.run(
                [str(binary(tool)), "registry", "set", "--tls", "disabled", host], check=True, env=_env(work)
            )
    lines = work / "references"
    lines.write_text("".join(f"{r}\n" for r in references), encoding="utf-8")
    return ["sh", "-c", f"xargs -P4 -I{{}} {program} < {lines}"]


def _env(work: Path, *, rates: bool = False) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    home = {"HOME": str(work), "REGCTL_CONFIG": str(work / "regctl.json")}
    return kept | home | ({"BENCHMARK_RATES": "1"} if rates else {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", nargs="+", default=["ours", "skopeo", "crane", "regctl", "regsync", "oras"])
    parser.add_argument("--delays", nargs="+", type=float, default=[0.0, 0.04])
    parser.add_argument(
        "--rates", action="store_true", help="a run more, at the last delay, with ECR's published rates"
    )
    parser.add_argument("--graph", choices=FILLED, default="corpus")
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        help="so many alternating rounds, after a run that is not counted; their medians",
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--ours", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return 0
    if arguments.ours:
        ours(*arguments.ours)
    source, target = Served(arguments.graph), Served("target")
    print(machine())
    print(
        f"{len(source.hello['references'])} tags, {source.hello['bytes'] / 1e6:.0f} MB; least: {source.hello['least']}"
    )
    conditions = [(delay, False) for delay in arguments.delays]
    conditions += [(arguments.delays[-1], True)] if arguments.rates else []
    tools = [tool for tool in arguments.tools if is_here(tool)]
    rows: list[dict[str, Any]] = []
    try:
        if arguments.rounds > 1:
            # Caches of files, and the registries' first megabytes: nobody's time.
            run_tool(tools[0], source, target, conditions[0])
        for number in range(arguments.rounds):
            for condition in conditions:
                for tool in tools if number % 2 == 0 else reversed(tools):
                    rows += run_tool(tool, source, target, condition)
    finally:
        source.end()
        target.end()
    if arguments.rounds > 1:
        print_medians(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def is_here(tool: str) -> bool:
    """Is the tool installed, or built?"""
    try:
        if tool == "skopeo" and shutil.which(tool) is None:
            print(f"{tool}: not installed")
            return False
        if tool not in ("ours", "skopeo"):
            binary(tool)
    except EnginesError as error:
        print(f"{tool}: {error}")
        return False
    return True


def run_tool(tool: str, source: Served, target: Served, condition: tuple[float, bool]) -> list[dict[str, Any]]:
    """A cold run and a warm one under (delay, with rates), and what is known of both."""
    delay, rates = condition
    megabytes = source.hello["bytes"] / 1e6
    slow = {"delay": delay, "bandwidth": BANDWIDTH if delay else 0.0}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        command = command_of(tool, source.hello["host"], target.hello["host"], source.hello["references"], work)
        for turn in ("cold", "warm"):
            source.tell(**slow)
            target.tell(**slow, rates=RATES if rates else {}, clear=turn == "cold")
            found = measure(command, cwd=Path.cwd(), environment=_env(work, rates=rates))
            before, after = source.tell(**slow), target.tell(**slow)
            requests = sum(before["requests"].values()) + sum(after["requests"].values())
            row = {"tool": tool, "delay": delay, "rates": rates, "turn": turn, "requests": requests}
            row |= {name: value for name, value in asdict(found).items() if name != "output"}
            rows.append(row | {f"target_{name}": value for name, value in after.items()})
            print(
                f"{tool:7} {delay * 1000:3.0f} ms{' rates' if rates else '':6} {turn}: {found.wall:6.1f} s wall"
                f" {found.cpu:5.1f} CPU-s ({megabytes / found.cpu:.0f} MB a CPU-s)"
                f" {found.peak / 1e6:4.0f} MB, {requests} requests,"
                f" {after['mounted']} mounts, {after['twice']} blobs twice, {after['throttled']} 429s,"
                f" {after['manifests']} manifests, {after['tags']} tags, exit {found.exit_code}",
                flush=True,
            )
            if tool == "ours":
                print("       ", found.output.strip()[-400:])
    return rows


def print_medians(rows: list[dict[str, Any]]) -> None:
    """The median of each tool's rounds under each condition."""
    print("medians")
    cases = dict.fromkeys((row["delay"], row["rates"], row["turn"], row["tool"]) for row in rows)
    for delay, rates, turn, tool in cases:
        own = [
            row for row in rows if (row["delay"], row["rates"], row["turn"], row["tool"]) == (delay, rates, turn, tool)
        ]
        wall, cpu, peak = (median(row[name] for row in own) for name in ("wall", "cpu", "peak"))
        print(
            f"{tool:7} {delay * 1000:3.0f} ms{' rates' if rates else '':6} {turn}: {wall:6.1f} s wall {cpu:5.1f} CPU-s"
            f" {peak / 1e6:4.0f} MB"
        )


if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    sys.exit(main())
