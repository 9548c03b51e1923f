"""The options that many commands have: one definition each, with a text of its own where a command means something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(text: str = "Print one JSON document.") -> Callable[[F], F]:
    """`--json`, which a command takes as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def local_option(text: str = "Use the embedded AWS on this machine.") -> Callable[[F], F]:
    """`--local`, which a command takes as `local`."""
    return click.option("--local", is_flag=True, help=text)


def _registry_addresses(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """{registry: address} of an option that is given as REGISTRY=URL, once or several times."""
    found = {}
    for value in values:
        registry, equals, url = value.partition("=")
        if not equals or not registry or not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"{value} is not REGISTRY=URL, such as quay.io=https://cache.example.com.")
        found[registry] = url.rstrip("/")
    return found


def registry_option(*names: str, text: str = "Reach a registry by another address.") -> Callable[[F], F]:
    """An option, `--via` without names, that is given as REGISTRY=URL once or several times: {registry: address}."""
    return click.option(
        *(names or ("--via",)), multiple=True, callback=_registry_addresses, metavar="REGISTRY=URL", help=text
    )
