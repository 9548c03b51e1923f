"""Lifecycle policies of repositories: checked as AWS checks them, and previews that really evaluate them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from orchestrator.lifecycle.ecr_engine import StoredImage, evaluate
from orchestrator.lifecycle.ecr_policy import PolicyFault, check_policy, parse_policy
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRepository, now, page


def refuse_policy(problems: Sequence[PolicyFault]) -> None:
    """Raise AWS's refusal for the first problem; do nothing without one."""
    if problems:
        raise EcrError(
            "InvalidParameterException",
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            f"'Lifecycle policy validation failure: {problems[0].reason}'",
        )


def put_policy(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    refuse_policy(check_policy(params["lifecyclePolicyText"]))
    repository.lifecycle_policy = params["lifecyclePolicyText"]
    repository.lifecycle_evaluated_at = datetime.fromtimestamp(0, UTC)
    return _policy(repository)


def get_policy(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    _require_policy(repository)
    return {**_policy(repository), "lastEvaluatedAt": repository.lifecycle_evaluated_at}


def delete_policy(context: EcrCall, params: Document) -> Document:
    answer = get_policy(context, params)
    context.registry.repository(params["repositoryName"]).lifecycle_policy = None
    return answer


def start_preview(context: EcrCall, params: Document) -> Document:
    """Evaluate at once; AWS answers IN_PROGRESS first, so clients must ask again, and here too."""
    repository = context.registry.repository(params["repositoryName"])
    text = params.get("lifecyclePolicyText")
    if text is None:
        _require_policy(repository)
        text = repository.lifecycle_policy or ""
    refuse_policy(check_policy(text))
    repository.preview = {"lifecyclePolicyText": text, "results": preview(repository, text, now())}
    return {**_named(repository), "lifecyclePolicyText": text, "status": "IN_PROGRESS"}


def preview(repository: HeldRepository, text: str, moment: datetime) -> list[Document]:
    """What the policy `text` would do to the repository's images at `moment`."""
    decisions = evaluate(parse_policy(text), stored_images(repository), moment)
    results = []
    for decision in decisions:
        image = repository.images[decision.digest]
        archive = decision.action == "transition"
        results.append(
            {
                "imageTags": list(image.tags) or None,
                "imageDigest": image.digest,
                "imagePushedAt": image.pushed_at,
                "action": {
                    "type": decision.action.upper(),
                    "targetStorageClass": "ARCHIVE" if archive else None,
                },
                "appliedRulePriority": decision.priority,
                "storageClass": "ARCHIVE" if image.status == "ARCHIVED" else "STANDARD",
            }
        )
    return results


def stored_images(repository: HeldRepository) -> list[StoredImage]:
    """The images as the engine sees them: what an index or a referrer's subject refers to is marked."""
    referenced = {child for image in repository.images.values() for child in image.children}
    return [_stored(image, referenced) for image in repository.images.values()]


def _stored(image: HeldImage, referenced: set[str]) -> StoredImage:
    return StoredImage(
        digest=image.digest,
        tags=tuple(image.tags),
        pushed_at=image.pushed_at,
        pulled_at=image.pulled_at,
        archived_at=image.archived_at if image.status == "ARCHIVED" else None,
        referenced=image.digest in referenced,
    )


def get_preview(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if repository.preview is None:
        raise EcrError(
            "LifecyclePolicyPreviewNotFoundException",
            f"Lifecycle policy preview does not exist for the repository with name '{repository.name}' in the "
            f"registry with id '{repository.registry_id}'",
        )
    results = repository.preview["results"]
    wanted = params.get("imageIds")
    if wanted:
        results = [result for result in results if any(_is(result, image_id) for image_id in wanted)]
    status = params.get("filter", {}).get("tagStatus", "ANY")
    results = [r for r in results if status == "ANY" or (status == "TAGGED") == bool(r["imageTags"])]
    some, token = (results, None) if wanted else page(results, params, 100)
    everything = repository.preview["results"]
    moved = sum(result["action"]["type"] == "TRANSITION" for result in everything)
    counts = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": moved}] if moved else None
    return {
        **_named(repository),
        "lifecyclePolicyText": repository.preview["lifecyclePolicyText"],
        "status": "COMPLETE",
        "nextToken": token,
        "previewResults": some,
        "summary": {
            "expiringImageTotalCount": len(everything) - moved,
            "transitioningImageTotalCounts": counts,
        },
    }


def _is(result: Document, image_id: Document) -> bool:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    return (not digest or result["imageDigest"] == digest) and (not tag or tag in (result["imageTags"] or ()))


def _require_policy(repository: HeldRepository) -> None:
    if repository.lifecycle_policy is None:
        raise EcrError(
            "LifecyclePolicyNotFoundException",
            f"Lifecycle policy does not exist for the repository with name '{repository.name}' in the registry "
            f"with id '{repository.registry_id}'",
        )


def _named(repository: HeldRepository) -> Document:
    return {"registryId": repository.registry_id, "repositoryName": repository.name}


def _policy(repository: HeldRepository) -> Document:
    return {**_named(repository), "lifecyclePolicyText": repository.lifecycle_policy}


OPERATIONS = {
    "PutLifecyclePolicy": put_policy,
    "GetLifecyclePolicy": get_policy,
    "DeleteLifecyclePolicy": delete_policy,
    "StartLifecyclePolicyPreview": start_preview,
    "GetLifecyclePolicyPreview": get_preview,
}
