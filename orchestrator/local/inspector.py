"""Amazon Inspector's coverage of ECR images, which moto lacks: in how many tasks and Pods each one runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.local.calls import Call
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import HeldImage, HeldRegistry, HeldRepository, page
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.principal import identify
from orchestrator.local.protocols import Answer, error_answer
from orchestrator.local.wire import checked_answer, parse_parameters

Document = dict[str, Any]
IMAGES = "AWS_ECR_CONTAINER_IMAGE"
# The criteria that are served; any other would be passed over in silence.
_CRITERIA = frozenset({"resourceType", "ecrRepositoryName", "ecrImageInUseCount"})


class InspectorService:
    """Answers ListCoverage from the images of the embedded ECR; the rest is moto's."""

    def __init__(self, ecr: EcrService) -> None:
        self._ecr = ecr

    def handle(self, call: Call) -> Answer | None:
        if call.operation != "ListCoverage":
            return None
        params, problems = parse_parameters(call)
        if problems:
            return error_answer("inspector2", "ValidationException", f"{problems[0].path}: {problems[0].rule}")
        criteria = params.get("filterCriteria", {})
        unserved = criteria.keys() - _CRITERIA
        if unserved:
            raise NotImplementedError(f"It knows no criterion {', '.join(sorted(unserved))}")
        with self._ecr.lock:
            registry = self._ecr.registry(identify(call).account_id, call.region)
            try:
                some, token = page(list(_covered(registry, criteria)), params, 100)
            except EcrError as error:
                return error_answer("inspector2", "ValidationException", error.message)
            return checked_answer(call, {"coveredResources": some, "nextToken": token}, content_type="application/json")


def _covered(registry: HeldRegistry, criteria: Document) -> Iterator[Document]:
    for repository in registry.repositories.values():
        for image in repository.images.values():
            if image.status == "ACTIVE" and _fits(repository, image, criteria):
                yield _resource(repository, image)


def _fits(repository: HeldRepository, image: HeldImage, criteria: Document) -> bool:
    """Each criterion is a list of which one entry must fit."""
    return (
        _text_fits(IMAGES, criteria.get("resourceType"))
        and _text_fits(repository.name, criteria.get("ecrRepositoryName"))
        and _number_fits(image.in_use, criteria.get("ecrImageInUseCount"))
    )


def _text_fits(text: str, entries: list[Document] | None) -> bool:
    return not entries or any((text == entry["value"]) == (entry["comparison"] == "EQUALS") for entry in entries)


def _number_fits(number: int, entries: list[Document] | None) -> bool:
    return not entries or any(
        entry.get("lowerInclusive", number) <= number <= entry.get("upperInclusive", number) for entry in entries
    )


def _resource(repository: HeldRepository, image: HeldImage) -> Document:
    return {
        "accountId": repository.registry_id,
        "resourceId": f"{repository.arn}/{image.digest}",
        "resourceType": IMAGES,
        "scanType": "PACKAGE",
        "scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"},
        "resourceMetadata": {"ecrImage": {"tags": image.tags, "inUseCount": image.in_use}},
    }
