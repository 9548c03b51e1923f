"""Pods as the API serves them + the route table -> what runs from elsewhere, and what does not run for want of its image.

One Pod at a time and nothing kept but findings, so that a cluster of any size can be streamed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.environment.pods import MIRROR_POD
from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import Redirected, RouteTable
from orchestrator.workloads.paths import elements, mapping, text_of
from orchestrator.workloads.pull_failures import WAITING, PullFailure, explain_failure

STATUSES = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


@dataclass(frozen=True, slots=True)
class PodImage:
    """One container's image that is not as the table says, or that cannot be pulled.

    `verdict` is `elsewhere` (it runs from its source and the table sends it to ECR), `unreachable` or `failing`. A source is
    unreachable where `allow_upstream` is false and no route takes it.
    """

    verdict: Literal["elsewhere", "unreachable", "failing"]
    namespace: str
    pod: str
    container: str
    image: str
    why: str
    remedy: str
    cause: str = ""

    def as_dict(self) -> dict[str, str]:
        """All of it, for programs."""
        return {
            "verdict": self.verdict,
            "namespace": self.namespace,
            "pod": self.pod,
            "container": self.container,
            "image": self.image,
            "cause": self.cause,
            "why": self.why,
            "remedy": self.remedy,
        }


class Verification:
    """Looks at Pods one by one; `events` are those of the cluster, whose messages say more than a status does."""

    def __init__(self, table: RouteTable, environment: str, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self._table = table
        self._environment = environment
        self._messages = _messages(events)
        self.containers = 0

    def look(self, pod: Mapping[str, Any]) -> Iterator[PodImage]:
        """What is wrong with one Pod's images; Pods that ended and static Pods tell nothing."""
        metadata, spec, status = (mapping(pod.get(key)) for key in ("metadata", "spec", "status"))
        if status.get("phase") in {"Succeeded", "Failed"} or MIRROR_POD in mapping(metadata.get("annotations")):
            return
        where = (text_of(metadata.get("namespace")), text_of(metadata.get("name")))
        events = self._messages.get(where, [])
        for containers, statuses in STATUSES:
            states = {text_of(item.get("name")): item for item in elements(status.get(statuses))}
            for container in elements(spec.get(containers)):
                self.containers += 1
                name, image = text_of(container.get("name")), text_of(container.get("image"))
                yield from self._container(where, name, image, states.get(name, {}), events)

    def _container(
        self, where: tuple[str, str], name: str, image: str, state: Mapping[str, Any], events: Sequence[tuple[str, str]]
    ) -> Iterator[PodImage]:
        waiting = mapping(mapping(state.get("state")).get("waiting"))
        reason = text_of(waiting.get("reason"))
        if reason in WAITING:
            told = [message for field, message in events if f"{{{name}}}" in field or (not field and image in message)]
            said = " ".join((reason, text_of(waiting.get("message")), *told))[-8000:]
            failure: PullFailure = explain_failure(self._table, self._environment, image, said)
            yield PodImage("failing", *where, name, image, failure.why, failure.remedy, failure.cause)
        answer = self._table.redirect(image)
        if isinstance(answer, Redirected):
            if not self._own(text_of(state.get("imageID"))):
                why = f"The table sends it to {answer.target}."
                remedy = (
                    "Make its Pod anew where an enforcer is in place, or rewrite its workload: `orchestrator rewrite`."
                )
                yield PodImage("elsewhere", *where, name, image, why, remedy, "not redirected")
        elif self._table.out_of_reach(answer):
            why = "The cluster cannot reach its source (allow_upstream is false), and no route takes it."
            remedy = f"Add a route for it to {self._environment}.tfvars."
            yield PodImage("unreachable", *where, name, image, why, remedy, "no route")

    def _own(self, image_id: str) -> bool:
        """Whether a node says that it has the image from the environment's registry."""
        try:
            return parse_reference(image_id.partition("://")[2] or image_id).domain in self._table.own_hosts
        except InvalidReference:
            return False


def _messages(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """{(namespace, pod): [(the container's field, what an event says of its image)]}; some events name no field."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for event in events:
        about = mapping(event.get("involvedObject") or event.get("regarding"))
        message = text_of(event.get("message") or event.get("note"))
        speaks = "pull" in message.lower() or "image" in message.lower()
        if about.get("kind") == "Pod" and event.get("type") != "Normal" and speaks:
            key = (text_of(about.get("namespace")), text_of(about.get("name")))
            found.setdefault(key, []).append((text_of(about.get("fieldPath")), message))
    return found
