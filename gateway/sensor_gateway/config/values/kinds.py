"""How each kind of single value is written in the file: read from a scalar, shown again, and described by a schema.

One row per type. What is made of several values (sections, lists, mappings) is the decoder's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sensor_gateway.config.text.nodes import ScalarNode, described, read_plain
from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.config.values.secret import HIDDEN, Secret, SecretFile
from sensor_gateway.config.values.units import (
    DURATION,
    FREQUENCY,
    SIZE,
    Argument,
    Hertz,
    Scale,
    parse_duration,
    parse_frequency,
    parse_size,
)
from sensor_gateway.model.units import Bytes, Seconds

_SAYS_TRUE: Final = frozenset({"yes", "on", "y"})
_SAYS_FALSE: Final = frozenset({"no", "off", "n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type: ``read`` raises ValueError with a sentence; ``write`` gives a value that YAML can hold."""

    expected: str
    read: Callable[[ScalarNode], object]
    write: Callable[[Any], object]
    schema: Mapping[str, object]
    scale: Scale | None = None


def read_bool(node: ScalarNode) -> bool:
    """``true`` or ``false``; the words of YAML 1.1 get a hint."""
    if isinstance(node.value, bool):
        return node.value
    word = node.text.lower()
    hint = "; did you mean true?" if word in _SAYS_TRUE else "; did you mean false?" if word in _SAYS_FALSE else ""
    raise ValueError(f"expected true or false, got {described(node)}{hint}")


def read_int(node: ScalarNode) -> int:
    """A whole number, in decimal or as ``0x76``."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    raise ValueError(f"expected a whole number, got {described(node)}{_unquoting(node)}")


def read_float(node: ScalarNode) -> float:
    """A finite number."""
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise ValueError(f"expected a finite number, got {described(node)}")
    raise ValueError(f"expected a number, got {described(node)}{_unquoting(node)}{_with_a_point(node)}")


def read_text(node: ScalarNode) -> str:
    """Text; a number or a truth value has to be quoted to be one."""
    if isinstance(node.value, str):
        return node.value
    hint = "" if node.value is None else f'; did you mean "{node.text}" (in quotes)?'
    raise ValueError(f"expected text, got {described(node)}{hint}")


def read_argument(node: ScalarNode) -> str:
    """What a program is started with: as it is written, so that a number needs no quotes."""
    if node.value is None and not node.is_quoted:
        raise ValueError('expected a word, got nothing; an empty one is written ""')
    if "\0" in node.text:
        raise ValueError("a word for a program cannot hold the character NUL")
    return node.text


def read_path(node: ScalarNode) -> Path:
    """A path; a relative one starts at the file that it is written in."""
    text = read_text(node)
    if not text or "\0" in text:
        raise ValueError("expected the path of a file, got nothing")
    return node.place.file.parent.absolute() / text


def _unquoting(node: ScalarNode) -> str:
    is_number = node.is_quoted and isinstance(read_plain(node.text), (int, float))
    return f"; did you mean {node.text} (without quotes)?" if is_number else ""


def _with_a_point(node: ScalarNode) -> str:
    """For those who write a decimal comma."""
    text = node.text.replace(",", ".", 1)
    is_number = "," in node.text and isinstance(read_plain(text), float)
    return f"; did you mean {text}?" if is_number else ""


def _amount(scale: Scale, parse: Callable[[str], object]) -> Callable[[ScalarNode], object]:
    def read(node: ScalarNode) -> object:
        if isinstance(node.value, str):
            return parse(node.value)
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            raise ValueError(scale.bare(node.text))  # noqa: TRY004 - a sentence about the file
        raise ValueError(f"expected a {scale.noun} like {scale.example}, got {described(node)}")

    return read


def _read_url(node: ScalarNode) -> BrokerUrl:
    if not isinstance(node.value, str):
        raise ValueError(f"expected an address like mqtt://broker.lan, got {described(node)}")  # noqa: TRY004
    return BrokerUrl.parse(node.value)


def _read_secret(node: ScalarNode) -> Secret:
    if node.is_substituted and node.text:
        return Secret(node.text)
    if isinstance(node.value, str) and node.value:
        return Secret(node.value, node.place)
    came = "nothing" if node.text == "" else "something else"
    raise ValueError(f'expected text, got {came}; a password of digits or the like stands in quotes: "..."')


def _read_secret_file(node: ScalarNode) -> SecretFile:
    name = read_text(node)
    if not name or "\0" in name:
        raise ValueError("expected the name of a credential or file, got nothing")
    return SecretFile(name=name, place=node.place)


def _same(value: object) -> object:
    return value


def _amount_kind(scale: Scale, parse: Callable[[str], object]) -> Kind:
    return Kind(
        expected=f"a {scale.noun}",
        read=_amount(scale, parse),
        write=scale.write,
        schema={"type": "string", "pattern": scale.pattern, "examples": [scale.example.partition(",")[0]]},
        scale=scale,
    )


_STRING: Final[Mapping[str, object]] = MappingProxyType({"type": "string"})
_WORD: Final[Mapping[str, object]] = MappingProxyType({"type": ["string", "number", "boolean"]})

KINDS: Final[Mapping[object, Kind]] = MappingProxyType(
    {
        bool: Kind(expected="true or false", read=read_bool, write=_same, schema={"type": "boolean"}),
        int: Kind(expected="a whole number", read=read_int, write=_same, schema={"type": "integer"}),
        float: Kind(expected="a number", read=read_float, write=_same, schema={"type": "number"}),
        str: Kind(expected="text", read=read_text, write=_same, schema=_STRING),
        Argument: Kind(expected="a word", read=read_argument, write=_same, schema=_WORD),
        Path: Kind(expected="a path", read=read_path, write=str, schema=_STRING),
        Seconds: _amount_kind(DURATION, parse_duration),
        Bytes: _amount_kind(SIZE, parse_size),
        Hertz: _amount_kind(FREQUENCY, parse_frequency),
        BrokerUrl: Kind(
            expected="an address like mqtt://broker.lan",
            read=_read_url,
            write=str,
            schema={"type": "string", "pattern": "^[mM][qQ][tT]{2}[sS]?://[^/@]+/?$"},
        ),
        Secret: Kind(expected="text", read=_read_secret, write=lambda _: HIDDEN, schema=_STRING),
        SecretFile: Kind(
            expected="the name of a file", read=_read_secret_file, write=lambda file: file.name, schema=_STRING
        ),
    }
)
"""The types of single values that a section or a driver's options may have."""
