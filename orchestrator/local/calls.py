"""What an HTTP request asks of AWS: service, operation, account, region. Reads it, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel

from orchestrator.local.keys import account_of
from orchestrator.local.models import operation_names, service_model

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class CallSigner:
    """Whose credentials a request carries, and for what: all empty when it is not signed."""

    access_key: str = ""
    session_token: str = ""
    region: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to AWS. `service` is the name in the signature, such as `ecr`; `operation` is empty when unknown.

    `path_values` are what a REST operation takes from its path, by the names of the service model.
    """

    service: str
    operation: str
    region: str
    access_key: str
    account_id: str | None
    body: bytes
    query: str = ""
    path_values: Mapping[str, str] = field(default_factory=dict)


def parse_call(environ: dict[str, Any], body: bytes) -> Call:
    """The call of a WSGI request whose body was read already.

    `account_id` is that of the owner's key, or None for keys that moto itself handed out (assumed roles).
    """
    caller = caller_of(environ)
    query = str(environ.get("QUERY_STRING", ""))
    operation, path_values = _operation(caller.service, environ, query, body)
    return Call(
        service=caller.service,
        operation=operation,
        region=caller.region,
        access_key=caller.access_key,
        account_id=account_of(caller.access_key),
        body=body,
        query=query,
        path_values=path_values,
    )


def caller_of(environ: dict[str, Any]) -> CallSigner:
    """The credentials of a request: of its Authorization header, else of a presigned query."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    match, token = _CREDENTIAL.search(header), str(environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
    if match is None:
        query = parse_qs(str(environ.get("QUERY_STRING", "")))
        match = _CREDENTIAL.search("Credential=" + query.get("X-Amz-Credential", [""])[0])
        token = query.get("X-Amz-Security-Token", [""])[0]
    access_key, region, service = match.groups() if match else ("", "", "")
    return CallSigner(access_key, token if match else "", region, service.lower())


def _operation(service: str, environ: dict[str, Any], query: str, body: bytes) -> tuple[str, Mapping[str, str]]:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rsplit(".", 1)[-1], {}
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if action:
            return action[0], {}
    action = parse_qs(query).get("Action")
    if action:
        return action[0], {}
    return _rest_operation(service, environ, query)


def _rest_operation(service: str, environ: dict[str, Any], query: str) -> tuple[str, Mapping[str, str]]:
    method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
    keys = set(parse_qs(query, keep_blank_values=True))
    for route in _routes(service):
        if route.method == method and route.keys <= keys and all(name in environ for name in route.headers):
            match = route.path.fullmatch(path)
            if match:
                return route.operation, dict(zip(route.names, match.groups(), strict=True))
    return "", {}


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    names: tuple[str, ...]
    keys: frozenset[str]
    headers: frozenset[str]


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
        parts = re.split(r"(\{[^}]+\})", uri.rstrip("/"))
        pattern = "".join(_part_pattern(part) if part.startswith("{") else re.escape(part) for part in parts)
        names = tuple(part.strip("{+}") for part in parts if part.startswith("{"))
        keys = frozenset(parse_qs(query, keep_blank_values=True))
        headers = _required_headers(model.operation_model(name))
        literal = len(re.sub(r"\{[^}]+\}", "", uri))
        route = _Route(name, http["method"], re.compile(pattern + "/?"), names, keys, headers)
        routes.append((-len(keys), -len(headers), -literal, route))
    return tuple(route for *_, route in sorted(routes, key=lambda entry: entry[:3]))


def _required_headers(operation: OperationModel) -> frozenset[str]:
    """The WSGI names of headers that an operation cannot do without: `x-amz-copy-source` makes a PUT a copy."""
    shape = operation.input_shape
    if shape is None:
        return frozenset()
    members = [shape.members[name].serialization for name in shape.required_members]
    names = [str(member["name"]) for member in members if member.get("location") == "header"]
    return frozenset("HTTP_" + name.upper().replace("-", "_") for name in names)


def _part_pattern(part: str) -> str:
    # The server hands over decoded paths, in which the slashes of an ARN are slashes again.
    return "(.+)" if part.endswith(("+}", "Arn}")) else "([^/]+)"
