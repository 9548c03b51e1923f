"""Where a node asks for an image, as the route table has it; and where its answer is another one, why.

A node's mirror configuration replaces the beginning of a name and parses nothing, so some references go other ways than the
table says. Each of them belongs to a reason below and is listed by name in docs/limits-cases.md; the tests assert exactly that list.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from orchestrator.environment.model import Environment
from orchestrator.manifests import generate
from orchestrator.manifests.registries_conf import FILE
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import RouteTable
from tests.cluster.pulls import host_resolve, pull_sources, registries_conf_of
from tests.references_table import CASES, ENVIRONMENTS, Case, environment

Target = Literal["registries-conf", "idms and itms", "containerd"]
CASE_LISTS = Path(__file__).parents[2] / "docs" / "limits-cases.md"
COMMAND = "python -m tests.cluster.node_answers"

# {key: what docs/limits-cases.md says of it}, in the order in which they are looked for.
REASONS = {
    "digest": "Digests on a pull-through route, which the table leaves: nodes ask ECR first, then the source",
    "bare": "`registry-1.docker.io/NAME`: the mirror is asked for NAME without `library/`",
    "prefix": "The repository that an `upstream_repository_prefix` names: nobody has it in ECR, and nodes ask all the same",
    "port": "A routed registry with a port: containers/image takes the port for a tag and refuses the name",
    "ipv6": "IPv6 addresses as registries: containers/image refuses them",
    "capital": "A registry that only a capital tells from a path: containers/image refuses it",
    "long": "Long names: containers/image counts the registry's host in the 255 characters, on both sides of a redirect",
    "name": "Names that are too long for ECR: nodes ask for them there all the same",
    "forbidden": "Sources that ROSA Classic refuses",
    "excluded": "Excludes below a route: nodes ask ECR first for them",
    "host": "FIPS and dual-stack names of an upstream ECR registry: only its standard name is mirrored",
    "underscore": "Registries with an underscore: containerd finds no host in them",
    "path": "Routes and excludes below a path of a registry: the whole registry has one place in ECR, or none",
}


def table_of(case: Case) -> RouteTable:
    return build_route_table(environment(case.environment))


def as_pulled(reference: str) -> str | None:
    """The reference as runtimes pull it: in full, `latest` for no tag, without a tag beside a digest. None for no reference."""
    try:
        parsed = parse_reference(reference)
    except InvalidReference:
        return None
    suffix = f"@{parsed.digest}" if parsed.digest else f":{parsed.tag or 'latest'}"
    return f"{parsed.registry}/{parsed.repository}{suffix}"


def expected(case: Case) -> list[str]:
    """Where a node should ask, in order. Empty where the reference is none."""
    source = as_pulled(case.reference)
    if source is None:
        return []
    if case.target is None:
        return [source]
    target = as_pulled(case.target)
    assert target is not None
    return [target, source] if table_of(case).allow_upstream else [target]


def reason(case: Case, target: Target, error: str) -> str:
    """Why the node's answer is another one than the table's; "unknown" is a defect."""
    written = parse_reference(case.reference)
    table = table_of(case)
    registry, _ = table.canonical(written)
    narrow = any(one.path and one.registry == registry for one in (*table.excludes, *table.includes)) or any(
        route.source.path and route.source.registry == registry for route in table.routes
    )
    found = {
        "ipv6": "[" in case.reference and bool(error),
        "long": "more than 255 characters" in error,
        "port": "rewriting reference" in error,
        "capital": "must be lowercase" in error,
        "prefix": case.reason == "name" and registry != "docker.io" and len(case.reference) < 200,
        "name": case.reason == "name",
        "bare": written.domain == "registry-1.docker.io" and "/" not in written.path,
        "digest": case.reason == "digest",
        "excluded": case.reason == "excluded" and target == "idms and itms",
        "host": target == "idms and itms" and written.domain != registry and ".dkr.ecr." in registry,
        "forbidden": case.environment == "gov" and registry == "quay.io" and target == "idms and itms",
        "underscore": target == "containerd" and "_" in case.reference.partition("/")[0],
        "path": target == "containerd" and narrow,
    }
    return next((name for name, holds in found.items() if holds), "unknown")


Differences = dict[str, list[str]]


def differences(target: Target, answers: Mapping[str, Mapping[str, tuple[Sequence[str], str]]]) -> Differences:
    """`{reason: ["environment: name of the case", ...]}` for `{environment: {reference: (sources, error)}}`."""
    found: Differences = {}
    for case in CASES:
        sources, error = answers[case.environment][case.reference]
        if list(sources) != expected(case):
            found.setdefault(reason(case, target, error), []).append(str(case))
    return found


def section(found: Mapping[str, Iterable[str]]) -> str:
    """The part of docs/limits-cases.md that lists `found`."""
    lines = []
    for name in sorted(found, key=[*REASONS, "unknown"].index):
        lines += ["", f"{REASONS.get(name, name)}:", "", *(f"- {case}" for case in found[name])]
    return "\n".join(lines) + "\n"


def registries_conf(of: Environment, home: Path) -> str:
    """The registries.conf of an environment."""
    return generate(of, ["registries-conf"])[0].files[FILE]


def translated(of: Environment, home: Path, targets: Sequence[str] = ("idms", "itms")) -> str:
    """The registries.conf that OpenShift makes of an environment's mirror sets."""
    documents = [bundle.files[f"{bundle.target}.yaml"] for bundle in generate(of, targets)]
    return registries_conf_of("---\n".join(documents), home)


def write_certs_d(of: Environment, folder: Path) -> Path:
    """`folder`, with the hosts.toml files of an environment in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in generate(of, ["containerd"])[0].files.items():
        if path.startswith("certs.d/"):
            file = folder / path.removeprefix("certs.d/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
    return folder


def answers(target: Target, folder: Path) -> dict[str, dict[str, tuple[list[str], str]]]:
    """`{environment: {reference: (where the node asks, in order; why it refuses)}}` for the whole table."""
    found = {}
    for name in ENVIRONMENTS:
        references = [case.reference for case in CASES if case.environment == name]
        home = folder / name
        home.mkdir(parents=True)
        if target == "containerd":
            hosts = host_resolve(references, write_certs_d(environment(name), home / "certs.d"))
            found[name] = {one: (_asked(answer), answer.get("error", "")) for one, answer in hosts.items()}
            continue
        path = home / "registries.conf"
        path.write_text(
            (registries_conf if target == "registries-conf" else translated)(environment(name), home), "utf-8"
        )
        sources = pull_sources(references, path)
        # A blocked source is listed, and refused when its turn comes.
        found[name] = {
            one: (answer["sources"][:-1] if answer["blocked"] else answer["sources"], answer.get("error", ""))
            for one, answer in sources.items()
        }
    return found


def _asked(answer: Mapping[str, Any]) -> list[str]:
    registry, _, rest = answer["name"].partition("/")
    found = [f"{host['host']}{host['path'].removeprefix('/v2')}/{rest}" for host in answer["hosts"]]
    if registry == "docker.io":
        found = [re.sub("^registry-1[.]docker[.]io/", "docker.io/", one) for one in found]
    return list(dict.fromkeys(found))


def _markers(target: str) -> tuple[str, str]:
    return f"<!-- {target}: begin -->\n", f"<!-- {target}: end -->\n"


def documented(target: Target) -> str:
    """That part as docs/limits-cases.md has it."""
    begin, end = _markers(target)
    return CASE_LISTS.read_text("utf-8").partition(begin)[2].partition(end)[0]


def main() -> None:
    """Write the lists of docs/limits-cases.md anew."""
    for target in get_args(Target):
        with tempfile.TemporaryDirectory() as folder:
            found = differences(target, answers(target, Path(folder)))
        begin, end = _markers(target)
        before, _, rest = CASE_LISTS.read_text("utf-8").partition(begin)
        CASE_LISTS.write_text(before + begin + section(found) + end + rest.partition(end)[2], "utf-8")


if __name__ == "__main__":
    main()
