"""EKS Pod Identity associations, which moto lacks; clusters are moto's."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from orchestrator.local.calls import Call
from orchestrator.local.principal import identify, partition_of
from orchestrator.local.protocols import Answer, error_answer
from orchestrator.local.wire import checked_answer, parse_parameters

Document = dict[str, Any]
_ALPHABET = string.ascii_lowercase + string.digits


class EksError(Exception):
    """`code` as in the service model; `status` of the answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class PodIdentityService:
    """The associations of every account and region, by their ARN."""

    def __init__(self) -> None:
        self._associations: dict[str, Document] = {}
        self._operations: dict[str, Callable[[Call, Document], Document]] = {
            "CreatePodIdentityAssociation": self._create,
            "DescribePodIdentityAssociation": self._describe,
            "UpdatePodIdentityAssociation": self._update,
            "DeletePodIdentityAssociation": self._delete,
            "ListPodIdentityAssociations": self._list,
        }
        self._tag_operations: dict[str, Callable[[Call, Document], Document]] = {
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def reset(self) -> None:
        """Forget every association."""
        self._associations.clear()

    def handle(self, call: Call) -> Answer | None:
        """Answer a call about associations; None leaves it to moto."""
        operation = self._operations.get(call.operation)
        if operation is None and ":podidentityassociation/" in call.path_values.get("resourceArn", ""):
            operation = self._tag_operations.get(call.operation)
        if operation is None:
            return None
        params, problems = parse_parameters(call)
        if problems:
            return error_answer("eks", "InvalidParameterException", f"{problems[0].path}: {problems[0].rule}")
        try:
            return checked_answer(call, operation(call, params), content_type="application/json")
        except EksError as error:
            return error_answer("eks", error.code, error.message, status=error.status)

    def _create(self, call: Call, params: Document) -> Document:
        cluster = _require_cluster(call, params["clusterName"])
        who = identify(call)
        for held in self._of_cluster(call, cluster):
            if all(held[name] == params[name] for name in ("namespace", "serviceAccount")):
                raise EksError("ResourceInUseException", "Association already exists: " + held["associationId"], 409)
        identifier = "a-" + "".join(secrets.choice(_ALPHABET) for _ in range(17))
        arn = f"{_arn_head(call)}:podidentityassociation/{cluster}/{identifier}"
        moment = datetime.now(UTC)
        association = {
            "clusterName": cluster,
            "namespace": params["namespace"],
            "serviceAccount": params["serviceAccount"],
            "roleArn": params["roleArn"],
            "associationArn": arn,
            "associationId": identifier,
            "tags": params.get("tags", {}),
            "createdAt": moment,
            "modifiedAt": moment,
            "disableSessionTags": params.get("disableSessionTags", False),
            "targetRoleArn": params.get("targetRoleArn"),
            "externalId": f"{who.account_id}-{identifier}" if params.get("targetRoleArn") else None,
        }
        self._associations[arn] = association
        return {"association": association}

    def _of_cluster(self, call: Call, cluster: str) -> list[Document]:
        head = f"{_arn_head(call)}:podidentityassociation/{cluster}/"
        return [held for arn, held in self._associations.items() if arn.startswith(head)]

    def _find(self, call: Call, params: Document) -> Document:
        cluster = _require_cluster(call, params["clusterName"])
        for held in self._of_cluster(call, cluster):
            if held["associationId"] == params["associationId"]:
                return held
        raise EksError("ResourceNotFoundException", f"Association not found: {params['associationId']}", 404)

    def _describe(self, call: Call, params: Document) -> Document:
        return {"association": self._find(call, params)}

    def _update(self, call: Call, params: Document) -> Document:
        association = self._find(call, params)
        for name in ("roleArn", "targetRoleArn", "disableSessionTags"):
            if name in params:
                association[name] = params[name]
        association["modifiedAt"] = datetime.now(UTC)
        return {"association": association}

    def _delete(self, call: Call, params: Document) -> Document:
        association = self._find(call, params)
        del self._associations[association["associationArn"]]
        return {"association": association}

    def _list(self, call: Call, params: Document) -> Document:
        cluster = _require_cluster(call, params["clusterName"])
        names = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
        found = [
            {name: held[name] for name in names}
            for held in self._of_cluster(call, cluster)
            if all(params.get(name, held[name]) == held[name] for name in ("namespace", "serviceAccount"))
        ]
        return {"associations": found}

    def _tagged(self, params: Document) -> Document:
        held = self._associations.get(params["resourceArn"])
        if held is None:
            raise EksError("NotFoundException", f"No such resource: {params['resourceArn']}", 404)
        return held

    def _list_tags(self, _: Call, params: Document) -> Document:
        return {"tags": self._tagged(params)["tags"]}

    def _tag(self, _: Call, params: Document) -> Document:
        self._tagged(params)["tags"] |= params["tags"]
        return {}

    def _untag(self, _: Call, params: Document) -> Document:
        held = self._tagged(params)
        held["tags"] = {key: value for key, value in held["tags"].items() if key not in params["tagKeys"]}
        return {}


def _arn_head(call: Call) -> str:
    return f"arn:{partition_of(call.region)}:eks:{call.region}:{identify(call).account_id}"


def _require_cluster(call: Call, name: str) -> str:
    from moto.eks.models import eks_backends

    if name not in eks_backends[identify(call).account_id][call.region].clusters:
        raise EksError("ResourceNotFoundException", f"No cluster found for name: {name}.", 404)
    return name
