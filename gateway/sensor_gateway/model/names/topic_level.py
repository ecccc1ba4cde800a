"""What may stand as a level of a topic: the ids of gateways, sensors and channels. Pure.

Nothing that MQTT or a subscriber's wildcard could misread (``+ # / $``, control characters, an empty level; MQTT 5,
sections 1.5.4 and 4.7), and short enough that no topic comes near the 65,535 bytes that it may have.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 64
"""Longest id: topics stay short enough to be read."""

_LETTERS: Final = re.compile(r"[a-z0-9_-]+")


def is_made_of_letters(name: str) -> bool:
    """Whether ``name`` holds what an id may hold, and something at all."""
    return _LETTERS.fullmatch(name) is not None


def is_level(name: str) -> bool:
    """Whether ``name`` may be an id."""
    return len(name) <= MAX_LENGTH and is_made_of_letters(name)
