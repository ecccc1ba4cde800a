"""Marks that a field of a section carries beside its type, where the type alone does not say how it is written.

They stand in ``Annotated`` behind the field's description and are read by the decoder, the schema and ``show``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from keyword import iskeyword
from typing import Final

from sensor_gateway.model.names.topic_level import MAX_LENGTH, is_made_of_letters

MOST_PREFIX_BYTES: Final = 200
"""Longest topic prefix, in UTF-8: topics stay far below the 65,535 bytes that they may have."""

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa"})


@dataclass(frozen=True, slots=True)
class Within:
    """The lowest and the highest value allowed, both included; None where there is no such limit.

    For a duration, a size or a frequency the limits are in seconds, bytes or hertz.
    """

    low: float | None = None
    high: float | None = None


class Mark(Enum):
    """What a field says about itself in one word."""

    FALSE_IS_NONE = auto()
    """None is written ``false``; a section also takes ``true``, for all of its defaults."""
    IDENTIFIER = auto()
    """A string that becomes part of topics: lower-case letters, digits, ``_`` and ``-``."""
    TOPIC = auto()
    """A string that may stand in an MQTT topic: no ``+``, ``#``, nor empty level."""
    NOT_WRITTEN = auto()
    """The field is no key of the file: it comes from elsewhere."""


def key_of(attribute: str) -> str:
    """How a field is written: a word of Python cannot be one, and has a ``_`` behind it there."""
    word = attribute.removesuffix("_")
    return word if iskeyword(word) else attribute


def attribute_of(key: str) -> str:
    """The field that is written as ``key``."""
    return f"{key}_" if iskeyword(key) else key


def check_identifier(name: str) -> None:
    """ValueError for a name that cannot stand in a topic, with the one to write and where the old one may go."""
    if is_made_of_letters(name):
        if len(name) > MAX_LENGTH:
            raise ValueError(f"this name has {len(name)} characters; expected at most {MAX_LENGTH}")
        return
    offer = _nearest_identifier(name[:200])
    shown = name if len(name) <= MAX_LENGTH else f"{name[:MAX_LENGTH]}..."
    hint = f"; did you mean `{offer}`, with `label: {shown}`?" if offer else ""
    raise ValueError(f"`{shown}` cannot stand in a topic; expected lower-case letters, digits, `_` and `-`{hint}")


def _nearest_identifier(name: str) -> str:
    from unicodedata import normalize  # noqa: PLC0415 - needed for faults only, and a megabyte of tables

    latin = normalize("NFKD", name.lower().translate(_LETTERS))
    plain = latin.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:MAX_LENGTH]


def check_topic(prefix: str) -> None:
    """ValueError for a topic prefix that MQTT, a broker, or a subscriber's wildcard would stumble over.

    (MQTT 5, sections 1.5.4 and 4.7: brokers may close the connection over control characters and non-characters.)
    """
    if any(character in prefix for character in "+#"):
        raise ValueError(f"{prefix!r} holds a wildcard of MQTT (+ or #); expected plain levels like sensors/v1")
    found = _UNPRINTABLE.search(prefix) or next(filter(_is_no_character, prefix), None)
    if found:
        raise ValueError(f"{prefix!r} holds a character that no topic may have; expected plain levels like sensors/v1")
    if not prefix or not all(prefix.split("/")):
        raise ValueError(f"{prefix!r} has an empty level; expected plain levels like sensors/v1, without outer slashes")
    if prefix.startswith("$"):
        raise ValueError(f"{prefix!r} belongs to the broker; expected plain levels like sensors/v1")
    size = len(prefix.encode())
    if size > MOST_PREFIX_BYTES:
        raise ValueError(f"this prefix has {size} bytes in UTF-8; expected at most {MOST_PREFIX_BYTES}")


def _is_no_character(character: str) -> bool:
    """The last two code points of each plane are none, for ever."""
    return ord(character) & 0xFFFE == 0xFFFE
