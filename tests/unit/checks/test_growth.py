"""Four times as many entries take about four times as long: measured as a ratio, never in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import cast

import pytest

from orchestrator.checks.accounts import check_accounts
from orchestrator.checks.check import check_environment
from orchestrator.checks.context import Context
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.routes.build import build_route_table

HEAD = 'cluster_name = "dev"\naccount_id = "123456789012"\naws_region = "us-east-1"\ncreate_vpc_endpoints = false\n'
FEW, MANY = 2_000, 8_000
# Linear is 4, and caches of the processor make it a little more; one comparison of each with each is 16.
SQUARE = 9


def block(name: str, entries: Iterable[str]) -> str:
    return "\n".join((f"{name} = {{", *entries, "}\n"))


def mirrors(count: int) -> str:
    """Each with an image that is copied, in one registry."""
    return block("mirrors", (f'm{i} = {{ source = "r.example.com/team{i}" }}' for i in range(count))) + block(
        "mirror_images", (f'"r.example.com/team{i}/app" = {{ tags = ["1"] }}' for i in range(count))
    )


def roles(count: int) -> str:
    return "node_role_names = [" + ", ".join(f'"node{i}"' for i in range(count)) + "]\n"


def excludes(count: int) -> str:
    listed = ", ".join(f'"r.example.com/old{i}"' for i in range(count))
    return f'mirrors = {{ here = {{ source = "r.example.com" }} }}\nexclude = [{listed}]\n'


def seconds(text: str) -> float:
    """Of this process's own work: parse, check, and build the table."""
    began = time.process_time()
    checked = check_environment("dev", [parse_tfvars(HEAD + text, "environments/dev.tfvars")])
    assert checked.environment is not None, checked.problems[:3]
    build_route_table(checked.environment)
    return time.process_time() - began


@pytest.mark.speed
@pytest.mark.parametrize("make", [mirrors, roles, excludes])
def test_four_times_as_many_take_about_four_times_as_long(make: Callable[[int], str]) -> None:
    few, many = make(FEW), make(MANY)
    seconds(make(1))
    # Other processes may take the caches away in one try, hardly in all of them.
    assert any(seconds(many) < SQUARE * seconds(few) for _ in range(3))


class Account(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other: object) -> bool:
        Account.compared += 1
        return str.__eq__(self, other)


def test_each_account_is_not_compared_with_all_before_it() -> None:
    accounts = [Account(f"{number:012}") for number in range(FEW)]
    nobody = cast("Context", SimpleNamespace(usable=lambda *_: False))

    check_accounts(nobody, ("registry_consumer_account_ids",), accounts, cannot_be_own=False)

    assert Account.compared < 10 * FEW
