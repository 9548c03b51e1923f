"""One repository's expired images, deleted or archived: chunk by chunk, each described again right before.

A chunk holds whole units. A pull or a new tag since the decision keeps its whole unit. The audit is written
before and after; where it cannot be, nothing is deleted. An index goes before its images (ECR refuses the other order).
An image goes before what is attached to it (so that an interruption leaves no image without its signature).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.lifecycle.audit import AuditRecord, audit_key, dump_records, rfc3339
from orchestrator.lifecycle.decide import Decision
from orchestrator.lifecycle.evaluate import BATCH, Evaluation, chunks, stored_bytes
from orchestrator.lifecycle.ports import GoneError, Host, Refusal, Registry, Storage
from orchestrator.lifecycle.units import Image, Unit, hanging_on
from orchestrator.lifecycle.upstream_names import CachedNames, reference

# Refusals that say that somebody else was faster: a run, or a call whose answer was lost.
GONE = frozenset({"ImageNotFound", "ImageNotFoundException"})
NOT_ARCHIVED = "ImageStorageClassUpdateNotSupportedException"
# An index that came meanwhile, or one whose manifest cannot be read, names the image: ECR knows better.
REFERENCED = "ImageReferencedByManifestList"
# Archiving takes a call an image, so that time is looked at more often.
ARCHIVED_AT_ONCE = 10
# Before this run asked for anything: not for it to bring back.
ABSENT = ("absent", "it was not there any more")
MEANWHILE = "it, or what belongs to it, was pulled or tagged meanwhile"


@dataclass(slots=True)
class Expired:
    """What was done to one repository, in images and bytes; `refused` says why by digest.

    `kept` images would have expired but were pulled or re-tagged meanwhile; `unfinished`: the deadline came first.
    """

    images: int = 0
    size: int = 0
    kept: int = 0
    gone: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Expirer:
    """Expires what an evaluation says, for one run."""

    registry: Registry
    storage: Storage
    host: Host
    names: CachedNames
    run: str
    environment: str

    def expire(self, evaluation: Evaluation, result: Expired) -> None:
        """Count into `result`. Raises PortError when the registry or the audit refuses: it has what was done until then."""
        going = {decision.image.digest: decision for decision in evaluation.expired}
        for units in _chunks_of_units(evaluation, going):
            if self.host.remaining() <= 0:
                result.unfinished = True
            if result.unfinished:
                break
            self._expire_chunk(evaluation, units, going, result)

    def _expire_chunk(
        self, evaluation: Evaluation, units: Sequence[Unit], going: Mapping[str, Decision], result: Expired
    ) -> None:
        """Delete or archive, with the audit before and after; nothing but the look stands between audit and deletion."""
        members = {image.digest: image for unit in units for image in unit.members}
        expiring = [going[digest] for digest in members if digest in going]
        action = evaluation.retention.expire_action
        planned = [self._record(evaluation, decision, action) for decision in expiring]
        self._audit(evaluation.repository, planned)
        outcomes: dict[str, tuple[str, str]] = {}
        try:
            self._look_again(evaluation.repository, units, members, outcomes)
            self._remove(
                evaluation, [one.image for one in expiring if one.image.digest not in outcomes], outcomes, result
            )
        finally:
            done = [
                replace(record, stage="done", outcome=outcomes[record.digest][0], detail=outcomes[record.digest][1])
                for record in planned
                if record.digest in outcomes
            ]
            for decision in expiring:
                outcome, detail = outcomes.get(decision.image.digest, ("", ""))
                result.images += outcome in ("deleted", "archived")
                result.size += stored_bytes(decision.image) if outcome in ("deleted", "archived") else 0
                result.gone += outcome in ("gone", "absent")
                result.kept += outcome == "kept"
                if outcome == "refused":
                    result.refused[decision.image.digest] = detail
            if done:
                self._audit(evaluation.repository, done)

    def _look_again(
        self,
        repository: str,
        units: Sequence[Unit],
        members: Mapping[str, Image],
        outcomes: dict[str, tuple[str, str]],
    ) -> None:
        """Describe every member anew: units with one that was pulled, tagged or archived since are kept whole."""
        try:
            now = self._described(repository, list(members))
        except GoneError:
            outcomes.update((digest, ABSENT) for digest in members)
            raise
        changed = {digest for digest, image in now.items() if _differs(members[digest], image)}
        for unit in units:
            if any(member.digest in changed for member in unit.members):
                outcomes.update((member.digest, ("kept", MEANWHILE)) for member in unit.members)
        for digest in members.keys() - now.keys():
            outcomes[digest] = ABSENT

    def _described(self, repository: str, digests: Sequence[str]) -> dict[str, Image]:
        found: dict[str, Image] = {}
        for batch in chunks(digests, BATCH):
            found.update((image.digest, image) for image in self.registry.describe(repository, batch))
        return found

    def _remove(
        self, evaluation: Evaluation, images: Sequence[Image], outcomes: dict[str, tuple[str, str]], result: Expired
    ) -> None:
        """The calls, the first right after the look; each batch of a large chunk is described anew before its own."""
        size = ARCHIVED_AT_ONCE if evaluation.retention.expire_action == "archive" else BATCH
        for number, batch in enumerate(_batches(evaluation, images, outcomes, size)):
            if self.host.remaining() <= 0:
                result.unfinished = True
                break
            still = batch if number == 0 else self._still(evaluation.repository, batch, outcomes)
            if still:
                action = evaluation.retention.expire_action
                outcomes.update(self._call(evaluation.repository, action, [image.digest for image in still]))

    def _still(self, repository: str, batch: Sequence[Image], outcomes: dict[str, tuple[str, str]]) -> Sequence[Image]:
        """Those of the batch that nobody pulled, tagged or deleted since; `outcomes` says what happened to the others."""
        now = self._described(repository, [image.digest for image in batch])
        for image in batch:
            if image.digest not in now:
                outcomes[image.digest] = ("gone", "it was not there any more")
            elif _differs(image, now[image.digest]):
                outcomes[image.digest] = ("kept", MEANWHILE)
        return [image for image in batch if image.digest not in outcomes]

    def _call(self, repository: str, action: str, digests: Sequence[str]) -> dict[str, tuple[str, str]]:
        """{digest: (outcome, detail)} of one call."""
        archive = action == "archive"
        refusals: Sequence[Refusal] = (
            self.registry.archive(repository, digests) if archive else self.registry.delete(repository, digests)
        )
        outcomes = dict.fromkeys(digests, ("archived" if archive else "deleted", ""))
        archived = self._archived(repository, [one.digest for one in refusals if one.code == NOT_ARCHIVED])
        for refusal in refusals:
            faster = refusal.code in GONE or refusal.digest in archived
            outcome = "gone" if faster else "kept" if refusal.code == REFERENCED else "refused"
            outcomes[refusal.digest] = (outcome, f"{refusal.code}: {refusal.reason}")
        return outcomes

    def _archived(self, repository: str, digests: Sequence[str]) -> set[str]:
        """Those that are in the archive: ECR describes what is not active only to those who ask for it."""
        active = {digest for digest, image in self._described(repository, digests).items() if image.is_active}
        return set(digests) - active

    def _audit(self, repository: str, records: Sequence[AuditRecord]) -> None:
        content = dump_records(records)
        key = audit_key(self.run, repository, records[0].stage, content)
        self.storage.put(key, content)

    def _record(self, evaluation: Evaluation, decision: Decision, action: str) -> AuditRecord:
        image = decision.image
        return AuditRecord(
            stage="planned",
            outcome="",
            action=action,
            run=self.run,
            environment=self.environment,
            at=rfc3339(self.host.now()),
            repository=evaluation.repository,
            digest=image.digest,
            tags=image.tags,
            media_type=image.media_type,
            size=stored_bytes(image),
            pushed_at=rfc3339(image.pushed_at),
            pulled_at=rfc3339(image.pulled_at) if image.pulled_at else None,
            reason=decision.reason,
            root=decision.root,
            upstream=reference(self.names.upstreams.upstream_of(evaluation.repository), image.tags, image.digest),
        )


def _differs(decided_on: Image, now: Image) -> bool:
    """Was the image pulled, pushed, re-tagged or archived since the decision?"""
    return (
        set(decided_on.tags) != set(now.tags)
        or decided_on.pulled_at != now.pulled_at
        or decided_on.pushed_at != now.pushed_at
        or decided_on.status != now.status
    )


def _chunks_of_units(evaluation: Evaluation, going: Mapping[str, Decision]) -> Iterator[list[Unit]]:
    """The units that expire; those that share an expiring image are in one chunk, some hundred images in each."""
    # The root of an archived unit stays as it is. The unit's rest goes.
    units = [unit for unit in evaluation.decided.units if any(member.digest in going for member in unit.members)]
    chunk: list[Unit] = []
    size = 0
    for group in _groups(units, going):
        images = len({member.digest for unit in group for member in unit.members})
        if chunk and size + images > BATCH:
            yield chunk
            chunk, size = [], 0
        chunk += group
        size += images
    if chunk:
        yield chunk


def _groups(units: Sequence[Unit], going: Mapping[str, Decision]) -> Iterator[list[Unit]]:
    """Units joined by expiring images that they share."""
    leader = list(range(len(units)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[str, int] = {}
    for index, unit in enumerate(units):
        for member in unit.members:
            if member.digest in going:
                leader[find(index)] = find(first.setdefault(member.digest, index))
    groups: dict[int, list[Unit]] = {}
    for index, unit in enumerate(units):
        groups.setdefault(find(index), []).append(unit)
    yield from groups.values()


def _batches(
    evaluation: Evaluation, images: Sequence[Image], outcomes: dict[str, tuple[str, str]], size: int
) -> Iterator[Sequence[Image]]:
    """What may go at once, up to `size` images. None goes before the one that it hangs on.

    What hangs on an image that was refused or kept shares its fate, in `outcomes`. It is not offered.
    """
    waiting = {image.digest: image for image in images}
    above: dict[str, set[str]] = {}
    for digest, parent in hanging_on(waiting, evaluation.children):
        above.setdefault(digest, set()).add(parent)
    while waiting:
        # Images attached to each other in a ring have no first one: the rest goes at once.
        layer = [digest for digest in waiting if not above.get(digest, set()) & waiting.keys()] or list(waiting)
        offered = []
        for digest in layer:
            image = waiting.pop(digest)
            stayed = [up for up in above.get(digest, ()) if outcomes.get(up, ("",))[0] in ("refused", "kept")]
            if stayed:
                outcome = outcomes[min(stayed)][0]
                outcomes[digest] = (outcome, f"it belongs to {min(stayed)}, which was {outcome}")
            else:
                offered.append(image)
        yield from chunks(offered, size)
