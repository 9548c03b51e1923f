"""The host port of the lifecycle core on a person's machine."""

from __future__ import annotations

from orchestrator.aws.ports import ThreadedHost
from orchestrator.cli import messages


class ConsoleHost(ThreadedHost):
    """The clock and threads; of the log what people must see, to stderr, and no metrics."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(environment="", namespace="")
        self._verbose = verbose

    def log(self, level: str, message: str, **fields: object) -> None:  # noqa: ARG002
        # Errors are in the report, which is printed at the end.
        if level == "WARNING" or self._verbose:
            messages.labelled(f"{level.lower()}: {message}")

    def metrics(self, values: object) -> None:
        """None: they are the function's."""
