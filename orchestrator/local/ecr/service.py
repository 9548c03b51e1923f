"""The embedded ECR as a service: checks the request, finds the registry, calls the operation, checks the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from orchestrator.local.calls import Call
from orchestrator.local.ecr import (
    images_api,
    lifecycle_api,
    pushes,
    replication_api,
    repositories_api,
    rules_api,
    settings_api,
    templates_api,
)
from orchestrator.local.ecr.behaviour import Behaviour, RateLimits
from orchestrator.local.ecr.blob_store import BlobStore
from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldRegistry, HeldUpstreams
from orchestrator.local.ecr.tickets import Tickets
from orchestrator.local.principal import identify, partition_of
from orchestrator.local.protocols import Answer, error_answer
from orchestrator.local.wire import checked_answer, parse_parameters

OPERATIONS: dict[str, Callable[[EcrCall, Document], Document]] = {
    **images_api.OPERATIONS,
    **lifecycle_api.OPERATIONS,
    **pushes.OPERATIONS,
    **replication_api.OPERATIONS,
    **repositories_api.OPERATIONS,
    **rules_api.OPERATIONS,
    **settings_api.OPERATIONS,
    **templates_api.OPERATIONS,
}


class EcrService:
    """All registries of the server. Calls are served one at a time."""

    def __init__(self, blobs: Path | None = None, endpoint: str = "") -> None:
        self.upstream = HeldUpstreams()
        self.blobs = BlobStore(blobs)
        self.tickets = Tickets(endpoint)
        self.behaviour = Behaviour()
        self.limits = RateLimits()
        self._registries: dict[tuple[str, str], HeldRegistry] = {}
        self.lock = threading.RLock()

    def reset(self) -> None:
        """Forget every registry."""
        with self.lock:
            self._registries.clear()
            self.upstream = HeldUpstreams()
            self.blobs.clear()
            self.behave(Behaviour())

    def behave(self, behaviour: Behaviour) -> None:
        """Answer from now on as `behaviour` says."""
        self.behaviour = behaviour
        self.limits.clear()

    def admits(self, account_id: str, region: str, action: str) -> bool:
        """Is there room for one more request of `action` under its rate? The registry API's count, too."""
        return self.limits.admits((account_id, region, action), self.behaviour.rate(action))

    def admits_first_pull(self, account_id: str, region: str) -> bool:
        """Is there room for one more first pull through the cache?"""
        return self.limits.admits((account_id, region, "first pull"), self.behaviour.first_pull_rate)

    def context(self, account_id: str, region: str, principal_arn: str) -> EcrCall:
        """What an operation needs to know of a call to the registry of an account and region."""
        registry = self.registry(account_id, region)
        return EcrCall(registry, principal_arn, self.upstream, self.blobs, self.tickets, self.behaviour, self.registry)

    def registry(self, account_id: str, region: str) -> HeldRegistry:
        """The registry of an account and region; every account has one in every region."""
        key = (account_id, region)
        if key not in self._registries:
            self._registries[key] = HeldRegistry(account_id, region, partition_of(region))
        return self._registries[key]

    def registries(self) -> tuple[HeldRegistry, ...]:
        """Every registry that somebody asked for."""
        return tuple(self._registries.values())

    def handle(self, call: Call) -> Answer:
        """Answer an ECR call; raises NotImplementedError for the few operations that are not served.

        None goes to moto: its ECR would hold other repositories than this one.
        """
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            raise NotImplementedError(call.operation)
        try:
            params = _parse(call)
            self._throttle(call)
            with self.lock:
                answer = operation(self._context(call, params), params)
                # Inside the lock: the answer may hold live state.
                return checked_answer(call, answer, content_type="application/x-amz-json-1.1")
        except EcrError as error:
            return error_answer("ecr", error.code, error.message)

    def _throttle(self, call: Call) -> None:
        if not self.admits(identify(call).account_id, call.region, call.operation):
            raise EcrError("ThrottlingException", "Rate exceeded")

    def _context(self, call: Call, params: Document) -> EcrCall:
        who = identify(call)
        return self.context(str(params.get("registryId") or who.account_id), call.region, who.arn)


def _parse(call: Call) -> Document:
    """The parameters of a call; raises what AWS raises for one that the service model does not allow."""
    try:
        params, found = parse_parameters(call)
    except ValueError:
        raise EcrError("SerializationException", "The request body is not a JSON object") from None
    missing = [misfit for misfit in found if misfit.missing]
    if missing:
        plural = "error" if len(missing) == 1 else "errors"
        details = "; ".join(f"Value null at '{m.path}' failed to satisfy constraint: {m.rule}" for m in missing)
        raise EcrError("ValidationException", f"{len(missing)} validation {plural} detected: {details}")
    if found:
        raise invalid_parameter(found[0].path, found[0].rule)
    return params
