"""The webhook runs with the packages of its image and no others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from tests.functional.swapper.serving_webhook import heard_port
from tests.references_table import OWN, tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review

ROOT = Path(__file__).resolve().parents[3]
# Distributions whose modules have other names.
NAMED = {"pyyaml": ("yaml", "_yaml"), "python-dateutil": ("dateutil",)}
# Refuses every package that the image does not have. Modules in C are imported by names that begin with an underscore.
ONLY = """
import importlib.abc, sys
class Image(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.partition(".")[0]
        if top not in {"orchestrator", *HAS, *sys.stdlib_module_names} and not top.startswith("_"):
            raise ModuleNotFoundError(f"the image has no {name}", name=name)
sys.meta_path.insert(0, Image())
from orchestrator.cli.main import main
main(sys.argv[1:])
"""


def test_the_webhook_needs_no_package_that_its_image_lacks(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    locked = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", (ROOT / "requirements" / "swapper.txt").read_text())
    has = {module for name in locked for module in NAMED.get(name, (name.replace("-", "_"),))}
    command = [sys.executable, "-c", f"HAS = {has!r}\n{ONLY}", "-C", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "swapper", "serve", "--listen", "127.0.0.1:0", "--copy-policy", "none"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        connection = HTTPConnection("127.0.0.1", heard_port(process), timeout=60)
        # The second image is looked for, by whatever asks ECR.
        document = review(pod(containers=containers("nginx", "gcr.io/a/b:1")))
        connection.request("POST", "/webhook?timeout=3s", json.dumps(document).encode())
        answer = json.loads(connection.getresponse().read())
        connection.close()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    images = [one["image"] for one in patched(document, answer)["spec"]["containers"]]
    assert images == [f"{OWN}/docker-hub/library/nginx", "gcr.io/a/b:1"]

    for words in (("status", "standard"), ("explain", "nginx")):
        ran = subprocess.run(
            [*command, "swapper", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
