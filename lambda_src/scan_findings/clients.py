"""What this function talks through: clients, made when first needed and kept while it is warm, and its log."""

from __future__ import annotations

import json
from functools import cache
from typing import Any


@cache
def client(service: str) -> Any:
    """The client of a service, such as `ecr`."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    return make(service, config=Config(connect_timeout=5, read_timeout=20, retries={"mode": "adaptive"}))


def log(level: str, text: str, **fields: object) -> None:
    """A line of the log, as JSON."""
    print(json.dumps({"level": level, "message": text, **fields}, default=str), flush=True)
