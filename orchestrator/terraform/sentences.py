"""The sentences of Terraform, its AWS provider and their SDK for Go that are read, each with its source. Pure.

Terraform's diagnostics have no codes: `-json` gives a severity, a summary and a detail, and `terraform init` gives text
alone. So these words are looked for, here and nowhere else. A test looks for each of them in the programs themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from orchestrator.aws.refused_calls import RefusedCall


@dataclass(frozen=True, slots=True)
class Sign:
    """Words that tell one cause; any of them does. `source` is the file that writes them."""

    words: tuple[str, ...]
    source: str

    def stands_in(self, text: str) -> bool:
        """Is one of the words in the text?"""
        return any(word in text for word in self.words)


# Terraform
LOCK_REFUSED: Final = Sign(
    ("Error acquiring the state lock", "failed to lock"), "terraform internal/command/clistate/state.go"
)
LOCK_HELD: Final = Sign(
    ("Lock Info:", "resource temporarily unavailable"), "terraform internal/states/statemgr/locker.go; Go's EAGAIN"
)
STALE_PLAN: Final = Sign(("Saved plan is stale",), "terraform internal/backend/local/backend_local.go")
UNSAVED_STATE: Final = Sign(("Failed to save state",), "terraform internal/backend/local/backend_apply.go")
NO_PROVIDER: Final = Sign(
    ("Failed to query available provider packages", "Failed to install provider"), "terraform internal/command/init.go"
)
# The operating system, in Go's words
DISK_FULL: Final = Sign(("no space left on device", "disk quota exceeded"), "Go's ENOSPC and EDQUOT")
NOBODY_LISTENS: Final = Sign(("connect: connection refused",), "Go's ECONNREFUSED")
# The AWS provider and the SDK
NOT_EMPTY: Final = Sign(("RepositoryNotEmptyException",), "ECR's API reference, DeleteRepository")
NO_CREDENTIALS: Final = Sign(
    ("No valid credential sources found", "failed to refresh cached credentials", "SSO session"),
    "aws-sdk-go-base awsauth.go; aws-sdk-go-v2 credentials",
)
NO_ANSWER: Final = Sign(
    ("StatusCode: 0", "context canceled", "context deadline exceeded"), "smithy-go and aws-sdk-go-v2 transport/http"
)

_LOCK_FIELD = re.compile(r"^[ \t]*+(ID|Path|Operation|Who|Version|Created):[ \t]*+(\S.*)$", re.MULTILINE)
_EXISTS = re.compile(r"RepositoryAlreadyExistsException.*?name '([^']+)'", re.DOTALL)
# smithy-go's OperationError, the SDK's ResponseError and the answer: `api error CODE: text`, or `CODE: text` where the
# service's model has a type. One may be inside of another: the last one is the cause.
_REFUSED = re.compile(
    r".*operation error (?P<service>[^:]+): (?P<operation>[A-Za-z0-9]+), (?:exceeded maximum number of attempts, \d+, )?"
    r"https response error StatusCode: \d+, RequestID: [^,]*, (?:HostID: [^,]*, )?"
    r"(?:api error )?(?P<code>[A-Za-z][\w.]*):(?P<text>.*)"
)
_HEADING = re.compile(r"^(?:Error|Warning): ", re.MULTILINE)
# IAM's prefix of a service where it is not the SDK's name in small letters.
_PREFIXES = {"CloudWatch Logs": "logs", "EventBridge": "events", "Secrets Manager": "secretsmanager"}


def lock_fields(text: str) -> dict[str, str]:
    """{field: value} of the lock that Terraform shows: ID, Path, Operation, Who, Version, Created."""
    return {name: value.rstrip() for name, value in _LOCK_FIELD.findall(text)}


def existing_repository(text: str) -> str:
    """The name of the repository that ECR says exists already; empty where it says nothing of one."""
    found = _EXISTS.search(text)
    return found[1] if found else ""


def refused_call(text: str) -> RefusedCall | None:
    """The call that AWS refused, of the first diagnostic that tells one; None where none does."""
    starts = [0, *(found.start() for found in _HEADING.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        for paragraph in text[start:end].split("\n\n"):
            if found := _REFUSED.match(" ".join(paragraph.split())):
                service = found["service"].strip()
                prefix = _PREFIXES.get(service, service.lower().replace(" ", ""))
                return RefusedCall(found["operation"], found["code"], found["text"].strip(), prefix)
    return None
