"""What is remembered in the bucket: what was told of each image, and which indexes hold it.

Several invocations change one object at once: each writes what it made of the version that it read, or reads again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from orchestrator.aws.ports import refusals
from orchestrator.findings.parents import Parent, dump_parents, parents_key, parse_parents
from orchestrator.findings.reported import Record, dump_record, parse_record, record_key
from orchestrator.lifecycle.ports import PortError

from .clients import client

T = TypeVar("T")
# Somebody else's change in between: read again, so often at most, with pauses that spread those who meet (seconds). In
# all about ten, of the fifty that the function has.
ATTEMPTS = 16
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.5


def read_record(bucket: str, digest: str) -> Record:
    """What was told of the image. Raises PortError, as all here."""
    return _read(bucket, record_key(digest), _record)[0]


def change_record(bucket: str, digest: str, change: Callable[[Record], Record]) -> None:
    """Keep what `change` makes of the image's record; it may be called several times."""
    _change(bucket, record_key(digest), _record, change, dump_record)


def read_parents(bucket: str, digest: str) -> frozenset[Parent]:
    """The indexes that are known to hold the image."""
    return _read(bucket, parents_key(digest), _parents)[0]


def change_parents(bucket: str, digest: str, change: Callable[[frozenset[Parent]], frozenset[Parent]]) -> None:
    """Keep what `change` makes of the image's indexes; it may be called several times."""
    _change(bucket, parents_key(digest), _parents, change, dump_parents)


def _record(content: bytes | None) -> Record:
    return Record() if content is None else parse_record(content)


def _parents(content: bytes | None) -> frozenset[Parent]:
    return frozenset() if content is None else parse_parents(content)


def _change(
    bucket: str,
    key: str,
    parse: Callable[[bytes | None], T],
    change: Callable[[T], T],
    dump: Callable[[T], bytes],
) -> None:
    """Put what `change` makes of the object, which is read again when somebody else wrote in between."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)))  # noqa: S311
        known, version = _read(bucket, key, parse)
        changed = change(known)
        if changed == known or _write(bucket, key, dump(changed), version):
            return
    raise PortError("Conflict", f"{key} changed {ATTEMPTS} times while it was to be written")


def _read(bucket: str, key: str, parse: Callable[[bytes | None], T]) -> tuple[T, str | None]:
    """(the object, its version); no version where there is none yet."""
    try:
        with refusals():
            answer = client("s3").get_object(Bucket=bucket, Key=key)
            return parse(answer["Body"].read()), str(answer["ETag"])
    except PortError as error:
        if error.code != "NoSuchKey":
            raise
        return parse(None), None


def _write(bucket: str, key: str, content: bytes, version: str | None) -> bool:
    """Write the object; False when somebody else wrote since `version` was read."""
    condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
    try:
        with refusals():
            client("s3").put_object(Bucket=bucket, Key=key, Body=content, **condition)
    except PortError as error:
        if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True
