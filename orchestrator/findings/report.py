"""What an event asks for, done: scans of newly cached images, and one message about an image's findings.

Everything of the world comes by `Ports`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.findings.event import (
    Cached,
    Closed,
    Finding,
    Ignored,
    Scanned,
    at_or_above,
    counts_matter,
    read_event,
    read_findings,
)
from orchestrator.findings.image_user import usage_of, with_inspector
from orchestrator.findings.message import message
from orchestrator.findings.parents import Parent, with_parent
from orchestrator.findings.ports import Ports, Runtime
from orchestrator.findings.record import Begun, Record
from orchestrator.findings.records import Records
from orchestrator.findings.settings import FindingsSettings
from orchestrator.lifecycle.ports import GoneError, PortError
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.units import children_of
from orchestrator.lifecycle.upstream_names import UpstreamNames, reference
from orchestrator.partitions import registry_host

STARTED = "started"
UNSUPPORTED = "UnsupportedImageTypeException"
# Nothing to do, and no failure: another attempt within minutes would be refused too.
NOT_SCANNED = {
    "ImageNotFoundException": "the image is gone",
    "RepositoryNotFoundException": "the repository is gone",
    "ImageArchivedException": "it is archived",
    UNSUPPORTED: "ECR does not scan this type of image",
}
# ECR has one code for two limits; its own words may tell them apart.
LIMITED = (
    "ECR's limit: it was scanned within 24 hours (at its push, say), or the account's 100,000 scans of 24 hours are "
    "used up"
)


def dispatch(
    event: object, settings: FindingsSettings, ports: Callable[[], Ports], runtime: Runtime
) -> dict[str, object]:
    """Do what the event asks; what was done. `ports` is called when there is something to do. Raises PortError."""
    asked = read_event(event, account=settings.account, severity=settings.severity)
    # A value that is no mapping asks for nothing.
    whole: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
    done: dict[str, object]
    if isinstance(asked, Cached):
        done = _reporter(settings, ports()).look_after(asked)
    elif isinstance(asked, Scanned):
        done = _reporter(settings, ports()).report(asked, str(whole.get("region") or settings.region))
    elif isinstance(asked, Closed):
        done = _reporter(settings, ports()).close(asked)
    else:
        assert isinstance(asked, Ignored)
        done = {"ignored": asked.reason}
    runtime.log("INFO", "done", event=whole.get("id"), **done)
    return done


def _reporter(settings: FindingsSettings, ports: Ports) -> _Reporter:
    return _Reporter(settings, ports, Records(ports.storage, ports.runtime))


@dataclass(frozen=True, slots=True)
class _Reporter:
    """Does what events ask for. Every method raises PortError for what Lambda's next attempt may do better."""

    settings: FindingsSettings
    ports: Ports
    records: Records

    ################################################################################
    # Newly cached images
    ################################################################################

    def look_after(self, image: Cached) -> dict[str, object]:
        """With basic scanning start a scan, of an index those of its images: ECR scans no index. Note which images it holds."""
        enhanced = self.settings.enhanced
        outcome = "" if enhanced else self._start_scan(image.repository, image.digest)
        if outcome == STARTED:
            # An image of its own.
            return _scans(image, {image.digest: outcome})
        try:
            children = self._children(image)
        except PortError as error:
            if not enhanced or not error.code.startswith("AccessDenied"):
                raise
            # Below a rule that this function was not told of. Inspector's findings there are reported all the same.
            self._warn(f"The images that {image.digest} holds are not noted: {error}", repository=image.repository)
            return {"repository": image.repository, "digest": image.digest, "images": 0}
        parent = Parent(image.repository, image.digest)
        for child in children:
            # Before its scan, whose event looks for the note.
            self.records.change_parents(child, lambda known: with_parent(known, parent))
        if enhanced:
            return {"repository": image.repository, "digest": image.digest, "images": len(children)}
        if outcome != NOT_SCANNED[UNSUPPORTED]:
            return _scans(image, {image.digest: outcome})
        scans = {child: self._start_scan(image.repository, child) for child in children}
        return _scans(image, scans or {image.digest: outcome})

    def _children(self, image: Cached) -> tuple[str, ...]:
        """The images of an index; none of what is no index."""
        try:
            manifest = self.ports.images.manifests(image.repository, [image.digest]).get(image.digest)
        except GoneError:
            return ()
        return children_of(manifest) if manifest is not None else ()

    def _start_scan(self, repository: str, digest: str) -> str:
        """ "started", or why not."""
        try:
            self.ports.scanner.start(repository, digest)
        except PortError as error:
            if error.code == "LimitExceededException":
                return f"{LIMITED}: {error.message}"
            if error.code in NOT_SCANNED:
                return NOT_SCANNED[error.code]
            raise
        return STARTED

    ################################################################################
    # Findings
    ################################################################################

    def report(self, image: Scanned, region: str) -> dict[str, object]:
        """Tell what nobody told yet of the image's findings."""
        about = {"repository": image.repository, "digest": image.digest}
        least = self.settings.severity
        if not counts_matter(image.counts, least):
            return {**about, "reported": 0, "reason": f"nothing at or above {least}"}
        # Inspector sends an event for each finding. An image's first one reports them all, so the later ones shall cost
        # little.
        if image.findings and not self._news(image, in_use=True):
            return {**about, "reported": 0, "reason": "it is reported already"}
        usage = usage_of(image, self.records.parents(image.digest), self.settings, self.ports)
        if image.findings and not self._news(image, in_use=bool(with_inspector(usage, image.findings).user)):
            return {**about, "reported": 0, "reason": "it is reported already"}
        findings = at_or_above(self._findings(image), least)
        usage = with_inspector(usage, findings)

        def publish(why: Mapping[str, str]) -> None:
            news = [finding for finding in findings if finding.identity in why]
            made = message(
                image,
                news,
                why,
                least=least,
                registry=registry_host(self.settings.account, region),
                environment=self.settings.shared.environment,
                upstream=_upstream(image, self.settings.shared),
                usage=usage,
            )
            self.ports.topic.publish(made, news[0].severity)

        number = self._once(image.digest, findings, publish, in_use=bool(usage.user))
        return {**about, "findings": len(findings), "reported": number}

    def _news(self, image: Scanned, *, in_use: bool) -> dict[str, str]:
        """What is new about the event's own findings."""
        return self.records.record(image.digest).news(image.findings, in_use=in_use, now=self._now())

    def _findings(self, image: Scanned) -> tuple[Finding, ...]:
        """All findings of the image; those of the event alone where they cannot be read."""
        found = list(image.findings)
        try:
            for page in self.ports.scanner.finding_pages(image.repository, image.digest):
                found += read_findings(page)
        except PortError as error:
            if not image.findings:
                if error.code in NOT_SCANNED:
                    return ()
                raise
            self._warn(f"Only the event's own findings are reported: {error}", digest=image.digest)
        return tuple(found)

    def _once(
        self,
        digest: str,
        findings: tuple[Finding, ...],
        publish: Callable[[Mapping[str, str]], None],
        *,
        in_use: bool,
    ) -> int:
        """Publish of the findings what nobody told yet, by {identity: what is new about it}; how many they were."""
        why: dict[str, str] = {}
        begun: dict[str, Begun] = {}

        def claim(record: Record) -> Record:
            nonlocal why, begun
            # A record that an attempt wrote whose answer was lost is not somebody else's.
            record = record.release(begun)
            now = self._now()
            why = record.news(findings, in_use=in_use, now=now)
            begun = record.begin((each for each in findings if each.identity in why), in_use=in_use, now=now)
            return record.with_begun(begun)

        self.records.change_record(digest, claim)
        if not why:
            return 0
        try:
            publish(why)
        except BaseException:
            # Lambda calls again; until then the findings are nobody's.
            self._settle(digest, lambda record: record.release(begun))
            raise
        self._settle(digest, lambda record: record.finish(begun))
        return len(why)

    def _settle(self, digest: str, change: Callable[[Record], Record]) -> None:
        """Write what became of a claim. Never raises: after a message Lambda would call again, and it would be sent twice."""
        try:
            self.records.change_record(digest, change)
        except PortError as error:
            self._warn(f"The end of a report is not written, it may be made once more: {error}", digest=digest)

    def close(self, closed: Closed) -> dict[str, object]:
        """Note what Inspector closed: when it comes back it is news."""
        try:
            self.records.change_record(closed.digest, lambda record: record.close(closed.findings, closed.at))
        except PortError as error:
            if error.code != "Conflict":
                raise
            # Inspector closes all findings of an image that goes at once. A message is lost if one comes back.
            self._warn(f"A closed finding is not noted: {error}", digest=closed.digest)
            return {"digest": closed.digest, "closed": []}
        return {"digest": closed.digest, "closed": sorted(closed.findings)}

    def _now(self) -> float:
        return self.ports.runtime.now().timestamp()

    def _warn(self, text: str, **fields: object) -> None:
        self.ports.runtime.log("WARNING", text, **fields)


def _scans(image: Cached, outcomes: Mapping[str, str]) -> dict[str, object]:
    """What was done; `scans` are {digest: "started", or why not}."""
    started = sum(outcome == STARTED for outcome in outcomes.values())
    return {
        "repository": image.repository,
        "scans": outcomes,
        "started": started,
        "not_scanned": len(outcomes) - started,
    }


def _upstream(image: Scanned, settings: Settings) -> str | None:
    """The image's name at its source, empty for an own image. None below ROOT, where ECR does not tell."""
    names = UpstreamNames(dict(settings.routes))
    if names.prefix_of(image.repository) == "":
        return None
    return reference(names.upstream_of(image.repository), image.tags, image.digest)
