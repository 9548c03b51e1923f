"""The project on disk: the folder that holds `environments/`, its tfvars files, and the Terraform sources to use.

An edge: the only part of loading an environment that reads files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.environment.tfvars import Tfvars, parse_tfvars
from orchestrator.errors import Location, OrchestratorError, RefusedInput, local_flag
from orchestrator.files.named_files import read_given
from orchestrator.files.own_folders import OWN, no_link
from orchestrator.files.shipped_folders import shipped_path
from orchestrator.spelling import nearest

if TYPE_CHECKING:
    from orchestrator.checks.check import Checked
    from orchestrator.environment.model import Environment

COMMON = "common"
"""`common.tfvars` is read before every environment's own file; no environment can have its name."""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder `root` that holds `environments/`. `local`: the commands that it tells are for the embedded AWS."""

    root: Path
    local: bool = False

    @property
    def environments_dir(self) -> Path:
        """Where the tfvars files are."""
        return self.root / "environments"

    @property
    def state_dir(self) -> Path:
        """Where working directories, caches and the embedded AWS keep their files; safe to delete.

        Raises RefusedInput where it is a symbolic link: whoever made it would choose what is written, and deleted, where.
        """
        return no_link(self.root / OWN)

    def own_folder(self, *names: str, local: bool = False) -> Path:
        """A folder below `state_dir`, with `local` that of the embedded AWS. Raises RefusedInput where it, or one on the way to it, is a symbolic link."""
        folder = self.state_dir
        for name in (*(("local",) if local else ()), *names):
            folder = no_link(folder / name)
        return folder

    @property
    def local_aws_dir(self) -> Path:
        """Where the project's embedded AWS keeps its record: one server for all commands."""
        return self.own_folder("local-aws")

    @property
    def root_module_dir(self) -> Path:
        """The root module: the project's own when `environments/main.tf` exists, else the one of the package."""
        own = self.environments_dir
        return own if (own / "main.tf").is_file() else packed_sources("environments")

    @property
    def has_own_root_module(self) -> bool:
        """Is `environments/main.tf` another than the one of the package?"""
        own = self.environments_dir / "main.tf"
        return own.is_file() and own.read_bytes() != (packed_sources("environments") / "main.tf").read_bytes()

    def unread_files(self) -> list[str]:
        """Files that look like environments and are none, as paths below the project: nothing here reads them."""
        home = self.environments_dir
        found = [*home.glob("*.tfvars.json"), *home.glob("*/*.tfvars"), *home.glob(".*.tfvars")]
        return sorted(path.relative_to(self.root).as_posix() for path in found if ".terraform" not in path.parts)

    @property
    def modules_dir(self) -> Path:
        """The modules: the project's own beside a root module of its own, else those of the package."""
        own = self.root / "modules"
        return own if self.root_module_dir == self.environments_dir and own.is_dir() else packed_sources("modules")

    def environment_names(self) -> list[str]:
        """Names of all environments, sorted: the tfvars files without `common`."""
        if not self.environments_dir.is_dir():
            return []
        files = (path for path in self.environments_dir.glob("*.tfvars") if not path.is_dir())
        return sorted(path.stem for path in files if path.stem != COMMON and not path.name.startswith("."))

    def tfvars_path(self, name: str) -> Path:
        """The file of an environment (or of `common`), whether it exists or not."""
        return self.environments_dir / f"{name}.tfvars"

    def tfvars_files(self, name: str) -> list[Path]:
        """The files of environment `name` in Terraform's order. Raises RefusedInput when there is none."""
        self._require(name)
        common = self.tfvars_path(COMMON)
        # A link that leads nowhere, or a pipe, is no missing file: reading it says so.
        return [*([common] if os.path.lexists(common) else []), self.tfvars_path(name)]

    def read(self, name: str) -> list[Tfvars]:
        """The parsed files of environment `name`; raises InvalidTfvars at the first syntax error."""
        return [self.parse(path) for path in self.tfvars_files(name)]

    def check(self, name: str) -> Checked:
        """What is wrong with environment `name`; raises only when a file is absent or cannot be parsed."""
        from orchestrator.checks.check import check_environment

        return check_environment(name, self.read(name), local=self.local)

    def load(self, name: str) -> Environment:
        """The checked environment. Raises InvalidEnvironment (all problems), InvalidTfvars or RefusedInput."""
        from orchestrator.checks.check import build_environment

        return build_environment(name, self.read(name), local=self.local)

    def neighbours(self, environment: Environment) -> dict[str, Environment]:
        """The other environments in the same account, by name; a file with problems is for `validate` to name."""
        found = {}
        for name in self.environment_names():
            if name == environment.name:
                continue
            try:
                other = self.load(name)
            except OrchestratorError:
                continue
            if other.account_id == environment.account_id:
                found[name] = other
        return found

    def _require(self, name: str) -> None:
        names = self.environment_names()
        if name in names:
            return
        if name == COMMON:
            raise RefusedInput(
                '"common" is no environment.',
                why="common.tfvars holds what all environments share.",
                remedy=f"Environments are: {_listed(names)}.",
            )
        guess = nearest(name, names)
        left = [
            folder for folder in (self.state_dir / name, self.state_dir / "local" / name) if (folder / "root").is_dir()
        ]
        if left:
            # One folder says by itself where its resources are.
            flag = local_flag(self.local if len(left) > 1 else left[0].parent.name == "local")
            raise RefusedInput(
                f'The file of environment "{name}" is gone, but its working directory {left[0]} is still there.',
                why="Its resources may still exist; its state is kept where it was.",
                remedy=f"When it was renamed: `orchestrator state mv {name} NEW{flag}`. Else bring {self.tfvars_path(name)} back, "
                f"then `orchestrator destroy {name}{flag}`; or remove the folder when that was done already.",
            )
        raise RefusedInput(
            f'There is no environment "{name}".',
            why=f"{self.environments_dir / name}.tfvars does not exist; environments are: {_listed(names)}.",
            remedy=f'Did you mean "{guess}"?' if guess else f"`orchestrator init {name}` makes it.",
        )

    def parse(self, path: Path) -> Tfvars:
        """The variables of one file, named in messages by its path below the project."""
        file = path.relative_to(self.root).as_posix()
        try:
            data = read_given(path)
        except OSError as error:
            raise RefusedInput(f"{file} cannot be read.", why=f"{error.strerror}.", where=Location(file)) from error
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RefusedInput(
                f"The byte 0x{data[error.start]:02x} is no UTF-8.",
                why="Terraform reads UTF-8 text.",
                remedy="Save the file as UTF-8.",
                where=Location(file, data.count(b"\n", 0, error.start) + 1),
            ) from error
        return parse_tfvars(text, file)


def find_project(start: Path | None = None) -> Project:
    """The project of `start` (default: the working directory): the nearest folder upwards that holds environments/.

    Raises RefusedInput when there is none.
    """
    here = (start or Path.cwd()).resolve()
    if not here.is_dir():
        raise RefusedInput(f"There is no folder {here}.", why="A project is a folder.", remedy="Correct `-C FOLDER`.")
    for folder in (here, *here.parents):
        if (folder / "environments").is_dir():
            return Project(folder)
        if folder.name == "environments" and next(folder.glob("*.tfvars"), None):
            return Project(folder.parent)
    raise RefusedInput(
        f"There is no environments/ folder in {here} or above it.",
        why="A project is a folder that holds environments/<name>.tfvars.",
        remedy="`orchestrator init NAME` makes one here; `-C FOLDER` names another project.",
    )


def packed_sources(folder: str) -> Path:
    """The package's own Terraform sources in `folder` (`environments`, `modules`). Raises RefusedInput where they are missing."""
    return shipped_path(f"_terraform/{folder}", folder, f"The Terraform sources ({folder}) are")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none yet"
