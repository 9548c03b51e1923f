"""`helm` of an ImageSetConfiguration with a real Helm: charts of an index.yaml and of a registry, and their images."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest

from orchestrator.cli.mirror.gather import gather
from orchestrator.cli.mirror.image_set_charts import of_chart
from orchestrator.environment.model import Environment
from orchestrator.local import ensure_running, stop
from orchestrator.mirroring.chart_wishes import ChartWish
from orchestrator.oci.registries import Registries
from orchestrator.project import Project
from tests.cluster.engines.build import binary
from tests.conftest import ProjectFactory
from tests.functional.running import run
from tests.oci.corpus import Maker, bytes_of
from tests.oci.strict_registry import StrictRegistry
from tests.references_table import ENVIRONMENTS

pytestmark = pytest.mark.cluster

ACCOUNT, REGION = "200000000099", "eu-west-1"
POD = """apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}}
spec:
  containers:
  - {name: web, image: "{{ .Values.image }}"}
---
apiVersion: example.com/v1
kind: Engine
metadata: {name: own}
spec: {parts: [{picture: registry.redhat.io/team/part:1}]}
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder by HTTP on loopback: host:port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_chart(folder: Path, name: str, version: str, image: str) -> Path:
    chart = folder / name
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    (chart / "values.yaml").write_text(f"image: {image}\n")
    (chart / "templates" / "pod.yaml").write_text(POD)
    return chart


def helm(*arguments: str) -> None:
    subprocess.run([str(binary("helm3")), *arguments], check=True, capture_output=True)


def test_charts_and_their_images_come_and_get_routes(
    project: ProjectFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "helm").symlink_to(binary("helm3"))
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    for kind in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"HELM_{kind}_HOME", str(tmp_path / kind))
    site, archives = tmp_path / "site", tmp_path / "site" / "stable"
    archives.mkdir(parents=True)
    for version in ("1.0.0", "1.1.0+x"):
        chart = make_chart(tmp_path, "web", version, f"registry.redhat.io/team/web:{version[:3]}")
        helm("package", str(chart), "--destination", str(archives))
    job = make_chart(tmp_path, "job", "2.0.0", "registry.redhat.io/team/job:2")
    with StrictRegistry() as redhat, StrictRegistry() as charts, served(site) as host:
        helm("repo", "index", str(archives), "--url", f"http://{host}/stable")
        helm("package", str(job), "--destination", str(tmp_path))
        helm("push", "--plain-http", str(tmp_path / "job-2.0.0.tgz"), f"oci://{charts.host}/team")
        for name, tag in (("web", "1.1"), ("job", "2"), ("part", "1")):
            Maker(redhat, f"team/{name}").image(tag, layers=[bytes_of(name, 3000)])
        (tmp_path / "isc.yaml").write_text(
            "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n  helm:\n"
            f"    repositories:\n    - name: stable\n      url: http://{host}/stable\n      charts:\n"
            "      - {name: web, version: '>=1.0.0', imagePaths: ['{.spec.parts[*].picture}']}\n"
            f"    - name: team\n      url: oci://{charts.host}/team\n      charts:\n      - name: job\n"
        )
        root = project(
            {
                "dev": f'cluster_name = "dev"\naccount_id = "{ACCOUNT}"\naws_region = "{REGION}"\n'
                "create_vpc_endpoints = false\nattach_ecr_policy = false\n# Ours, kept.\n"
                'mirrors = { redhat = { source = "registry.redhat.io" } }\n'
            }
        )
        try:
            check(root, redhat, tmp_path, monkeypatch)
        finally:
            stop(root.local_aws_dir)


def check(root: Project, redhat: StrictRegistry, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = ("-C", str(root.root), "mirror", "dev", "--from", str(folder / "isc.yaml"), "--local")
    via = ("--via", f"registry.redhat.io=http://{redhat.host}")
    ran = run(*mirror, *via, "--write", "--json")
    assert ran.code == 0, ran.out + ran.err
    text = root.tfvars_path("dev").read_text()
    assert "# Ours, kept.\n" in text
    mirrors = root.load("dev").mirrors
    assert len(mirrors) == 3
    found = {image["target"].partition("/")[2]: image["digest"] for image in ran.json["images"]}
    names = {name.split("/", 1)[1] for name in found}
    assert names == {"stable/web:1.1.0_x", "team/web:1.1", "team/part:1", "team/job:2.0.0", "team/job:2"}
    again = run(*mirror, *via, "--check")
    assert again.code == 0, again.out + again.err
    # What Helm pulls of ECR by the name that was made is the chart as its repository has it.
    aws = ensure_running(root.local_aws_dir)
    values = aws.variables(ACCOUNT, REGION)
    ecr: Any = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=aws.endpoint,
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    (data,) = ecr.get_authorization_token()["authorizationData"]
    address = aws.endpoint.removeprefix("http://")
    (folder / "auth.json").write_text(json.dumps({"auths": {address: {"auth": data["authorizationToken"]}}}))
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(folder / "auth.json"))
    host, _, chart = next(image["target"] for image in ran.json["images"] if "stable/web" in image["target"]).partition(
        "/"
    )
    repository = chart.partition(":")[0]
    helm("pull", "--plain-http", f"oci://{address}/{host}/{repository}", "--version=1.1.0+x", f"--destination={folder}")
    pulled = (folder / "web-1.1.0+x.tgz").read_bytes()
    assert pulled == (folder / "site" / "stable" / "web-1.1.0+x.tgz").read_bytes()


@pytest.mark.parametrize(("version", "image"), [("1.31", "kubectl:v1.31.0"), ("1.35", "kubectl:v1.35.0")])
def test_a_chart_is_rendered_for_the_version_of_the_cluster(
    version: str, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helm").symlink_to(binary("helm3"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    chart = make_chart(tmp_path, "job", "1.0.0", "registry.k8s.io/kubectl:{{ .Capabilities.KubeVersion.Version }}")
    (chart / "templates" / "pod.yaml").write_text(POD.replace("{{ .Values.image }}", "{{ tpl .Values.image . }}"))
    # The chart refuses other versions than the cluster's.
    with (chart / "Chart.yaml").open("a") as written:
        written.write(f"kubeVersion: '>={version}.0-0 <{version}.99-0'\n")
    (tmp_path / "isc.yaml").write_text(
        "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n  helm:\n"
        f"    local:\n    - {{name: job, path: {chart}}}\n"
    )
    of = Environment(name="standard", **{**ENVIRONMENTS["standard"], "kubernetes_version": version})
    (wanted,) = gather(of, (), (str(tmp_path / "isc.yaml"),), ())
    assert isinstance(wanted, ChartWish)
    found = of_chart(wanted, Registries())
    assert [str(each.image) for each in found] == [f"registry.k8s.io/{image}"]
