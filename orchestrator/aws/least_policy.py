"""What the principal that applies one environment must be allowed to do: its statements alone, narrowed to its account. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.aws.deployer_policy import STATEMENTS
from orchestrator.aws.statements import KEY, MAX_CHARACTERS, Statement, characters, document

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

_ARN = re.compile(r"arn:\*:(?P<service>[a-z0-9-]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.*)")
STATES = frozenset({"State"})
RECORDS = frozenset({"Records", "EmptyingRecords"})


def least_statements(environment: Environment) -> tuple[Statement, ...]:
    """The statements that this environment needs, each with the partition, region and account that it has.

    The buckets of state and records, and the keys that the file has, are named.
    """
    return tuple(
        replace(statement, resources=tuple(_narrowed(environment, statement)))
        for statement in STATEMENTS
        if statement.needed(environment)
    )


def policy_parts(statements: tuple[Statement, ...], *, largest: int = MAX_CHARACTERS) -> list[dict[str, Any]]:
    """The statements as documents, each within IAM's limit for one managed policy; as few as their order allows."""
    parts: list[list[Statement]] = [[]]
    for statement in statements:
        if parts[-1] and characters(document((*parts[-1], statement))) > largest:
            parts.append([])
        parts[-1].append(statement)
    return [document(tuple(part)) for part in parts]


def _narrowed(environment: Environment, statement: Statement) -> Iterator[str]:
    state = environment.state
    for resource in statement.resources:
        if statement.sid in STATES and state is not None:
            yield f"arn:{environment.partition}:s3:::{state.bucket}"
            yield f"arn:{environment.partition}:s3:::{state.bucket}/*"
        elif resource == KEY and statement.sid == "StateKey" and state is not None and state.kms_key_arn:
            yield state.kms_key_arn
        elif resource == KEY and statement.sid == "RepositoryKeys":
            yield from _repository_keys(environment)
        elif statement.sid in RECORDS:
            end = "/*" if resource.endswith("/*") else ""
            yield f"arn:{environment.partition}:s3:::{environment.lifecycle_bucket}{end}"
        elif statement.sid == "Identity" and environment.assume_role_arn:
            yield environment.assume_role_arn
        else:
            yield _placed(environment, resource)


def _repository_keys(environment: Environment) -> list[str]:
    keys = {environment.kms_key_arn, *(entry.kms_key_arn for entry in environment.repositories.values())}
    return sorted(key for key in keys if key)


def _placed(environment: Environment, resource: str) -> str:
    match = _ARN.fullmatch(resource)
    if match is None:
        return resource
    region = environment.aws_region if match["region"] == "*" else match["region"]
    account = environment.account_id if match["account"] == "*" else match["account"]
    return f"arn:{environment.partition}:{match['service']}:{region}:{account}:{match['rest']}"
