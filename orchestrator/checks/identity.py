"""Checks of who and where an environment is: name, cluster, platform, account, region, state, tags."""

from __future__ import annotations

import re

from orchestrator.checks.arns import check_kms_key
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.identifiers import is_region
from orchestrator.environment.value_types import ROSA_CLUSTER_NAME

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,89}")
_RESERVED_NAMES = {
    "common": "common.tfvars holds what all environments share.",
    "default": "Terraform's workspace of that name is what one gets without choosing.",
    "terraform": "Plain Terraform reads terraform.tfvars for every environment.",
}
# Folders of .orchestrator/, where each environment has one of its own; a case-insensitive disk takes Local for local.
_OWN_FOLDERS = {
    "local": "Its folder .orchestrator/local is where --local keeps the working directories of all environments.",
    "local-aws": "Its folder .orchestrator/local-aws is where the embedded AWS keeps its record.",
}


def check_identity(context: Context) -> None:
    """All of them."""
    environment = context.environment
    _check_name(context)
    _check_cluster_name(context)
    _check_state(context)
    if context.written("protected_only"):
        context.error(
            ("protected_only",),
            "protected_only is set in a file.",
            why="With true, the next apply would destroy everything that is not protected.",
            remedy="Remove it; `orchestrator destroy` sets it by itself.",
            value=environment.protected_only,
        )
    if context.written("others"):
        context.error(
            ("others",),
            "others is set in a file.",
            why="It says what AWS holds of others; only a look at the account can tell.",
            remedy="Remove it; `orchestrator plan` and `apply` set it by themselves.",
            value=None,
        )


def name_fault(name: str) -> str | None:
    """Why an environment cannot be called `name`; None when it can."""
    if name in _RESERVED_NAMES:
        return _RESERVED_NAMES[name]
    if name.lower() in _OWN_FOLDERS:
        return _OWN_FOLDERS[name.lower()]
    if name.endswith(".auto"):
        return "Plain Terraform reads *.auto.tfvars for every environment."
    if not _NAME.fullmatch(name):
        return "It names a workspace, a folder and a key in S3: letters, digits, and . _ - after the first."
    return None


def _check_name(context: Context) -> None:
    name, written = context.environment.name, context.environment.environment
    fault = name_fault(name)
    if fault is not None:
        context.error((), f'The environment is called "{name}".', why=fault, remedy="Rename its file.", value=name)
    if written is not None and written != name:
        context.error(
            ("environment",),
            f"environment is {shown(written)} in an environment called {shown(name)}.",
            why="The name of the file is the environment's name, and that of its workspace.",
            remedy=f"Remove the line, or rename the file to {written}.tfvars."
            if name_fault(written) is None
            else "Remove the line.",
            value=written,
        )


def _check_cluster_name(context: Context) -> None:
    if not context.usable("cluster_name", "platform"):
        return
    environment = context.environment
    fault = ROSA_CLUSTER_NAME.judge(environment.cluster_name) if environment.platform != "eks" else None
    if fault is not None:
        what, (why, remedy) = f"cluster_name is {shown(environment.cluster_name)}.", fault
        context.error(("cluster_name",), what, why=why, remedy=remedy, value=environment.cluster_name)


def _check_state(context: Context) -> None:
    state = context.environment.state
    if state is None:
        return
    if state.region is None or is_region(state.region):
        check_kms_key(context, ("state", "kms_key_arn"), state.kms_key_arn, state.region)
