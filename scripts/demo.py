"""`make demo`: the main job on the embedded AWS, with real Terraform and the real AWS provider.

Runs a reader's commands in this checkout. The environment comes first, then its cache: it fills, ages, expires and
comes back. It leaves the environment up for the commands that it names at the end.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import boto3

from orchestrator.oci.auth import Login, Renewed
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from scripts.demo_registry import DemoRegistry
from tests.made_images import make_image

ENVIRONMENT = "dev"
IMAGES = (
    "nginx:1.27",
    "bitnami/redis:7.4",
    "quay.io/prometheus/node-exporter:v1.8.2",
    "registry.k8s.io/ingress-nginx/controller:v1.11.2",
    "mcr.microsoft.com/dotnet/aspnet:8.0",
    "gcr.io/distroless/static:nonroot",
)
MIRRORED = "mcr.microsoft.com/dotnet/aspnet:8.0"
CACHED = "quay.io/prometheus/alertmanager:v0.27.0"
RUNNING = ("nginx:1.27.4", "quay.io/prometheus/prometheus:v3.1.0", "registry.k8s.io/coredns/coredns:v1.12.0")
NEXT = (
    f"orchestrator lifecycle preview {ENVIRONMENT} --local --all",
    f"orchestrator local age {ENVIRONMENT} --days 90",
    f"orchestrator output {ENVIRONMENT} --local",
    f"orchestrator plan {ENVIRONMENT} --local",
    f"orchestrator drift {ENVIRONMENT} --local",
    f"orchestrator route {ENVIRONMENT} nginx:1.27 ghcr.io/org/app:1",
    f"orchestrator manifests {ENVIRONMENT} --for kyverno-cel",
    f"orchestrator destroy {ENVIRONMENT} --local",
    "orchestrator local down",
)


LOG = Path(tempfile.gettempdir()) / f"orchestrator-{ENVIRONMENT}-demo.log"
AUDIT = re.compile(r"^Audit: (.+)$", re.MULTILINE)


def say(text: str) -> None:
    print(text, flush=True)


def orchestrator(*arguments: str, capture: bool = False, logged: bool = False) -> str:
    """Run the command as a user would; stop the demo where it fails. `logged` keeps notes and progress in the log."""
    say(f"\n$ orchestrator {' '.join(arguments)}")
    with LOG.open("a", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *arguments],
            stdout=subprocess.PIPE if capture else None,
            stderr=log if logged else None,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        say(done.stdout or "")
        if logged:
            say("".join(LOG.read_text("utf-8").splitlines(keepends=True)[-30:]))
        say(f"The demo stops: the command ended with exit code {done.returncode}.")
        sys.exit(done.returncode)
    return done.stdout or ""


def told(*arguments: str) -> str:
    """Run the command, show what it printed, and give it back."""
    text = orchestrator(*arguments, capture=True)
    say(text.rstrip())
    return text


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def created(applied: dict[str, Any]) -> list[tuple[str, ...]]:
    """What exists after the apply: number and addresses by resource type, from the plan that was applied."""
    kept = Counter(change["type"] for change in applied["changes"] if change["action"] in ("create", "replace"))
    return [("resource", "created"), *sorted((kind, str(count)) for kind, count in kept.items())]


def images(folder: Path) -> None:
    """Copy an image without a rule, pull another through its rule, and pull the copy by its ECR name.

    The images are real ones that are made here: an index with two platforms, and its signature.
    """
    copied, cached = make_image(1, size=200_000), make_image(2, size=200_000)
    held = {"dotnet/aspnet": {"8.0": copied}, "prometheus/alertmanager": {"v0.27.0": cached}}
    with DemoRegistry(held) as internet:
        say(f"\n{internet.address} stands for the internet: it has an index with two platforms, and its signature.")
        via = f"mcr.microsoft.com={internet.address}"
        orchestrator("mirror", ENVIRONMENT, MIRRORED, "--via", via, "--local")
        orchestrator("mirror", ENVIRONMENT, MIRRORED, "--via", via, "--local", "--check")
        orchestrator("local", "up", "--upstream", f"quay.io={internet.address}", capture=True)
        orchestrator("warm", ENVIRONMENT, f"{CACHED}@{cached.digest}", "--local")
    pulled = pull_back(folder, str(answer_of(MIRRORED)["target"]))
    if pulled != copied.digest:
        say(f"The demo stops: {pulled} came back, not {copied.digest}.")
        sys.exit(1)
    say(f"It is the image that was made: {pulled}.")


def cache(folder: Path) -> Path:
    """The cache lives: nodes pull, weeks pass, what nothing runs expires and comes back. The page about it."""
    say("\nThe cache lives: nodes pull old and new versions, 45 days pass, and the cluster still runs three of them.")
    orchestrator("local", "fill", ENVIRONMENT)
    orchestrator("local", "age", ENVIRONMENT, "--days", "45")
    snapshot = ("--snapshot", str(folder / "cluster.json"))
    orchestrator("local", "fill", ENVIRONMENT, *RUNNING, *snapshot)
    # Most of a cache this small is old, which the guard against a wrong setting takes for one.
    manager = (ENVIRONMENT, "--local", *snapshot, "--allow-fraction", "0.7")
    told("lifecycle", "preview", *manager)
    audit = AUDIT.search(told("lifecycle", "run", *manager, "--yes"))
    if audit is None:
        say("The demo stops: nothing was expired.")
        sys.exit(1)
    told("lifecycle", "restore", ENVIRONMENT, "--from", audit[1], "--local")
    page = Path(tempfile.gettempdir()) / f"orchestrator-{ENVIRONMENT}-report.html"
    orchestrator("report", ENVIRONMENT, "--local", "--out", str(page))
    return page


def answer_of(reference: str) -> dict[str, Any]:
    """What the table says of one reference."""
    found: dict[str, Any] = json.loads(orchestrator("route", ENVIRONMENT, reference, "--json", capture=True))
    return found


def pull_back(folder: Path, target: str) -> str:
    """The digest of what the embedded ECR gives by the image's own name: skopeo's, or our client's without skopeo."""
    host, _, path = target.partition("/")
    account, region = host.split(".")[0], host.split(".")[3]
    up = json.loads(orchestrator("local", "up", "--account", account, "--region", region, "--json", capture=True))
    values, address = up["environment"], up["endpoint"].removeprefix("http://")
    client = boto3.client(
        "ecr",
        region_name=region,
        endpoint_url=up["endpoint"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    (data,) = client.get_authorization_token()["authorizationData"]
    if not shutil.which("skopeo"):
        user, _, password = b64decode(data["authorizationToken"]).decode().partition(":")
        logins = Renewed(lambda _: (Login(user, password), 3600.0))
        with Registries([Endpoint(host, url=up["endpoint"], host_header=host, logins=logins)]) as registries:
            repository, _, tag = path.rpartition(":")
            return registries.of(host).manifest(repository, tag).digest
    (folder / "auth.json").write_text(json.dumps({"auths": {address: {"auth": data["authorizationToken"]}}}))
    (folder / "registries.conf").write_text(
        f'[[registry]]\nprefix = "{host}"\nlocation = "{address}/{host}"\ninsecure = true\n'
    )
    say(f"\n$ skopeo copy --all docker://{target} oci:back:1")
    command = ["skopeo", "--insecure-policy", f"--registries-conf={folder}/registries.conf", "copy", "--all", "--quiet"]
    subprocess.run(
        [*command, f"--src-authfile={folder}/auth.json", f"docker://{target}", f"oci:{folder}/back:1"], check=True
    )
    return str(json.loads((folder / "back" / "index.json").read_text())["manifests"][0]["digest"])


def main() -> None:
    LOG.write_text("", encoding="utf-8")
    orchestrator("validate", "--all")
    # What is left of an earlier demo would leave nothing to create.
    orchestrator("destroy", ENVIRONMENT, "--local", "--yes", capture=True, logged=True)
    applied = json.loads(orchestrator("apply", ENVIRONMENT, "--local", "--yes", "--json", capture=True, logged=True))
    orchestrator("drift", ENVIRONMENT, "--local", logged=True)
    orchestrator("route", ENVIRONMENT, *IMAGES)
    documents = Path(tempfile.gettempdir()) / f"orchestrator-{ENVIRONMENT}-manifests"
    targets = ("--for", "kyverno-cel", "--for", "containerd")
    orchestrator("manifests", ENVIRONMENT, *targets, "--out", str(documents), logged=True)
    with tempfile.TemporaryDirectory() as folder:
        images(Path(folder))
        page = cache(Path(folder))
    rows = created(applied)
    say(f"\nCreated in the embedded AWS ({sum(int(count) for _, count in rows[1:])} resources):")
    table(rows)
    say(f"\nThe page about all of it: {page}\nTerraform's lines and all notes: {LOG}")
    say("\nNext (activate the environment first: . .venv/bin/activate):")
    for command in NEXT:
        say(f"  {command}")


if __name__ == "__main__":
    main()
