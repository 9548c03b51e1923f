"""Is the HCL in Terraform's own format? `python -m scripts.check_terraform_format [--write] [FOLDER...]`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.binary import find_terraform

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("modules", "environments", "tests")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every file is in format (or was brought there), 1 when one is not, 2 when one cannot be read."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    write = "--write" in given
    named = [Path(name) for name in given if name != "--write"]
    folders = named or [ROOT / name for name in FOLDERS if (ROOT / name).is_dir()]
    try:
        terraform = find_terraform()
    except OrchestratorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    # Formatting needs no configuration, and one that is broken or absent must not matter.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    variables |= {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    worst = 0
    for folder in folders:
        options = ["-recursive"] if write else ["-recursive", "-check", "-diff"]
        done = subprocess.run([*terraform.command, "fmt", *options, str(folder.resolve())], env=variables, check=False)
        # `fmt -check` ends with 3 for a file out of format, 2 for one that is no HCL; a signal is negative.
        worst = max(worst, {0: 0, 3: 1}.get(done.returncode, 2))
    if worst == 1:
        print("Run `make format` to bring these files into Terraform's format.", file=sys.stderr)
    return worst


if __name__ == "__main__":
    sys.exit(main())
