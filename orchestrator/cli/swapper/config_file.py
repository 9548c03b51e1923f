"""Reads a configuration of k8s-image-swapper from a file, with what the process's environment says instead."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput
from orchestrator.files.extras import install_command
from orchestrator.files.named_files import read_given

if TYPE_CHECKING:
    from orchestrator.swapper.swap_settings import SwapSettings


def load_settings(path: Path) -> SwapSettings:
    """The settings. Raises RefusedInput for a file that cannot be read, and for everything that is wrong in it."""
    try:
        import jmespath  # noqa: F401
    except ImportError as error:
        raise RefusedInput(
            "Filters need a package that is not here: jmespath.",
            why="It belongs to the extra of the admission webhook.",
            remedy=f"Run `{install_command('swapper')}`.",
        ) from error
    from orchestrator.swapper.swap_config import read_swap_settings

    try:
        text = read_given(path).decode("utf-8")
    except OSError as error:
        why = f"{error.strerror}."
        raise RefusedInput(f"{path} cannot be read.", why=why, remedy="Name a file that is there.") from error
    except UnicodeDecodeError as error:
        why = f"It is no UTF-8 from byte {error.start} on."
        raise RefusedInput(f"{path} cannot be read.", why=why, remedy="Save it as UTF-8.") from error
    return read_swap_settings(text, str(path), os.environ)
