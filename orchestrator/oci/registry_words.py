"""A refusal's text: the registry's own words, and which of them mean something else than their status."""

from __future__ import annotations

import json
import ssl

from urllib3.exceptions import SSLError

from orchestrator.oci.http import HttpAnswer, TransportError

ERROR_LIMIT = 64 * 1024


def drop(answer: HttpAnswer) -> None:
    """Read what little is left of an answer, so that its connection can be used again."""
    short_content(answer)


def short_content(answer: HttpAnswer) -> bytes:
    """The body of a refusal; b"" for one that is too long, or was cut."""
    try:
        return answer.content(ERROR_LIMIT)
    except (ValueError, *TransportError):
        return b""


def error_words(content: bytes) -> tuple[str, str]:
    """(code, message) of an error body, in one line of printable characters."""
    try:
        (first, *_) = json.loads(content)["errors"]
        code, message = str(first.get("code", "")), str(first.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    clean = ["".join(c if c.isprintable() else " " for c in text)[:300].strip().rstrip(".") for text in (code, message)]
    return clean[0], clean[1]


def limits_rate(content: bytes) -> bool:
    """Some registries write a rate limit into the body of a 400 or 403."""
    return error_words(content)[0].upper() in ("TOOMANYREQUESTS", "THROTTLINGEXCEPTION")


def says_login_ended(content: bytes) -> bool:
    """ECR answers 403 or 400, and not 401, to a login that was good once."""
    code, message = error_words(content)
    return code.upper() == "TOKEN_EXPIRED" or "token has expired" in message.lower()


def transport_reason(error: BaseException) -> str:
    """The kind of a failure of the connection."""
    return type(getattr(error, "reason", None) or error).__name__


def certificate_reason(error: SSLError) -> str:
    """Why OpenSSL refused a certificate, which urllib3 wraps in its own error; empty for another fault of TLS."""
    inner = next((each for each in error.args if isinstance(each, ssl.SSLCertVerificationError)), error.__cause__)
    if not isinstance(inner, ssl.SSLCertVerificationError):
        return ""
    return f"certificate verify failed: {inner.verify_message.rstrip('.')}."
