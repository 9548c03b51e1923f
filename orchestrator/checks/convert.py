"""Values of a tfvars file -> values of the types that the model declares, by Terraform's own conversion rules.

Terraform converts between strings, numbers and bools where a variable's type asks for it. It drops object attributes
that the type does not name, silently. We convert alike, but refuse what would be dropped. Messages are ours: pydantic
only sees values that fit.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from orchestrator.checks.problem import Problem, shown
from orchestrator.environment.tfvars import Path, Tfvars, dotted
from orchestrator.environment.tfvars_bounds import MOST_DIGITS, MOST_EXPONENT, is_too_long
from orchestrator.spelling import nearest

INVALID: Any = object()
"""Stands for a value that could not be converted; its problem was already reported."""

# Digits that a sentence shows whole: what `shown` leaves as it is.
SHOWN = 78
# What Terraform's string-to-number conversion takes (hexadecimal exponents left out).
_NUMBER = re.compile(r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]{1,3})?")

Report = Callable[[Problem], None]


class Converter:
    """Converts the values of one Tfvars; calls `report` for each that does not fit and goes on."""

    def __init__(self, tfvars: Tfvars, report: Report) -> None:
        self.tfvars = tfvars
        self.report = report

    def convert(self, value: object, wanted: Any, path: Path, default: object = INVALID) -> Any:
        """`value` as `wanted` (an annotation of the model), or INVALID. Null becomes `default` where there is one."""
        wanted, nullable = _without_none(wanted, value)
        if value is None:
            if nullable:
                return None
            if default is not INVALID:
                return default
            return self._wrong(value, path, "null is no value here.", "Leave it out to get the default.")
        if value == "" and nullable:
            return self._wrong(value, path, "An empty string is not the same as nothing.", "Remove the line.")
        if isinstance(wanted, type) and issubclass(wanted, BaseModel):
            return self.attributes(value, wanted, path)
        if wanted is Any:
            return value
        if get_origin(wanted) is tuple:
            return self._list(value, get_args(wanted)[0], path)
        if get_origin(wanted) is dict:
            return self._map(value, get_args(wanted)[1], path)
        return {str: self._string, int: self._number, float: self._fraction, bool: self._bool}[wanted](value, path)

    def attributes(self, value: object, model: type[BaseModel], path: Path) -> Any:
        """A nested object: unknown attributes are refused, missing ones named."""
        if not isinstance(value, dict):
            return self._wrong(value, path, "An object is wanted.", f"Write {{ {_example(model)} }}.")
        result: dict[str, object] = {}
        bad = False
        fields = model.model_fields
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                self._unknown(key, fields, (*path, key))
                bad = True
                continue
            # Terraform gives an optional attribute's default for null, too.
            default = INVALID
            if item is None and not field.is_required():
                default = field.get_default(call_default_factory=True)
            result[key] = self.convert(item, field.annotation, (*path, key), default)
            bad = bad or result[key] is INVALID
        for key, field in fields.items():
            if key not in value and field.is_required():
                bad = True
                self.report(
                    Problem(
                        f"{dotted(path)} has no {key}.",
                        why="It is required.",
                        remedy=f"Add {key} = {_example_of(field.annotation)}.",
                        where=self.tfvars.where(path),
                        variable=dotted((*path, key)),
                    )
                )
        return INVALID if bad else result

    def _unknown(self, key: str, known: Iterable[str], path: Path) -> None:
        known = list(known)
        guess = nearest(key, known)
        self.report(
            Problem(
                f"{dotted(path[:-1])} has no attribute {key}.",
                why="Terraform would silently ignore it.",
                remedy=f'Did you mean "{guess}"?' if guess else f"It has {', '.join(known)}.",
                where=self.tfvars.where(path),
                variable=dotted(path),
                value=key,
            )
        )

    def _list(self, value: object, item: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return self._wrong(value, path, "A list is wanted.", f"Write [{shown(value)}].")
        converted = [self.convert(element, item, (*path, index)) for index, element in enumerate(value)]
        return INVALID if any(element is INVALID for element in converted) else converted

    def _map(self, value: object, item: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(value, path, "A map is wanted.", "Write { name = … }.")
        converted = {key: self.convert(element, item, (*path, key)) for key, element in value.items()}
        # One bad entry must not hide what is wrong with the others.
        return {key: element for key, element in converted.items() if element is not INVALID}

    def _string(self, value: object, path: Path) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return self._number_as_string(value, path)
        return self._wrong(value, path, "A string is wanted.", "Write one value in double quotes.")

    def _number_as_string(self, value: int | float, path: Path) -> Any:
        text = format_number(value)
        written = self.tfvars.numbers.get(path, text)
        if written == text:
            return text
        self.report(
            Problem(
                f"{dotted(path)} is {written if len(written) <= SHOWN else shown(written)} without quotes.",
                why=f"Terraform reads a number there and makes it {shown(text)}.",
                # A value in a remedy is said whole, or not at all.
                remedy=f"Write {shown(written)}." if len(written) <= SHOWN else "Put its digits in quotes.",
                where=self.tfvars.where(path),
                variable=dotted(path),
                value=value,
            )
        )
        return INVALID

    def _bool(self, value: object, path: Path) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in {"true", "1", "false", "0"}:
            return value in {"true", "1"}
        return self._wrong(value, path, "true or false is wanted.", "Write true or false, without quotes.")

    def _fraction(self, value: object, path: Path) -> Any:
        number = _decimal(value)
        if number is None:
            return self._wrong(value, path, _why_none(value), "Write a number such as 0.5, without quotes.")
        return float(number)

    def _number(self, value: object, path: Path) -> Any:
        number = _decimal(value)
        if number is None:
            return self._wrong(value, path, _why_none(value), "Write a whole number, without quotes.")
        if number != number.to_integral_value():
            return self._wrong(value, path, "A whole number is wanted.", f"Write {int(number)} or {int(number) + 1}.")
        return int(number)

    def _wrong(self, value: object, path: Path, why: str, remedy: str) -> Any:
        self.report(
            Problem(
                f"{dotted(path)} is {shown(value)}.",
                why=why,
                remedy=remedy,
                where=self.tfvars.where(path),
                variable=dotted(path),
                value=value,
            )
        )
        return INVALID


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) and not is_too_long(value) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return None


def _why_none(value: object) -> str:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return f"It has more than {MOST_DIGITS} digits, or an exponent beyond {MOST_EXPONENT}."
    return "A number is wanted."


def format_number(value: int | float) -> str:
    """A number as Terraform turns it into a string: 1.50 -> "1.5", never with an exponent."""
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)).normalize():f}"


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _without_none(annotation: Any, value: object = None) -> tuple[Any, bool]:
    """(the type without None and markers, whether None is allowed); of one or several the one that `value` is."""
    return _taken_apart(annotation, isinstance(value, list))


@cache
def _taken_apart(annotation: Any, listed: bool) -> tuple[Any, bool]:
    annotation = _bare(annotation)
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [part for part in get_args(annotation) if part is not type(None)]
        several = [part for part in rest if get_origin(_bare(part)) is tuple] if listed else []
        return _without_none((several or rest)[0])[0], len(rest) < len(get_args(annotation))
    return annotation, False


def _example_of(annotation: Any) -> str:
    wanted, _ = _without_none(annotation)
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return f"{{ {_example(wanted)} }}"
    return {tuple: "[…]", dict: "{ … }"}.get(
        get_origin(wanted), {str: '"…"', int: "1", float: "0.5", bool: "true"}.get(wanted, "…")
    )


def _example(model: type[BaseModel]) -> str:
    required = [(name, field) for name, field in model.model_fields.items() if field.is_required()]
    return ", ".join(f"{name} = {_example_of(field.annotation)}" for name, field in required) or "…"
