"""`orchestrator manifests` as a shell runs it: documents, folders, staleness, streams, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestrator.manifests import GENERATORS
from orchestrator.project import Project
from tests.conftest import ProjectFactory
from tests.functional.running import Ran, run
from tests.references_table import ENVIRONMENTS, tfvars


@pytest.fixture
def root(project: ProjectFactory) -> Project:
    return project({name: tfvars(name) for name in ENVIRONMENTS})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deploy"


def manifests(root: Project, *arguments: str | Path) -> Ran:
    return run("-C", str(root.root), "manifests", *map(str, arguments))


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def set_variable(root: Project, text: str, name: str = "standard") -> None:
    path = root.tfvars_path(name)
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_without_a_folder_documents_go_to_stdout_and_notes_to_stderr(root: Project) -> None:
    ran = manifests(root, "standard", "--for", "native")

    assert ran.code == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(ran.out)]
    assert kinds == ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"] * 2
    assert all(line.startswith("native: ") for line in ran.err.splitlines())


def test_several_targets_are_one_stream_of_documents(root: Project) -> None:
    ran = manifests(root, "gov", "--for", "idms", "--for", "itms", "--for", "native", "--for", "credentials")

    kinds = [document["kind"] for document in yaml.safe_load_all(ran.out)]
    assert kinds[:2] == ["ImageDigestMirrorSet", "ImageTagMirrorSet"]
    assert len(kinds) == 12
    assert None not in kinds


def test_files_for_nodes_are_not_mixed_with_documents_for_kubectl(root: Project) -> None:
    ran = manifests(root, "standard", "--all-targets")

    assert all(document["apiVersion"] for document in yaml.safe_load_all(ran.out))
    for target in ("containerd", "registries-conf", "rosa", "credentials"):
        assert f"{target}: its files are no Kubernetes documents" in ran.err
    alone = manifests(root, "standard", "--for", "registries-conf")
    assert alone.out.startswith("# Image pulls of environment standard go to ")
    several = manifests(root, "standard", "--for", "containerd")
    assert "# containerd/certs.d/quay.io/hosts.toml\n" in several.out


def test_a_folder_gets_one_folder_a_target_and_is_up_to_date_then(root: Project, out: Path) -> None:
    made = manifests(root, "standard", "--all-targets", "--out", out)

    assert made.code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(GENERATORS)
    for target in GENERATORS:
        assert {"README.md", "kustomization.yaml"} <= {path.name for path in (out / target).iterdir()}
    assert sorted(made.out.splitlines()) == sorted(str(out / path) for path in written(out))
    assert (out / "rosa" / "image-mirrors.sh").stat().st_mode & 0o111
    checked = manifests(root, "standard", "--all-targets", "--check", out)
    assert (checked.code, checked.out) == (0, "Up to date.\n")


def test_writing_again_changes_no_byte(root: Project, out: Path) -> None:
    manifests(root, "standard", "--all-targets", "--out", out)
    before = written(out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}

    manifests(root, "standard", "--all-targets", "--out", out)

    assert written(out) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_changed_route_makes_a_folder_stale(root: Project, out: Path) -> None:
    manifests(root, "rooted", "--for", "native", "--out", out)
    set_variable(root, 'mirrors = { gcr = { source = "gcr.io" } }\n', "rooted")

    stale = manifests(root, "rooted", "--for", "native", "--check", out)

    assert stale.code == 3
    assert f"{out}/native/policy.yaml: changed\n" in stale.out
    as_json = manifests(root, "rooted", "--for", "native", "--check", out, "--json")
    assert as_json.code == 3
    assert {"file": f"{out}/native/policy.yaml", "state": "changed"} in as_json.json["stale"]
    manifests(root, "rooted", "--for", "native", "--out", out)
    assert manifests(root, "rooted", "--for", "native", "--check", out).code == 0


def test_what_changes_no_route_leaves_a_folder_fresh(root: Project, out: Path) -> None:
    manifests(root, "rooted", "--all-targets", "--out", out)
    set_variable(root, "lifecycle_keep_count = 7\n", "rooted")
    assert manifests(root, "rooted", "--all-targets", "--check", out).code == 0

    # The webhook and the workers of a queue give them to the repositories that they make.
    set_variable(root, 'tags = { team = "platform" }\n', "rooted")
    ran = manifests(root, "rooted", "--all-targets", "--check", out, "--json")
    stale = [one["file"] for one in ran.json["stale"]]
    assert stale == [
        f"{out}/swapper/swapper.yaml",
        f"{out}/swapper/chart-values.yaml",
        f"{out}/mirror-workers/workers.yaml",
    ]


def test_edited_and_missing_files_are_stale(root: Project, out: Path) -> None:
    manifests(root, "standard", "--for", "idms", "--out", out)
    (out / "idms" / "README.md").unlink()
    with (out / "idms" / "idms.yaml").open("a") as file:
        file.write("# edited\n")

    ran = manifests(root, "standard", "--for", "idms", "--check", out)

    assert ran.code == 3
    assert f"{out}/idms/README.md: missing\n" in ran.out
    assert f"{out}/idms/idms.yaml: changed\n" in ran.out


def test_a_folder_that_is_not_there_is_stale(root: Project, out: Path) -> None:
    assert manifests(root, "standard", "--check", out).code == 3


def test_without_targets_a_check_looks_at_those_that_the_folder_holds(root: Project, out: Path) -> None:
    manifests(root, "standard", "--for", "containerd", "--for", "kyverno", "--out", out)

    assert manifests(root, "standard", "--check", out).code == 0
    (out / "containerd" / "bottlerocket.toml").unlink()
    assert manifests(root, "standard", "--check", out).code == 3


def test_files_of_routes_that_are_gone_are_found_and_removed_and_others_stay(root: Project, out: Path) -> None:
    manifests(root, "rooted", "--for", "containerd", "--out", out)
    (out / "containerd" / "mine.txt").write_text("mine")
    old = out / "containerd" / "certs.d" / "gone.example.com" / "hosts.toml"
    old.parent.mkdir()
    old.write_text("server = 'https://gone.example.com'\n")

    stale = manifests(root, "rooted", "--for", "containerd", "--check", out)
    assert (stale.code, stale.out.splitlines()[0]) == (3, f"{old}: not generated any more")
    manifests(root, "rooted", "--for", "containerd", "--out", out)
    assert not old.parent.exists()
    assert (out / "containerd" / "mine.txt").exists()
    assert manifests(root, "rooted", "--for", "containerd", "--check", out).code == 0


def test_annotations_and_api_versions_reach_the_documents(root: Project, out: Path) -> None:
    ran = manifests(root, "standard", "--for", "native", "--annotate", "--api-version", "v1beta1")
    assert "original-image.orchestrator" in ran.out
    versions = {document["apiVersion"] for document in yaml.safe_load_all(ran.out)}
    assert versions == {"admissionregistration.k8s.io/v1beta1"}
    assert "original-image" not in manifests(root, "standard", "--for", "native").out
    manifests(root, "standard", "--for", "native", "--annotate", "--out", out)
    assert manifests(root, "standard", "--for", "native", "--check", out).code == 3
    assert manifests(root, "standard", "--for", "native", "--annotate", "--check", out).code == 0


def test_defaults_are_those_of_the_environment(root: Project) -> None:
    set_variable(root, 'platform = "rosa-hcp"\nkubernetes_version = "1.36"\n', "zero")

    assert set(manifests(root, "zero", "--json").json) == {"native", "idms", "rosa"}
    assert set(manifests(root, "standard", "--json").json) == {"kyverno-cel"}


def test_json_holds_files_and_notes(root: Project, out: Path) -> None:
    found = manifests(root, "standard", "--for", "itms", "--json").json["itms"]
    assert yaml.safe_load(found["files"]["itms.yaml"])["kind"] == "ImageTagMirrorSet"
    assert any("digests need the target idms" in note for note in found["notes"])
    made = manifests(root, "standard", "--for", "itms", "--out", out, "--json").json
    assert sorted(made["files"]) == sorted(str(out / path) for path in written(out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["standard", "--for", "nothing"], 'Unknown target "nothing"'),
        (["standard", "--for", "native", "--api-version", "v3"], 'Unknown API version "v3"'),
        (["standard", "--out", "a", "--check", "b"], "--out and --check"),
        (["elsewhere"], "elsewhere"),
    ],
)
def test_what_cannot_be_meant_is_refused(root: Project, arguments: list[str], said: str) -> None:
    ran = manifests(root, *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_that_cannot_be_written_is_refused(root: Project, out: Path) -> None:
    out.mkdir()
    (out / "native").write_text("a file where a folder should be")

    ran = manifests(root, "standard", "--for", "native", "--out", out)

    assert ran.code == 2
    assert "cannot be written" in ran.err
