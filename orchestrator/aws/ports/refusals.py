"""What the SDK raises -> what the lifecycle manager's ports raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.lifecycle.ports import GoneError, PortError

ABSENT = frozenset({"RepositoryNotFoundException"})


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the SDK raises into PortError, GoneError for a repository that does not exist."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code, text = str(details.get("Code", "")), str(details.get("Message", ""))
        raise (GoneError if code in ABSENT else PortError)(code, text, error.operation_name) from error
    except BotoCoreError as error:
        raise PortError(type(error).__name__, " ".join(str(error).split())) from error
