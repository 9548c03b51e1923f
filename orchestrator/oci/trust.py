"""Which way a host is reached: the proxy variables and the certificate authorities that people behind a proxy set.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` in capitals or small letters; `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` stand for the system's
authorities, `AWS_CA_BUNDLE` is added to them. Reads files of certificates, and nothing else.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.oci.errors import NotUsable

_REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def is_loopback(host: str) -> bool:
    """Whether `host`, without port, is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def proxy_for(scheme: str, host: str, port: int, variables: Mapping[str, str]) -> str | None:
    """The proxy's URL for an origin, or None for a direct connection. Loopback is never behind a proxy."""
    if is_loopback(host) or _goes_around(host, port, _variable(variables, "no_proxy")):
        return None
    found = _variable(variables, f"{scheme}_proxy") or _variable(variables, "all_proxy")
    if not found:
        return None
    url = found if "://" in found else f"http://{found}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # The value may hold a password, so it is not shown.
        raise NotUsable(
            f"The proxy for {scheme} is of the kind {parts.scheme!a}, which is not supported.",
            why=f"{scheme.upper()}_PROXY or ALL_PROXY names it.",
            remedy="Name an HTTP proxy (http://host:port), or add the host to NO_PROXY.",
        )
    return url


def _variable(variables: Mapping[str, str], name: str) -> str:
    return variables.get(name) or variables.get(name.upper()) or ""


def _goes_around(host: str, port: int, no_proxy: str) -> bool:
    name = host.strip("[]").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        address = None
    for entry in (part.lower() for part in re.split(r"[\s,]+", no_proxy)):
        if not entry:
            continue
        if entry == "*":
            return True
        if address is not None and "/" in entry:
            try:
                if address in ipaddress.ip_network(entry, strict=False):
                    return True
            except ValueError:
                pass
            continue
        pattern, entry_port = _host_and_port(entry)
        if entry_port and entry_port != str(port):
            continue
        pattern = pattern.removeprefix("*").removeprefix(".")
        if pattern and (name == pattern or (address is None and name.endswith("." + pattern))):
            return True
    return False


def _host_and_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, port
    return entry, ""


def tls_context(variables: Mapping[str, str], extra: str = "") -> ssl.SSLContext:
    """What certificates are checked with. `extra` is a file of more authorities, or ""."""
    replacing = [variables[name] for name in _REPLACING if variables.get(name)]
    context = ssl.create_default_context() if not replacing else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    named = [(name, variables[name]) for name in (*_REPLACING, "AWS_CA_BUNDLE") if variables.get(name)]
    for name, file in [*named, *([("the endpoint's setting", extra)] if extra else [])]:
        try:
            path = Path(file)
            context.load_verify_locations(**({"capath": file} if path.is_dir() else {"cafile": file}))
        except (OSError, ssl.SSLError) as error:
            raise NotUsable(
                f"The certificate authorities of {name}, {file!a}, cannot be read: {error}.",
                remedy=f"Correct {name}: a file of PEM certificates.",
            ) from error
    if not replacing and not context.cert_store_stats()["x509_ca"]:
        # A Python without a system store (macOS's own, slim images) trusts nobody otherwise.
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context
