"""No file of code is longer than a reader keeps in mind: 400 lines of Python or HCL, tests as well.

`python -m scripts.check_lengths` is part of `make check`. It prints each longer file without a line in `LONG`, and each line of
`LONG` that nothing needs any more. A longer file holds a second noun: give that a file of its own, named by what it holds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MOST = 400
ROOTS = ("benchmarks", "ci", "environments", "images", "lambda_src", "modules", "orchestrator", "scripts", "tests")
# {file: why it stays one}
LONG: Mapping[str, str] = {
    "environments/variables.tf": "Users of Terraform look for every variable of the root module there.",
    "modules/lifecycle-manager/variables.tf": "Users of Terraform look for every variable of a module there.",
    "modules/lifecycle-manager/tests/manager.tftest.hcl": "Terraform has no helpers for runs: each file repeats its head.",
    "modules/lifecycle-manager/tests/refusals.tftest.hcl": "A table: one refused value a run.",
    "modules/pull-through-cache/tests/refusals.tftest.hcl": "A table: one refused value a run.",
    "modules/push-role/tests/push_roles.tftest.hcl": "Terraform has no helpers for runs: each file repeats its head.",
    "tests/references_table.py": "A table: one row a reference, for every enforcer.",
    "tests/unit/checks/wrong_inputs.py": "A table: one row a wrong input.",
}


def main() -> int:
    """Print what is found below the current folder."""
    found = list(faults(line_counts(Path()), LONG))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


def line_counts(root: Path) -> Mapping[str, int]:
    """{file: its lines} of the Python and HCL below `ROOTS` of a folder, in the order of their names."""
    files = (
        path for name in ROOTS for path in sorted((root / name).rglob("*")) if path.suffix in {".py", ".tf", ".hcl"}
    )
    return {
        path.relative_to(root).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in files
        if ".terraform" not in path.parts and path.is_file()
    }


def faults(counts: Mapping[str, int], long: Iterable[str]) -> Iterator[str]:
    """A line for each file that is too long, and for each of `long` that is not."""
    allowed = set(long)
    for file, lines in counts.items():
        if lines > MOST and file not in allowed:
            yield f"{file} has {lines} lines, {MOST} are allowed. Give its second noun a file of its own."
    for file in sorted(allowed):
        if counts.get(file, 0) <= MOST:
            yield f"{file} is within {MOST} lines or gone. Delete its line in LONG of scripts/check_lengths.py."


if __name__ == "__main__":
    sys.exit(main())
