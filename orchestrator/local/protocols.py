"""Answers in the wire format of each AWS protocol: errors of any service, and results of the JSON services."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from orchestrator.local.models import service_model


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `headers` without Content-Length, which the server adds."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(default=())


def json_answer(document: object, *, status: int = 200, content_type: str = "application/json") -> Answer:
    """`document` as JSON."""
    return Answer(status, json.dumps(document).encode(), (("Content-Type", content_type), _request_id()))


def error_answer(service: str, code: str, message: str, *, status: int = 400) -> Answer:
    """An error as clients of `service` expect it, by the protocol of its model; unknown services get JSON."""
    model = service_model(service)
    protocol = model.protocol if model else "json"
    if protocol == "rest-xml" and service == "s3":
        body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    elif protocol == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{secrets.token_hex(16)}</RequestID></Response>"
        )
    elif protocol in {"query", "rest-xml"}:
        sender = "Sender" if status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{sender}</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>"
        )
    else:
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code), _request_id())
        return Answer(status, json.dumps({"__type": code, "message": message}).encode(), headers)
    return Answer(status, body.encode(), (("Content-Type", "text/xml"), _request_id()))


def send(answer: Answer, start_response: Any) -> Iterable[bytes]:
    """`answer` as a WSGI application gives it."""
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Status"
    start_response(f"{answer.status} {phrase}", list(answer.headers))
    return [answer.body]


def _request_id() -> tuple[str, str]:
    return ("x-amzn-RequestId", secrets.token_hex(16))
