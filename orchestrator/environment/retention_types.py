"""Types of single values of the retention: the lifecycle core says what each may be. It reads them again in AWS. Pure."""

from __future__ import annotations

from typing import Annotated

from orchestrator.environment.markers import Between, Form, OneOf
from orchestrator.lifecycle.retention import EXPIRE_ACTIONS, LIMITS, is_repository_pattern, is_tag_pattern

_LIKE_A_REPOSITORY = 'Write it like "docker-hub/library/*", without registry and tag.'


def _number(name: str) -> Between:
    least, most = LIMITS[name]
    return Between(
        least,
        most,
        why=f"That is not a whole number from {least} to {most}.",
        remedy="Write a number within that range, or leave it out.",
    )


Days = Annotated[int, _number("expire_unpulled_days")]
KeptAtLeast = Annotated[int, _number("keep_at_least")]
KeptAtMost = Annotated[int, _number("keep_at_most")]
MinimumDays = Annotated[int, _number("minimum_age_days")]
ExpireWay = Annotated[str, OneOf(EXPIRE_ACTIONS)]
OverridePattern = Annotated[
    str,
    Form(is_repository_pattern, why="That is no prefix or pattern of repositories.", remedy=_LIKE_A_REPOSITORY),
]
ImagePattern = Annotated[str, Form(is_repository_pattern, why="That is no pattern.", remedy=_LIKE_A_REPOSITORY)]
TagPattern = Annotated[
    str,
    Form(
        is_tag_pattern,
        why="That is no pattern.",
        remedy='Write it like "*-lts"; tags have letters, digits and . _ -.',
    ),
]
