"""Keyless signatures: who signed is told by a certificate of minutes, which a transparency log has seen. By sigstore-python.

Nothing is asked of the network. The root of trust is a file, and a Sigstore bundle brings the certificate and the log's proof.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.files.named_files import read_given
from orchestrator.lifecycle.patterns import matches

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

# Fulcio's own extensions. Source: https://github.com/sigstore/fulcio, docs/oid-info.md.
_FULCIO = "1.3.6.1.4.1.57264.1"
_FULCIO_NAME = f"{_FULCIO}.7"
_REMEDY = "Write --verify keyless:ISSUER,IDENTITY, such as keyless:https://accounts.google.com,release@example.com."


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may sign: the OIDC issuer that knows him, and his name there (a mail address, a workflow's URL; `*` stands for anything)."""

    issuer: str
    identity: str

    def is_called(self, name: str) -> bool:
        """Whether a certificate's name is this signer's."""
        return matches(self.identity, name)


def read_signer(text: str) -> Signer:
    """The signer of `keyless:ISSUER,IDENTITY`. Raises RefusedInput."""
    issuer, comma, identity = text.removeprefix("keyless:").partition(",")
    if not comma or not issuer.startswith(("https://", "http://")) or not identity.strip("*"):
        raise RefusedInput(
            f"--verify {text[:200]} names no signer.",
            why="A keyless signature is worth what its signer's name is.",
            remedy=_REMEDY,
        )
    return Signer(issuer, identity)


class KeylessCheck:
    """The check of bundles by a root of trust (`trusted_root.json`; without a file Sigstore's own, as sigstore-python brings it)."""

    def __init__(self, signers: Sequence[Signer], trust_root: Path | None = None) -> None:
        self._signers = tuple(signers)
        self._verifier = _verifier(trust_root)

    def why_not(self, bundle: bytes, message: bytes) -> str:
        """Why a bundle is not one of the signers' over `message` (DSSE's pre-authentication encoding); "" when it is."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.x509 import ExtensionNotFound
        from sigstore.errors import Error
        from sigstore.models import Bundle

        try:
            read = Bundle.from_json(bundle)
        except (Error, ValueError, TypeError, AttributeError) as error:
            # Which fields are wrong is told in lines of pydantic's.
            first = " ".join(str(error).partition("[type=")[0].split())
            return f"It is no bundle that sigstore-python reads: {first[:200]}."
        try:
            kind, payload = self._verifier.verify_dsse(read, self)
        except (Error, ValueError, TypeError, AttributeError, InvalidSignature, ExtensionNotFound) as error:
            # A malformed bundle shows in many ways; none of them is a signature.
            return f"{' '.join(str(error).split())[:300].rstrip('.') or type(error).__name__}."
        head = b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(payload))
        return "" if message == head + payload else "Its envelope is read in two ways."

    def verify(self, cert: Certificate) -> None:
        """sigstore's question: is this certificate one of the signers'? Raises its VerificationError when it is not."""
        from sigstore.errors import VerificationError
        from sigstore.verify import policy

        names = _names(cert)
        for signer in self._signers:
            if not any(map(signer.is_called, names)):
                continue
            try:
                policy.AnyOf([policy.OIDCIssuerV2(signer.issuer), policy.OIDCIssuer(signer.issuer)]).verify(cert)
            except VerificationError:
                continue
            return
        issuer = _issuer(cert)
        raise VerificationError(
            f"It was signed by {' '.join(names) or 'nobody'}{f', whom {issuer} knows' if issuer else ''}."
        )


def _verifier(trust_root: Path | None) -> Any:
    try:
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig, TrustedRoot
        from sigstore.verify import Verifier
    except ImportError:
        raise RefusedInput(
            "Keyless signatures cannot be checked: the package sigstore is not installed.",
            remedy=f"Install it: `{install_command('verify')}`.",
        ) from None
    # It warns that its root is not fetched anew, which is what is asked of it.
    logging.getLogger("sigstore").setLevel(logging.ERROR)
    try:
        if trust_root is None:
            return Verifier(trusted_root=ClientTrustConfig.production(offline=True).trusted_root)
        # The library would wait for a pipe.
        read_given(trust_root)
        return Verifier(trusted_root=TrustedRoot.from_file(str(trust_root)))
    except (Error, OSError, ValueError, RecursionError) as error:
        raise RefusedInput(
            f"--trust-root {trust_root or ''} cannot be used: {' '.join(str(error).split())[:200]}.",
            why="It is no trusted_root.json of Sigstore.",
            remedy="Give what `cosign trusted-root create` writes, or what your Sigstore hands out.",
        ) from error


def _issuer(cert: Certificate) -> str:
    """The issuer in a certificate of Fulcio, by its newer extension (a UTF8String of DER) or its older one."""
    from cryptography.x509 import UnrecognizedExtension

    found = {each.oid.dotted_string: each.value for each in cert.extensions}
    newer, older = found.get(f"{_FULCIO}.8"), found.get(f"{_FULCIO}.1")
    if isinstance(newer, UnrecognizedExtension):
        return _text(newer.value)
    return older.value.decode("utf-8", "replace") if isinstance(older, UnrecognizedExtension) else ""


def _text(value: bytes) -> str:
    """A UTF8String of DER with a length of one byte (tag, length, text); "" for what is none."""
    return value[2:].decode("utf-8", "replace") if value[:1] == b"\x0c" and value[1] == len(value) - 2 else ""


def _names(cert: Certificate) -> list[str]:
    """The names in a certificate of Fulcio: mail addresses, URLs, and names of machines."""
    from cryptography.x509 import ExtensionNotFound, OtherName, RFC822Name, SubjectAlternativeName
    from cryptography.x509 import UniformResourceIdentifier as Url

    try:
        found = cert.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    other = [name.value for name in found if isinstance(name, OtherName) and name.type_id.dotted_string == _FULCIO_NAME]
    texts = filter(None, map(_text, other))
    return [*found.get_values_for_type(RFC822Name), *found.get_values_for_type(Url), *texts]
