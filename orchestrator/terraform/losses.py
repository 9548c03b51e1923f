"""What a plan would lose: repositories with images, images that expire at once, buckets with records. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.plan import REPOSITORY, Plan, ResourceChange
from orchestrator.terraform.planner_result import ExpiredImages, LostImages, LostRecords
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State

BUCKET = "aws_s3_bucket"
LIFECYCLE_POLICY = "aws_ecr_lifecycle_policy"


def losses(stack: Stack, plan: Plan) -> tuple[LostImages | LostRecords, ...]:
    """The repositories with images and buckets with records that the plan would lose; AWS says what they hold."""
    lost: list[LostImages | LostRecords] = []
    if plan.lost_repositories:
        from orchestrator.aws.inventory import image_count

        for change in plan.lost_repositories:
            count = image_count(stack.session(), change.repository)
            if count:
                # `force_delete` as it stands in the state: that is what the provider goes by when it deletes.
                lost.append(LostImages(change.repository, count, _replaced(change), _forced(change, "force_delete")))
    buckets = [change for change in plan.changes if change.type == BUCKET and change.action in {"delete", "replace"}]
    if buckets:
        from orchestrator.aws.record_bucket import holds_records

        manager = stack.environment.lifecycle_manager
        for change in buckets:
            name = str(_before(change, "bucket") or stack.environment.lifecycle_bucket)
            if holds_records(stack.session(), name):
                forced = _forced(change, "force_destroy", unlisted=bool(manager and manager.force_destroy_records))
                lost.append(LostRecords(name, _replaced(change), forced))
    return tuple(lost)


def expiring(stack: Stack, plan: Plan, state: State) -> tuple[ExpiredImages | OrchestratorError, ...]:
    """What new lifecycle policies would expire of the images that are there, by ECR's own preview."""
    found: list[ExpiredImages | OrchestratorError] = []
    for repository, text in _new_policies(plan, state):
        from orchestrator.aws.inventory import image_count
        from orchestrator.aws.lifecycle_calls import preview_policy

        try:
            if not image_count(stack.session(), repository):
                continue
            preview = preview_policy(stack.session(), repository, text)
        except OrchestratorError as error:
            found.append(_not_known(stack, repository, f"{error.what} {error.why}".strip(), error.remedy))
            continue
        if preview.expiring is None:
            found.append(_not_known(stack, repository, f"{preview.problem}.", "Run it again."))
        elif preview.expiring:
            found.append(ExpiredImages(repository, preview.expiring))
    return tuple(found)


def _not_known(stack: Stack, repository: str, why: str, remedy: str) -> OrchestratorError:
    what = f'what the new lifecycle policy of "{repository}" would expire is not known.'
    return OrchestratorError(what, environment=stack.name, why=why, remedy=remedy)


def _new_policies(plan: Plan, state: State) -> Iterator[tuple[str, str]]:
    """(repository, policy) of each lifecycle policy that is new or another; not of repositories that are new, too."""
    new = {change.repository for change in plan.changes if change.type == REPOSITORY and change.action == "create"}
    held = {each.address: str(each.attributes.get("repository") or "") for each in state.of_type(LIFECYCLE_POLICY)}
    for change in plan.changes:
        before, after = change.policy
        if change.type != LIFECYCLE_POLICY or change.action not in {"create", "update", "replace"} or not after:
            continue
        given = next((str(each.after) for each in change.attributes if each.path == "repository" and each.after), "")
        repository = given or change.importing or held.get(change.moved_from or change.address, "")
        if repository and repository not in new and before != after:
            yield repository, after


def _replaced(change: ResourceChange) -> bool:
    return change.action == "replace"


def _before(change: ResourceChange, path: str) -> object:
    """An attribute as it stands in the state; None where the plan does not list it."""
    return next((attribute.before for attribute in change.attributes if attribute.path == path), None)


def _forced(change: ResourceChange, attribute: str, *, unlisted: bool | None = None) -> bool:
    """Would AWS delete it with what it holds? A replacement that leaves the setting as it is does not list it."""
    before = _before(change, attribute)
    if before is None:
        return _replaced(change) if unlisted is None else unlisted
    return bool(before)
