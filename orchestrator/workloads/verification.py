"""Pods as the API serves them + the route table -> images from elsewhere, and Pods that wait for theirs.

One Pod at a time and nothing kept but findings, so that a cluster of any size can be streamed. Pure.
"""

from __future__ import annotations

import re
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


# Neither is a container's reason for itself: most of them have causes that no image has a part in.
_OF_AN_IMAGE = re.compile(r"ImageVolumeMountFailed|image not known|does not resolve to an image ID")
# A sandbox' image is the node's own. Containers wait, and only an event of the Pod says why.
_SANDBOX = re.compile(r"sandbox image \\?\"([^\"\\]+)|creating pod sandbox [^;]*?source docker://(\S+?):(?:\s|$)")
# Reasons of a container that is on its way.
_COMING = frozenset({"", "ContainerCreating", "PodInitializing"})


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
    """Looks at Pods one by one; `events` are those of the cluster, whose messages say more than a status does.

    `containers` counts what it saw, `coming` those whose image a node has still to pull, so that nobody knows yet.
    """

    def __init__(self, table: RouteTable, environment: str, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self._table = table
        self._environment = environment
        self._messages = _messages(events)
        self.containers = 0
        self.coming = 0

    def look(self, pod: Mapping[str, Any]) -> Iterator[PodImage]:
        """What is wrong with one Pod's images; Pods that ended and static Pods tell nothing."""
        metadata, spec, status = (mapping(pod.get(key)) for key in ("metadata", "spec", "status"))
        if status.get("phase") in {"Succeeded", "Failed"} or MIRROR_POD in mapping(metadata.get("annotations")):
            return
        where = (text_of(metadata.get("namespace")), text_of(metadata.get("name")))
        events = self._messages.get(where, [])
        volumes = _image_volumes(spec)
        scheduled = bool(spec.get("nodeName"))
        held = False
        for containers, statuses in STATUSES:
            states = {text_of(item.get("name")): item for item in elements(status.get(statuses))}
            for container in elements(spec.get(containers)):
                self.containers += 1
                name, image = text_of(container.get("name")), text_of(container.get("image"))
                state = states.get(name, {})
                if _is_coming(state):
                    held = True
                    self.coming += scheduled
                yield from self._container(where, name, image, state, events, volumes)
        if held:
            yield from self._sandbox(where, events)
        mounted = _mounted(status)
        for name, image in volumes.items():
            yield from self._answer(where, f"volume {name}", image, mounted.get(name, ""))

    def _container(
        self,
        where: tuple[str, str],
        name: str,
        image: str,
        state: Mapping[str, Any],
        events: Sequence[tuple[str, str]],
        volumes: Mapping[str, str],
    ) -> Iterator[PodImage]:
        waiting = mapping(mapping(state.get("state")).get("waiting"))
        reason, message = text_of(waiting.get("reason")), text_of(waiting.get("message"))
        if reason in WAITING and (reason != "CreateContainerError" or _OF_AN_IMAGE.search(message)):
            # The kubelet lays an image volume's failure at the door of the container that mounts it.
            missing = next((one for one in volumes.values() if one != image and f'"{one}"' in message), image)
            told = [said for field, said in events if f"{{{name}}}" in field or (not field and missing in said)]
            said = " ".join((reason, message, *told))[-8000:]
            failure: PullFailure = explain_failure(self._table, self._environment, missing, said)
            yield PodImage("failing", *where, name, missing, failure.why, failure.remedy, failure.cause)
        yield from self._answer(where, name, image, text_of(state.get("imageID")))

    def _sandbox(self, where: tuple[str, str], events: Sequence[tuple[str, str]]) -> Iterator[PodImage]:
        """What keeps the Pod itself from starting: the image of its sandbox (`pause`)."""
        for field, message in events:
            found = None if field else _SANDBOX.search(message)
            if found is not None:
                image = found[1] or found[2]
                failure = explain_failure(self._table, self._environment, image, message)
                remedy = (
                    f"{failure.remedy} The node's runtime names this image: its configuration can name another registry's "
                    "(containerd's `sandbox`, CRI-O's `pause_image`)."
                )
                yield PodImage("failing", *where, "pod sandbox", image, failure.why, remedy, failure.cause)
                return

    def _answer(self, where: tuple[str, str], name: str, image: str, image_id: str) -> Iterator[PodImage]:
        """What the table says of an image that a node has, or has still to pull."""
        answer = self._table.redirect(image)
        if isinstance(answer, Redirected):
            if not self._own(image_id):
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


def _is_coming(status: Mapping[str, Any]) -> bool:
    """Whether a node has still to pull a container's image, and did not fail to."""
    state = mapping(status.get("state"))
    waiting = text_of(mapping(state.get("waiting")).get("reason"))
    return not status.get("imageID") and not state.keys() & {"running", "terminated"} and waiting in _COMING


def _image_volumes(spec: Mapping[str, Any]) -> dict[str, str]:
    """{name of a volume: the image that it mounts}"""
    volumes = {
        text_of(volume.get("name")): text_of(mapping(volume.get("image")).get("reference"))
        for volume in elements(spec.get("volumes"))
    }
    return {name: image for name, image in volumes.items() if image}


def _mounted(status: Mapping[str, Any]) -> dict[str, str]:
    """{name of a volume: the image that a node mounted}, which Kubernetes tells from 1.35 on."""
    mounts = (
        mount
        for _, statuses in STATUSES
        for container in elements(status.get(statuses))
        for mount in elements(container.get("volumeMounts"))
    )
    found = {}
    for mount in mounts:
        # A container that has not begun yet names the volume without its image.
        if image := text_of(mapping(mapping(mount.get("volumeStatus")).get("image")).get("imageRef")):
            found[text_of(mount.get("name"))] = image
    return found


def _messages(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """{(namespace, pod): [(the container's field, what an event says of its image)]}; some events name no field."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for event in events:
        about = mapping(event.get("involvedObject") or event.get("regarding"))
        message = text_of(event.get("message") or event.get("note"))
        speaks = any(word in message.lower() for word in ("pull", "image", "sandbox"))
        if about.get("kind") == "Pod" and event.get("type") != "Normal" and speaks:
            key = (text_of(about.get("namespace")), text_of(about.get("name")))
            found.setdefault(key, []).append((text_of(about.get("fieldPath")), message))
    return found
