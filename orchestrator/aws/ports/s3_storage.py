"""The storage port over S3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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

    def earlier(self, key: str, since: datetime) -> bytes | None:
        largest: tuple[int, str] | None = None
        with refusals():
            # Newest first, so that the first that is older ends the search.
            pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
            for version in (one for page in pages for one in page.get("Versions", []) if one["Key"] == key):
                if version["IsLatest"]:
                    continue
                if version["LastModified"] < since:
                    break
                largest = max(largest or (0, ""), (int(version["Size"]), str(version["VersionId"])))
            if largest is None:
                return None
            return bytes(self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=largest[1])["Body"].read())
