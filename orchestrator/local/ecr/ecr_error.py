"""Refusals of the embedded ECR: an error code that botocore's model declares for the operation, and AWS's message."""

from __future__ import annotations


class EcrError(Exception):
    """`code` as in the service model, such as `RepositoryNotFoundException`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def invalid_parameter(name: str, constraint: str) -> EcrError:
    """A value that AWS does not accept."""
    return EcrError(
        "InvalidParameterException", f"Invalid parameter at '{name}' failed to satisfy constraint: '{constraint}'"
    )


def repository_not_found(name: str, registry_id: str) -> EcrError:
    """The named repository does not exist."""
    return EcrError(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'",
    )
