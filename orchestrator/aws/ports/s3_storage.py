"""The storage port over S3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.refusals import refusals
from orchestrator.lifecycle.ports import PortError


@dataclass(frozen=True, slots=True)
class S3Storage:
    """The storage port over one bucket."""

    s3: Any
    bucket: str

    def get(self, key: str) -> bytes | None:
        return self.read(key)[0]

    def read(self, key: str) -> tuple[bytes | None, str | None]:
        """(the object, its version); both None when there is none."""
        try:
            with refusals():
                answer = self.s3.get_object(Bucket=self.bucket, Key=key)
                return answer["Body"].read(), str(answer["ETag"])
        except PortError as error:
            if error.code != "NoSuchKey":
                raise
            return None, None

    def put(self, key: str, content: bytes) -> None:
        with refusals():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def replace(self, key: str, content: bytes, version: str | None) -> bool:
        """Put the object in place of that version; False when somebody else wrote since."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            with refusals():
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, **condition)
        except PortError as error:
            if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def keys(self, prefix: str) -> Iterable[str]:
        with refusals():
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
