"""What a registry or a transfer can answer instead of what was asked for.

OciError                  exit code 1
├── RegistryRefused       the registry's final answer, with status and its own code
│   ├── Absent            404: no such repository, manifest or blob
│   └── Denied            401 or 403
├── Unreachable           no usable answer within the budget of retries
│   └── Untrusted         the certificate was refused
├── WrongContent          what came is not what its digest says, every time
└── NotUsable             a document that no registry should hold: manifest, archive
    └── JournalNotUsable  what earlier runs have verified cannot be read or written; it only saves requests
"""

from __future__ import annotations

from orchestrator.errors import OrchestratorError


class OciError(OrchestratorError):
    """Something went wrong between registries."""


class RegistryRefused(OciError):
    """A final answer of a registry: `status` of HTTP, and the error code of its body (`MANIFEST_INVALID`), or "".

    `elsewhere`: another host gave it, to which the registry had referred.
    """

    def __init__(
        self, what: str, *, status: int, code: str = "", elsewhere: bool = False, why: str = "", remedy: str = ""
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.status = status
        self.code = code
        self.elsewhere = elsewhere


class Absent(RegistryRefused):
    """The registry has no such repository, manifest or blob."""


def no_such_manifest(registry: str, repository: str, reference: str, refusal: RegistryRefused) -> Absent:
    """What is said of a tag or digest that a registry does not have, whichever request was answered 404."""
    mark = "@" if ":" in reference else ":"
    return Absent(
        f"{registry}/{repository}{mark}{reference} does not exist: {registry} answers 404.",
        status=404,
        code=refusal.code,
        remedy="Correct the reference, or push the image first.",
    )


class Denied(RegistryRefused):
    """The credentials, or their lack, do not allow it."""


class Unreachable(OciError):
    """No usable answer within the budget."""


class Untrusted(Unreachable):
    """The certificate of the registry was refused; trying again changes nothing."""


class WrongContent(OciError):
    """Bytes that do not have their digest, again and again."""


class NotUsable(OciError):
    """A document that cannot be understood: a manifest, an archive, a credentials file."""


class JournalNotUsable(NotUsable):
    """The journal of what earlier runs have verified cannot be read or written. It only saves requests."""
