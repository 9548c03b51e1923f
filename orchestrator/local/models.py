"""botocore's service models, by the name that a request is signed for."""

from __future__ import annotations

from functools import lru_cache

import botocore.exceptions
import botocore.loaders
import botocore.model

# Services whose signing name is not the name of their model.
_MODEL_NAMES = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2", "eks-auth": "eks-auth"}


@lru_cache(maxsize=64)
def service_model(service: str) -> botocore.model.ServiceModel | None:
    """The model of a service such as `ecr`, or None when botocore knows none of that name."""
    name = _MODEL_NAMES.get(service, service)
    try:
        description = botocore.loaders.Loader().load_service_model(name, "service-2")
    except (botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return None
    return botocore.model.ServiceModel(description, service_name=name)


def operation_names(service: str) -> tuple[str, ...]:
    """The names of a service's operations; empty when the service is unknown."""
    model = service_model(service)
    return tuple(model.operation_names) if model else ()
