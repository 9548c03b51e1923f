"""What a user gives for an upstream (user name, token, JSON file), checked, and the secret it goes to.

Pure: no call is made. No error quotes a token or a part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.errors import OrchestratorError, RefusedInput

MAX_BYTES = 65536  # Secrets Manager's limit of one value


class CredentialRule(Protocol):
    """What is looked at of a pull-through cache rule."""

    @property
    def upstream_registry_url(self) -> str: ...
    @property
    def secret_name(self) -> str | None: ...
    @property
    def credential_arn(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an upstream registry asks for; the token never shows in a representation."""

    username: str
    access_token: str = field(repr=False)

    def as_secret(self) -> str:
        """The value as ECR reads it."""
        return json.dumps({"username": self.username, "accessToken": self.access_token})


@dataclass(frozen=True, slots=True)
class SecretTarget:
    """Where a rule's credentials go. With `arn` the rule names one existing secret, which no new one can replace."""

    name: str
    arn: str | None = None


# {upstream host or ending: what it calls the two values}
ASKS_FOR = {
    "registry-1.docker.io": "a Docker Hub user (or organization) name and an access token that may read",
    "ghcr.io": "a GitHub user name and a classic personal access token with read:packages",
    "registry.gitlab.com": "a GitLab user (or deploy token's) name and a token with read_registry",
    "azurecr.io": "the name and a password of an Azure registry token, or a service principal's id and secret",
    "cgr.dev": "the identity and the token of a Chainguard pull token (`chainctl auth pull-token`)",
}


def asked_by(upstream: str) -> str:
    """What the upstream's credentials consist of, in its own words."""
    for host, text in ASKS_FOR.items():
        if upstream == host or upstream.endswith(f".{host}"):
            return text
    return "a user name and an access token"


def target_of(environment: str, prefix: str, rules: Mapping[str, CredentialRule]) -> SecretTarget:
    """The secret of the rule with this prefix.

    Raises `RefusedInput` when there is no such rule, or it takes no credentials.
    """
    rule = rules.get(prefix)
    if rule is None:
        known = ", ".join(sorted(name for name, other in rules.items() if other.secret_name or other.credential_arn))
        raise RefusedInput(
            f'environment "{environment}" has no pull-through cache rule "{prefix}".',
            remedy=f"Rules with credentials: {known}." if known else "None of its rules takes credentials.",
        )
    if rule.secret_name:
        return SecretTarget(rule.secret_name)
    if rule.credential_arn:
        return SecretTarget(name_in(rule.credential_arn), rule.credential_arn)
    raise RefusedInput(
        f'rule "{prefix}" ({rule.upstream_registry_url}) takes no credentials.',
        environment=environment,
        why="ECR pulls from this upstream without a secret, and refuses a rule that has one.",
    )


def name_in(arn: str) -> str:
    """The secret's name in its ARN: `...:secret:ecr-pullthroughcache/hub-AbCdEf` gives `ecr-pullthroughcache/hub`."""
    name = arn.split(":", 6)[-1]
    head, dash, suffix = name.rpartition("-")
    # Secrets Manager ends every ARN with a hyphen and six characters of its own.
    return head if dash and len(suffix) == 6 and suffix.isalnum() else name


def parse_given(text: str, username: str | None, upstream: str) -> Credentials:
    """The credentials in what a prompt, a file or stdin gave.

    `text` is a token, or JSON in ECR's own shape, {"username": ..., "accessToken": ...}. `username` is needed with a
    token; with JSON it may only repeat what is there. Raises `RefusedInput` for everything that cannot work.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        return _from_json(text, username, upstream)
    token = text.rstrip("\r\n")
    if username is None:
        raise RefusedInput(
            "The upstream's user name is missing.",
            why=f"{upstream} asks for {asked_by(upstream)}.",
            remedy='Give --username, or JSON: {"username": "...", "accessToken": "..."}.',
        )
    return _checked(username, token, upstream)


def warning(credentials: Credentials, upstream: str) -> str | None:
    """A sentence about credentials that are well formed but will hardly work, else None."""
    token = credentials.access_token
    if upstream == "ghcr.io" and token.startswith("github_pat_"):
        return "This is a fine-grained GitHub token; GitHub's registry accepts classic ones only (read:packages)."
    if upstream == "registry-1.docker.io" and "@" in credentials.username:
        return "Docker Hub wants the user name here, not the e-mail address."
    return None


def _from_json(text: str, username: str | None, upstream: str) -> Credentials:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # `from None`: the parser's error holds the whole text, token included, and must not travel on.
        raise RefusedInput(
            "The credentials begin like JSON, but are not.",
            remedy='Write {"username": "...", "accessToken": "..."}.',
        ) from None
    problems = [
        f'"{key}" is missing' if key not in document else f'"{key}" is not a text'
        for key in ("username", "accessToken")
        if not isinstance(document.get(key), str)
    ]
    unknown = sorted(set(document) - {"username", "accessToken"})
    if unknown:
        problems.append(f"{', '.join(ascii(key[:100]) for key in unknown[:5])} is unknown")
    if problems:
        raise RefusedInput(
            f"The JSON of the credentials is not in ECR's shape: {'; '.join(problems)}.",
            remedy='Write {"username": "...", "accessToken": "..."}.',
        )
    if username is not None and username != document["username"]:
        raise RefusedInput(
            f'--username is "{username}", but the JSON says "{document["username"]}".', remedy="Give the name once."
        )
    return _checked(document["username"], document["accessToken"], upstream)


def _checked(username: str, token: str, upstream: str) -> Credentials:
    for what, value in (("user name", username), ("access token", token)):
        problem = _problem(value)
        if problem:
            raise RefusedInput(
                f"The {what} {problem}.",
                why=f"{upstream} asks for {asked_by(upstream)}.",
                remedy="Write it anew, without what was copied along with it.",
            )
    credentials = Credentials(username, token)
    if len(credentials.as_secret().encode()) > MAX_BYTES:
        raise RefusedInput(
            f"The credentials are longer than {MAX_BYTES} bytes.",
            why="Secrets Manager keeps no more.",
            remedy="Give the token alone.",
        )
    return credentials


def _problem(value: str) -> str:
    if not value.strip():
        return "is empty"
    if any(character.isspace() for character in value):
        return "has white space or a line break in it"
    if not value.isprintable():
        return "has a control character in it"
    return ""


def refuse_other_secret(target: SecretTarget, found: str | None) -> None:
    """Raise when the rule's `credential_arn` names another secret than the one that exists under its name.

    A new secret gets an ARN of its own, so that a lost one cannot be made again under its ARN.
    """
    if target.arn is None or target.arn == found:
        return
    what = f"is {found}" if found else "does not exist"
    raise OrchestratorError(
        f'The rule\'s credential_arn is {target.arn}, but secret "{target.name}" {what}.',
        why="Secrets Manager gives each new secret an ARN of its own.",
        remedy=f'Write secret_name = "{target.name}" in the rule instead of credential_arn.',
    )
