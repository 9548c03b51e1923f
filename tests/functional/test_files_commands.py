"""`orchestrator images NAME SOURCE...` and `rewrite` as a shell runs them, on folders with git beside them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.mirroring.read import read_document
from orchestrator.mirroring.wishes import Wish
from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.running import Ran, run
from tests.references_table import ENVIRONMENTS, OWN, tfvars

POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx:1.25 # renovate\n"


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({name: tfvars(name) for name in ENVIRONMENTS})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "gitops"
    (folder / "apps" / ".hidden").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "apps" / "pod.yaml").write_bytes(POD.encode())
    (folder / "apps" / ".hidden" / "crlf.yaml").write_bytes(b"\xef\xbb\xbf" + POD.replace("\n", "\r\n").encode())
    (folder / "apps" / "last.yaml").write_bytes(POD.rstrip("\n").replace(" # renovate", "").encode())
    (folder / "apps" / "latin.yaml").write_bytes(b"image: \xe9\n")
    (folder / "apps" / "link.yaml").symlink_to("pod.yaml")
    (folder / "ci.txt").write_text(POD)
    (folder / ".git" / "x.yaml").write_text(POD)
    monkeypatch.chdir(folder)
    return folder


def rewrite(root: Project, *arguments: str) -> Ran:
    return run("-C", str(root.root), "rewrite", "standard", *arguments)


def contents(tree: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}


def test_images_of_files_have_their_places_and_answers(root: Project, tree: Path) -> None:
    ran = run("-C", str(root.root), "images", "standard", ".", "--json")
    assert ran.code == 0
    assert ran.json["images"] == [
        {
            "reference": "nginx:1.25",
            "answer": "redirected",
            "target": f"{OWN}/docker-hub/library/nginx:1.25",
            "pulled_by": "kubelet",
            "uses": [
                {"file": file, "line": 6, "column": 12, "field": "spec.containers[0].image", "format": "kubernetes"}
                for file in ("apps/last.yaml", "apps/pod.yaml", "apps/.hidden/crlf.yaml")
            ],
        }
    ]
    assert ran.json["unreadable"] == [{"file": "apps/latin.yaml", "line": 1, "reason": "it is no UTF-8: byte 0xe9"}]
    assert run("-C", str(root.root), "images", "standard", ".", "--strict").code == 1


def test_standard_input_csv_and_sarif(root: Project) -> None:
    pod = POD.replace("nginx:1.25", "unknown.example/app:1").encode()
    ran = run("-C", str(root.root), "images", "standard", "-", "--format", "list", stdin=pod)
    assert (ran.code, ran.out) == (0, "unknown.example/app:1\n")
    ran = run("-C", str(root.root), "images", "standard", "-", "--csv", stdin=pod)
    assert ran.out.splitlines()[1].split(",")[0:2] == ["unknown.example/app:1", "unchanged"]
    ran = run("-C", str(root.root), "images", "standard", "-", "--sarif", stdin=pod)
    result = ran.json["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 12}


def test_a_bill_of_materials_names_each_image_once_and_is_read_back(root: Project, tree: Path) -> None:
    digest = f"quay.io/a/b:1@sha256:{'a' * 64}"
    (tree / "digest.yaml").write_text(POD.replace("nginx:1.25", digest))
    bill = run("-C", str(root.root), "images", "standard", ".", "--cyclonedx").json
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    found = {component["bom-ref"]: component for component in bill["components"]}
    assert found.keys() == {"nginx:1.25", digest}
    nginx = found["nginx:1.25"]
    assert (nginx["type"], nginx["name"], nginx["version"]) == ("container", "nginx", "1.25")
    assert nginx["purl"] == "pkg:oci/nginx?repository_url=docker.io/library/nginx&tag=1.25"
    assert {"location": "apps/pod.yaml", "line": 6, "symbol": "spec.containers[0].image"} in [
        {key: value for key, value in place.items() if key != "bom-ref"} for place in nginx["evidence"]["occurrences"]
    ]
    target = f"{OWN}/docker-hub/library/nginx:1.25"
    assert {"name": "orchestrator:target", "value": target} in nginx["properties"]
    read = read_document("bill.json", json.dumps(bill))
    assert read is not None
    assert {str(wish.image) for wish in read if isinstance(wish, Wish)} == {"docker.io/library/nginx:1.25", digest}


def test_write_changes_images_alone_and_undo_gives_the_same_bytes(root: Project, tree: Path) -> None:
    (tree / "apps" / "pod.yaml").chmod(0o640)
    before = contents(tree)
    assert rewrite(root, ".", "--check").code == 3
    assert contents(tree) == before
    ran = rewrite(root, ".", "--write")
    assert ran.code == 0, ran.err
    after = contents(tree)
    target = f"{OWN}/docker-hub/library/nginx:1.25".encode()
    changed = {name for name in before if before[name] != after[name]}
    assert {Path(name).name for name in changed} == {"pod.yaml", "crlf.yaml", "last.yaml", "link.yaml"}
    assert all(after[name] == before[name].replace(b"nginx:1.25", target) for name in changed)
    assert (tree / "apps" / "link.yaml").is_symlink()
    assert (tree / "apps" / "pod.yaml").stat().st_mode & 0o777 == 0o640
    assert rewrite(root, ".", "--check").code == 0
    assert rewrite(root, "--undo").code == 0
    assert contents(tree) == before


def test_undo_refuses_what_was_edited_since(root: Project, tree: Path) -> None:
    rewrite(root, ".", "--write")
    (tree / "apps" / "pod.yaml").write_text("mine\n")
    ran = rewrite(root, "--undo")
    assert ran.code == 1
    assert "pod.yaml: it was edited since" in ran.err
    assert (tree / "apps" / "pod.yaml").read_text() == "mine\n"
    assert (tree / "apps" / "last.yaml").read_bytes() == POD.rstrip("\n").replace(" # renovate", "").encode()


def test_reverse_gives_the_familiar_form(root: Project, tree: Path) -> None:
    before = contents(tree)
    rewrite(root, ".", "--write")
    assert rewrite(root, ".", "--reverse", "--write").code == 0
    assert contents(tree) == before


def test_git_takes_the_diff(root: Project, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(tree)
    (tree / ".git" / "x.yaml").unlink()
    (tree / ".git").rmdir()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "--quiet"], check=True, env=environment)
    (tree.parent / "elsewhere").mkdir()
    monkeypatch.chdir(tree.parent / "elsewhere")
    afar = rewrite(root, "../gitops", "--diff")
    monkeypatch.chdir(tree)
    ran = rewrite(root, ".", "--diff")
    assert afar.out == ran.out, "outside the working directory a file has its name in its repository"
    done = subprocess.run(["git", "apply", "-"], input=ran.out.encode(), capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tree / "apps" / "last.yaml").read_bytes() == before[str(tree / "apps" / "last.yaml")].replace(
        b"nginx:1.25", f"{OWN}/docker-hub/library/nginx:1.25".encode()
    )
    assert rewrite(root, ".", "--check").code == 0
    (tree / "apps" / "pod.yaml").write_text(POD)
    (tree / ".gitignore").write_text("pod.yaml\n")
    assert rewrite(root, ".", "--check").code == 0, "what git ignores is nobody's source"


def test_the_journal_is_the_projects_and_names_what_was_there(root: Project, tree: Path) -> None:
    rewrite(root, ".", "--write")
    [journal] = (root.state_dir / "rewrites").glob("*.json")
    entries = json.loads(journal.read_text())["files"]
    assert {edit[2] for entry in entries for edit in entry["edits"]} == {"nginx:1.25"}
    assert not (tree / ".orchestrator").exists()


@pytest.mark.parametrize("arguments", [[], ["--undo", "."], ["nowhere"], ["--undo"]])
def test_what_cannot_be_done_is_refused(root: Project, tree: Path, arguments: list[str]) -> None:
    before = contents(tree)
    ran = rewrite(root, *arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert contents(tree) == before


def test_standard_input_goes_out_rewritten(root: Project) -> None:
    ran = run("-C", str(root.root), "rewrite", "standard", "-", stdin=POD.encode())
    assert (ran.code, ran.out) == (0, POD.replace("nginx:1.25", f"{OWN}/docker-hub/library/nginx:1.25"))
    ran = run("-C", str(root.root), "rewrite", "standard", "-", stdin=b"image: [\n")
    assert (ran.code, ran.out) == (2, "")
    assert "line" in ran.err
    assert run("-C", str(root.root), "rewrite", "standard", "-", "--write", stdin=POD.encode()).code == 2


OVERLAY = """resources: [../base]
images:
- name: nginx
  newTag: "1.26"
- {name: redis, newTag: "7"}  # mine
"""


def test_a_kustomization_follows_its_bases(root: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k" / "base").mkdir(parents=True)
    (tmp_path / "k" / "over").mkdir()
    digest = "sha256:" + "a" * 64
    base = f"kind: Pod\napiVersion: v1\nspec:\n  containers:\n  - image: nginx\n  - image: redis@{digest}\n"
    (tmp_path / "k" / "base" / "pod.yaml").write_text(base)
    (tmp_path / "k" / "base" / "kustomization.yaml").write_text("resources: [pod.yaml]\n")
    (tmp_path / "k" / "over" / "kustomization.yaml").write_text(OVERLAY)
    monkeypatch.chdir(tmp_path / "k")
    assert rewrite(root, ".", "--write").code == 0
    own = f"{OWN}/docker-hub/library"
    assert (tmp_path / "k" / "base" / "pod.yaml").read_text() == base.replace("nginx", f"{own}/nginx")
    # The base keeps redis, because of its digest; what comes out of the overlay has a tag and is redirected.
    assert (tmp_path / "k" / "over" / "kustomization.yaml").read_text() == (
        f'resources: [../base]\nimages:\n- name: {own}/nginx\n  newTag: "1.26"\n'
        f'- {{name: redis, newName: {own}/redis, newTag: "7"}}  # mine\n'
    )
    assert rewrite(root, ".", "--check").code == 0
    assert rewrite(root, "--undo").code == 0
    assert (tmp_path / "k" / "over" / "kustomization.yaml").read_text() == OVERLAY


def test_names_that_a_base_carries_in_two_ways_stay(
    root: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k").mkdir()
    digest = "sha256:" + "a" * 64
    base = f"kind: Pod\napiVersion: v1\nspec:\n  containers:\n  - image: nginx\n  - image: nginx@{digest}\n"
    (tmp_path / "k" / "pod.yaml").write_text(base)
    (tmp_path / "k" / "kustomization.yaml").write_text('resources: [pod.yaml]\nimages:\n- name: nginx\n  newTag: "2"\n')
    monkeypatch.chdir(tmp_path / "k")
    ran = rewrite(root, ".", "--write")
    assert "its bases carry it with a digest and without" in ran.err
    assert (tmp_path / "k" / "pod.yaml").read_text() == base
    assert f"newName: {OWN}/docker-hub/library/nginx" in (tmp_path / "k" / "kustomization.yaml").read_text()


def test_verify_says_what_files_still_pull_from_elsewhere(root: Project, tree: Path) -> None:
    verify = ("-C", str(root.root), "verify", "standard")
    ran = run(*verify, "--files", ".", "--json")
    assert ran.code == 3
    assert {(item["line"], item["image"]) for item in ran.json["findings"]} == {(6, "nginx:1.25")}
    assert "apps/pod.yaml:6:12: nginx:1.25 is pulled from " in run(*verify, "--files", ".").out
    rewrite(root, ".", "--write")
    assert run(*verify, "--files", ".").code == 0
    for arguments in ([], ["--files", ".", "--cluster"], ["--files", ".", "--watch"]):
        assert run(*verify, *arguments).code == 2


PULLED = (
    "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec: {workflowSpec: {templates: [{script: {image: 'a:1'}}]}}\n"
    "---\napiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nspec: {templates: [{container: {image: 'b:1'}}]}\n"
    "---\napiVersion: cdi.kubevirt.io/v1beta1\nkind: DataVolume\nspec: {source: {registry: {url: 'docker://c:1'}}}\n"
    "---\napiVersion: build.openshift.io/v1\nkind: BuildConfig\n"
    "spec: {source: {images: [{from: {kind: DockerImage, name: 'd:1'}}, {from: {kind: ImageStreamTag, name: 'e:1'}}]}}\n"
    "---\napiVersion: tekton.dev/v1\nkind: Task\nspec: {steps: [{image: 'f:1'}]}\n"
    "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: 'g:1'}]}}}\n"
)


def test_who_pulls_an_image_is_told_by_its_kind(root: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "all.yaml").write_text(PULLED)
    monkeypatch.chdir(tmp_path / "k")
    images = run("-C", str(root.root), "images", "standard", ".", "--json").json["images"]
    assert {image["reference"]: image["pulled_by"] for image in images} == {
        "a:1": "Argo Workflows",
        "b:1": "Argo Workflows",
        "c:1": "CDI",
        "d:1": "OpenShift",
        "f:1": "Tekton",
        "g:1": "kubelet",
    }


THING = "apiVersion: example.com/v1\nkind: Thing\nspec: {engines: [{run: 'quay.io/a/b:1'}]}\n"
FIELDS = "- {kind: Thing, group: example.com, path: 'spec/engines[]/run', pulledBy: a thing}\n"


def test_fields_of_a_user_are_found_and_rewritten(
    root: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "thing.yaml").write_text(THING)
    (tmp_path / "fields.yaml").write_text(FIELDS)
    monkeypatch.chdir(tmp_path / "k")
    images = ("-C", str(root.root), "images", "standard", ".", "--json")
    assert run(*images).json["images"] == []
    [image] = run(*images, "--fields", "../fields.yaml").json["images"]
    assert (image["reference"], image["pulled_by"]) == ("quay.io/a/b:1", "a thing")
    (root.environments_dir / "image-fields.yaml").write_text(FIELDS)
    assert len(run(*images).json["images"]) == 1
    assert rewrite(root, ".", "--write").code == 0
    assert (tmp_path / "k" / "thing.yaml").read_text() == THING.replace("quay.io/a/b", f"{OWN}/quay/a/b")


@pytest.mark.parametrize(
    "text", ["[", "a: b", "- {kind: A}", "- {kind: A, path: b, more: c}", "- {kind: A, path: 1}", "- 1", "\0"]
)
def test_fields_that_are_none_are_refused(root: Project, tmp_path: Path, text: str) -> None:
    (tmp_path / "fields.yaml").write_text(text)
    ran = run("-C", str(root.root), "images", "standard", str(tmp_path), "--fields", str(tmp_path / "fields.yaml"))
    assert ran.code == 2
    assert "fields.yaml" in ran.err


def test_renovate_finds_the_upstreams_after_the_rewrite(root: Project) -> None:
    settings = rewrite(root, "--for", "renovate").json
    aliases, rules = settings["registryAliases"], {rule["matchHost"]: rule for rule in settings["hostRules"]}
    assert rules["docker.io"]["password"] == "{{ secrets.DOCKER_HUB_TOKEN }}"
    assert "quay.io" not in rules
    assert aliases[f"{OWN}/docker-hub"] == "docker.io"
    assert aliases[f"{OWN}/quay"] == "quay.io"
    names = [name for name in aliases if name.startswith(f"{OWN}/")]
    assert not any(later.startswith(f"{name}/") for index, name in enumerate(names) for later in names[index:])
