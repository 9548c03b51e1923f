"""`terraform init` where something that matters to it changed, and the healing of a broken directory."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from orchestrator.files.own_records import read_record
from orchestrator.terraform.runner import Outcome
from orchestrator.terraform.runs import failed
from orchestrator.terraform.sentences import refused_call
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import LOCK, PROVIDER, STATE_FILE, TRANSITIONS, dump, keep_lock, write_if_changed


def ensure_initialised(stack: Stack) -> None:
    """`terraform init`, when something that matters to it changed since the last one; heals a broken directory."""
    workdir = stack.workdir
    record = workdir.folder / "init.json"
    if _recorded(record) == _fingerprint(stack) and _looks_whole(workdir.root):
        return
    record.unlink(missing_ok=True)
    stack.say("Initialising the working directory.")
    outcome = _init(stack)
    if outcome.code > 0 and not outcome.interrupted and refused_call(outcome.stderr) is None:
        # Whatever a killed or broken run left behind there can be made again. State is elsewhere.
        _remove(workdir.root / ".terraform")
        if not (stack.context.project.environments_dir / LOCK).exists():
            (workdir.root / LOCK).unlink(missing_ok=True)
        outcome = _init(stack)
    if outcome.code != 0:
        raise failed(stack, "terraform init", outcome)
    keep_lock(stack.context.project, workdir)
    write_if_changed(record, dump({"fingerprint": _fingerprint(stack)}))


def _init(stack: Stack) -> Outcome:
    if not _looks_whole(stack.workdir.root):
        _remove(stack.workdir.root / ".terraform")
    # The backend's configuration is rendered; a changed one is taken as it is, state is never copied by the way.
    return stack.runner.run("init", "-input=false", "-no-color", "-reconfigure")


def _fingerprint(stack: Stack) -> str:
    """Changes when an init is needed: configuration (not values), lock file, Terraform, provider source."""
    total = hashlib.sha256()
    source = stack.context.source
    for text in (stack.context.terraform.identity, source.configuration or source.location):
        total.update(f"{text}\0".encode())
    root = stack.workdir.root
    sources = [path for path in root.iterdir() if path.name.endswith((".tf", ".tf.json")) or path.name == LOCK]
    sources += [path for path in (stack.workdir.folder / "modules").rglob("*.tf") if path.is_file()]
    for path in sorted(sources):
        if path.name not in (TRANSITIONS, PROVIDER):
            total.update(f"{path.relative_to(stack.workdir.folder)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


def _recorded(record: Path) -> str:
    return str(read_record(record).get("fingerprint", ""))


def _looks_whole(root: Path) -> bool:
    """Is there an initialised directory whose own files can be read and whose providers are where they were?"""
    data = root / ".terraform"
    try:
        json.loads((data / STATE_FILE).read_text("utf-8"))
        modules = data / "modules" / "modules.json"
        if modules.exists():
            json.loads(modules.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    providers = data / "providers"
    if not providers.is_dir():
        return not (root / LOCK).exists()
    platforms = list(providers.glob("*/*/*/*/*"))
    return bool(platforms) and all(any(platform.glob("terraform-provider-*")) for platform in platforms)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
