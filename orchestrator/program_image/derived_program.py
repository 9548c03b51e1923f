"""An image of this program: a base with Python, and two layers over it. The same base, lock and program give the same digest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import RefusedInput
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.derived_image import DerivedImages, PackedLayer, pack_layer
from orchestrator.oci.image_files import config_document, image_below
from orchestrator.oci.manifest import Manifest, Platform
from orchestrator.oci.registries import Registries
from orchestrator.program_image.contents import HOME, SCRIPT, locked_packages, own_package, start_script
from orchestrator.program_image.programs import Program
from orchestrator.routes.reference import ImageReference

PLATFORMS = ("linux/amd64", "linux/arm64")
_VERSION = "PYTHON_VERSION="
# pyproject.toml: requires-python. An older one ends with a traceback when the Pod starts.
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """`base` is where the base is read, `base_name` what it is called; `lock` and `wheels` are where packages come from.

    `python` (`3.12`) is the base's Python; empty where its PYTHON_VERSION says it.
    """

    program: Program
    base: ImageReference
    base_name: str
    lock: Path
    platforms: Sequence[Platform]
    wheels: Path | None = None
    python: str = ""


@dataclass(slots=True)
class ProgramImage:
    """`manifest` is its index (or image), `base_digest` what the base was."""

    source: DerivedImages
    manifest: Manifest
    base_digest: str
    python: str
    platforms: list[str] = field(default_factory=list)


def make_image(
    registries: Registries, recipe: ImageRecipe, *, known_as: str, repository: str, tag: str
) -> ProgramImage:
    """The image in memory, as a source of the name `known_as` that has it as `repository:tag`.

    Raises NotUsable where the base lacks a platform, RefusedInput where nobody knows its Python, and what reading it raises.
    """
    registry, base = registries.of(recipe.base.registry), recipe.base
    reference = base.digest or base.tag or "latest"
    root = registry.manifest(base.repository, reference)
    python = recipe.python or _python_of(registry, recipe, root)
    _require_python(python, recipe)
    platforms: list[str] = []
    program = recipe.program
    own = own_package(whole=program.whole) | (start_script() if program.whole else {})
    uppermost = pack_layer(own, executable={SCRIPT})

    @cache
    def packages(architecture: str) -> PackedLayer:
        without = program.without.get(architecture, ())
        return pack_layer(
            locked_packages(
                *(architecture, python),
                lock=recipe.lock,
                glibc=program.glibc,
                wheels=recipe.wheels,
                without=without,
            )
        )

    def layers(platform: Platform) -> list[PackedLayer]:
        platforms.append(str(platform))
        # The layer that changes least lies lowest. A new version sends the uppermost alone.
        return [packages(platform.architecture), uppermost]

    source = DerivedImages(registry, known_as)
    labels = {"base.name": recipe.base_name, "base.digest": root.digest, "title": program.name}
    made = source.derive(
        *(base.repository, root, layers, lambda config: _configure(config, program, labels)),
        platforms=recipe.platforms,
        named=(repository, tag),
    )
    return ProgramImage(source, made, root.digest, python, platforms)


def _require_python(python: str, recipe: ImageRecipe) -> None:
    """Raise RefusedInput for a Python that this program does not run on."""
    parts = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})", python, re.ASCII)
    if parts is None or (int(parts[1]), int(parts[2])) < OLDEST_PYTHON or parts[1] != "3":
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise RefusedInput(
            f"{recipe.base_name} has Python {python[:40]}, with which {recipe.program.called} does not start.",
            why=f"It needs Python {oldest} or a later 3.",
            remedy="Take a newer base: --base python:3.12-slim. Where the base has another Python, say it: --python 3.12.",
        )


def _configure(config: dict[str, Any], program: Program, labels: Mapping[str, str]) -> None:
    own = {"PYTHONPATH": f"/{HOME}", "PYTHONDONTWRITEBYTECODE": "1"}
    before = [entry for entry in config.get("Env") or () if entry.partition("=")[0] not in own]
    config["Env"] = [*before, *(f"{name}={value}" for name, value in own.items())]
    if program.user:
        config["User"] = program.user
    config["WorkingDir"] = program.folder
    config["Entrypoint"] = list(program.entrypoint)
    # Of the base; it would be the arguments.
    config.pop("Cmd", None)
    config["Labels"] = {
        **(config.get("Labels") or {}),
        "org.opencontainers.image.version": __version__,
        **{f"org.opencontainers.image.{name}": value for name, value in labels.items()},
    }


def _python_of(registry: RemoteRegistry, recipe: ImageRecipe, root: Manifest) -> str:
    """`3.12`, of the variable by which the official images of Python tell it."""
    image = image_below(registry, recipe.base.repository, root)
    config = config_document(registry, recipe.base.repository, image).get("config") or {}
    for entry in config.get("Env") or ():
        if entry.startswith(_VERSION):
            return ".".join(str(entry).removeprefix(_VERSION).split(".")[:2])
    raise RefusedInput(
        f"{recipe.base_name} does not say which Python it has.",
        why="Its configuration has no PYTHON_VERSION, and packages are built for one version.",
        remedy="Say it: --python 3.12. Or take an official image of Python: --base python:3.12-slim.",
    )
