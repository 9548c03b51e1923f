"""Lambda functions of the embedded AWS run: by name, with their variables and their role, from a call or a queue."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import pytest

from tests.functional.local.conftest import Clients, refused, trust

HANDLER = """
import os, boto3
def handle(event, context):
    print("said", event)
    if event.get("fail"):
        raise ValueError("broken")
    if "Records" in event:
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="done", Body=event["Records"][0]["body"].encode())
        return {"batchItemFailures": []}
    left = context.get_remaining_time_in_millis()
    return {"who": boto3.client("sts").get_caller_identity()["Arn"], "stage": os.environ["STAGE"], "left": left}
"""


def code(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("package/__init__.py", "")
        archive.writestr("package/handler.py", text)
    return buffer.getvalue()


def create(clients: Clients, account_id: str, text: str = HANDLER, **changed: Any) -> str:
    role = {"RoleName": "runner", "AssumeRolePolicyDocument": trust("lambda.amazonaws.com")}
    arn = clients("iam").create_role(**role)["Role"]["Arn"]
    settings = {"Timeout": 30, "Environment": {"Variables": {"STAGE": "test", "BUCKET": f"b-{account_id}"}}, **changed}
    made = clients("lambda").create_function(
        FunctionName="run",
        Runtime="python3.12",
        Role=arn,
        Handler="package.handler.handle",
        Code={"ZipFile": code(text)},
        **settings,
    )
    return str(made["FunctionArn"])


def invoke(clients: Clients, event: object) -> tuple[dict[str, Any], str | None]:
    answer = clients("lambda").invoke(FunctionName="run", Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_function_runs_with_its_variables_and_as_its_role(clients: Clients, account_id: str) -> None:
    create(clients, account_id)
    answer, error = invoke(clients, {})
    assert error is None
    assert answer["stage"] == "test"
    assert answer["who"].startswith(f"arn:aws:sts::{account_id}:assumed-role/runner/")
    assert 0 < answer["left"] <= 30_000


def test_an_exception_is_an_error_with_its_message(clients: Clients, account_id: str) -> None:
    create(clients, account_id)
    answer, error = invoke(clients, {"fail": True})
    assert error
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "broken")


def test_a_function_that_takes_too_long_is_stopped(clients: Clients, account_id: str) -> None:
    create(clients, account_id, "import time\ndef handle(event, context):\n    time.sleep(60)\n", Timeout=2)
    started = time.monotonic()
    answer, error = invoke(clients, {})
    assert error
    assert "timed out" in answer["errorMessage"]
    assert time.monotonic() - started < 50


@pytest.mark.parametrize("line", ["said {}"])
def test_what_it_prints_is_in_its_log_group(clients: Clients, account_id: str, line: str) -> None:
    create(clients, account_id)
    invoke(clients, {})
    logs = clients("logs")
    stream = logs.describe_log_streams(logGroupName="/aws/lambda/run")["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName="/aws/lambda/run", logStreamName=stream)["events"]
    assert line in [event["message"] for event in events]


def test_a_message_of_its_queue_calls_it(clients: Clients, account_id: str) -> None:
    arn = create(clients, account_id)
    reading = {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": reading})
    clients("iam").put_role_policy(RoleName="runner", PolicyName="queue", PolicyDocument=document)
    place = {"LocationConstraint": "eu-west-1"}
    clients("s3").create_bucket(Bucket=f"b-{account_id}", CreateBucketConfiguration=place)
    queue = clients("sqs").create_queue(QueueName="pages")["QueueUrl"]
    source = f"arn:aws:sqs:eu-west-1:{account_id}:pages"
    clients("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName=arn, BatchSize=1)
    clients("sqs").send_message(QueueUrl=queue, MessageBody="page 1")
    assert clients("s3").get_object(Bucket=f"b-{account_id}", Key="done")["Body"].read() == b"page 1"
    assert "Messages" not in clients("sqs").receive_message(QueueUrl=queue)


def test_a_mapping_that_is_gone_is_absent_and_no_failure(clients: Clients, account_id: str) -> None:
    with refused("ResourceNotFoundException"):
        clients("lambda").get_event_source_mapping(UUID="0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9")


def test_a_redrive_policy_comes_back_as_it_was_sent(clients: Clients, account_id: str) -> None:
    sqs = clients("sqs")
    sqs.create_queue(QueueName="dead")
    policy = json.dumps(
        {"deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:{account_id}:dead", "maxReceiveCount": 5}, separators=(",", ":")
    )
    url = sqs.create_queue(QueueName="live", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["RedrivePolicy"] == policy
