"""What a native policy adds to the creation of a Pod: no policy, then one with 1, 10 and 50 routes, on one API server.

    python -m benchmarks.admission [--pods 200] [--rounds 5] [--routes 1 10 50] [--json FILE]

Needs `make engines`. Each round has every contender in turn, so that a busy moment meets all of them. A Pod has three containers and an
init container, all redirected; it is really stored, over one kept connection. Milliseconds: medians over all Pods of all rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measure import machine
from orchestrator.environment.model import Environment
from orchestrator.manifests import generate
from tests.cluster.api_server import ApiServer, start_api_server
from tests.cluster.engines.build import EnginesError

WARM_UP = 20
NAMESPACE = "benchmark"
_NUMBERS = itertools.count()


def environment(routes: int) -> Environment:
    """An environment with that many routes below paths, each with four excludes below it."""
    sources = [f"registry-{number:02}.example.com/organisation" for number in range(routes)]
    return Environment.model_validate(
        {
            "name": "benchmark",
            "cluster_name": "benchmark",
            "account_id": "111122223333",
            "aws_region": "us-east-1",
            "mirrors": {f"mirror-{number:02}": {"source": source} for number, source in enumerate(sources)},
            "exclude": tuple(f"{source}/private-{number}" for source in sources for number in range(4)),
        }
    )


def pod() -> bytes:
    """A Pod under a new name, with four images of the first route."""

    def containers(count: int, prefix: str) -> list[dict[str, str]]:
        image = "registry-00.example.com/organisation/team/service-{}:1.25.3"
        return [{"name": f"{prefix}{number}", "image": image.format(number)} for number in range(count)]

    metadata = {"name": f"pod-{next(_NUMBERS)}", "namespace": NAMESPACE}
    spec = {"containers": containers(3, "app-"), "initContainers": containers(1, "init-")}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).encode()


def create_pods(server: ApiServer, count: int) -> tuple[list[float], str]:
    """Milliseconds for each of `count` Pods, and an image of the last one as it was admitted."""
    url = urlsplit(server.url)
    trusted = ssl.create_default_context(cafile=str(server.folder / "certificates" / "apiserver.crt"))
    connection = http.client.HTTPSConnection(str(url.hostname), url.port, context=trusted, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    taken, image = [], ""
    with contextlib.closing(connection):
        for _ in range(count):
            body = pod()
            started = time.perf_counter()
            connection.request("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            taken.append((time.perf_counter() - started) * 1000)
            if answer.status != 201:
                sys.exit(f"A Pod was refused with {answer.status}: {content.decode(errors='replace')}")
            image = str(json.loads(content)["spec"]["containers"][0]["image"])
    return taken, image


@contextlib.contextmanager
def policy(server: ApiServer, routes: int) -> Iterator[None]:
    """The native policy of that many routes in effect; none for 0."""
    if not routes:
        yield
        return
    of = environment(routes)
    document = generate(of, ["native"])[0].files["policy.yaml"]
    probe = "registry-00.example.com/organisation/probe"
    becomes = f"{of.registry_host}/mirror-00/organisation/probe"
    with server.policy(document, probe=probe, becomes=becomes, namespace=NAMESPACE):
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=200, help="Pods of each contender in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--routes", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    contenders = [0, *arguments.routes]
    taken: dict[int, list[float]] = {routes: [] for routes in contenders}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(start_api_server(Path(folder)))
        except EnginesError as error:
            sys.exit(str(error))
        server.create_namespace(NAMESPACE)
        for _ in range(arguments.rounds):
            for routes in contenders:
                with policy(server, routes):
                    create_pods(server, WARM_UP)
                    found, image = create_pods(server, arguments.pods)
                if image.startswith("registry-") == bool(routes):
                    sys.exit(f"With {routes} routes a Pod got {image}: nothing was measured.")
                taken[routes] += found
    results = report(taken)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=2) + "\n", "utf-8")
    return 0


def report(taken: dict[int, list[float]]) -> list[dict[str, float]]:
    """Print the table; the same as records."""
    base = statistics.median(taken[0])
    print(f"{machine()}; {len(taken[0])} Pods each, milliseconds for each Pod")
    print(f"{'routes':>8} {'median':>8} {'p95':>8} {'added':>8} {'ratio':>8}")
    results = []
    for routes, found in taken.items():
        median, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
        results.append({"routes": routes, "median": median, "p95": p95, "added": median - base, "ratio": median / base})
        print(f"{routes or 'none':>8} {median:8.2f} {p95:8.2f} {median - base:8.2f} {median / base:8.2f}")
    return results


if __name__ == "__main__":
    sys.exit(main())
