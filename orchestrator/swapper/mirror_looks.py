"""What becomes of images that need a look: swapped when they are there, copied when they are not.

imageSwapPolicy × imageCopyPolicy, as k8s-image-swapper has them, inside the time that the API server gives. An image that a
rule pulls through needs a look where the policy is `exists-or-warm`. A first pull stands for its copy. An image that
nobody could look at in time keeps its source (`exists`), and its copy goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.image_state import ImageState
from orchestrator.swapper.logs import SeldomWarnings
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.pod_secrets import PodSecrets, secrets_of_pod
from orchestrator.swapper.review import Admission, SwapImage, Verdict
from orchestrator.swapper.swap_settings import SwapSettings

_log = logging.getLogger("orchestrator.swapper")


class Copies(Protocol):
    """Where images wait to be copied: in this process, or shared by the replicas. Called in the event loop, blocks never."""

    def add(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied; False when nothing comes of it."""

    def compare(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied again, although it is there, where its source's tag has moved."""

    def oldest(self) -> tuple[int, float]:
        """(how many wait, for how many seconds the oldest has)."""

    def problems(self) -> Sequence[str]:
        """Why nothing is copied now, in sentences."""

    def close(self) -> None:
        """Begin no more copies."""


@dataclass(frozen=True, slots=True)
class _CopiesAs:
    """That what is absent is copied, and with whose pull secrets."""

    secrets: PodSecrets | None


# How long a copy is taken for what its source's tag names, where Pods ask for that at each start.
MOVED_SECONDS = 3600.0
REMEMBERED_TAGS = 16_384


class MirrorLooks:
    """`queue` is set by who makes this, None where nothing is copied. Made and used in one event loop.

    `brings` are the kinds of routes whose absent images are copied, or pulled for the first time.
    """

    def __init__(
        self,
        state: ImageState,
        settings: SwapSettings,
        metrics: SwapMetrics,
        *,
        brings: Container[str] = ("mirror", "pull-through"),
        moved_seconds: float = MOVED_SECONDS,
    ) -> None:
        self._state = state
        self._always = settings.swap_policy == "always"
        self._brings = brings
        self._waits = settings.copy_policy in ("immediate", "force")
        self._deadline = settings.copy_deadline
        self._dry_run = settings.dry_run
        self._metrics = metrics
        self._copying: dict[str, asyncio.Event] = {}
        self._moved_seconds = moved_seconds
        self._compared: dict[str, float] = {}
        self._unknown = ""
        self._warnings = SeldomWarnings()
        self._beside: set[asyncio.Task[Verdict]] = set()
        self._loop = asyncio.get_running_loop()
        self.queue: Copies | None = None

    async def verdicts(
        self, images: Sequence[SwapImage], admission: Admission, seconds: float
    ) -> Mapping[str, Verdict]:
        """All images at once, within `seconds`."""
        copies = admission.effects and not self._dry_run and self.queue is not None
        copies_as = _CopiesAs(secrets_of_pod(admission.namespace, admission.pod)) if copies else None
        found = await asyncio.gather(
            *(self._verdict(image, seconds, copies_as if image.reason in self._brings else None) for image in images)
        )
        return {image.target: verdict for image, verdict in zip(images, found, strict=True)}

    def problems(self) -> Sequence[str]:
        """That the registry could not be asked the last time, or nothing is copied, with the reason."""
        return [*([self._unknown] if self._unknown else []), *(self.queue.problems() if self.queue is not None else ())]

    async def _verdict(self, image: SwapImage, seconds: float, copies: _CopiesAs | None) -> Verdict:
        if self._is_always(image) and not (copies and self._waits):
            # A user who says so takes a Pod that cannot be pulled. The look is for the copy alone.
            if copies:
                task = self._loop.create_task(self._looked(image, seconds, copies))
                self._beside.add(task)
                task.add_done_callback(self._beside.discard)
            return Verdict(swap=True, reason="always")
        return await self._looked(image, seconds, copies)

    async def _looked(self, image: SwapImage, seconds: float, copies: _CopiesAs | None) -> Verdict:
        ends = self._loop.time() + seconds
        try:
            async with asyncio.timeout(seconds):
                there = await self._state.is_there(image.target)
        except TimeoutError:
            self._unknown = "the registry did not answer in time"
            self._metrics.looks.labels("late").inc()
            self._warnings.warn("late", self._unknown, target=image.target)
            return self._not_there(image, "no answer in time", copies)
        except OrchestratorError as error:
            self._unknown = f"the registry cannot be asked: {error.headline}"
            self._metrics.looks.labels("failed").inc()
            why = f"{error.headline} {error.why}".strip()
            self._warnings.warn(type(error).__name__, "the registry cannot be asked", target=image.target, why=why)
            return self._not_there(image, "registry cannot be asked", copies)
        self._unknown = ""
        self._metrics.looks.labels("there" if there else "absent").inc()
        if there:
            # ECR itself looks whether a cached tag has moved.
            if copies and image.moves and image.reason == "mirror":
                self._compare(image, copies)
            return Verdict(swap=True, reason="there")
        verdict = self._not_there(image, "absent", copies)
        if not copies or not self._waits or image.target not in self._copying:
            return verdict
        try:
            async with asyncio.timeout(min(self._deadline, ends - self._loop.time())):
                await self._copying[image.target].wait()
                there = await self._state.is_there(image.target)
        except (TimeoutError, OrchestratorError):
            there = False
        return Verdict(swap=True, reason="copied") if there else verdict

    def _is_always(self, image: SwapImage) -> bool:
        return self._always and image.reason == "mirror"

    def _not_there(self, image: SwapImage, reason: str, copies: _CopiesAs | None) -> Verdict:
        if copies and self._is_copied(image, copies):
            reason = f"{reason}, being {'copied' if image.reason == 'mirror' else 'pulled'}"
        return Verdict(swap=self._is_always(image), reason=reason)

    def _compare(self, image: SwapImage, copies: _CopiesAs) -> None:
        """Have it copied again where its source's tag has moved: what is there already costs a question."""
        now = self._loop.time()
        before = self._compared.get(image.target)
        if before is not None and now - before < self._moved_seconds:
            return
        if len(self._compared) >= REMEMBERED_TAGS:
            self._compared.clear()
        self._compared[image.target] = now
        if before is not None and self.queue is not None:
            self.queue.compare(image.image, image.target, copies.secrets)

    def _is_copied(self, image: SwapImage, copies: _CopiesAs) -> bool:
        """Is it being copied? Has it begun where it is not, once for all that wait."""
        if image.target in self._copying:
            return True
        if self.queue is None or not self.queue.add(image.image, image.target, copies.secrets):
            return False
        self._copying[image.target] = asyncio.Event()
        return True

    def measure(self) -> None:
        """Tell the metrics how long the queue is, and whether it stands still."""
        length, age = self.queue.oldest() if self.queue is not None else (0, 0.0)
        self._metrics.queued.set(length)
        self._metrics.queue_age.set(age)
        self._metrics.stands_still.set(1 if self.queue is not None and self.queue.problems() else 0)

    def copied(self, target: str, error: OrchestratorError | None) -> None:
        """A copy ended. Called in the copier's threads."""
        # A reader of it may send the next Pod at once. That one must not be told what was known before.
        self.told(target, there=error is None)
        if error is None:
            self._metrics.copies.labels("copied").inc()
            _log.info("copied", extra={"target": target})
        else:
            self._metrics.copies.labels("failed").inc()
            _log.warning("not copied", extra={"target": target, "why": error.headline})

    def told(self, target: str, *, there: bool) -> None:
        """Another replica's copy ended. Called in any thread."""
        # The loop may have ended in between.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._heard, target, there)

    def deleted(self, repositories: frozenset[str]) -> None:
        """Images were deleted in these repositories of the registry. Called in any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._state.forget_in, repositories)

    def _heard(self, target: str, there: bool) -> None:
        if there:
            # A deletion may have come between the copy and this word of it: the registry itself is asked.
            self._state.forget(target)
        event = self._copying.pop(target, None)
        if event is not None:
            event.set()

    def close(self) -> None:
        """Begin no more looks and copies."""
        if self.queue is not None:
            self.queue.close()
        self._state.close()
