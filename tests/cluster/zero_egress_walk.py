"""Walks docs/guide/zero-egress.md in a network without a way out: `python -m tests.cluster.zero_egress_walk FOLDER`.

The registries of the page are on loopback, behind a company's proxy that knows them by their names; ECR is the embedded
one. The cluster is a real API server; what its kubelet would do, pull and report, is done here when Pods were applied. What each
command did is written to FOLDER/walked.json.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import pty
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestrator.local import ensure_running, stop
from orchestrator.oci.manifest import digest_of
from orchestrator.project import Project
from tests.cluster.api_server import ApiServer, start_api_server
from tests.cluster.engines.build import binary
from tests.made_catalogs import put_catalog
from tests.made_images import make_image
from tests.oci.corpus import Maker, bytes_of
from tests.oci.loopback_proxy import Authority, LoopbackProxy
from tests.oci.strict_registry import StrictRegistry

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "zero-egress.md"
NAME = "rosa-zero-egress"
REDHAT, LOGIN = "registry.redhat.io", ("me", "secret")
# What the page's commands are told to add for the embedded AWS.
APPLIES = "kubectl apply -f apps/"
ASKS_AWS = re.compile(rf"orchestrator (apply|warm|mirror) {NAME}\b(?!.* --to )")


def blocks(kind: str) -> list[str]:
    """The page's blocks of this kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def page_commands() -> list[str]:
    """Every command of the page, in order."""
    return [line for block in blocks("sh") for line in block.splitlines() if line]


def write_project(folder: Path) -> None:
    """The page's environment and files: the shipped example, without what the page does not speak of."""
    example = (ROOT / "environments" / f"{NAME}.tfvars").read_text("utf-8")
    head, cut, _ = example.partition("lifecycle_manager = {")
    assert cut, "the example has no lifecycle manager"
    (images,) = blocks("hcl")
    (folder / "environments").mkdir()
    (folder / "environments" / f"{NAME}.tfvars").write_text(f"{head}\n{images}")
    (configuration,) = blocks("yaml")
    (folder / "imageset-config.yaml").write_text(configuration)
    (folder / "apps").mkdir()
    (folder / "apps" / "web.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
        f"  - {{name: web, image: 'quay.io/team/web:1'}}\n  - {{name: base, image: '{REDHAT}/ubi9/app:9.5.0'}}\n"
    )
    chart = folder / "charts" / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (chart / "templates" / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  containers:\n"
        "  - {name: web, image: 'quay.io/team/web:1'}\n"
    )
    host = Project(folder).load(NAME).registry.host
    resources = folder / "workspace" / "working-dir" / "cluster-resources"
    resources.mkdir(parents=True)
    (resources / "idms-oc-mirror.yaml").write_text(
        "kind: ImageDigestMirrorSet\nspec:\n  imageDigestMirrors:\n"
        f"  - source: registry.example.com/team\n    mirrors: [{host}/example/team]\n"
    )


def fill(redhat: StrictRegistry, quay: StrictRegistry) -> None:
    """What the page's images are at their sources, with signatures."""
    for number, tag in enumerate(("9.3", "9.4", "9.5"), 1):
        image = make_image(number)
        held = redhat.repository("ubi9/ubi")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags[tag] = image.digest
    Maker(redhat, "ubi9/app").image("9.5.0", layers=[bytes_of("app", 5000)])
    Maker(redhat, "ubi9/ubi-minimal").image("9.5", layers=[bytes_of("minimal", 5000)])
    put_catalog(redhat, REDHAT, "redhat/redhat-operator-index", "v4.18", first="cluster-logging")
    Maker(quay, "team/web").image("1", layers=[bytes_of("web", 5000)])
    Maker(quay, "team/debug").image("1.0", layers=[bytes_of("debug", 5000)])


def run(command: str, folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """One line of the page, as a shell on a terminal runs it: what is asked is agreed to."""
    leader, terminal = pty.openpty()
    os.write(leader, b"y\n")
    try:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=terminal,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(leader)
        os.close(terminal)
    return {"command": command, "code": done.returncode, "out": done.stdout, "err": done.stderr}


def pulled(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """What a node does with the rewritten Pod: skopeo pulls its images by their names, with ECR's token.

    {image: digest of its manifest, "" for what did not come}.
    """
    host = Project(folder).load(NAME).registry.host
    images = re.findall(rf"{re.escape(host)}/[^\s'}}]+", (folder / "apps" / "web.yaml").read_text())
    aws = ensure_running(Project(folder).local_aws_dir)
    import boto3

    account, region = host.split(".")[0], host.split(".")[3]
    keys = aws.variables(account, region)
    ecr = boto3.client(
        "ecr",
        region_name=region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    (data,) = ecr.get_authorization_token()["authorizationData"]
    address = aws.endpoint.removeprefix("http://")
    (folder / "auth.json").write_text(json.dumps({"auths": {address: {"auth": data["authorizationToken"]}}}))
    (folder / "node.conf").write_text(
        f'[[registry]]\nprefix = "{host}"\nlocation = "{address}/{host}"\ninsecure = true\n'
    )
    found = {}
    for number, image in enumerate(images):
        command = f"skopeo --insecure-policy --registries-conf=node.conf copy --src-authfile=auth.json docker://{image}"
        run(f"{command} dir:pulled-{number}", folder, environment)
        manifest = folder / f"pulled-{number}" / "manifest.json"
        found[image] = digest_of(manifest.read_bytes()) if manifest.exists() else ""
    return found


def report(api_server: ApiServer, digests: dict[str, str]) -> None:
    """What a kubelet writes of every Pod: its containers run, or their images cannot be pulled."""
    for pod in api_server.request("GET", "/api/v1/namespaces/default/pods")["items"]:
        statuses = []
        for container in pod["spec"]["containers"]:
            image = container["image"]
            digest = digests.get(image, "")
            state = {"running": {}} if digest else {"waiting": {"reason": "ImagePullBackOff"}}
            named = f"{image.rpartition(':')[0]}@{digest}" if digest else ""
            statuses.append(
                {"name": container["name"], "image": image, "imageID": named, "ready": bool(digest), "restartCount": 0}
                | {"state": state}
            )
        pod["status"] = {"phase": "Running", "containerStatuses": statuses}
        api_server.request("PUT", f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/status", pod)


def walk(folder: Path) -> dict[str, Any]:
    """Run the page. Raises AssertionError where there is a way out."""
    with socket.socket() as out:
        # TEST-NET: a network with a default route would try.
        assert out.connect_ex(("192.0.2.1", 443)) == errno.ENETUNREACH
    write_project(folder)
    tools = folder / "bin"
    tools.mkdir()
    (tools / "helm").symlink_to(binary("helm3"))
    (tools / "kubectl").symlink_to(binary("kubectl"))
    (folder / "cluster").mkdir()
    (tools / "orchestrator").write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    (tools / "orchestrator").chmod(0o755)
    login = {"auths": {REDHAT: {"auth": base64.b64encode(":".join(LOGIN).encode()).decode()}}}
    (folder / "config.json").write_text(json.dumps(login))
    authority = Authority(folder)
    with (
        StrictRegistry(tls=authority.server_context(REDHAT), basic=LOGIN) as redhat,
        StrictRegistry() as quay,
        LoopbackProxy({f"{REDHAT}:443": redhat.host}) as proxy,
        start_api_server(folder / "cluster") as api_server,
    ):
        fill(redhat, quay)
        environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "DOCKER_CONFIG": str(folder),
            "HTTPS_PROXY": f"http://{proxy.host}",
            "NO_PROXY": "127.0.0.1,localhost",
            "SSL_CERT_FILE": str(authority.file),
            "KUBECONFIG": str(api_server.kubeconfig),
        }
        digests: dict[str, str] = {}
        try:
            walked = [run(f"orchestrator local up --upstream quay.io=http://{quay.host}", folder, environment)]
            for command in page_commands():
                more = " --local" if ASKS_AWS.search(command) else ""
                walked.append(run(f"{command}{more}", folder, environment))
                if walked[-1]["code"]:
                    break
                if command == APPLIES:
                    digests = pulled(folder, environment)
                    report(api_server, digests)
            return {"walked": walked, "pulled": digests}
        finally:
            stop(Project(folder).local_aws_dir)


if __name__ == "__main__":
    here = Path(sys.argv[1])
    (here / "walked.json").write_text(json.dumps(walk(here)))
