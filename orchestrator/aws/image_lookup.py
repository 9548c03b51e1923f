"""Is one image in a registry? One request an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from orchestrator.aws.ports import MEDIA_TYPES
from orchestrator.aws.translation import error_code, explained
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.routes.reference import ImageReference
    from orchestrator.routes.upstreams import PrivateRegistry

_ABSENT = frozenset({"ImageNotFound", "ImageTagDoesNotMatchDigest"})


def is_pullable(session: AwsSession, registry: PrivateRegistry, image: ImageReference) -> bool:
    """Would a node get it now, by its digest if it names one, else by its tag? Raises OrchestratorError if ECR does not say.

    It counts as a pull, which the Pod that is about to be made stands for. Below a pull-through rule it is a first pull.

    What is archived, which ECR refuses to give, is not.
    """
    wanted = _image_id(image)
    with explained(session, "ecr"):
        try:
            answer = session.client("ecr", registry.region).batch_get_image(
                registryId=registry.account,
                repositoryName=image.path,
                imageIds=[wanted],  # type: ignore[list-item]
                acceptedMediaTypes=list(MEDIA_TYPES),
            )
        except ClientError as error:
            if error_code(error) != "RepositoryNotFoundException":
                raise
            return False
    if answer["images"]:
        return True
    codes = [str(failure.get("failureCode", "")) for failure in answer.get("failures", ())]
    if codes and not _ABSENT.issuperset(codes) and "Archived" not in codes[0] and "Inaccessible" not in codes[0]:
        raise OrchestratorError(f"ECR does not give {image}: {codes[0]}.", remedy="Look at the repository.")
    return False


def is_cached(session: AwsSession, registry: PrivateRegistry, image: ImageReference) -> bool:
    """Has a pull-through rule brought it already? Nothing is pulled. Raises OrchestratorError if ECR does not say."""
    with explained(session, "ecr"):
        try:
            answer = session.client("ecr", registry.region).describe_images(
                registryId=registry.account,
                repositoryName=image.path,
                imageIds=[_image_id(image)],  # type: ignore[list-item]
            )
        except ClientError as error:
            if error_code(error) not in ("RepositoryNotFoundException", "ImageNotFoundException"):
                raise
            return False
    return any(detail.get("imageStatus", "ACTIVE") == "ACTIVE" for detail in answer["imageDetails"])


def _image_id(image: ImageReference) -> dict[str, str]:
    return {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag or "latest"}
