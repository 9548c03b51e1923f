"""The options that many commands have: one definition each. A command that means something else gives a text of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
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


class Number(click.FloatRange):
    """A number in a range; never "nan", which lies in every range, nor an infinite one. `hint` follows what is none."""

    def __init__(self, least: float, most: float | None = None, hint: str = "") -> None:
        super().__init__(least, most)
        self._hint = hint

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            self.fail(f'"{value}" is no number.{self._hint}', param, ctx)
        if not math.isfinite(number):
            self.fail(f'"{value}" is no number.', param, ctx)
        return super().convert(value, param, ctx)


def allow_fraction_option() -> Callable[[F], F]:
    """`--allow-fraction`, which a command takes as `allow_fraction`."""
    return click.option(
        "--allow-fraction",
        type=Number(0, 1, " NAME comes before --allow-fraction, or give it a value: --allow-fraction 1."),
        is_flag=False,
        flag_value=1.0,
        help="Largest part of the images that may expire, in the guard's place; 1 without a value.",
    )


def snapshot_option() -> Callable[[F], F]:
    """`--snapshot`, which a command takes as `snapshots`."""
    return click.option(
        "--snapshot",
        "snapshots",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Snapshot of a cluster, beside those in the bucket.",
    )
