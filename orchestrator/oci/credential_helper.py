"""Docker's credential helpers: programs that are asked for a login (docker-credential-helpers, the protocol's `get`)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping

from orchestrator.oci.auth import Login
from orchestrator.oci.errors import NotUsable

# What Docker Hub is called in references and in files of logins.
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_SECONDS = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# The protocol has one exit code for every failure, and this sentence for "no such login". docker-credential-helpers has
# it in credentials/error.go ("credentials not found in native keychain"), and writes it to standard output. Other helpers
# write the first words only, or to standard error.
_NO_LOGIN = b"credentials not found"


def ask_helper(helper: str, registry: str, variables: Mapping[str, str] | None) -> Login | None:
    """The login that `docker-credential-HELPER get` answers for a registry; None where it says that it has none.

    Raises NotUsable for a helper that is not there, fails, or answers with something else.
    """
    if not _NAME.fullmatch(helper):
        raise NotUsable(f"{helper[:100]!a} is not the name of a credential helper.", remedy="Correct config.json.")
    server = "https://index.docker.io/v1/" if registry in HUB_NAMES else registry
    program = f"docker-credential-{helper}"
    try:
        finished = subprocess.run(
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=None if variables is None else dict(variables),
        )
    except FileNotFoundError:
        raise NotUsable(
            f"{program} is not installed; docker's config.json names it for {registry}.",
            remedy=f"Install {program}, or take it out of config.json.",
        ) from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise NotUsable(f"{program} gives no answer for {registry}: {type(error).__name__}.") from None
    if finished.returncode != 0:
        if _NO_LOGIN in finished.stdout + finished.stderr:
            return None
        raise NotUsable(f"{program} failed for {registry} with {finished.returncode}.", remedy=f"Run: {program} list")
    try:
        document = json.loads(finished.stdout)
        user, secret = str(document["Username"]), str(document["Secret"])
    except (ValueError, KeyError, TypeError):
        raise NotUsable(f"{program} answers for {registry} with something that is no login.") from None
    return Login("" if user == "<token>" else user, secret)
