"""One refusal of AWS's, and what a call asks for as its check sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from orchestrator.local.calls import Call
from orchestrator.local.principal import account_of, partition_of

_NUMBERED = re.compile(r"(.+)\.(\d+)")


class AskedOfAws:
    """A call's parameters in the form of its protocol, and the state that moto keeps for the caller's account."""

    def __init__(self, call: Call) -> None:
        from moto.core.models import DEFAULT_ACCOUNT_ID

        self.call = call
        self.account_id = account_of(call) or str(DEFAULT_ACCOUNT_ID)
        self.region = call.region

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of a query protocol (EC2, IAM, SNS)."""
        return dict(parse_qsl(self.call.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The members of a JSON protocol, those of the path included; empty when the body is no object."""
        try:
            body = json.loads(self.call.body or b"{}")
        except ValueError:
            body = {}
        return {**self.call.path_values, **(body if isinstance(body, dict) else {})}

    def listed(self, name: str) -> list[str]:
        """The values of `name.1`, `name.2`, …, each once."""
        found: dict[str, None] = {}
        for key, value in self.form.items():
            match = _NUMBERED.fullmatch(key)
            if match and match.group(1) == name:
                found[value] = None
        return list(found)

    @property
    def ec2(self) -> Any:
        from moto.ec2.models import ec2_backends

        return ec2_backends[self.account_id][self.region]

    @property
    def iam(self) -> Any:
        from moto.iam.models import iam_backends

        return iam_backends[self.account_id][partition_of(self.region)]


@dataclass(frozen=True, slots=True)
class Check:
    """AWS answers `error` to `operation` when `finds` gives a message; `when` and `source` are for the page."""

    service: str
    operation: str
    error: str
    when: str
    source: str
    finds: Callable[[AskedOfAws], str | None]
    status: int = 400
