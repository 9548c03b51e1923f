"""`mirror --to FILE.tar` writes an archive, without AWS; `mirror --from FILE.tar` takes its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orchestrator.cli.mirror.catalogs import images_wanted
from orchestrator.cli.mirror.copy_progress import CopyProgress
from orchestrator.cli.mirror.gather import note_gap
from orchestrator.cli.mirror.show import left_documents, left_lines, result_document, unsigned_lines
from orchestrator.cli.mirror.source_tags import references_of
from orchestrator.cli.mirror.words import size
from orchestrator.counts import counted
from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.operator_selection import Wanted
from orchestrator.mirroring.placing import NotCopied, place_all
from orchestrator.mirroring.wishes import Wish, read_platforms, read_reference
from orchestrator.oci.archive import Archive, is_archive, names_of, whole_name
from orchestrator.oci.archive_writer import ArchiveFiles, ArchivePlan, plan_archive
from orchestrator.oci.auth import Logins
from orchestrator.oci.copies import CopyOptions
from orchestrator.oci.cosign_check import SignatureDemand
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import ImageReference

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


def archive_among(sources: Sequence[str]) -> Path | None:
    """The archive that `--from` names, if it names one. Raises RefusedInput when it names something else too."""
    found = [Path(source) for source in sources if source != "-" and is_archive(Path(source))]
    if found and len(sources) > 1:
        raise RefusedInput(
            f"--from {found[0]} is an archive, and there is another --from.",
            why="An archive is a source of its own.",
            remedy="Run the command once for each; REFERENCEs choose among an archive's images.",
        )
    return found[0] if found else None


def archive_wishes(archive: Archive, references: Sequence[str], platforms: Sequence[str]) -> list[Wish]:
    """The images of an archive, or those of them that are named. Raises RefusedInput."""
    where = Location(str(archive.path))
    chosen_platforms = read_platforms(platforms)
    if not archive.images:
        raise RefusedInput(
            f"{archive.path} names no image.",
            why="Its index.json has no whole name (docker.io/library/nginx:1.27) in an annotation.",
            remedy="Make it by orchestrator mirror --to, or by skopeo copy … oci-archive:FILE.tar:NAME:TAG.",
        )
    by_name = {_key(image): image for image in archive.images}
    wanted = [read_reference(text) for text in references]
    for image in wanted:
        if _key(image) not in by_name:
            names = names_of(archive.images)
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            raise RefusedInput(
                f"{archive.path} has no {image}.",
                why=f"It has {', '.join(names[:10])}{more}.",
                remedy="Name one of them, or none for all.",
            )
    chosen = [by_name[_key(image)] for image in wanted] if wanted else archive.images
    return [Wish(image, None if wanted else where, None, chosen_platforms) for image in chosen]


def _key(image: ImageReference) -> tuple[str, str, str]:
    return image.registry, image.repository, image.digest or image.tag or "latest"


@dataclass(frozen=True, slots=True)
class ToArchive:
    """What goes into an archive, and what does not."""

    environment: str
    plan: ArchivePlan
    left: tuple[NotCopied, ...]
    unsigned: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The plan for people."""
        for result in self.plan.results:
            name = whole_name(result.copy.source)
            yield f"failed    {name}: {result.error}" if result.error else f"reads     {name}"
        signatures = sum(result.signatures for result in self.plan.results)
        yield (
            f"{counted(len(self.plan.results), 'image')}, "
            f"{counted(signatures, 'signature and attestation', 'signatures and attestations')}: "
            f"{size(self.plan.size)} in the archive"
        )
        yield from unsigned_lines(self.unsigned)
        yield from left_lines(self.left)

    def document(self, written: ArchiveFiles | None = None) -> dict[str, Any]:
        """The plan, or the report, for `--json`."""
        return {
            "environment": self.environment,
            "images": [result_document(result) for result in self.plan.results],
            "size": self.plan.size,
            "files": [str(path) for path in written.paths] if written else [],
            "resumed": written.resumed if written else 0,
            "unsigned": list(self.unsigned),
            "left": left_documents(self.left),
        }


class ArchiveRun:
    """One run of `mirror --to`. It needs no AWS: what goes where is decided when the archive is read."""

    def __init__(
        self,
        environment: Environment,
        *,
        via: dict[str, str],
        referrers: bool,
        demand: SignatureDemand,
        logins: Sequence[Logins],
    ) -> None:
        self._environment = environment
        self._table = build_route_table(environment)
        self._progress = CopyProgress()
        ways = [Endpoint(name, url=url) for name, url in via.items()]
        self._registries = Registries(ways, logins=logins, on_event=self._progress.heard)
        self._trusted = demand.trusted(self._registries)
        accept = self._trusted.accept if self._trusted is not None else None
        self._options = CopyOptions(referrers=referrers, accept=accept)

    def __enter__(self) -> ArchiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.close()
        self._registries.close()

    def prepare(self, wishes: Sequence[Wanted]) -> ToArchive:
        """Place the wishes and read the sources' manifests."""
        left, placed = place_all(self._table, images_wanted(wishes, self._registries, gap=note_gap))
        found = references_of(self._registries, placed)
        images = dict.fromkeys((source, item.wish.platforms) for item, source, _ in found)
        plan = plan_archive(images, self._registries, options=self._options)
        unsigned = self._trusted.unsigned_names if self._trusted is not None else ()
        return ToArchive(self._environment.name, plan, left, unsigned)

    def write(self, planned: ToArchive, path: Path, *, part_size: int, quiet: bool) -> ArchiveFiles:
        """Write what was planned."""
        self._progress.begin(planned.plan.bytes_to_read, quiet=quiet)
        try:
            return planned.plan.write(path, self._registries, options=self._options, part_size=part_size)
        finally:
            self._progress.close()


def refuse_empty(planned: ToArchive) -> None:
    """Raise RefusedInput where nothing goes into the archive: none could tell it from one that was cut off."""
    if planned.plan.results:
        return
    reasons = list(left_lines(planned.left))
    more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    raise RefusedInput(
        "No archive is written: none of the images goes by a mirror.",
        why=f"{'; '.join(reasons[:5])}{more}." if reasons else "The lists that were given name none.",
        remedy="Add the routes to mirrors (`--write` does it when images are copied), or name other images.",
    )


def written_lines(path: Path, planned: ToArchive, written: ArchiveFiles) -> Iterator[str]:
    """The report for people."""
    files = f"{path} in {counted(len(written.paths), 'part')}" if len(written.paths) > 1 else str(path)
    resumed = f", {size(written.resumed)} of it from the run before" if written.resumed else ""
    yield f"wrote {files}: {size(planned.plan.size)}{resumed}"
