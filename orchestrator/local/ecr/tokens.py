"""Authorization tokens: what GetAuthorizationToken issues and the registry API takes as the password of `AWS`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

# A token of another start of this server is nobody's.
_SECRET = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Token:
    """Who asks: the registry of `account_id` in `region`, as `principal_arn`; `expires` in seconds since 1970."""

    account_id: str
    region: str
    principal_arn: str
    expires: float

    @property
    def expired(self) -> bool:
        """Is it too old to be taken?"""
        return time.time() >= self.expires


def issue(account_id: str, region: str, principal_arn: str, seconds: float) -> str:
    """base64 of `AWS:<password>`, good for `seconds`."""
    document = [account_id, region, principal_arn, time.time() + seconds]
    payload = base64.urlsafe_b64encode(json.dumps(document).encode()).decode()
    return base64.b64encode(f"AWS:{payload}.{_sign(payload)}".encode()).decode()


def read(authorization: str) -> Token | None:
    """The token in an Authorization header, expired ones included; None when it is none of ours."""
    scheme, _, given = authorization.strip().partition(" ")
    try:
        user, _, password = base64.b64decode(given).decode().partition(":")
        payload, _, signature = password.partition(".")
        if scheme.lower() != "basic" or user != "AWS" or not hmac.compare_digest(signature, _sign(payload)):
            return None
        return Token(*json.loads(base64.urlsafe_b64decode(payload)))
    except (binascii.Error, ValueError, TypeError):
        return None


def _sign(payload: str) -> str:
    return hmac.new(_SECRET, payload.encode(), hashlib.sha256).hexdigest()
