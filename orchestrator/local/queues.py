"""SQS where moto answers otherwise than AWS: a redrive policy comes back as it was sent, without spaces.

Terraform takes the spaces for a change, at every plan.
"""

from __future__ import annotations

import json

from orchestrator.local.calls import Call
from orchestrator.local.protocols import Answer

ATTRIBUTE = "RedrivePolicy"


def as_aws_answers(call: Call, answer: Answer) -> Answer:
    """The answer of moto's SQS as AWS gives it."""
    if call.operation != "GetQueueAttributes" or answer.status != 200 or ATTRIBUTE.encode() not in answer.body:
        return answer
    try:
        document = json.loads(answer.body)
        policy = json.loads(document["Attributes"][ATTRIBUTE])
    except (ValueError, KeyError, TypeError):
        return answer
    document["Attributes"][ATTRIBUTE] = json.dumps(policy, separators=(",", ":"))
    headers = tuple(pair for pair in answer.headers if pair[0].lower() != "content-length")
    return Answer(answer.status, json.dumps(document).encode(), headers)
