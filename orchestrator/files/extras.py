"""How an extra of the package is added to the installation that runs."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

# Of pyproject.toml, those that a missing package leads to.
Extra = Literal["cdk", "local", "report", "sbom", "swapper", "terraform", "terrain", "verify"]


def install_command(extra: Extra, *, prefix: Path | None = None, has_pip: bool | None = None) -> str:
    """The command that adds `extra` to the environment of this program: `/opt/venv/bin/python -m pip install "…[local]"`.

    It names the environment. A plain `pip install` beside pipx's or uv's own would go to another one. It would fetch a stranger's
    package that an index has by this name. Where this program is installed, the installer takes it as it stands.
    """
    home = prefix or Path(sys.prefix)
    wanted = f'"orchestrator[{extra}]"'
    if (home / "pipx_metadata.json").is_file():
        return f"pipx runpip {shlex.quote(home.name)} install {wanted}"
    if (home / "uv-receipt.toml").is_file() or not (find_spec("pip") if has_pip is None else has_pip):
        return f"uv pip install --python {shlex.quote(str(home))} {wanted}"
    return f"{shlex.quote(str(home / 'bin' / 'python'))} -m pip install {wanted}"
