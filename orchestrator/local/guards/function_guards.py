"""Lambda and what calls it: EventBridge rules, queues, log groups, topics."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.local.guards.guard import AskedOfAws, Check
from orchestrator.local.guards.iam_guards import role_of, statements_of, texts
from orchestrator.local.models import service_model
from orchestrator.local.shapes import misfits

LAMBDA = "Lambda API reference"
QUOTAS = "Lambda developer guide, quotas"
EVENTS = "EventBridge API reference"
# In bytes, names and values of a function's environment together.
VARIABLES = 4096
TARGETS = 5
_CRON = re.compile(r"cron\(\S+( \S+){5}\)")
_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)")
_BETWEEN = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1_024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _outside_the_model(asked: AskedOfAws) -> str | None:
    """A member that the API model does not allow, such as 64 MB of memory or a runtime that there is not."""
    model = service_model(asked.call.service)
    shape = model.operation_model(asked.call.operation).input_shape if model else None
    found = next(misfits(asked.document, shape), None) if shape else None
    return f"1 validation error detected: Value at '{found.path}' failed: {found.rule}" if found else None


def _role_is_not_lambda_s(asked: AskedOfAws) -> str | None:
    role = _role(asked, str(asked.document.get("Role", "")))
    if role is None or _lets_in(role, "lambda.amazonaws.com"):
        # moto refuses a role that does not exist.
        return None
    return "The role defined for the function cannot be assumed by Lambda."


def _role(asked: AskedOfAws, arn: str) -> Any:
    return role_of(asked, arn.rsplit("/", 1)[-1]) if arn else None


def _lets_in(role: Any, service: str) -> bool:
    document = role.assume_role_policy_document
    return any(
        isinstance(each.get("Principal"), dict) and service in texts(each["Principal"].get("Service", ""))
        for each in statements_of(document if isinstance(document, str) else "")
    )


def _variables_too_long(asked: AskedOfAws) -> str | None:
    variables = (asked.document.get("Environment") or {}).get("Variables") or {}
    if sum(len(str(name).encode()) + len(str(value).encode()) for name, value in variables.items()) > VARIABLES:
        return f"Lambda was unable to configure your environment variables because they exceeded the {VARIABLES} byte limit"
    return None


def _function(asked: AskedOfAws, name: str) -> Any:
    from moto.awslambda.models import lambda_backends

    functions = lambda_backends[asked.account_id][asked.region].list_functions()
    return next((each for each in functions if name in (each.function_name, each.function_arn)), None)


def _statement_exists(asked: AskedOfAws) -> str | None:
    function = _function(asked, str(asked.document.get("FunctionName", "")))
    statement = asked.document.get("StatementId")
    held = function.policy.statements if function is not None and function.policy else ()
    if any(each.get("Sid") == statement for each in held):
        return f"The statement id ({statement}) provided already exists. Please provide a new statement id."
    return None


def _queue_does_not_fit(asked: AskedOfAws) -> str | None:
    """A queue hides a message for as long as the function may run. The function's role may read it."""
    from moto.sqs.models import sqs_backends

    arn = str(asked.document.get("EventSourceArn", ""))
    function = _function(asked, str(asked.document.get("FunctionName", "")))
    queue: Any = next(
        (each for each in sqs_backends[asked.account_id][asked.region].queues.values() if each.queue_arn == arn), None
    )
    if function is None or queue is None:
        return None
    if int(queue.visibility_timeout) < int(function.timeout):
        return (
            f"Queue visibility timeout: {queue.visibility_timeout} seconds is less than Function timeout: "
            f"{function.timeout} seconds"
        )
    role = _role(asked, function.role)
    if role is not None and not _may(role, "sqs:ReceiveMessage"):
        return "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    return None


def _may(role: Any, action: str) -> bool:
    documents = (*role.policies.values(), *(policy.document for policy in role.managed_policies.values()))
    return any(
        each.get("Effect") == "Allow"
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in texts(each.get("Action", "")))
        for document in documents
        for each in statements_of(document)
    )


def _no_schedule(asked: AskedOfAws) -> str | None:
    text = asked.document.get("ScheduleExpression")
    if not text or _CRON.fullmatch(str(text)) or _RATE.fullmatch(str(text)):
        return None
    return "Parameter ScheduleExpression is not valid."


def _sixth_target(asked: AskedOfAws) -> str | None:
    from moto.events.models import events_backends

    bus = events_backends[asked.account_id][asked.region].event_buses.get(asked.document.get("EventBusName", "default"))
    rule = bus.rules.get(str(asked.document.get("Rule"))) if bus is not None else None
    if rule is None:
        return None
    ids = {each["Id"] for each in rule.targets} | {each.get("Id") for each in asked.document.get("Targets", ())}
    return f"The requested resource exceeds the maximum number allowed: {TARGETS}" if len(ids) > TARGETS else None


def _no_retention(asked: AskedOfAws) -> str | None:
    # The server starts without the environment's model.
    from orchestrator.environment.value_types import LOG_RETENTION

    days = asked.document.get("retentionInDays")
    return None if days in LOG_RETENTION else f"Invalid retentionInDays: {days}"


def _queue_attribute(asked: AskedOfAws) -> str | None:
    for name, value in (asked.document.get("Attributes") or {}).items():
        least, most = _BETWEEN.get(name, (0, 0))
        if most and not (str(value).isdecimal() and least <= int(value) <= most):
            return f"Invalid value for the parameter {name}."
    return None


def _no_address(asked: AskedOfAws) -> str | None:
    if asked.form.get("Protocol") == "email" and not _MAIL.fullmatch(asked.form.get("Endpoint", "")):
        return "Invalid parameter: Email address"
    return None


CHECKS = (
    *(
        Check("lambda", operation, error, when, source, finds)
        for operation in ("CreateFunction", "UpdateFunctionConfiguration")
        for error, when, source, finds in (
            ("ValidationException", "a member breaks the API model", LAMBDA, _outside_the_model),
            ("InvalidParameterValueException", "Lambda may not assume the role", LAMBDA, _role_is_not_lambda_s),
            ("InvalidParameterValueException", "variables of more than 4 KB", QUOTAS, _variables_too_long),
        )
    ),
    Check(
        "lambda", "AddPermission", "ResourceConflictException", "the statement exists", LAMBDA, _statement_exists, 409
    ),
    Check(
        "lambda",
        "CreateEventSourceMapping",
        "InvalidParameterValueException",
        "the queue hides messages for less than the function may run, or its role may not read",
        LAMBDA,
        _queue_does_not_fit,
    ),
    Check("events", "PutRule", "ValidationException", "it is no schedule", EVENTS, _no_schedule),
    Check("events", "PutTargets", "LimitExceededException", f"the rule has {TARGETS}", EVENTS, _sixth_target),
    Check(
        "logs",
        "PutRetentionPolicy",
        "InvalidParameterException",
        "a number of days that there is not",
        "CloudWatch Logs API reference",
        _no_retention,
    ),
    *(
        Check(
            "sqs",
            operation,
            "InvalidAttributeValue",
            "a number outside its range",
            "SQS API reference",
            _queue_attribute,
        )
        for operation in ("CreateQueue", "SetQueueAttributes")
    ),
    Check("sns", "Subscribe", "InvalidParameter", "it is no e-mail address", "SNS API reference", _no_address),
)
