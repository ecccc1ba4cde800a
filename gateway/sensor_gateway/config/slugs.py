"""Names that stand in topics: what they may hold, and what to write instead of one that does not fit."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_IDENTIFIER: Final = re.compile(r"[a-z0-9_-]+")
_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa"})
MAX_LENGTH: Final = 64
"""Longest name: topics and ids stay short enough to be read."""


def slug(name: str) -> str:
    """The nearest name of lower-case letters, digits, ``_`` and ``-``; empty where nothing is left."""
    latin = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    plain = latin.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:MAX_LENGTH]


def check_identifier(name: str) -> None:
    """ValueError for a name that cannot stand in a topic, with the one to write and where the old one may go."""
    if _IDENTIFIER.fullmatch(name):
        if len(name) > MAX_LENGTH:
            raise ValueError(f"this name has {len(name)} characters; expected at most {MAX_LENGTH}")
        return
    offer = slug(name[:200])
    shown = name if len(name) <= MAX_LENGTH else f"{name[:MAX_LENGTH]}..."
    hint = f"; did you mean `{offer}`, with `label: {shown}`?" if offer else ""
    raise ValueError(f"`{shown}` cannot stand in a topic; expected lower-case letters, digits, `_` and `-`{hint}")


def check_topic(prefix: str) -> None:
    """ValueError for a topic prefix that MQTT, or a subscriber's wildcard, would stumble over."""
    if any(character in prefix for character in "+#\0"):
        raise ValueError(f"{prefix!r} holds a wildcard of MQTT (+ or #); expected plain levels like sensors/v1")
    if not prefix or not all(prefix.split("/")):
        raise ValueError(f"{prefix!r} has an empty level; expected plain levels like sensors/v1, without outer slashes")
    if prefix.startswith("$"):
        raise ValueError(f"{prefix!r} belongs to the broker; expected plain levels like sensors/v1")
    if len(prefix) > 200:
        raise ValueError("this prefix is too long; expected at most 200 characters")
