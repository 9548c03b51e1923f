"""The certificate that the webhook serves: its two files, why they cannot be served, when it ends.

A worker of granian reads paths, a moment after it was told of them. So it is given a copy in memory, which nobody
changes meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.errors import RefusedInput
from orchestrator.swapper.certificate_parts import CertificateParts, parts_of_pem

# What ring signs with, granian's cryptography. OpenSSL takes more, and a worker dies of those.
RSA_BITS = (2048, 4096)
KEYS = ("P-256", "P-384", "Ed25519")
_KEYS = "RSA of 2048 to 4096 bits, ECDSA on P-256 or P-384, or Ed25519"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The two files of a certificate and its key."""

    cert: Path
    key: Path

    def stamp(self) -> tuple[object, ...]:
        """What changes when one of the files does; a Secret's volume changes its links, not its files."""
        found: list[object] = []
        for path in (self.cert, self.key):
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    def problem(self) -> str:
        """Why the pair cannot be served; "" when it can."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key, password="")
            return _unserved_key(self._read())
        except (OSError, ssl.SSLError, ValueError) as error:
            return str(error) or type(error).__name__

    def require(self) -> None:
        """Raise RefusedInput when the pair cannot be served."""
        problem = self.problem()
        if problem:
            raise RefusedInput(
                f"The certificate {self.cert} with the key {self.key} cannot be used: {problem}.",
                remedy=f"Give a certificate in PEM and its own key, without a passphrase: {_KEYS}.",
            )

    def validity(self) -> tuple[datetime, datetime]:
        """From when, and until when, it is valid. Raises ValueError or OSError where it cannot be read."""
        read = self._read()
        return read.begins, read.ends

    @contextlib.contextmanager
    def held(self) -> Iterator[Certificate]:
        """The pair of now, in memory where the system can, until the end of the block. Raises OSError."""
        if not hasattr(os, "memfd_create"):
            yield self
            return
        with contextlib.ExitStack() as files:
            yield Certificate(*(_in_memory(path, files) for path in (self.cert, self.key)))

    def _read(self) -> CertificateParts:
        return parts_of_pem(self.cert.read_bytes())


def _in_memory(path: Path, files: contextlib.ExitStack) -> Path:
    file = files.enter_context(os.fdopen(os.memfd_create(path.name, os.MFD_CLOEXEC), "wb", buffering=0))
    file.write(path.read_bytes())
    return Path(f"/proc/self/fd/{file.fileno()}")


def _unserved_key(parts: CertificateParts) -> str:
    """Why granian cannot serve a key of this kind; "" when it can."""
    if parts.key == "RSA":
        least, most = RSA_BITS
        return "" if least <= parts.bits <= most else f"its RSA key has {parts.bits} bits, not {least} to {most}"
    return "" if parts.key in KEYS else f"its key is {parts.key}, not {_KEYS}"
