"""The working directory, its backend and the provider source: files in, files out."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.environment.model import Environment
from orchestrator.environment.parts import StateBackend
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.project import Project
from orchestrator.terraform.bundle import PlanFile, PlanOrigin, check_bundle, read_bundle, write_bundle
from orchestrator.terraform.fleet import run_all, slots
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.masking import Masker, masker_for
from orchestrator.terraform.packages import package_hash, read_lock
from orchestrator.terraform.providers import find_provider_source, platform_name
from orchestrator.terraform.workdir import LOCK, backend, keep_lock, render

KEY = "AKIA111122223333" + "0123456789ABCDEF" * 2
ENVIRONMENT = Environment(name="dev", cluster_name="c", account_id="111122223333", aws_region="us-east-1")


def with_state(**values: str) -> Environment:
    return ENVIRONMENT.model_copy(update={"state": StateBackend(bucket="b", **values)})


@pytest.fixture
def empty(project: Callable[..., Project]) -> Project:
    return project(dev="")


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def test_rendering_twice_touches_nothing(empty: Project) -> None:
    first = render(empty, ENVIRONMENT, local_key=KEY)
    before = snapshot(first.folder)

    second = render(empty, ENVIRONMENT, local_key=KEY)

    assert snapshot(second.folder) == before
    assert second.digest == first.digest
    assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
    assert (first.folder / "modules/ecr/main.tf").is_file()
    assert not list((first.folder / "modules").rglob("*.tftest.hcl"))


def test_values_are_dumped_as_they_are(empty: Project) -> None:
    odd = {"a": 'quote " and ${not.a.template} and %{ if } and \\ and\nline'}
    workdir = render(empty, ENVIRONMENT.model_copy(update={"tags": odd}), local_key=KEY)

    values = json.loads((workdir.root / "terraform.tfvars.json").read_text())

    assert values["tags"] == odd
    assert values["environment"] == "dev"
    assert values["protected_only"] is False


def test_another_line_of_the_provider_is_opened_by_a_setting(empty: Project) -> None:
    folders = {}
    for version in ("5", "6"):
        environment = ENVIRONMENT.model_copy(update={"aws_provider_version": version})
        file = render(empty, environment, local_key=KEY).root / "versions_override.tf.json"
        folders[version] = json.loads(file.read_text("utf-8")) if file.exists() else None
    assert list(folders.values()) == [
        None,
        {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "~> 6.0"}}}},
    ]


def test_the_digest_covers_values_and_sources(empty: Project) -> None:
    base = render(empty, ENVIRONMENT, local_key=KEY).digest

    assert render(empty, ENVIRONMENT.model_copy(update={"tags": {"a": "b"}}), local_key=KEY).digest != base
    assert render(empty, ENVIRONMENT, local_key=KEY, protected_only=True).digest != base
    assert render(empty, with_state()).digest != base
    assert render(empty, ENVIRONMENT, local_key=KEY).digest == base
    # The next start of the embedded AWS has another key and the same plan.
    assert render(empty, ENVIRONMENT, local_key=KEY[:-1] + "0").digest == base


def test_what_does_not_belong_there_goes_and_state_stays(empty: Project) -> None:
    workdir = render(empty, ENVIRONMENT, local_key=KEY)
    kept = [workdir.local_state, workdir.root / ".terraform/providers/x", workdir.root / LOCK]
    stale = [workdir.root / "old.tf", workdir.root / "folder/old.tf", workdir.folder / "modules/ecr/old.tf"]
    for path in (*kept, *stale):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (workdir.root / "main.tf").write_text("broken")
    (workdir.root / "versions.tf").unlink()
    (workdir.root / "versions.tf").mkdir()

    render(empty, ENVIRONMENT, local_key=KEY)

    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in stale)
    assert "provider" in (workdir.root / "main.tf").read_text()
    assert (workdir.root / "versions.tf").is_file()


def test_the_lock_file_is_kept_beside_the_environments_and_brought_once(empty: Project) -> None:
    workdir = render(empty, ENVIRONMENT, local_key=KEY)
    (workdir.root / LOCK).write_text("made by the first init")
    keep_lock(empty, workdir)
    assert (empty.environments_dir / LOCK).read_text() == "made by the first init"

    (empty.environments_dir / LOCK).write_text("of the team")
    render(empty, ENVIRONMENT, local_key=KEY)
    assert (workdir.root / LOCK).read_text() == "of the team"

    (workdir.root / LOCK).write_text("of the team, and this platform's hashes")
    render(empty, ENVIRONMENT, local_key=KEY)
    keep_lock(empty, workdir)
    assert (workdir.root / LOCK).read_text() == "of the team, and this platform's hashes"
    assert (empty.environments_dir / LOCK).read_text() == "of the team"


@pytest.mark.parametrize(
    ("key", "prefix", "rest"),
    [
        (None, "orchestrator", "terraform.tfstate"),
        ("team/dev/ecr.tfstate", "team", "ecr.tfstate"),
        ("a/dev/b/dev/c/d", "a/dev/b", "c/d"),
        ("plain.tfstate", None, "plain.tfstate"),
        ("dev/x", None, "dev/x"),
    ],
)
def test_the_state_s_object_has_the_key_that_was_given(key: str | None, prefix: str | None, rest: str) -> None:
    values = backend(with_state(**({"key": key} if key else {})), local=False)["s3"]

    assert (values.get("workspace_key_prefix"), values["key"]) == (prefix, rest)
    assert (values["use_lockfile"], values["encrypt"], values["region"]) == (True, True, "us-east-1")


def test_without_a_bucket_a_real_environment_is_refused(empty: Project) -> None:
    with pytest.raises(RefusedInput, match="no `state`"):
        render(empty, ENVIRONMENT)


def mirror(folder: Path) -> Path:
    package = folder / "registry.terraform.io/hashicorp/aws/5.100.0" / platform_name()
    package.mkdir(parents=True)
    (package / "terraform-provider-aws_v5.100.0_x5").write_text("x")
    return folder


def test_providers_come_from_the_first_source_that_there_is(tmp_path: Path) -> None:
    named, opt = mirror(tmp_path / "named"), tmp_path / "opt"
    mirror(opt / "plugins")
    config = tmp_path / "rc"
    config.write_text("")
    nowhere = {"HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": str(tmp_path / "share")}

    assert find_provider_source({**nowhere, "TF_CLI_CONFIG_FILE": str(config)}, opt=opt).kind == "config"
    both = {**nowhere, "ORCHESTRATOR_PROVIDER_MIRROR": str(named), "TF_CLI_CONFIG_FILE": str(tmp_path / "gone")}
    found = find_provider_source(both, opt=opt)
    assert found.location == str(named)
    assert "does not exist; it is ignored" in found.notes[0]
    assert find_provider_source(nowhere, opt=opt).location == str(opt / "plugins")
    assert find_provider_source(nowhere, opt=tmp_path / "none").kind == "registry"
    mirror(tmp_path / "share/terraform/plugins")
    assert find_provider_source(nowhere, opt=opt).location == str(tmp_path / "share/terraform/plugins")
    with pytest.raises(RefusedInput, match="holds no provider"):
        find_provider_source({**nowhere, "ORCHESTRATOR_PROVIDER_MIRROR": str(tmp_path)}, opt=opt)


def test_a_package_s_hash_is_go_s_dirhash(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in (("a", b"one"), ("b", b"two")))

    expected = "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
    assert package_hash(tmp_path) == expected
    (tmp_path / "a").write_bytes(b"One")
    assert package_hash(tmp_path) != expected


def test_a_lock_file_is_read() -> None:
    text = 'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "5.100.0"\n  constraints = "~> 5.100"\n'
    text += '  hashes = [\n    "h1:abc=",\n    "zh:def",\n  ]\n}\n'

    [entry] = read_lock(text)

    assert (entry.address, entry.version) == ("registry.terraform.io/hashicorp/aws", "5.100.0")
    assert entry.hashes == {"h1:abc=", "zh:def"}


MANIFEST = PlanOrigin("dev", "111122223333", "us-east-1", False, "apply", "sha256:a", "1.11.4", "2026-01-01T00:00:00Z")


def test_a_plan_file_comes_back_as_it_was_written_and_only_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    write_bundle(path, PlanFile(MANIFEST, b"\0plan", b"lock"))

    read = read_bundle(path)
    assert read == PlanFile(replace(MANIFEST, content=read.manifest.content), b"\0plan", b"lock")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    check_bundle(path, read_bundle(path), MANIFEST)


@pytest.mark.parametrize(
    "other",
    [
        {"environment": "prod"},
        {"account_id": "2"},
        {"region": "eu-west-1"},
        {"local": True},
        {"kind": "destroy"},
        {"terraform_version": "1.12.0"},
        {"digest": "sha256:b"},
    ],
)
def test_a_plan_of_something_else_is_refused(other: dict[str, object], tmp_path: Path) -> None:
    here = PlanOrigin(**{**{k: getattr(MANIFEST, k) for k in MANIFEST.__slots__}, **other})

    with pytest.raises(RefusedInput):
        check_bundle(tmp_path, PlanFile(MANIFEST, b"", b""), here)


def test_secrets_are_known_by_the_names_of_their_variables() -> None:
    masker = masker_for(
        {
            "AWS_SECRET_ACCESS_KEY": "longsecretvalue",
            "AWS_REGION": "us-east-1",
            "X_TOKEN": "short",
            "T_TOKEN_FILE": "/long/path",
        }
    )

    assert masker("longsecretvalue us-east-1 short /long/path") == "(sensitive) us-east-1 short /long/path"
    assert Masker()('"secret_access_key": "abcdefghijklmnopqrst"') == '"secret_access_key": "(sensitive)"'


def test_one_failure_lets_the_others_finish_in_order() -> None:
    def operation(name: str) -> str:
        if name == "b":
            raise OrchestratorError("no")
        return name.upper()

    for parallel in (1, 3):
        results = run_all(["a", "b", "c"], operation, parallel=parallel, interrupts=Interrupts())
        assert [(r.name, r.value, str(r.error or "")) for r in results] == [
            ("a", "A", ""),
            ("b", None, "no"),
            ("c", "C", ""),
        ]


def test_after_an_interrupt_nothing_new_begins() -> None:
    interrupts = Interrupts()
    interrupts.asked = True

    [result] = run_all(["a"], lambda name: name, parallel=1, interrupts=interrupts)

    assert "not begun" in str(result.error)


def test_never_more_at_once_than_cores() -> None:
    assert slots(None, 1) == slots(8, 1) == 1
    assert slots(100, 100) <= (os.cpu_count() or 1)
    assert slots(1, 8) == 1
