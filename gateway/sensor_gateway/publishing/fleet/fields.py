"""Reads payloads that anybody may have published: a key that is missing or of another type is None, and no error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

Fields: TypeAlias = Mapping[str, object]

NOTHING: Final[Fields] = {}
_LONGEST: Final = 200


def fields_of(payload: bytes) -> Fields | None:
    """The JSON object in a payload; None where it is none."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text(fields: Fields, key: str) -> str | None:
    """A text without anything that a terminal would obey."""
    found = fields.get(key)
    return printable(found) if isinstance(found, str) else None


def number(fields: Fields, key: str) -> float | None:
    """A number, and no truth value."""
    found = fields.get(key)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def count(fields: Fields, key: str) -> int | None:
    """A whole number from zero."""
    found = fields.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def inner(fields: Fields, key: str) -> Fields:
    """An object within; an empty one where there is none."""
    found = fields.get(key)
    return found if isinstance(found, dict) else NOTHING


def texts(fields: Fields, key: str) -> tuple[str, ...]:
    """The texts of an array."""
    found = fields.get(key)
    return tuple(printable(one) for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def long_texts(fields: Fields, key: str) -> tuple[str, ...]:
    """As ``texts``, each of any length."""
    found = fields.get(key)
    return tuple(_without_orders(one) for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def age_s(time: str | None, now: datetime) -> float | None:
    """How long ago a moment was; None where it is none."""
    if time is None:
        return None
    try:
        then = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()


def printable(found: str) -> str:
    """At most 200 characters, with ``?`` for each that does not print."""
    return _without_orders(found[:_LONGEST])


def _without_orders(found: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in found)
