"""A plan as one file that another CI job applies: Terraform's plan, what it was made from, and the lock file.

Plans hold secrets (Terraform writes every value into them), so that the file has mode 0600; keep it as a secret.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.errors import RefusedInput
from orchestrator.files.replace import write_whole

FORMAT = 1
MANIFEST = "manifest.json"
PLAN = "plan.tfplan"
LOCK = "terraform.lock.hcl"
LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """What a plan was made from. `digest` is over the rendered inputs; `kind` is apply or destroy."""

    environment: str
    account_id: str
    region: str
    local: bool
    kind: str
    digest: str
    terraform_version: str
    created: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file that was read back."""

    manifest: PlanOrigin
    plan: bytes
    lock: bytes


def write_bundle(path: Path, bundle: PlanFile) -> None:
    """Write the file whole or not at all, mode 0600."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(asdict(bundle.manifest), indent=2, sort_keys=True))
        archive.writestr(PLAN, bundle.plan)
        archive.writestr(LOCK, bundle.lock)
    write_whole(path, content.getvalue())


def read_bundle(path: Path) -> PlanFile:
    """The file's content. Raises RefusedInput for what `plan --out` did not write."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise RefusedInput(f"{path} is no plan file: it is too large.")
            values = json.loads(archive.read(MANIFEST))
            if values.get("format") != FORMAT:
                raise RefusedInput(
                    f"{path} has format {values.get('format')!r}, this program reads {FORMAT}.",
                    remedy="Use the same version of orchestrator in both jobs.",
                )
            return PlanFile(PlanOrigin(**values), archive.read(PLAN), archive.read(LOCK))
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RefusedInput(
            f"{path} is no plan file.", why=str(error), remedy="`orchestrator plan NAME --out FILE` makes one."
        ) from error


def check_bundle(path: Path, bundle: PlanFile, here: PlanOrigin) -> None:
    """Raise RefusedInput when the plan was made from something else than what is `here`."""
    made = bundle.manifest
    again = f"Make a new plan: `orchestrator plan {here.environment} --out {path}`."
    compared = (
        ("environment", made.environment, here.environment, ""),
        ("account", made.account_id, here.account_id, ""),
        ("region", made.region, here.region, ""),
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
