"""Runs Lambda functions of the embedded AWS as processes of this Python, where moto would want Docker.

moto calls one method of its own for every invocation, whoever asks (Invoke, a queue); it is replaced here. The zip is
unpacked and its handler called by name. It has the function's variables, its role's credentials and this server as
endpoint. Only Python handlers run; permissions of the role are not enforced.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from orchestrator.local.principal import partition_of

# Of a call from a queue: what was not done comes again.
FAILURES = "batchItemFailures"
LOG_TAIL = 4096
# What Lambda's runtime does: import the handler, call it with a context, write its answer or its error.
BOOTSTRAP = """
import importlib, json, os, sys, time, traceback
sys.path.insert(0, os.getcwd())
given = json.load(sys.stdin)
class Context:
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = "$LATEST"
    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    log_group_name = "/aws/lambda/" + function_name
    aws_request_id = given["request"]
    invoked_function_arn = given["arn"]
    def get_remaining_time_in_millis(self, end=time.monotonic() + given["timeout"]):
        return max(0, int((end - time.monotonic()) * 1000))
try:
    name, _, attribute = os.environ["_HANDLER"].rpartition(".")
    answer = {"answer": getattr(importlib.import_module(name.replace("/", ".")), attribute)(given["event"], Context())}
    text = json.dumps(answer)
except BaseException as error:
    traceback.print_exc()
    trace = traceback.format_tb(error.__traceback__)
    text = json.dumps({"error": {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}})
with open(given["out"], "w", encoding="utf-8") as file:
    file.write(text)
"""


def use_processes(endpoint: str, upstreams: str = "") -> None:
    """From now on moto's Lambda runs functions here, with `endpoint` as their AWS and `upstreams` as their upstreams."""
    models: Any = importlib.import_module("moto.awslambda.models")

    def invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:
        return run_function(function, json.loads(event) if isinstance(event, str) else event, endpoint, upstreams)

    models.LambdaFunction._invoke_lambda = invoke


def run_function(function: Any, event: Any, endpoint: str, upstreams: str = "") -> tuple[str, bool, str]:
    """(answer as JSON text, did it fail, the end of its log) of one call of moto's `function`."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-function-") as folder:
        code = Path(folder) / "code"
        with zipfile.ZipFile(BytesIO(function.code_bytes)) as archive:
            archive.extractall(code)
        out = Path(folder) / "answer.json"
        timeout = int(function.timeout)
        given = {
            "event": event,
            "request": os.urandom(8).hex(),
            "arn": function.function_arn,
            "timeout": timeout,
            "out": str(out),
        }
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", BOOTSTRAP],
                cwd=code,
                env={**_variables(function, endpoint), "ORCHESTRATOR_UPSTREAMS": upstreams},
                input=json.dumps(given),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
                check=False,
            )
            log, reason = done.stdout, f"Runtime exited with error: exit status {done.returncode}"
        except subprocess.TimeoutExpired as error:
            log = error.stdout.decode("utf-8", "replace") if isinstance(error.stdout, bytes) else (error.stdout or "")
            reason = f"Task timed out after {timeout:.2f} seconds"
        _write_log(function, log)
        if not out.is_file():
            return json.dumps({"errorMessage": reason, "errorType": "Runtime.ExitError"}), True, log[-LOG_TAIL:]
        answer = json.loads(out.read_text("utf-8"))
    if "error" in answer:
        return json.dumps(answer["error"]), True, log[-LOG_TAIL:]
    return json.dumps(answer["answer"]), _left_messages(event, answer["answer"]), log[-LOG_TAIL:]


def _left_messages(event: Any, answer: Any) -> bool:
    """Of messages from a queue, does the function want some again? moto knows only the whole batch."""
    return isinstance(event, dict) and "Records" in event and isinstance(answer, dict) and bool(answer.get(FAILURES))


def _variables(function: Any, endpoint: str) -> dict[str, str]:
    from moto.sts.models import sts_backends

    account, region = str(function.account_id), str(function.region)
    role = sts_backends[account][partition_of(region)].assume_role(
        region_name=region,
        role_session_name=function.function_name,
        role_arn=function.role,
        policy="",
        duration=3600,
        external_id="",
    )
    runtime = {
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": region,
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**{name: str(value) for name, value in function.environment_vars.items()}, **runtime}


def _write_log(function: Any, log: str) -> None:
    """Into the function's log group, which Terraform made."""
    import time

    function.logs_backend.ensure_log_group(function.logs_group_name)
    stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{os.urandom(16).hex()}"
    function.logs_backend.create_log_stream(function.logs_group_name, stream)
    events = [{"timestamp": int(time.time() * 1000), "message": line} for line in log.splitlines() if line]
    if events:
        function.logs_backend.put_log_events(function.logs_group_name, stream, events)
