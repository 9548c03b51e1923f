"""Wires the commands that make an image of this program: registries, the base by its route, copy or archive."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import __version__
from orchestrator.errors import RefusedInput
from orchestrator.manifests.swapper_target import own_image
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.mirroring.wishes import read_reference
from orchestrator.oci.archive_writer import ArchiveFiles, plan_archive
from orchestrator.oci.copies import Copy, CopyReport
from orchestrator.oci.copy import copy_images
from orchestrator.oci.logins import docker_logins
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.program_image.derived_program import ImageRecipe, ProgramImage, make_image
from orchestrator.program_image.programs import Program
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import ImageReference
from orchestrator.routes.table import Redirected

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project


def wanted_name(program: Program, environment: Environment | None, push: str | None) -> ImageReference:
    """What the image is called: `push` where it names one, else in the environment's registry. Raises RefusedInput."""
    if push:
        given = read_reference(push)
        if given.digest is not None:
            raise RefusedInput(f"{push} has a digest.", why="Nobody knows it before.", remedy="Name a tag.")
        return given if given.tag else replace(given, tag=__version__)
    if environment is not None:
        return read_reference(own_image(environment, program.name))
    if push is not None:
        raise RefusedInput(
            "Nobody says where the image goes.",
            remedy=f"Name it: --push registry.example.com/{program.name}:1. Or name an environment, whose registry it is.",
        )
    # A name in an archive that belongs to nobody's registry.
    return read_reference(f"localhost/{program.name}:{__version__}")


def base_of(environment: Environment | None, base: str, via: Mapping[str, str]) -> ImageReference:
    """Where the base is read: by the environment's route, unless `via` names another way to its registry."""
    written = read_reference(base)
    if environment is None or written.registry in via:
        return written
    answer = build_route_table(environment).redirect(written)
    return read_reference(answer.target) if isinstance(answer, Redirected) else written


def open_registries(
    project: Project | None, environment: Environment | None, via: Mapping[str, str], *, local: bool
) -> AbstractContextManager[Registries]:
    """The registries, with the environment's own where there is one; others by docker's logins."""
    ways = [Endpoint(name, url=url) for name, url in via.items()]
    if project is None or environment is None:
        return Registries(ways, logins=docker_logins())
    from orchestrator.aws.mirror_target import MirrorTarget
    from orchestrator.cli.project_session import project_session

    table, known = build_route_table(environment), environment

    def settings(repository: str) -> RepositorySettings:
        return settings_of_repository(known, table, repository)

    session = project_session(project, environment, local=local)
    target = MirrorTarget(session, environment.registry, settings)
    return Registries([target.endpoint(), *ways], logins=docker_logins(), find=target.find)


def push_image(registries: Registries, recipe: ImageRecipe, name: ImageReference) -> tuple[ProgramImage, CopyReport]:
    """Make it and push it. Raises OrchestratorError."""
    # Named in the base's own repository, so that a registry which has the base mounts its layers.
    made = make_image(
        *(registries, recipe),
        known_as=recipe.base.registry,
        repository=recipe.base.repository,
        tag=recipe.program.name,
    )
    registries.add_source(made.source)
    report = copy_images([Copy(replace(recipe.base, tag=recipe.program.name, digest=None), name)], registries)
    _raise_failed(report)
    return made, report


def archive_image(
    registries: Registries, recipe: ImageRecipe, name: ImageReference, path: Path
) -> tuple[ProgramImage, ArchiveFiles]:
    """Make it and write it as an OCI image layout in one tar file. Raises OrchestratorError."""
    made = make_image(
        registries, recipe, known_as=name.registry, repository=name.repository, tag=name.tag or __version__
    )
    registries.add_source(made.source)
    plan = plan_archive([(name, ())], registries)
    for result in plan.results:
        if result.error is not None:
            raise result.error
    return made, plan.write(path, registries)


def _raise_failed(report: CopyReport) -> None:
    for result in report.results:
        if result.error is not None:
            raise result.error
