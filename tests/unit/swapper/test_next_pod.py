"""Who reads in the log that an image was copied may send the next Pod at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from orchestrator.swapper.copy_queue import CopyQueue
from orchestrator.swapper.image_state import ImageState
from orchestrator.swapper.logs import LOGGER
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.mirror_looks import MirrorLooks
from orchestrator.swapper.review import Verdict, read_review
from orchestrator.swapper.swap_settings import SwapSettings
from tests.references_table import OWN, environment
from tests.unit.swapper.reviews import containers, pod, review, rules_of

TARGET = f"{OWN}/gcr/a/b:1"


class AtTheLine(logging.Handler):
    """Does something in the moment in which the line is written."""

    def __init__(self, message: str, do: Callable[[], None]) -> None:
        super().__init__()
        self._message, self._do = message, do

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._message:
            self._do()


def test_a_pod_that_comes_when_the_log_tells_of_the_copy_gets_it(tmp_path: Path) -> None:
    there: set[str] = set()
    found: list[Verdict] = []
    logger = logging.getLogger(LOGGER)
    admission = read_review(review(pod(containers=containers("gcr.io/a/b:1"))), rules_of(environment("standard")))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        looks = MirrorLooks(ImageState(there.__contains__), SwapSettings(), SwapMetrics())
        looks.queue = CopyQueue(
            tmp_path / "queue.sqlite", lambda _source, target, _secrets: there.add(target), looks.copied
        )

        async def verdict() -> Verdict:
            return (await looks.verdicts(admission.looks, admission, 20.0))[TARGET]

        def next_pod() -> None:
            found.append(asyncio.run_coroutine_threadsafe(verdict(), loop).result(30))

        handler = AtTheLine("copied", next_pod)
        logger.addHandler(handler)
        try:
            assert (await verdict()).reason == "absent, being copied"
            while not found:
                await asyncio.sleep(0.01)
        finally:
            logger.removeHandler(handler)
            looks.close()

    level = logger.level
    logger.setLevel("INFO")
    try:
        asyncio.run(asyncio.wait_for(main(), 60))
    finally:
        logger.setLevel(level)
    assert found == [Verdict(swap=True, reason="there")]
