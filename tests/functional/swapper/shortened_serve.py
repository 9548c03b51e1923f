"""`orchestrator` with the webhook's times divided: `python -m tests.functional.swapper.shortened_serve FACTOR WORDS…`.

A lease is a sixth of the real one, which a busy machine still keeps.
"""

from __future__ import annotations

import sys
from types import ModuleType

from orchestrator.aws import deletion_news, queue_worker
from orchestrator.cli.main import main
from orchestrator.swapper import image_state, shared_queue


def _set(module: ModuleType, **values: float) -> None:
    for name, value in values.items():
        assert hasattr(module, name), name
        setattr(module, name, value)


def _divide(function: object, factor: float, *names: str) -> None:
    """Divide defaults of keywords."""
    defaults = getattr(function, "__kwdefaults__")  # noqa: B009
    for name in names:
        defaults[name] /= factor


def shorten(factor: float) -> None:
    """Divide what the webhook waits for."""
    _divide(image_state.ImageState.__init__, factor, "present_seconds", "absent_seconds")
    _divide(shared_queue.SharedCopyQueue.__init__, factor, "away_seconds")
    _divide(shared_queue.SharedCopyQueue.__init__, 10.0, "poll_seconds")
    _divide(shared_queue.SharedCopyQueue.__init__, 6.0, "lease")
    _set(shared_queue, LEASE_SECONDS=20.0, MEND_SECONDS=2.0, AGAIN_SECONDS=60.0 / factor)
    _set(queue_worker, AGAIN_SECONDS=1.0, _PAUSE=5.0 / factor)
    _set(deletion_news, READ_SECONDS=0.2, AWAY_SECONDS=5.0 / factor)


if __name__ == "__main__":
    shorten(float(sys.argv.pop(1)))
    main()
