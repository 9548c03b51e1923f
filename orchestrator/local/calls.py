"""What an HTTP request asks of AWS: service, operation, account, region. Reads it, changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from orchestrator.local.models import operation_names, service_model

DEFAULT_ACCOUNT = "123456789012"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_ACCOUNT_KEY = re.compile(r"AKIA([0-9]{12})")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to AWS. `service` is the name in the signature, such as `ecr`; `operation` is empty when unknown."""

    service: str
    operation: str
    region: str
    access_key: str
    account_id: str | None
    body: bytes


def parse_call(environ: dict[str, Any], body: bytes) -> Call:
    """The call of a WSGI request whose body was read already.

    `account_id` is that of an `AKIA<account>` key, or None for keys that moto itself handed out (assumed roles).
    """
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    query = str(environ.get("QUERY_STRING", ""))
    match = _CREDENTIAL.search(header) or _CREDENTIAL.search(unquote(query).replace("X-Amz-Credential=", "Credential="))
    access_key, region, service = match.groups() if match else ("", "", "")
    account = _ACCOUNT_KEY.fullmatch(access_key)
    return Call(
        service=service.lower(),
        operation=_operation(service.lower(), environ, query, body),
        region=region,
        access_key=access_key,
        account_id=account.group(1) if account else (None if access_key else DEFAULT_ACCOUNT),
        body=body,
    )


def _operation(service: str, environ: dict[str, Any], query: str, body: bytes) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rsplit(".", 1)[-1]
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if action:
            return action[0]
    action = parse_qs(query).get("Action")
    if action:
        return action[0]
    return _rest_operation(service, str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", "")), query)


def _rest_operation(service: str, method: str, path: str, query: str) -> str:
    keys = set(parse_qs(query, keep_blank_values=True))
    for route in _routes(service):
        if route.method == method and route.keys <= keys and route.path.fullmatch(path):
            return route.operation
    return ""


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    keys: frozenset[str]


@lru_cache(maxsize=64)
def _routes(service: str) -> tuple[_Route, ...]:
    """The REST operations of a service, the most specific first; empty for services that are not REST."""
    model = service_model(service)
    if model is None or not model.protocol.startswith("rest"):
        return ()
    routes = []
    for name in operation_names(service):
        http = model.operation_model(name).http
        uri, _, query = http["requestUri"].partition("?")
        pattern = "".join(
            ".+" if part.endswith("+}") else "[^/]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", uri.rstrip("/"))
        )
        keys = frozenset(parse_qs(query, keep_blank_values=True))
        literal = len(re.sub(r"\{[^}]+\}", "", uri))
        routes.append((-len(keys), -literal, _Route(name, http["method"], re.compile(pattern + "/?"), keys)))
    return tuple(route for _, _, route in sorted(routes, key=lambda entry: entry[:2]))
