"""`python -m tests.functional.terraform.killed_at STEP COMMAND…`: the command line, gone at one of its steps.

A step is `before` or `after` a run of Terraform, such as `after state rm`. When it comes for the first time everything is
killed with -9, the providers too.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import psutil

from orchestrator.cli.main import main
from orchestrator.terraform.runner import Outcome, Runner


def die() -> None:
    """Leave nothing behind, and say nothing."""
    me = psutil.Process()
    for process in me.children(recursive=True):
        process.kill()
    os.kill(me.pid, signal.SIGKILL)


def run() -> None:
    """The command, with a runner that knows its last step."""
    last = sys.argv.pop(1)
    terraform = Runner.run

    def until_last(runner: Runner, *arguments: str, **options: Any) -> Outcome:
        name = " ".join(arguments[: 2 if arguments[0] == "state" else 1])
        if last == f"before {name}":
            die()
        outcome = terraform(runner, *arguments, **options)
        if last == f"after {name}":
            die()
        return outcome

    Runner.run = until_last  # type: ignore[method-assign, assignment]
    main()


if __name__ == "__main__":
    run()
