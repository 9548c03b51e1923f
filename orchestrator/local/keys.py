"""Access keys of the embedded AWS: which account a key acts as, and the secret of this start. Pure.

Whoever reaches loopback can send calls, and calls run code as the server's owner (functions). The key is therefore what
only that owner can know. It has `AKIA`, the account's twelve digits, and the secret of the server's start.
"""

from __future__ import annotations

import hashlib
import hmac
import re

SECRET_KEY = "local"  # noqa: S105 - the access key holds the secret; the embedded AWS checks no signature
# The variable in which the server is told its start id.
START_ID = "ORCHESTRATOR_LOCAL_START_ID"
UPSTREAMS = "/_upstreams/"
# AWS allows key ids of 16 to 128 letters and digits.
_KEY = re.compile(r"AKIA([0-9]{12})([0-9A-F]{32})")


def upstreams_path(secret: str) -> str:
    """Where the embedded AWS answers in place of the upstreams; the path is the secret of this start."""
    signed = hmac.new(secret.encode(), b"upstreams", hashlib.sha256).hexdigest()
    return f"{UPSTREAMS}{signed[:32]}"


def access_key(account_id: str, secret: str) -> str:
    """The access key id that acts as `account_id`; `secret` is the start id, 32 hexadecimal digits."""
    return f"AKIA{account_id}{secret.upper()}"


def account_of(key: str) -> str | None:
    """The account that an access key id names, whatever its secret; None for keys of another form."""
    match = _KEY.fullmatch(key)
    return match.group(1) if match else None


def is_of_start(key: str, secret: str) -> bool:
    """Was `key` made with this secret? Takes the same time for every wrong one."""
    account = account_of(key)
    return account is not None and hmac.compare_digest(key, access_key(account, secret))
