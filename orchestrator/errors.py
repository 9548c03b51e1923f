"""Errors with a diagnosis: what went wrong, where, why, and the remedy. Raised anywhere, printed once by the CLI.

OrchestratorError                        a command failed: exit code 1
├── terraform.failures.StateLockedError
├── terraform.failures.StalePlanError
├── terraform.failures.RunInterruptedError   exit code 130
├── swapper.cluster_api.ApiSilent        a later try may get an answer
├── oci.errors.OciError                  something went wrong between registries
│   ├── oci.errors.RegistryRefused       a registry's final answer
│   │   ├── oci.errors.Absent
│   │   └── oci.errors.Denied
│   ├── oci.errors.Unreachable
│   │   └── oci.errors.Untrusted
│   ├── oci.errors.WrongContent
│   └── oci.errors.NotUsable
│       └── oci.errors.JournalNotUsable
└── RefusedInput                         what the user gave cannot be used: exit code 2
    ├── InvalidEnvironment               all problems of the environment files
    ├── checks.problem.Problem           one of them: variable, value, file and line
    ├── environment.tfvars.InvalidTfvars
    ├── routes.reference.InvalidReference
    ├── routes.source.InvalidSource
    ├── swapper.filters.InvalidFilter
    └── swapper.swap_config.InvalidSwapSettings

Readers of texts and layers, the lifecycle core and the embedded AWS raise their own. Callers translate them into these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.counts import counted


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file that a person wrote; `line` counts from 1, 0 means the whole file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


_ENDLESS = re.compile(r"\S{1000,}")


def local_flag(local: bool) -> str:
    """What every command that is told to people needs to reach the same AWS and state: ` --local`, or nothing."""
    return " --local" if local else ""


class OrchestratorError(Exception):
    """Base of every error that a user sees.

    `what` is one sentence with the offending value, `why` the broken rule, `remedy` what to do about it.
    `environment` is the name of the one that it happened in, and is printed before the sentence. `place` says where in AWS
    that is: `account 111122223333, eu-central-1`.
    `exit_code` is what the command ends with: 1 failed, 2 usage or refused input.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        environment: str = "",
        place: str = "",
        why: str = "",
        remedy: str = "",
        where: Location | None = None,
    ) -> None:
        super().__init__(what)
        self.environment = environment
        self.place = place
        # A text without end is shown as far as it helps.
        self.what = _ENDLESS.sub(lambda word: f"{word[0][:200]}…", what)
        self.why = why
        self.remedy = remedy
        self.where = where

    @property
    def headline(self) -> str:
        """`what` after the environment's name and place: `environment "dev": not applied.`"""
        if not self.environment:
            return self.what
        place = f" ({self.place})" if self.place else ""
        return f'environment "{self.environment}"{place}: {self.what}'

    def __str__(self) -> str:
        head = f"{self.where}: {self.headline}" if self.where else self.headline
        # What another program said in several lines must not run into the remedy.
        if "\n" in self.why:
            return "\n".join(part for part in (head, self.why, self.remedy) if part)
        parts = [part for part in (head, self.why, self.remedy) if part]
        return " ".join([*map(_ended, parts[:-1]), *parts[-1:]])

    def as_dict(self) -> dict[str, object]:
        """The error for `--json`: {what, why, remedy, file, line}."""
        return {
            "what": self.headline,
            "why": self.why,
            "remedy": self.remedy,
            "file": self.where.file if self.where else None,
            "line": self.where.line if self.where and self.where.line else None,
        }


def _ended(sentence: str) -> str:
    """With a full stop where it has no end of its own. Other programs write none, and the next sentence follows."""
    return sentence if sentence.endswith((".", "!", "?", ":", "…")) else f"{sentence}."


class RefusedInput(OrchestratorError):
    """What the user gave cannot be used: exit code 2."""

    exit_code = 2


class InvalidEnvironment(RefusedInput):
    """Everything that is wrong with one or several environments, at once."""

    def __init__(self, problems: Sequence[OrchestratorError]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{counted(count, 'problem')} in the environment files.")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
