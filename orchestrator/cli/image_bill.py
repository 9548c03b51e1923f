"""The images of files as a bill of materials: CycloneDX 1.6 as JSON. The cyclonedx library, an extra, makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import __version__
from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import Redirected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packageurl import PackageURL

    from orchestrator.cli.image_files import FileImage


def cyclonedx(images: Iterable[FileImage]) -> str:
    """One component of type container for each reference, with the table's answer and its places as evidence.

    Raises RefusedInput where the library is missing.
    """
    try:
        from cyclonedx.model import Property
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
        from cyclonedx.model.tool import ToolRepository
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise RefusedInput(
            f"The module that writes bills of materials is not installed: {error.name}.",
            why="It is an extra of the package.",
            remedy=f"Run `{install_command('sbom')}`.",
        ) from error
    maker = Component(name="orchestrator", version=__version__, type=ComponentType.APPLICATION)
    bill = Bom(metadata=BomMetaData(tools=ToolRepository(components=[maker])))
    for image in images:
        reference = image.line.reference
        name, version = _split(reference)
        properties = [Property(name="orchestrator:answer", value=image.line.word)]
        properties.append(Property(name="orchestrator:pulled_by", value=image.pulled_by))
        if isinstance(image.line.answer, Redirected):
            properties.append(Property(name="orchestrator:target", value=image.line.answer.target))
        places = [
            # The place within a line is no offset into the file, which the standard asks for: the field says it.
            Occurrence(location=use.file, line=use.line, symbol=use.field)
            for use in image.uses
        ]
        bill.components.add(
            Component(
                type=ComponentType.CONTAINER,
                bom_ref=reference,
                name=name,
                version=version,
                purl=_package_url(reference),
                properties=properties,
                evidence=ComponentEvidence(occurrences=places),
            )
        )
    return JsonV1Dot6(bill).output_as_string(indent=2)


def _split(reference: str) -> tuple[str, str | None]:
    """(name, tag or digest) as the file writes them; a digest counts more than a tag."""
    try:
        parsed = parse_reference(reference)
    except InvalidReference:
        return reference, None
    return reference.removesuffix(parsed.suffix), parsed.digest or parsed.tag


def _package_url(reference: str) -> PackageURL | None:
    """The package URL of type oci: its version is a digest, a tag is a qualifier. None for what is no reference."""
    from packageurl import PackageURL

    try:
        parsed = parse_reference(reference)
    except InvalidReference:
        return None
    repository = f"{parsed.registry}/{parsed.repository}"
    qualifiers = {"repository_url": repository} | ({"tag": parsed.tag} if parsed.tag else {})
    return PackageURL("oci", name=repository.rpartition("/")[2], version=parsed.digest, qualifiers=qualifiers)
