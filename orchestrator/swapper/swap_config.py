"""k8s-image-swapper's configuration file -> `SwapSettings`, or all that is wrong with it. Pure.

`read_swap_settings` takes the file as it is: every key that k8s-image-swapper 1.6 knows, `pullThroughPolicy`, `queue` and `state` besides.
It is stricter than its reader in one thing. Settings that k8s-image-swapper would ignore or log are refused with
their place: unknown keys and policies, broken filters. All of it is at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from orchestrator.counts import counted
from orchestrator.environment.identifiers import parse_arn
from orchestrator.errors import Location, RefusedInput
from orchestrator.routes.reference import is_path
from orchestrator.spelling import nearest
from orchestrator.swapper.filters import Filter, InvalidFilter, compile_filter
from orchestrator.swapper.loose_yaml import LooseTree, Written, read_tree
from orchestrator.swapper.swap_settings import (
    DEADLINE,
    CopyPolicy,
    LogFormat,
    PullThroughPolicy,
    QueueKind,
    StateKind,
    SwapPolicy,
    SwapRepository,
    SwapSettings,
    SwapSource,
    SwapTarget,
)

_ECR_OPTIONS = {
    "accessPolicy": None,
    "lifecyclePolicy": None,
    "tags": [{"key": None, "value": None}],
    "imageTagMutability": None,
    "imageScanningConfiguration": {"imageScanOnPush": None},
    "encryptionConfiguration": {"encryptionType": None, "kmsKey": None},
}
_REGISTRY = {
    "type": None,
    "aws": {"accountId": None, "region": None, "role": None, "prefix": None, "ecrOptions": _ECR_OPTIONS},
    "gcp": {"location": None, "projectId": None, "repositoryId": None},
}
SHAPE = {
    "dryRun": None,
    "logLevel": None,
    "logFormat": None,
    "listenAddress": None,
    "imageSwapPolicy": None,
    "imageCopyPolicy": None,
    "imageCopyDeadline": None,
    "pullThroughPolicy": None,
    "tlsCertFile": None,
    "tlsKeyFile": None,
    "source": {"registries": [_REGISTRY], "filters": [{"jmespath": None}]},
    "target": _REGISTRY,
    "queue": None,
    "queueUrl": None,
    "state": None,
    "tableName": None,
}
# viper reads the environment for keys that it knows: those of the file, and these, which have defaults.
_KNOWN_WITHOUT_FILE = (
    "target.type",
    "target.aws.ecrOptions.imageTagMutability",
    "target.aws.ecrOptions.imageScanningConfiguration.imageScanOnPush",
    "target.aws.ecrOptions.encryptionConfiguration.encryptionType",
    # Ours.
    *("pullThroughPolicy", "queue", "queueUrl", "state", "tableName"),
)
_LOG_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "panic", "disabled")
_ADDRESS = re.compile(r"(?P<host>|\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>[0-9]{1,5})")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
# The documentation's own examples have nine digits.
_ACCOUNT = re.compile(r"[0-9]{1,12}")
_QUEUE_URL = re.compile(r"https?://[^\s/]+/\S+")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# Seconds. A webhook has 30 at most, and a copy that is not waited for has no deadline.
_SHORTEST_DEADLINE, _LONGEST_DEADLINE = 0.001, 3600.0


class InvalidSwapSettings(RefusedInput):
    """Everything that is wrong with a configuration file, at once."""

    def __init__(self, problems: Sequence[RefusedInput]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{counted(count, 'problem')} in the swapper's configuration.")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def read_swap_settings(text: str, file: str, environ: Mapping[str, str] | None = None) -> SwapSettings:
    """The settings of a file's text, with what environment variables say instead: `DRYRUN`, `TARGET.AWS.REGION`.

    Raises InvalidSwapSettings with every problem, by line.
    """
    problems: list[RefusedInput] = []
    tree = read_tree(text, file, SHAPE, problems.append)
    settings = _Reader({**tree.scalars, **_from_environ(tree, environ or {})}, tree, file, problems.append).settings()
    if problems:
        raise InvalidSwapSettings(sorted(problems, key=lambda one: one.where.line if one.where else 0))
    return settings


def _from_environ(tree: LooseTree, environ: Mapping[str, str]) -> dict[str, Written]:
    """What viper takes from the environment: the key in upper case, where the value is not empty."""
    found = {}
    for key in {*tree.scalars, *_KNOWN_WITHOUT_FILE}:
        value = environ.get(key.upper(), "")
        if value:
            found[key] = Written(value, key, Location(f"environment variable {key.upper()}"), value)
    return found


class _Reader:
    """Values out of what was written. `_complain` takes what is wrong; the default stands in for it."""

    def __init__(
        self, written: Mapping[str, Written], tree: LooseTree, file: str, complain: Callable[[RefusedInput], None]
    ) -> None:
        self._written = written
        self._tree = tree
        self._file = file
        self._complain = complain

    def settings(self) -> SwapSettings:
        self._pairs()
        level = self._text("logLevel").lower() or "info"
        return SwapSettings(
            dry_run=self._boolean("dryRun", default=False),
            log_level=self._choice("logLevel", _LOG_LEVELS, level, "info"),
            log_format=cast("LogFormat", self._choice("logFormat", ("json", "console"))),
            listen_address=self._address(),
            swap_policy=cast("SwapPolicy", self._choice("imageSwapPolicy", ("exists", "always"))),
            copy_policy=cast("CopyPolicy", self._choice("imageCopyPolicy", ("delayed", "immediate", "force", "none"))),
            copy_deadline=self._deadline(),
            pull_through_policy=cast(
                "PullThroughPolicy", self._choice("pullThroughPolicy", ("redirect", "exists-or-warm"))
            ),
            tls_cert_file=self._text("tlsCertFile") or None,
            tls_key_file=self._text("tlsKeyFile") or None,
            filters=self._filters(),
            source_registries=self._sources(),
            target=self._target(),
            queue=cast("QueueKind", self._choice("queue", ("memory", "sqs"))),
            queue_url=self._formed("queueUrl", _QUEUE_URL, "It is the URL of an SQS queue.") or None,
            state=cast("StateKind", self._choice("state", ("sqlite", "dynamodb"))),
            table_name=self._formed("tableName", _TABLE, "It is the name of a DynamoDB table.") or None,
            said={**self._places(), **{key: one.where for key, one in self._written.items()}},
        )

    def _places(self) -> dict[str, Location]:
        """Where each list begins."""
        return {key: trees[0].where for key, trees in self._tree.lists.items() if trees and trees[0].where}

    def _pairs(self) -> None:
        for key, needed in (("tlsCertFile", "tlsKeyFile"), ("tlsKeyFile", "tlsCertFile")):
            if self._text(key) and not self._text(needed):
                self._wrong(key, f"There is no {needed}, and TLS needs both.", f"Write {needed} or remove {key}.")
        for key, wanted, needed in (("queue", "sqs", "queueUrl"), ("state", "dynamodb", "tableName")):
            if self._text(key) == wanted and not self._text(needed):
                self._wrong(key, f"There is no {needed}.", f"Write {needed} beside it.")
            if self._text(needed) and self._text(key) != wanted:
                self._wrong(needed, f"{key} is not {wanted}, so that nothing reads it.", f"Write {key}: {wanted}.")

    def _filters(self) -> tuple[Filter, ...]:
        found = []
        for at, one in enumerate(self._tree.lists.get("source.filters", ())):
            written = one.scalars.get(f"source.filters[{at}].jmespath")
            if written is None:
                self._refuse(
                    f"source.filters[{at}] has no jmespath.", "", "Write a condition, or remove it.", one.where
                )
                continue
            try:
                found.append(compile_filter(written.as_text(), written.where))
            except InvalidFilter as error:
                self._complain(error)
        return tuple(found)

    def _sources(self) -> tuple[SwapSource, ...]:
        found = []
        for at, one in enumerate(self._tree.lists.get("source.registries", ())):
            inner = _Reader(one.scalars, one, self._file, self._complain)
            path = f"source.registries[{at}]"
            if f"{path}.type" not in one.scalars:
                self._refuse(f"{path} has no type.", "A registry requires one.", "Write type: aws.", one.where)
                continue
            if not inner._is_aws(path):
                continue
            target = inner._registry(path)
            for key, value in (("accountId", target.account), ("region", target.region)):
                if not value and f"{path}.aws.{key}" not in one.scalars:
                    self._refuse(f"{path}.aws has no {key}.", "Its host is made of it.", f"Write {key}.", one.where)
            found.append(SwapSource(target.account, target.region, target.role))
        return tuple(found)

    def _target(self) -> SwapTarget | None:
        inside = [key for key in self._written if key.startswith("target.")]
        lists = any(key.startswith("target.") for key in self._tree.lists)
        if not self._is_aws("target") or not (inside or lists):
            return None
        target = self._registry("target")
        if bool(target.account) != bool(target.region):
            there, absent = ("accountId", "region") if target.account else ("region", "accountId")
            if f"target.aws.{absent}" not in self._written:
                self._wrong(f"target.aws.{there}", f"There is no {absent} beside it.", f"Write target.aws.{absent}.")
        return target

    def _is_aws(self, path: str) -> bool:
        kind = self._text(f"{path}.type") or "aws"
        if kind == "aws":
            return True
        why = "k8s-image-swapper knows aws and gcp; only Amazon ECR is a registry of ours."
        self._wrong(f"{path}.type", why, "Write aws, with the account and region of a registry in ECR.")
        return False

    def _registry(self, path: str) -> SwapTarget:
        aws = f"{path}.aws"
        return SwapTarget(
            account=self._formed(f"{aws}.accountId", _ACCOUNT, "An AWS account has twelve digits."),
            region=self._formed(f"{aws}.region", _REGION, "It is no region of AWS, such as eu-west-1."),
            role=self._role(f"{aws}.role"),
            prefix=self._prefix(f"{aws}.prefix"),
            repository=self._repository(f"{aws}.ecrOptions"),
        )

    def _repository(self, path: str) -> SwapRepository:
        encryption = f"{path}.encryptionConfiguration"
        kind = self._choice(f"{encryption}.encryptionType", ("AES256", "KMS"))
        key = self._text(f"{encryption}.kmsKey")
        if kind == "KMS" and not key:
            why = "k8s-image-swapper requires kmsKey with it."
            self._wrong(f"{encryption}.encryptionType", why, f"Write {encryption}.kmsKey.")
        return SwapRepository(
            access_policy=self._document(f"{path}.accessPolicy"),
            lifecycle_policy=self._document(f"{path}.lifecyclePolicy"),
            tags=self._tags(f"{path}.tags"),
            image_tag_mutability=self._choice(f"{path}.imageTagMutability", ("MUTABLE", "IMMUTABLE")),
            scan_on_push=self._boolean(f"{path}.imageScanningConfiguration.imageScanOnPush", default=True),
            encryption_type=kind,
            # The documentation's own example writes a key beside AES256, which reads none.
            kms_key=key if kind == "KMS" else "",
        )

    def _tags(self, path: str) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        for at, one in enumerate(self._tree.lists.get(path, ())):
            key, value = (one.scalars.get(f"{path}[{at}].{name}") for name in ("key", "value"))
            name = key.as_text() if key else ""
            if not name or name in found:
                why = f"There is a tag {name!r} already." if name else "A tag has a key."
                self._refuse(f"{path}[{at}] cannot be a tag.", why, "Give it a key of its own.", one.where)
                continue
            found[name] = value.as_text() if value else ""
        return tuple(found.items())

    def _text(self, key: str) -> str:
        written = self._written.get(key)
        return written.as_text() if written else ""

    def _boolean(self, key: str, *, default: bool) -> bool:
        written = self._written.get(key)
        value = written.as_boolean() if written else default
        if value is None:
            self._wrong(key, "It is neither true nor false.", "Write true or false.")
            return default
        return value

    def _choice(self, key: str, known: Sequence[str], value: str | None = None, default: str | None = None) -> str:
        value = self._text(key) if value is None else value
        if value in known:
            return value
        if value:
            meant = nearest(value, known)
            remedy = f'Did you mean "{meant}"?' if meant else f"Write {' or '.join(known)}."
            self._wrong(key, f"It is one of {', '.join(known)}.", remedy)
        return default or known[0]

    def _formed(self, key: str, form: re.Pattern[str], why: str) -> str:
        value = self._text(key)
        if value and not form.fullmatch(value):
            self._wrong(key, why, "Correct it.")
            return ""
        return value

    def _address(self) -> str:
        value = self._text("listenAddress") or ":8443"
        matched = _ADDRESS.fullmatch(value)
        if matched is None or int(matched["port"]) > 65535:
            self._wrong("listenAddress", "It is host:port or :port, with a port up to 65535.", "Write :8443.")
        return value

    def _deadline(self) -> float:
        written = self._written.get("imageCopyDeadline")
        seconds = written.as_seconds() if written else 0.0
        if seconds == 0:
            return DEADLINE
        if seconds is None:
            self._wrong("imageCopyDeadline", "It is a duration of Go, such as 8s, 1m30s or 500ms.", "Write 8s.")
        elif not _SHORTEST_DEADLINE <= seconds <= _LONGEST_DEADLINE:
            why = f"It is {seconds:g} s; a number without a unit counts nanoseconds."
            self._wrong("imageCopyDeadline", why, "Write a unit, as in 8s; from 1ms to 1h are taken.")
        else:
            return seconds
        return DEADLINE

    def _role(self, key: str) -> str:
        value = self._text(key)
        arn = parse_arn(value) if value else None
        if value and (arn is None or arn.service != "iam" or not arn.resource.startswith("role/")):
            self._wrong(key, "It is no ARN of an IAM role.", "Write it like arn:aws:iam::123456789012:role/name.")
            return ""
        return value

    def _prefix(self, key: str) -> str:
        value = self._text(key).strip("/")
        if value and not is_path(value):
            why = "A repository's name has lower case components between slashes."
            self._wrong(key, why, f"Write {value.lower()!r}." if is_path(value.lower()) else "Write it like /cache.")
            return ""
        return value

    def _document(self, key: str) -> str:
        value = self._text(key).strip()
        if not value:
            return ""
        try:
            found: object = json.loads(value)
        except (ValueError, RecursionError) as error:
            found = error
        if not isinstance(found, dict):
            why = f"It is no JSON object{f': {found}' if isinstance(found, Exception) else ''}."
            self._wrong(key, why, "Write the policy's document in JSON, below `|`.")
            return ""
        return value

    def _wrong(self, key: str, why: str, remedy: str) -> None:
        written = self._written.get(key)
        shown = written.text if written else ""
        shown = shown if len(shown) <= 120 else f"{shown[:120]}…"
        what = f"{key} {shown!r} cannot be used." if written else f"{key} is missing."
        self._refuse(what, why, remedy, written.where if written else Location(self._file))

    def _refuse(self, what: str, why: str, remedy: str, where: Location | None) -> None:
        self._complain(RefusedInput(what, why=why, remedy=remedy, where=where or Location(self._file)))
