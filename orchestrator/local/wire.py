"""Requests and answers of the JSON services by botocore's model: parse and check one, check and encode the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel

from orchestrator.local.calls import Call
from orchestrator.local.models import service_model
from orchestrator.local.protocols import Answer, json_answer
from orchestrator.local.shapes import Misfit, misfits, to_wire


def operation_model(call: Call) -> OperationModel:
    """The model of the call's operation, which must be one that botocore knows."""
    model = service_model(call.service)
    assert model is not None
    return model.operation_model(call.operation)


def parse_parameters(call: Call) -> tuple[dict[str, Any], list[Misfit]]:
    """The call's parameters by member name, and what the model says against them; ValueError when it is no JSON."""
    operation = operation_model(call)
    body = json.loads(call.body or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the request body is not a JSON object")  # noqa: TRY004 - as a body that is no JSON
    shape = operation.input_shape
    if shape is None:
        return body, []
    query = parse_qs(call.query, keep_blank_values=True)
    params: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri":
            params[name] = call.path_values.get(wire_name)
        elif location == "querystring":
            values = query.get(wire_name)
            params[name] = None if not values else values if member.type_name == "list" else _typed(values[0], member)
        else:
            params[name] = body.pop(wire_name, None)
    given = {name: value for name, value in params.items() if value is not None}
    # The operation does not have the members that are left in the body.
    return given, list(misfits({**given, **body}, shape))


def _typed(value: str, member: Any) -> object:
    return int(value) if member.type_name in {"integer", "long"} else value


def checked_answer(call: Call, answer: Mapping[str, Any], *, content_type: str) -> Answer:
    """The answer on the wire; one that botocore's model does not allow is a defect of this package and fails."""
    shape = operation_model(call).output_shape
    wire = to_wire(answer, shape) if shape else {}
    found = [f"{misfit.path}: {misfit.rule}" for misfit in misfits(wire, shape, is_answer=True)] if shape else []
    if found:
        raise AssertionError(f"answer of {call.operation} does not fit the service model: {'; '.join(found)}")
    return json_answer(wire, content_type=content_type)
