"""Writes the working directory of an environment: root module, modules, rendered variables, backend.

    <folder>/                  0700
        root/                  root module, terraform.tfvars.json, backend_override.tf.json, transitions.tf.json,
                               others.auto.tfvars.json
        modules/               the modules, so that `../modules/x` in the root module works as in the sources
        build/                 the zips of the functions that are enabled
        state/<environment>/   local backend only; never removed by anything here
        terraform.log, terraform.rc, init.json, ...

Written again at every command. A file with the same content is not touched, a superfluous one goes. No
credentials are written but the key of the embedded AWS, which the next start of it makes worthless.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError, RefusedInput, local_flag
from orchestrator.files.own_folders import make_own
from orchestrator.files.replace import replace_whole
from orchestrator.project import Project

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

LOCK = ".terraform.lock.hcl"
STATE_FILE = "terraform.tfstate"
VARIABLES = "terraform.tfvars.json"
BACKEND = "backend_override.tf.json"
PROVIDER = "provider_override.tf.json"
VERSIONS = "versions_override.tf.json"
TRANSITIONS = "transitions.tf.json"
OTHERS = "others.auto.tfvars.json"
# Made by Terraform or by us beside the sources; never removed as stale.
KEPT = frozenset({LOCK, TRANSITIONS, OTHERS, ".terraform", "errored.tfstate", "crash.log"})
# Part of a module's folder, but not of the module.
LEFT_OUT = frozenset({"tests", "mocks", "examples", "terraform.tfstate.d", "__pycache__"})
LEFT_OUT_SUFFIXES = (".tftest.hcl", ".tfmock.hcl", ".tfvars", ".tfvars.json", ".tfstate", ".backup", ".md", ".tfplan")


@dataclass(frozen=True, slots=True)
class Workdir:
    """The working directory of one environment. `digest` is "sha256:..." over everything that decides a plan."""

    folder: Path
    environment: str
    local: bool
    digest: str

    @property
    def flag(self) -> str:
        """What a command that is told to people needs to work on the same state: ` --local`, or nothing."""
        return local_flag(self.local)

    @property
    def root(self) -> Path:
        """Where Terraform runs."""
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """Everything that Terraform said, masked."""
        return self.folder / "terraform.log"

    @property
    def plan_file(self) -> Path:
        """The plan that is shown and applied."""
        return self.folder / "plan.tfplan"

    @property
    def journal(self) -> Path:
        """Terraform's own account of an apply, kept until the apply has ended well."""
        return self.folder / "apply.jsonl"

    @property
    def earlier_journals(self) -> Path:
        """Journals of applies that were cut off before the last one; gone once an apply has ended well."""
        return self.folder / "earlier.jsonl"

    @property
    def intended(self) -> Path:
        """What the apply of the journal was about to create: a list of addresses, as JSON."""
        return self.folder / "intended.json"

    @property
    def state_before(self) -> Path:
        """The local state as it was before an apply that has not ended well, empty when there was none."""
        return self.folder / "before.tfstate"

    @property
    def unsaved_state(self) -> Path:
        """Where Terraform leaves a state that its backend did not take."""
        return self.root / "errored.tfstate"

    @property
    def local_state(self) -> Path:
        """State of the local backend; need not exist."""
        return local_state_of(self.folder, self.environment)


def local_state_of(folder: Path, environment: str) -> Path:
    """The state of the local backend below the folder of an environment's working directory; need not exist."""
    return folder / "state" / environment / STATE_FILE


def workdir_of(project: Project, environment: str, *, local: bool) -> Path:
    """The folder of an environment's working directory, which need not exist. Raises RefusedInput for a link on the way."""
    return project.own_folder(environment, local=local)


def render(
    project: Project, environment: Environment, *, local_key: str | None = None, protected_only: bool = False
) -> Workdir:
    """Write the working directory. Raises RefusedInput without a backend, OrchestratorError when the disk refuses.

    With `local_key` it is for the embedded AWS, to which that access key is known. With `protected_only` the variables keep only what is protected: that is how an environment is destroyed.
    """
    local = local_key is not None
    folder = workdir_of(project, environment.name, local=local)
    files = dict(_files(project, environment, local_key=local_key, protected_only=protected_only))
    try:
        make_own(folder)
        for name, content in files.items():
            write_if_changed(folder / name, content)
        _remove_stale(folder / "root", {name for name in files if name.startswith("root/")}, folder)
        _remove_stale(folder / "modules", {name for name in files if name.startswith("modules/")}, folder)
        _remove_stale(folder / "build", {name for name in files if name.startswith("build/")}, folder)
        _bring_lock(project, folder)
    except OSError as error:
        raise OrchestratorError(
            f"The working directory {folder} cannot be written: {error.strerror or error}.",
            why=f"{error.filename}" if error.filename else "",
            remedy="Make room or correct its permissions; nothing of the environment was changed.",
        ) from error
    # The embedded AWS's key differs from start to start, and decides nothing in a plan.
    return Workdir(
        folder,
        environment.name,
        local,
        inputs_digest({name: content for name, content in files.items() if name != f"root/{PROVIDER}"}),
    )


def inputs_digest(files: Mapping[str, bytes]) -> str:
    """The digest of everything that decides a plan but state and providers: {relative path: content}."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return f"sha256:{total.hexdigest()}"


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all (mode 0600); False when it has this content already."""
    try:
        if not path.is_symlink() and path.read_bytes() == content:
            return False
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        pass
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(path, content)
    return True


def keep_lock(project: Project, workdir: Workdir) -> None:
    """Put the lock file of the first init beside the environments, for people to commit; an existing one is theirs."""
    made = workdir.root / LOCK
    kept = project.environments_dir / LOCK
    if made.is_file() and not kept.exists():
        kept.write_bytes(made.read_bytes())


def dump(value: Any) -> bytes:
    """JSON as it is written everywhere here: sorted, indented, with a final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def backend(environment: Environment, *, local: bool) -> dict[str, Any]:
    """The backend block: S3 with locking in S3 itself, or a local file with `--local`.

    Terraform stores a workspace's state at `<workspace_key_prefix>/<workspace>/<key>`. The default key is split there,
    and every other with the environment's name as a component. So the object's key is the one that was given.
    Another key gets Terraform's own prefix, as plain Terraform with that key in this workspace would.
    """
    if local:
        return {"local": {"workspace_dir": "../state"}}
    state = environment.state
    if state is None:
        raise RefusedInput(
            f'environment "{environment.name}" has no `state`.',
            why="Its Terraform state would lie on this machine alone.",
            remedy="Set `state = { bucket = ... }` (`orchestrator init --state-bucket` makes one), or use --local.",
        )
    values: dict[str, Any] = {
        "bucket": state.bucket,
        "region": state.region or environment.aws_region,
        "encrypt": True,
        "use_lockfile": True,
    }
    parts = PurePosixPath(environment.state_key).parts
    at = next((i for i in range(len(parts) - 2, 0, -1) if parts[i] == environment.name), None)
    if at is None:
        values["key"] = environment.state_key
    else:
        values |= {"workspace_key_prefix": "/".join(parts[:at]), "key": "/".join(parts[at + 1 :])}
    if state.kms_key_arn:
        values["kms_key_id"] = state.kms_key_arn
    if environment.aws_profile:
        values["profile"] = environment.aws_profile
    if environment.assume_role_arn:
        values["assume_role"] = {"role_arn": environment.assume_role_arn, "session_name": "orchestrator"}
    return {"s3": values}


def _files(
    project: Project, environment: Environment, *, local_key: str | None, protected_only: bool
) -> Iterator[tuple[str, bytes]]:
    """(relative path, content) of everything that is rendered."""
    for path in sorted(project.root_module_dir.iterdir()):
        if path.is_file() and path.name.endswith((".tf", ".tf.json")) and not path.name.startswith("."):
            yield f"root/{path.name}", path.read_bytes()
    modules = project.modules_dir
    for path in _module_files(modules):
        yield f"modules/{path.relative_to(modules).as_posix()}", path.read_bytes()
    if environment.functions:
        from orchestrator.functions.package import build_package

        # Where the root module looks for them. The same code has the same bytes, so that a plan changes nothing.
        for function in environment.functions:
            yield f"build/{function}.zip", build_package(function).content
    variables = environment.variables()
    if protected_only:
        variables["protected_only"] = True
    local = local_key is not None
    if local:
        variables |= {"aws_profile": None, "assume_role_arn": None}
    yield f"root/{VARIABLES}", dump(variables)
    yield f"root/{BACKEND}", dump({"terraform": {"backend": backend(environment, local=local)}})
    if environment.aws_provider_version != "5":
        # Terraform takes no variable there.
        wanted = {"source": "hashicorp/aws", "version": f"~> {environment.aws_provider_version}.0"}
        yield f"root/{VERSIONS}", dump({"terraform": {"required_providers": {"aws": wanted}}})
    if local:
        from orchestrator.local.keys import SECRET_KEY

        # The embedded AWS chooses the account by the access key. Explicit, so that environments of several accounts can
        # share a provider process.
        keys = {"access_key": local_key, "secret_key": SECRET_KEY}
        yield f"root/{PROVIDER}", dump({"provider": {"aws": keys}})


def _module_files(modules: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(modules):
        names[:] = sorted(name for name in names if name not in LEFT_OUT and not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith(LEFT_OUT_SUFFIXES):
                yield Path(folder) / name


def _remove_stale(folder: Path, wanted: set[str], base: Path) -> None:
    """Remove what is below `folder` and not `wanted` (paths relative to `base`), but not what Terraform keeps there."""
    folders = {str(parent) for name in wanted for parent in PurePosixPath(name).parents}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        relative = path.relative_to(base).as_posix()
        if path.name in KEPT or relative in wanted:
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        elif relative in folders:
            _remove_stale(path, wanted, base)
        else:
            shutil.rmtree(path)


def _bring_lock(project: Project, folder: Path) -> None:
    """Copy the lock file of the environments, when it is another than the one that was brought before.

    Init may add this platform's hashes to the copy; bringing the same file again would undo it.
    """
    kept = project.environments_dir / LOCK
    if not kept.is_file():
        return
    content = kept.read_bytes()
    fresh = write_if_changed(folder / "lock-origin", hashlib.sha256(content).hexdigest().encode())
    if fresh or not (folder / "root" / LOCK).is_file():
        write_if_changed(folder / "root" / LOCK, content)
