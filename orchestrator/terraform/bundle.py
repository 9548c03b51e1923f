"""A plan as one file that another CI job applies: Terraform's plan, what it was made from, and the lock file.

Plans hold secrets (Terraform writes every value into them), so that the file has mode 0600; keep it as a secret.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from orchestrator.errors import RefusedInput, local_flag
from orchestrator.files.replace import write_whole

FORMAT = 2
MANIFEST = "manifest.json"
PLAN = "plan.tfplan"
LOCK = "terraform.lock.hcl"
LARGEST = 256 * 1024 * 1024
LARGEST_MANIFEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """What a plan was made from. `digest` is over the rendered inputs; `kind` is apply or destroy.

    `content` is the SHA-256 of plan and lock file, which the file's writer fills in.
    """

    environment: str
    account_id: str
    region: str
    local: bool
    kind: str
    digest: str
    terraform_version: str
    created: str
    format: int = FORMAT
    content: str = ""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file that was read back."""

    manifest: PlanOrigin
    plan: bytes
    lock: bytes


def write_bundle(path: Path, bundle: PlanFile) -> None:
    """Write the file whole or not at all, mode 0600."""
    manifest = replace(bundle.manifest, content=_content_digest(bundle.plan, bundle.lock))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2, sort_keys=True))
        archive.writestr(PLAN, bundle.plan)
        archive.writestr(LOCK, bundle.lock)
    write_whole(path, content.getvalue())


def read_bundle(path: Path) -> PlanFile:
    """The file's content. Raises RefusedInput for what `plan --out` did not write."""
    try:
        with _open_regular(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if sorted(entry.filename for entry in entries) != sorted((MANIFEST, PLAN, LOCK)):
                raise _no_plan_file(path, "It holds other files than a plan file does.")
            if any(entry.compress_type not in _METHODS for entry in entries):
                raise _no_plan_file(path, "It is packed in another way than a plan file.")
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise _no_plan_file(path, "It is too large.")
            if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
                raise _no_plan_file(path, f"Its {MANIFEST} is too large.")
            origin = _origin(path, json.loads(archive.read(MANIFEST)))
            bundle = PlanFile(origin, archive.read(PLAN), archive.read(LOCK))
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}.") from error
    except _CORRUPT as error:
        raise _no_plan_file(path, f"{str(error).rstrip('.') or type(error).__name__}.") from error
    if origin.content != _content_digest(bundle.plan, bundle.lock):
        raise _no_plan_file(path, "The plan in it is not the one that its manifest was written for.")
    return bundle


# Others have decoders with errors of their own.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What the standard library raises for archives and texts that somebody damaged, encrypted or made up.
_CORRUPT = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    RuntimeError,
)


def _open_regular(path: Path) -> io.BufferedReader:
    """The opened file; a pipe or device is refused and not waited for. Raises OSError, RefusedInput."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise _no_plan_file(path, "It is no regular file.")
    return file


def _origin(path: Path, values: dict[str, object]) -> PlanOrigin:
    """The manifest as a value. Raises RefusedInput for another format, TypeError for what is no manifest."""
    if values.get("format") != FORMAT:
        raise RefusedInput(
            f"{path} has format {str(values.get('format'))[:20]}, this program reads {FORMAT}.",
            remedy="Use the same version of orchestrator in both jobs.",
        )
    for name, value in values.items():
        wanted = {"local": bool, "format": int}.get(name, str)
        if type(value) is not wanted:
            raise TypeError(f"{name[:40]} in its {MANIFEST} is no {wanted.__name__}")
    return PlanOrigin(**values)  # type: ignore[arg-type]


def _content_digest(plan: bytes, lock: bytes) -> str:
    return f"sha256:{hashlib.sha256(hashlib.sha256(plan).digest() + hashlib.sha256(lock).digest()).hexdigest()}"


def _no_plan_file(path: Path, why: str) -> RefusedInput:
    return RefusedInput(
        f"{path} is no plan file.", why=why[:200], remedy="`orchestrator plan NAME --out FILE` makes one."
    )


def check_bundle(path: Path, bundle: PlanFile, here: PlanOrigin) -> None:
    """Raise RefusedInput when the plan was made from something else than what is `here`."""
    made = bundle.manifest
    flag = local_flag(here.local)
    again = f"Make a new plan: `orchestrator plan {here.environment} --out {path}{flag}`."
    compared = (
        ("environment", made.environment, here.environment, ""),
        ("account", made.account_id, here.account_id, ""),
        ("region", made.region, here.region, ""),
        ("kind", made.kind, here.kind, ""),
        ("target", _target(made), _target(here), "--local belongs to both commands or to none."),
        ("Terraform version", made.terraform_version, here.terraform_version, "Use the same in both jobs."),
    )
    for name, then, now, remedy in compared:
        if then != now:
            raise RefusedInput(
                f'{path} was made for {name} "{then}", but this is "{now}".',
                why="A plan is applied only where it was made for.",
                remedy=remedy or again,
            )
    if made.digest != here.digest:
        raise RefusedInput(
            f'{path} was made from other inputs: the files of environment "{here.environment}" (tfvars, root module, '
            "modules) have changed since.",
            why=f"It was made on {made.created} from {made.digest[:19]}; these are {here.digest[:19]}.",
            remedy=f"Check out the same commit in both jobs, or: {again}",
        )


def _target(manifest: PlanOrigin) -> str:
    return "the embedded AWS" if manifest.local else "AWS"
