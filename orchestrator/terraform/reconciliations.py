"""Names cached repositories that their template no longer describes, beside a plan. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import OrchestratorError
from orchestrator.mirroring.repository import settings_by_prefix
from orchestrator.terraform.stack import Stack

NAMED = 5  # repositories that a note names


def reconciliation_notes(stack: Stack) -> Iterator[str]:
    """A note when repositories differ from what their template says, or would say after this plan; none without templates.

    A plan needs no answer to this: what AWS does not tell is said as a note, too.
    """
    if not settings_by_prefix(stack.environment):
        return
    from orchestrator.aws.standing_repositories import differing_repositories

    command = f"`orchestrator cache reconcile {stack.name}{stack.workdir.flag}`"
    managed = [name for other in stack.neighbours().values() for name in other.own_repository_names]
    try:
        found = differing_repositories(stack.session(), stack.environment, managed=managed, bounded=True)
    except OrchestratorError as error:
        yield f"whether cached repositories differ from their template is not known: {error.what} {error.why}".rstrip()
        return
    if found.differing:
        named = [f"{each.name} ({', '.join(d.setting for d in each.differences)})" for each in found.differing[:NAMED]]
        more = len(found.differing) - len(named)
        listed = ", ".join([*named, *([f"{more} more"] if more else [])])
        yield f"cached repositories differ from what their template says now: {listed}. {command} sets what can be set"
    if found.unread:
        yield f"{found.unread} cached repositories were not asked for their policy and tags: {command} --check asks all"
