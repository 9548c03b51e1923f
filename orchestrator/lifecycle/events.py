"""What starts the function -> what the manager does: the schedule, a person, the queue, ECR's events. Pure but for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.ports import Host
from orchestrator.lifecycle.tasks import PoisonedMessageError

CACHE_ACTION = "ECR Pull Through Cache Action"
IMAGE_ACTION = "ECR Image Action"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
STARTED_BY = 'a run is started by {"source": "manual"}, with "dry_run" and "allow_fraction" where they are wanted'


class InvalidEventError(ValueError):
    """A person's event asks for something in a way that cannot be understood, so nothing is done."""


@dataclass(frozen=True, slots=True)
class Start:
    """A run is to be started; None where the settings say."""

    seed: str
    dry_run: bool | None = None
    allow: float | None = None


def dispatch(
    event: Mapping[str, Any], request_id: str, manager: Callable[[], Manager], host: Host
) -> dict[str, object]:
    """Do what the event asks; the function's answer. Raises InvalidEventError for a person's mistake."""
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"the event is {type(event).__name__}, no object; {STARTED_BY}")
    records = event.get("Records")
    if isinstance(records, list):
        return _batch(records, manager, host)
    detail_type = event.get("detail-type")
    raw = event.get("detail")
    detail: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    if detail_type == CACHE_ACTION:
        return _cache_action(detail, manager())
    if detail_type == IMAGE_ACTION:
        return _image_action(detail, manager())
    if detail_type not in (None, "Scheduled Event"):
        host.log("WARNING", f"Ignored an event of type {detail_type!r}")
        return {"ignored": str(detail_type)}
    start = read_start(event, request_id)
    return manager().start(start.seed, dry_run=start.dry_run, allow=start.allow)


# What a person may ask; the rest is what EventBridge's envelope has.
ASKED = frozenset({"source", "dry_run", "allow_fraction", "id"})


def read_start(event: Mapping[str, Any], request_id: str) -> Start:
    """The run that a schedule or a person asks for. Raises InvalidEventError."""
    unknown = sorted(str(key) for key in event if key not in ASKED) if event.get("detail-type") is None else []
    if unknown:
        # A word that is written wrong may have been meant to hold back.
        raise InvalidEventError(f"{', '.join(unknown)}: not known; {STARTED_BY}")
    dry_run, allowed = event.get("dry_run"), event.get("allow_fraction")
    if dry_run is not None and not isinstance(dry_run, bool):
        raise InvalidEventError(f"dry_run is {dry_run!r}, neither true nor false")
    return Start(str(event.get("id") or request_id), dry_run, _fraction(allowed))


def _fraction(value: object) -> float | None:
    if value is None or value is False:
        return None
    if value is True:
        return 1.0
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InvalidEventError(f"allow_fraction is {value!r}, not true or a number from 0 to 1")
    return float(value)


def _batch(records: list[Any], manager: Callable[[], Manager], host: Host) -> dict[str, object]:
    """Do the messages one by one; those that failed or found no time come again, the others do not."""
    failed = []
    for record in records:
        identifier = record.get("messageId") if isinstance(record, Mapping) else None
        done = False
        if host.remaining() > 0:
            try:
                manager().work(str(record["body"]))
                done = True
            except PoisonedMessageError as error:
                # It comes again until the queue gives it up to the dead-letter queue, where its alarm is.
                host.log("ERROR", f"Poisoned message {identifier}: {error}")
            except Exception as error:
                host.log("ERROR", f"Message {identifier} failed: {type(error).__name__}: {error}")
        if not done:
            failed.append({"itemIdentifier": identifier})
    return {"batchItemFailures": failed}


def _cache_action(detail: Mapping[str, Any], manager: Manager) -> dict[str, object]:
    status = detail.get("sync-status")
    if status == "FAILED":
        return manager.upstream_failed(detail)
    if status != "SUCCESS":
        return {"ignored": CACHE_ACTION}
    digest = detail.get("image-digest")
    pulled = digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else ""
    named = detail.get("image-tag")
    tag = named if isinstance(named, str) and TAG.fullmatch(named) else ""
    return _repository(detail, lambda name: manager.cached_event(name, pulled, tag))


def _image_action(detail: Mapping[str, Any], manager: Manager) -> dict[str, object]:
    if detail.get("action-type") != "PUSH" or detail.get("result") != "SUCCESS":
        return {"ignored": IMAGE_ACTION}
    return _repository(detail, manager.repository_event)


def _repository(detail: Mapping[str, Any], tell: Callable[[str], dict[str, object]]) -> dict[str, object]:
    name = detail.get("repository-name")
    if not isinstance(name, str) or not name:
        return {"ignored": "an event without repository-name"}
    return tell(name)
