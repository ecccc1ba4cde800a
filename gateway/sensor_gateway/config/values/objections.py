"""What a section's own class objects to, where some of its values are not known: only what holds in any case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from types import NoneType, UnionType
from typing import Final, Literal, Protocol, Union, get_args, get_origin

from sensor_gateway.config.values.notation import attribute_of
from sensor_gateway.config.values.readers import INVALID
from sensor_gateway.model.errors import message_of

OBJECTIONS: Final = (ValueError, TypeError, ArithmeticError, LookupError)
"""How a section, or code of a driver, may object to values."""

_MOST_TRIALS: Final = 500
_ANY: Final[Mapping[object, object]] = {float: 1.0, int: 1, str: "x"}
"""A value of a type that has too many to try them all."""


class Typed(Protocol):
    """A field, as far as it is needed here."""

    @property
    def type(self) -> object:
        """The type of its values."""
        ...


def certain_objection(section: type, values: Mapping[str, object], fields: Mapping[str, Typed]) -> str:
    """The sentence by which ``section`` refuses ``values`` whatever stands in place of those that are INVALID.

    Empty where there is none, or where it is about one of those.
    """
    unknown = [name for name, value in values.items() if value is INVALID]
    if any(name not in fields for name in unknown):
        return ""
    types = {name: list(_leaves(fields[name].type)) for name in unknown}
    choices = [_choices(leaves) for leaves in types.values()]
    if not all(choices) or prod(map(len, choices)) > _MOST_TRIALS:
        return ""
    guessed = [name for name, leaves in types.items() if any(leaf in _ANY for leaf in leaves)]
    said = ""
    for trial in product(*choices):
        sentence = _objection(section, {**values, **dict(zip(unknown, trial, strict=True))})
        if not sentence or (said and sentence != said):
            return ""
        said = sentence
    return "" if any(re.search(rf"\b{name}\b", said) for name in guessed) or _begins_with(said, unknown) else said


def _objection(section: type, values: Mapping[str, object]) -> str:
    try:
        section(**{attribute_of(name): value for name, value in values.items()})
    except OBJECTIONS as error:
        return message_of(error)
    return ""


def _begins_with(sentence: str, names: list[str]) -> bool:
    word = re.match(r"[\w-]+", sentence)
    return word is None or word[0] in names


def _leaves(hint: object) -> Iterator[object]:
    """The members of a union, and what a name for a type stands for."""
    if get_origin(hint) in (Union, UnionType):
        for member in get_args(hint):
            yield from _leaves(member)
    elif hasattr(hint, "__supertype__"):
        yield from _leaves(hint.__supertype__)
    else:
        yield hint


def _choices(leaves: list[object]) -> tuple[object, ...]:
    """Values to try: all of them or, of numbers and text, one. None at all where a type cannot be tried."""
    values: list[object] = []
    for leaf in leaves:
        if get_origin(leaf) is Literal:
            values.extend(get_args(leaf))
        elif leaf is bool:
            values.extend((False, True))
        elif leaf is NoneType:
            values.append(None)
        elif leaf in _ANY:
            values.append(_ANY[leaf])
        else:
            return ()
    return tuple(values)
