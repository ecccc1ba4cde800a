"""Marks that a field of a section carries beside its type, where the type alone does not say how it is written.

They stand in ``Annotated`` behind the field's description and are read by the decoder, the schema and ``show``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Within:
    """The lowest and the highest value allowed, both included; None where there is no such limit.

    For a duration, a size or a frequency the limits are in seconds, bytes or hertz.
    """

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class FalseIsNone:
    """None is written ``false``; a section also takes ``true``, for all of its defaults."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A string that becomes part of topics: lower-case letters, digits, ``_`` and ``-``."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A string that may stand in an MQTT topic: no ``+``, ``#``, nor empty level."""


@dataclass(frozen=True, slots=True)
class NotWritten:
    """The field is no key of the file: it comes from elsewhere."""


FALSE_IS_NONE: Final = FalseIsNone()
IDENTIFIER: Final = Identifier()
TOPIC: Final = Topic()
NOT_WRITTEN: Final = NotWritten()
